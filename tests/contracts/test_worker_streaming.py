"""HTTP bodies as streams, over every channel; with a tiny web extension, and with the real one."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulator.model import Invocation, InvocationResult
from emulator.workers.channel import AppSpec, Interpreter, WorkerLog
from emulator.workers.pyworker.streaming import CHUNK, WINDOW
from emulator.workers.subprocess import SubprocessChannel
from emulator.workers.supervisor import Supervisor
from tests.support.patience import PATIENCE
from tests.support.workers import (
    CHANNELS,
    OURS,
    Worker,
    decorated,
    environment,
    request,
    serving,
    text_of,
    write,
)

channels = pytest.mark.parametrize("kind", CHANNELS)

EXTENSION = {
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
APP = """
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


@dataclass
class Client:
    """Takes a response as it comes; `pause` makes it slow, `leaves` makes it go away."""

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


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return decorated(write(tmp_path, EXTENSION), APP)


@channels
async def test_the_index_says_that_the_app_streams(kind: str, root: Path, tmp_path: Path) -> None:
    async with serving(kind, root) as worker:
        assert worker.index.streams
        assert {name: error.message.split(": ", 1)[1] for name, error in worker.errors.items()} == {
            "classic": '\'req\' binding type "httpTrigger" and dataType "None" in function.json'
            " do not match the corresponding function parameter's Python type annotation"
            ' "HttpRequest"',
            "classic_answer": 'Python return annotation "HttpResponse" does not match binding type'
            ' "http"',
        }
    async with serving(kind, root, {"PYTHON_ENABLE_INIT_INDEXING": "0"}) as worker:
        assert not worker.index.streams
        assert "classic" not in worker.errors
    other = decorated(tmp_path / "other", "@app.route()\ndef f(req): ...\n")
    async with serving(kind, other) as worker:
        assert not worker.index.streams


@channels
async def test_a_call_with_whole_bodies_works_all_the_same(kind: str, root: Path) -> None:
    async with serving(kind, root) as worker:
        result = await worker.call(
            "plain",
            id="1",
            req=request(
                b"x" * 300_000,
                method="POST",
                url="http://h:81/api/items/a%20b?q=1",
                headers={"x-a": "é"},
                params={"id": "a b"},
            ),
        )
        told = ["POST", "/api/items/a b", "q=1", 300_000, {"id": "a b"}, "é", "1"]
        assert json.loads(json.loads(text_of(result))) == told
        response = result.return_value.value
        assert (response.status, response.headers) == (200, (("x-tiny", "1"), ("x-tiny", "2")))
        assert await worker.text("sync", id="2", req=request(url="http://h/p")) == '"/p"'
        assert worker.said("2") == ["in a thread"]
        large = await worker.call("counts", req=request(b"y" * 3_000_000))
        assert text_of(large) == "3000000,"


@channels
async def test_chunks_go_through_one_by_one(kind: str, root: Path) -> None:
    gates = [asyncio.Event() for _ in range(3)]

    async def body() -> AsyncIterator[bytes]:
        for size, gate in zip((10, 20, 30), gates, strict=True):
            await gate.wait()
            yield b"z" * size

    client = Client()
    async with serving(kind, root) as worker:
        call = asyncio.create_task(streamed(worker, "counts", client, body(), method="POST"))
        for gate, told in zip(gates, (b"10,", b"20,", b"30,"), strict=True):
            gate.set()
            assert await client.next() == told
        result = await asyncio.wait_for(call, PATIENCE)
    assert client.head == (201, (("x-tiny", "1"), ("x-tiny", "2")))
    assert client.body == b"10,20,30,"
    assert result.error is None
    assert result.outputs["o"].value == "told"
    assert result.return_value.is_none
    assert worker.said("id-counts") == ["got 10", "got 20", "got 30"]


@channels
async def test_a_large_body_is_cut_and_arrives_whole(kind: str, root: Path) -> None:
    client = Client()
    async with serving(kind, root) as worker:
        result = await streamed(
            worker,
            "plain",
            client,
            parts(b"a" * (CHUNK * WINDOW * 2), b"", b"b" * 7),
            headers={"x-a": ""},
        )
    assert result.error is None
    assert json.loads(json.loads(client.body))[3] == CHUNK * WINDOW * 2 + 7


async def stands_still(worker: Worker) -> None:
    sent = worker.said("id-endless")
    await asyncio.sleep(0.02)
    assert worker.said("id-endless") == sent


@channels
async def test_a_slow_client_slows_the_function_down(kind: str, root: Path) -> None:
    client = Client()
    client.free.clear()
    async with serving(kind, root) as worker:
        call = asyncio.create_task(streamed(worker, "endless", client, parts()))
        await client.next()
        await asyncio.sleep(0.05)
        sent = len(worker.said("id-endless"))
        assert sent <= WINDOW
        assert len(client.chunks) == 1
        client.free.set()
        while len(client.chunks) < WINDOW * 3:
            await client.next()
        client.leaves = True
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(call, PATIENCE)
        await worker.channel.abandon("id-endless", grace=PATIENCE)
        await stands_still(worker)
        assert not worker.channel.closed.done()


@channels
async def test_a_caller_that_goes_away_ends_the_stream(kind: str, root: Path) -> None:
    client = Client()
    async with serving(kind, root) as worker:
        call = asyncio.create_task(streamed(worker, "endless", client, parts()))
        await client.next()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await worker.channel.abandon("id-endless", grace=PATIENCE)
        await stands_still(worker)
        assert worker.channel.running == 0


@channels
async def test_a_body_that_breaks_off_ends_the_call(kind: str, root: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise ValueError("no more of it")

    async with serving(kind, root) as worker:
        with pytest.raises(ValueError, match="no more of it"):
            async with asyncio.timeout(PATIENCE):
                await streamed(worker, "plain", Client(), broken(), method="POST")
        await worker.channel.abandon("id-plain", grace=PATIENCE)
        assert worker.channel.running == 0
        assert not worker.channel.closed.done()


@channels
async def test_failures_are_answered_by_the_framework_and_told(kind: str, root: Path) -> None:
    async with serving(kind, root) as worker:
        for function, title, status, body in (
            ("fails", "KeyError: 'k'", 500, b"framework: failed"),
            (
                "nothing",
                "ValueError: No http response found for invocation id-nothing",
                500,
                b"framework: failed",
            ),
            ("fails_late", "KeyError: 'late'", 200, b"begun"),
        ):
            client = Client()
            result = await streamed(worker, function, client, parts())
            assert result.error is not None
            assert result.error.title == title
            assert client.head is not None
            assert (client.head[0], client.body) == (status, body)
            assert client.completed is (function != "fails_late")
        error = (await worker.call("fails")).error
        assert (error.title, error.file) == ("KeyError: 'k'", str(root / "function_app.py"))


@channels
async def test_what_the_framework_answers_alone_is_no_failure(kind: str, root: Path) -> None:
    async with serving(kind, root) as worker:
        client = Client()
        result = await streamed(worker, "plain", client, parts(), method="TRACE")
    assert result.error is None
    assert client.head is not None
    assert client.head[0] == 405


async def test_a_supervised_worker_streams_too(root: Path) -> None:
    logs: list[WorkerLog] = []
    supervisor = Supervisor.spawn(AppSpec(root, environment()), OURS, logs.append)
    worker = Worker(supervisor, logs, await supervisor.start())
    try:
        await worker.load_all()
        client = Client()
        result = await streamed(worker, "counts", client, parts(b"123"))
        assert result.error is None
        assert client.body == b"3,"
        assert supervisor.running == 0
    finally:
        await supervisor.aclose()


# The real extension


def pythons() -> list[Path]:
    """Interpreters named in FUNCEMU_TEST_PYTHONS that have Azure's extension for FastAPI."""
    named = os.environ.get("FUNCEMU_TEST_PYTHONS", "").split(os.pathsep)
    return [
        Path(each)
        for each in named
        if any(
            Path(each).parent.parent.glob(
                "lib/python3.*/site-packages/azurefunctions/extensions/http/fastapi/__init__.py"
            )
        )
    ]


@pytest.mark.skipif(not pythons(), reason="no Python with azurefunctions-extensions-http-fastapi")
@pytest.mark.parametrize("python", pythons(), ids=str)
async def test_with_azures_extension_for_fastapi(tmp_path: Path, python: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import asyncio
        from azurefunctions.extensions.http.fastapi import (
            JSONResponse, Request, Response, StreamingResponse)
        from pydantic import BaseModel

        class Item(BaseModel):
            name: str

        @app.route(route="items/{id}")
        async def text(req: Request) -> str:
            return f"{req.path_params['id']} {req.query_params['q']} {await req.json()}"

        @app.route()
        async def number(req: Request) -> int:
            return 1000

        @app.route()
        def model(req: Request) -> Item:
            return Item(name="n")

        @app.route()
        async def stream(req: Request) -> StreamingResponse:
            async def chunks():
                async for chunk in req.stream():
                    yield b"%d," % len(chunk)
            return StreamingResponse(chunks(), media_type="text/event-stream", status_code=202)

        @app.route()
        async def fails(req: Request) -> Response:
            raise KeyError("k")
        """,
    )
    logs: list[WorkerLog] = []
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()), Interpreter(python, "the test's"), logs.append
    )
    worker = Worker(channel, logs, await channel.start())
    try:
        await worker.load_all()
        assert worker.index.streams
        assert worker.errors == {}
        told = request(b'{"a":1}', method="POST", url="http://h/x?q=1", params={"id": "7"})
        assert await worker.text("text", req=told) == "\"7 1 {'a': 1}\""
        assert await worker.text("number") == "1000"
        assert await worker.text("model") == '{"name":"n"}'
        client = Client()
        result = await streamed(worker, "stream", client, parts(b"1", b"22"), method="POST")
        assert result.error is None
        assert client.head is not None
        assert client.head[0] == 202
        assert ("content-type", "text/event-stream; charset=utf-8") in client.head[1]
        assert client.body.startswith(b"1,2,")
        failed = await worker.call("fails")
        assert failed.error.title == "KeyError: 'k'"
    finally:
        await channel.aclose()
