"""Apps whose functions take and give HTTP bodies in pieces, and who talks to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.model import Invocation, InvocationResult
from tests.support.node import VERSION, javascript
from tests.support.patience import PATIENCE
from tests.support.workers import Worker, decorated, request, write

_EXTENSION = {
    "azurefunctions/extensions/base/__init__.py": """
        class ModuleTrackerMeta:
            @classmethod
            def get_module(cls):
                return "azurefunctions.extensions.tiny"

        class HttpV2FeatureChecker:
            @staticmethod
            def http_v2_enabled():
                return True

        class Synchronizer:
            def sync_route_params(self, request, path_params):
                request.path_params = dict(path_params)

        class RequestTrackerMeta:
            @classmethod
            def get_request_type(cls):
                from azurefunctions.extensions.tiny import Request
                return Request

            @classmethod
            def get_synchronizer(cls):
                return Synchronizer()

            @classmethod
            def check_type(cls, pytype):
                return issubclass(pytype, cls.get_request_type())

        class ResponseTrackerMeta:
            @classmethod
            def check_type(cls, pytype):
                from azurefunctions.extensions.tiny import StreamingResponse
                return issubclass(pytype, (StreamingResponse, str))
    """,
    "azurefunctions/extensions/tiny.py": """
        import json
        import azurefunctions.extensions.base

        class Request:
            def __init__(self, scope, receive):
                self.scope, self._receive = scope, receive
                self.headers = {k.decode(): v.decode() for k, v in scope["headers"]}

            async def stream(self):
                while True:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise ConnectionError("client gone")
                    yield message["body"]
                    if not message["more_body"]:
                        return

        class StreamingResponse:
            def __init__(self, chunks, status_code=200):
                self.chunks, self.status_code = chunks, status_code

        class WebApp:
            def route(self, function):
                assert function.__annotations__ == {"request": Request}
                self.function = function

            def get_app(self):
                async def app(scope, receive, send):
                    async def start(status):
                        await send({"type": "http.response.start", "status": status,
                                    "headers": [(b"x-tiny", b"1"), (b"x-tiny", b"2")]})
                    if scope["method"] == "TRACE":
                        await start(405)
                        await send({"type": "http.response.body"})
                        return
                    try:
                        value = await self.function(Request(scope, receive))
                    except Exception:
                        await start(500)
                        await send({"type": "http.response.body", "body": b"framework: failed"})
                        raise
                    if not isinstance(value, StreamingResponse):
                        await start(200)
                        await send({"type": "http.response.body",
                                    "body": json.dumps(value).encode()})
                        return
                    await start(value.status_code)
                    async for chunk in value.chunks:
                        await send({"type": "http.response.body", "body": chunk,
                                    "more_body": True})
                    await send({"type": "http.response.body", "body": b""})
                return app
    """,
}
"""A tiny web extension, in the place of Azure's."""

_PYTHON = """
import asyncio, json, logging
from azurefunctions.extensions.tiny import Request, StreamingResponse

@app.route(route="items/{id}")
async def plain(req: Request) -> str:
    size = 0
    async for chunk in req.stream():
        size += len(chunk)
    scope = req.scope
    return json.dumps([scope["method"], scope["path"], scope["query_string"].decode(), size,
                       req.path_params, req.headers["x-a"], req.headers["x-ms-invocation-id"]])

@app.route()
def sync(req) -> str:
    logging.info("in a thread")
    return req.scope["path"]

@app.route()
@app.queue_output(arg_name="o", queue_name="q", connection="C")
async def counts(req: Request, o: func.Out[str]) -> StreamingResponse:
    async def chunks():
        async for chunk in req.stream():
            if chunk:
                logging.info("got %d", len(chunk))
                yield b"%d," % len(chunk)
    o.set("told")
    return StreamingResponse(chunks(), 201)

@app.route()
async def endless(req) -> StreamingResponse:
    async def chunks():
        sent = 0
        while True:
            yield b"x" * 65536
            sent += 1
            logging.info("sent %d", sent)
    return StreamingResponse(chunks())

@app.route()
async def nothing(req): pass

@app.route()
async def fails(req):
    raise KeyError("k")

@app.route()
async def fails_late(req):
    async def chunks():
        yield b"begun"
        raise KeyError("late")
    return StreamingResponse(chunks())

@app.route()
def classic(req: func.HttpRequest): ...

@app.route()
def classic_answer(req) -> func.HttpResponse: ...

@app.timer_trigger(arg_name="t", schedule="* * * * * *")
def tick(t: func.TimerRequest) -> None: ...
"""

_NODE = """
    const { Readable } = require('stream');
    app.setup({ enableHttpStream: true });
    const told = output.storageQueue({ queueName: 'q', connection: 'C', name: 'o' });

    http('plain', async (request) => {
      let size = 0;
      for await (const chunk of request.body ?? []) size += chunk.length;
      return { jsonBody: [request.method, request.url, size, request.params,
        request.headers.get('x-a'), request.query.get('q')] };
    });

    http('counts', async (request, context) => {
      context.extraOutputs.set(told, 'told');
      async function* chunks() {
        for await (const chunk of request.body) {
          console.log(`got ${chunk.length}`);
          yield `${chunk.length},`;
        }
      }
      return { status: 201, headers: { 'x-tiny': '1' }, cookies: [{ name: 'a', value: 'b' }],
        body: Readable.from(chunks()) };
    }, { extraOutputs: [told] });

    http('endless', () => {
      async function* chunks() {
        try {
          for (let sent = 1; ; sent++) {
            yield Buffer.alloc(65536, 'x');
            console.log(`sent ${sent}`);
          }
        } finally {
          console.log('cleaned up');
        }
      }
      return { body: chunks() };
    });

    http('response', () => {
      const { HttpResponse } = require('@azure/functions');
      return new HttpResponse({ status: 203, body: Readable.from(['a', 'b']) });
    });
    http('text', () => ({ body: 'z'.repeat(3_000_000) }));
    http('nothing', () => {});
    http('fails', () => { throw new TypeError('k'); });
    http('fails_late', () => {
      async function* chunks() {
        yield 'begun';
        throw new TypeError('late');
      }
      return { body: chunks() };
    });
    http('never', () => new Promise(() => {}));
    app.generic('tick', {
      trigger: trigger.generic({ type: 'someTrigger', name: 'x' }),
      handler: (x) => `${x}!`,
    });
"""


def python_streaming(root: Path) -> Path:
    """Write the app, and the extension it needs."""
    return decorated(write(root, _EXTENSION), _PYTHON)


def node_streaming(root: Path, version: str = VERSION) -> Path:
    """Write the app with a version of the library, which streams by itself."""
    return javascript(root, _NODE, version=version)


@dataclass
class Client:
    """Takes a response as it comes; slow while `free` is not set, gone when it `leaves`."""

    head: tuple[int, tuple[tuple[str, str], ...]] | None = None
    chunks: list[bytes] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    leaves: bool = False
    completed: bool = False

    def __post_init__(self) -> None:
        self.free.set()

    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        self.head = (status, headers)

    async def write(self, chunk: bytes) -> None:
        if self.leaves:
            raise ConnectionResetError("the client went away")
        self.chunks.append(chunk)
        self.arrived.set()
        await self.free.wait()

    def complete(self) -> None:
        self.completed = True

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    async def next(self) -> bytes:
        await asyncio.wait_for(self.arrived.wait(), PATIENCE)
        self.arrived.clear()
        return self.chunks[-1]


async def parts(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def streamed(
    worker: Worker, function: str, client: Client, body: AsyncIterator[bytes], **options: Any
) -> InvocationResult:
    channel: Any = worker.channel
    result: InvocationResult = await channel.stream(
        Invocation(f"id-{function}", function, {"req": request(**options)}), body, client
    )
    return result
