"""HTTP bodies as streams: over every channel, with a tiny web extension; with Node.js, its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from emulator.workers.channel import AppSpec, WorkerLog
from emulator.workers.pyworker.streaming import CHUNK, WINDOW
from emulator.workers.supervisor import Supervisor
from tests.support.patience import PATIENCE
from tests.support.pieces import Client, node_streaming, parts, python_streaming, streamed
from tests.support.workers import (
    CHANNELS,
    OURS,
    Worker,
    decorated,
    environment,
    request,
    serving,
    text_of,
)

channels = pytest.mark.parametrize("kind", CHANNELS)
everywhere = pytest.mark.parametrize("kind", [*CHANNELS, "node"])

AHEAD = {"node": 2}
"""Pieces that streams of Node.js take before anybody wants them."""


def written(kind: str, root: Path) -> Path:
    return node_streaming(root) if kind == "node" else python_streaming(root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return python_streaming(tmp_path)


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


@everywhere
async def test_chunks_go_through_one_by_one(kind: str, tmp_path: Path) -> None:
    gates = [asyncio.Event() for _ in range(3)]

    async def body() -> AsyncIterator[bytes]:
        for size, gate in zip((10, 20, 30), gates, strict=True):
            await gate.wait()
            yield b"z" * size

    client = Client()
    async with serving(kind, written(kind, tmp_path)) as worker:
        call = asyncio.create_task(streamed(worker, "counts", client, body(), method="POST"))
        for gate, told in zip(gates, (b"10,", b"20,", b"30,"), strict=True):
            gate.set()
            assert await client.next() == told
        result = await asyncio.wait_for(call, PATIENCE)
    assert client.head is not None
    assert client.head[0] == 201
    if kind == "node":
        assert {("x-tiny", "1"), ("Set-Cookie", "a=b")} <= set(client.head[1])
    else:
        assert client.head[1] == (("x-tiny", "1"), ("x-tiny", "2"))
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
    if worker.info.language == "node":
        assert sent[-1] == "cleaned up"


@everywhere
async def test_a_slow_client_slows_the_function_down(kind: str, tmp_path: Path) -> None:
    client = Client()
    client.free.clear()
    async with serving(kind, written(kind, tmp_path)) as worker:
        call = asyncio.create_task(streamed(worker, "endless", client, parts()))
        await client.next()
        await asyncio.sleep(0.05)
        sent = len(worker.said("id-endless"))
        assert sent <= WINDOW + AHEAD.get(kind, 0)
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


@everywhere
async def test_a_caller_that_goes_away_ends_the_stream(kind: str, tmp_path: Path) -> None:
    client = Client()
    async with serving(kind, written(kind, tmp_path)) as worker:
        call = asyncio.create_task(streamed(worker, "endless", client, parts()))
        await client.next()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await worker.channel.abandon("id-endless", grace=PATIENCE)
        await stands_still(worker)
        assert worker.channel.running == 0


@everywhere
async def test_a_body_that_breaks_off_ends_the_call(kind: str, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise ValueError("no more of it")

    async with serving(kind, written(kind, tmp_path)) as worker:
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
