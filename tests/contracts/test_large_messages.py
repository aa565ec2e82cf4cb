"""Large bodies let small calls of the same worker pass, on their way to it and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from emulator.model import Datum, HttpResponseData, Invocation
from emulator.workers.calls import Calls
from emulator.workers.connection import Connection
from emulator.workers.messages import invoke_message
from emulator.workers.pyworker import wire
from emulator.workers.subprocess import SubprocessChannel
from tests.support.processes import until
from tests.support.workers import Worker, request, serving, text_of, written

pytestmark = pytest.mark.parametrize("kind", ["subprocess", "node"])

LARGE = bytes(range(256)) * 80_000
"""Much more than all buffers on the way hold."""

SOURCES = {
    "python": """
        import pathlib

        @app.route("echo", methods=["POST"])
        async def echo(req: func.HttpRequest) -> func.HttpResponse:
            pathlib.Path("echoes").touch()
            return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")

        @app.route("small")
        async def small(req: func.HttpRequest) -> str:
            pathlib.Path("answers").touch()
            return "small"
        """,
    "node": """
        const fs = require('fs');
        http('echo', async (request) => {
          const body = await request.arrayBuffer();
          fs.writeFileSync('echoes', '');
          return { body };
        }, { methods: ['POST'] });
        http('small', async () => {
          fs.writeFileSync('answers', '');
          return { body: 'small' };
        });
        """,
}


@asynccontextmanager
async def echoing(kind: str, root: Path) -> AsyncIterator[Worker]:
    language = "node" if kind == "node" else "python"
    async with serving(kind, written(language, root, SOURCES)) as worker:
        yield worker


def connection_of(worker: Worker) -> Connection:
    channel = worker.channel
    assert isinstance(channel, SubprocessChannel)
    assert channel._connection is not None
    return channel._connection


def body_of(value: Datum) -> bytes:
    assert isinstance(value.value, HttpResponseData)
    return value.value.body


async def test_a_large_body_goes_there_and_back(kind: str, tmp_path: Path) -> None:
    async with echoing(kind, tmp_path) as worker:
        bodies = [LARGE, LARGE[1:], b"small", LARGE[2:]]
        calls = [worker.call("echo", req=request(body, method="POST")) for body in bodies]
        answers = await asyncio.gather(*calls)
        for body, answer in zip(bodies, answers, strict=True):
            assert body_of(answer.return_value) == body


async def test_a_worker_that_waits_for_the_rest_of_a_body_answers_other_calls(
    kind: str, tmp_path: Path
) -> None:
    async with echoing(kind, tmp_path) as worker:
        connection = connection_of(worker)
        call = Invocation("large", "echo", {"req": request(LARGE, method="POST")})
        frames = list(wire.in_pieces(1_000, *invoke_message(call)))
        answer = worker.channel._calls.begin("large", connection.loop)  # type: ignore[attr-defined]
        for frame in frames[: len(frames) // 2]:
            connection._transport.write(frame)
        assert await worker.text("small") == "small"
        assert not (tmp_path / "echoes").exists()
        for frame in frames[len(frames) // 2 :]:
            connection._transport.write(frame)
        assert body_of((await answer).return_value) == LARGE


async def test_small_answers_pass_a_large_one(kind: str, tmp_path: Path) -> None:
    async with echoing(kind, tmp_path) as worker:
        connection = connection_of(worker)
        order: list[str] = []

        async def call(name: str, body: bytes = b"") -> None:
            result = await worker.call(name, req=request(body, method="POST"))
            assert result.error is None
            order.append(name)

        async with asyncio.TaskGroup() as calls:
            connection._transport.pause_reading()
            calls.create_task(call("echo", LARGE))
            await until((tmp_path / "echoes").exists)
            calls.create_task(call("small"))
            await until((tmp_path / "answers").exists)
            connection._transport.resume_reading()
        assert order == ["small", "echo"]


async def test_small_calls_pass_a_large_one(kind: str, tmp_path: Path) -> None:
    async with echoing(kind, tmp_path) as worker:
        large = asyncio.create_task(worker.call("echo", req=request(LARGE, method="POST")))
        await until(lambda: connection_of(worker).full is not None)
        assert await worker.text("small") == "small"
        assert not large.done()
        assert body_of((await large).return_value) == LARGE


async def test_a_call_that_is_given_up_while_it_is_sent_is_cancelled(
    kind: str, tmp_path: Path
) -> None:
    async with echoing(kind, tmp_path) as worker:
        call = worker.call("echo", id="large", req=request(LARGE, method="POST"))
        large = asyncio.create_task(call)
        await until(lambda: connection_of(worker).full is not None)
        large.cancel()
        await asyncio.wait([large])
        calls: Calls = worker.channel._calls  # type: ignore[attr-defined]
        await until(lambda: calls.lingering("large") is None)
        assert await worker.text("small") == "small"
        assert text_of(await worker.call("echo", req=request(b"again", method="POST"))) == "again"


async def test_text_that_no_message_holds_fails_that_call_alone(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with echoing(kind, tmp_path) as worker:
        monkeypatch.setattr(wire, "_MAX_HEADER", 100_000)
        text = request(url=f"http://localhost/api/echo?q={'x' * 200_000}")
        error = (await worker.call("echo", req=text)).error
        assert error is not None
        assert error.title.startswith("ValueError: what the function is given is too large: a")
        assert error.title.endswith("more than the 100000 it holds; data in bytes may be larger")
        assert worker.channel.running == 0
        assert await worker.text("small") == "small"
