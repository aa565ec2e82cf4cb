"""HTTP bodies as streams, for apps in JavaScript: with the library's own streaming."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from emulator.model import Datum
from emulator.workers.pyworker.streaming import CHUNK, WINDOW
from tests.contracts.test_worker_streaming import Client, parts, streamed
from tests.support import node
from tests.support.node import javascript
from tests.support.patience import PATIENCE
from tests.support.workers import Worker, request, serving, text_of

KIND = "node"

APP = """
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


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return javascript(tmp_path, APP)


async def test_the_index_says_that_the_app_streams(root: Path) -> None:
    async with serving(KIND, root) as worker:
        assert worker.index.streams
        listening = [
            line.split()
            for line in Path(f"/proc/{worker.info.pid}/net/tcp").read_text().splitlines()[1:]
        ]
        inodes = {each[9] for each in listening if each[3] == "0A"}
        folder = Path(f"/proc/{worker.info.pid}/fd")
        held = {str(each.readlink()) for each in folder.iterdir()}
        # The library would listen on every address of this machine.
        assert not {f"socket:[{inode}]" for inode in inodes} & held


@pytest.mark.parametrize("version", node.OTHER_VERSIONS[1:])
async def test_other_versions_stream_too(tmp_path: Path, version: str) -> None:
    client = Client()
    async with serving(KIND, javascript(tmp_path, APP, version=version)) as worker:
        result = await streamed(worker, "counts", client, parts(b"123"), method="POST")
        assert result.error is None
        assert client.body == b"3,"


async def test_a_call_with_whole_bodies_works_all_the_same(root: Path) -> None:
    async with serving(KIND, root) as worker:
        told = request(
            b"x" * 300_000,
            method="POST",
            url="http://h:81/api/items/a%20b?q=1",
            headers={"x-a": "é"},
            params={"id": "a b"},
        )
        assert json.loads(await worker.text("plain", req=told)) == [
            "POST", "http://h:81/api/items/a%20b?q=1", 300_000, {"id": "a b"}, "é", "1",
        ]  # fmt: skip
        counted = await worker.call("counts", req=request(b"y" * 70_000, method="POST"))
        answer = counted.return_value.value
        assert (answer.status, answer.body) == (201, b"70000,")
        assert ("Set-Cookie", "a=b") in answer.headers
        assert await worker.text("text") == "z" * 3_000_000
        assert (await worker.call("nothing")).return_value.is_none
        assert (await worker.call("fails")).error.title == "TypeError: k"
        odd = (await worker.call("plain", req=Datum("text", "no request"))).error
        assert odd.message == (
            "a function of an app that streams HTTP bodies can only be called over HTTP"
        )
        assert text_of(await worker.call("tick", x=Datum("text", "t"))) == "t!"


async def test_chunks_go_through_one_by_one(root: Path) -> None:
    gates = [asyncio.Event() for _ in range(3)]

    async def body() -> AsyncIterator[bytes]:
        for size, gate in zip((10, 20, 30), gates, strict=True):
            await gate.wait()
            yield b"z" * size

    client = Client()
    async with serving(KIND, root) as worker:
        call = asyncio.create_task(streamed(worker, "counts", client, body(), method="POST"))
        for gate, told in zip(gates, (b"10,", b"20,", b"30,"), strict=True):
            gate.set()
            assert await client.next() == told
        result = await asyncio.wait_for(call, PATIENCE)
    assert client.head is not None
    assert client.head[0] == 201
    assert {("x-tiny", "1"), ("Set-Cookie", "a=b")} <= set(client.head[1])
    assert client.body == b"10,20,30,"
    assert result.error is None
    assert result.outputs["o"].value == "told"
    assert result.return_value.is_none
    assert worker.said("id-counts") == ["got 10", "got 20", "got 30"]


async def test_a_large_body_is_cut_and_arrives_whole(root: Path) -> None:
    client = Client()
    body = parts(b"a" * (CHUNK * WINDOW * 2), b"", b"b" * 7)
    async with serving(KIND, root) as worker:
        result = await streamed(worker, "plain", client, body, method="POST")
        assert result.error is None
        assert json.loads(client.body)[2] == CHUNK * WINDOW * 2 + 7
        for function, status, told in (
            ("text", 200, b"z" * 3_000_000),
            ("response", 203, b"ab"),
            ("nothing", 204, b""),
        ):
            client = Client()
            result = await streamed(worker, function, client, parts())
            assert result.error is None
            assert client.head is not None
            assert (client.head[0], client.body) == (status, told)


async def stands_still(worker: Worker) -> None:
    sent = worker.said("id-endless")
    await asyncio.sleep(0.02)
    assert worker.said("id-endless") == sent
    assert sent[-1] == "cleaned up"


async def test_a_slow_client_slows_the_function_down(root: Path) -> None:
    client = Client()
    client.free.clear()
    async with serving(KIND, root) as worker:
        call = asyncio.create_task(streamed(worker, "endless", client, parts()))
        await client.next()
        await asyncio.sleep(0.05)
        assert len(worker.said("id-endless")) <= WINDOW + 2
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


async def test_a_caller_that_goes_away_ends_the_stream(root: Path) -> None:
    client = Client()
    async with serving(KIND, root) as worker:
        call = asyncio.create_task(streamed(worker, "endless", client, parts()))
        await client.next()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await worker.channel.abandon("id-endless", grace=PATIENCE)
        await stands_still(worker)
        assert worker.channel.running == 0


async def test_a_body_that_breaks_off_ends_the_call(root: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise ValueError("no more of it")

    async with serving(KIND, root) as worker:
        with pytest.raises(ValueError, match="no more of it"):
            async with asyncio.timeout(PATIENCE):
                await streamed(worker, "plain", Client(), broken(), method="POST")
        await worker.channel.abandon("id-plain", grace=PATIENCE)
        assert worker.channel.running == 0
        assert not worker.channel.closed.done()


async def test_failures_are_told(root: Path) -> None:
    async with serving(KIND, root) as worker:
        client = Client()
        result = await streamed(worker, "fails", client, parts())
        assert result.error is not None
        assert (result.error.title, client.head) == ("TypeError: k", None)
        client = Client()
        result = await streamed(worker, "fails_late", client, parts())
        assert result.error is not None
        assert result.error.title == "TypeError: late"
        assert client.head is not None
        assert (client.head[0], client.body) == (200, b"begun")


async def test_setup_is_locked_once_the_app_is_loaded(tmp_path: Path) -> None:
    root = javascript(tmp_path, "http('f', () => { app.setup({ enableHttpStream: true }); });")
    async with serving(KIND, root) as worker:
        assert not worker.index.streams
        error = (await worker.call("f")).error
        assert error.message == "Setup options can't be changed after app startup has finished."
