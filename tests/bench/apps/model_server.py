"""A model service that answers at once, in a process of its own: what is measured is the caller."""

from __future__ import annotations

import json
import socket

from aiohttp import web

_BODY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Well said."},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 42},
    }
).encode()


async def answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=_BODY, content_type="application/json")


def main() -> None:
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{path:.*}", answer)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(f"bare http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    web.run_app(app, sock=listening, print=None)


if __name__ == "__main__":
    main()
