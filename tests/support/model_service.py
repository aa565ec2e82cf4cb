"""A local HTTP server that plays OpenAI and Azure OpenAI, for tests with the real SDK."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

EMBEDDING = (0.25, -0.5, 1.0)


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire; header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def messages(self) -> list[Any]:
        return list(self.body["messages"])


@dataclass(frozen=True)
class Reply:
    """What the server answers. `body` is sent as JSON unless it is text or bytes; `breaks` closes
    the connection instead of answering. It is sent after `delay` seconds and once `then` is set."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    breaks: bool = False
    then: asyncio.Event | None = None


Script = Callable[[Received], Reply]


class ModelService:
    """Answers from `replies`, first in first out, and from `fallback` when they are used up."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.replies: list[Reply] = []
        self.fallback: Script = lambda request: chat("Hi")
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reply(self, *replies: Reply) -> None:
        self.replies.extend(replies)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ModelService]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        # Answers that are still delayed when it ends reach nobody.
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            yield self
        finally:
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        received = Received(
            request.method,
            request.path,
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
            json.loads(text) if text else None,
        )
        self.requests.append(received)
        if request.path.endswith("/embeddings") and not self.replies:
            reply = embeddings(received)
        else:
            reply = self.replies.pop(0) if self.replies else self.fallback(received)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.then is not None:
            await reply.then.wait()
        if reply.breaks:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if isinstance(reply.body, str):
            return web.Response(
                body=reply.body.encode(), status=reply.status, headers=reply.headers
            )
        if isinstance(reply.body, bytes):
            return web.Response(body=reply.body, status=reply.status, headers=reply.headers)
        return web.json_response(reply.body, status=reply.status, headers=reply.headers)


def chat(
    content: Any = None,
    *,
    calls: Sequence[tuple[str, str, Any]] = (),
    total: int = 42,
    finish_reason: str | None = None,
) -> Reply:
    """A chat completion; `calls` are `(id, name, arguments)`, arguments a text or an object."""
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = [
            {
                "id": identity,
                "type": "function",
                "function": {
                    "name": name,
                    "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
                },
            }
            for identity, name, arguments in calls
        ]
    reason = finish_reason or ("tool_calls" if calls else "stop")
    return Reply(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "gpt-test",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {
                "prompt_tokens": total - 2,
                "completion_tokens": 2,
                "total_tokens": total,
            },
        }
    )


def failure(
    status: int,
    message: str = "no",
    *,
    code: str | None = None,
    param: str | None = None,
    **headers: str,
) -> Reply:
    """An error as both services word it; header names are given with `_` for `-`."""
    return Reply(
        {"error": {"message": message, "type": "error", "param": param, "code": code}},
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


def embeddings(request: Received) -> Reply:
    """One vector per text, in the encoding that was asked for."""
    texts = request.body["input"]
    count = 1 if isinstance(texts, str) else len(texts)
    vector: Any = list(EMBEDDING)
    if request.body.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack(f"<{len(EMBEDDING)}f", *EMBEDDING)).decode()
    return Reply(
        {
            "object": "list",
            "model": "text-embedding-ada-002",
            "data": [
                {"object": "embedding", "index": index, "embedding": vector}
                for index in range(count)
            ],
            "usage": {"prompt_tokens": 8 * count, "total_tokens": 8 * count},
        }
    )
