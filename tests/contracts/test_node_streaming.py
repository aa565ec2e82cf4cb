"""HTTP bodies as streams, for apps in JavaScript: with the library's own streaming."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.model import Datum
from emulator.workers.pyworker.streaming import CHUNK, WINDOW
from tests.support import node
from tests.support.node import javascript
from tests.support.pieces import Client, node_streaming, parts, streamed
from tests.support.workers import request, serving, text_of

KIND = "node"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return node_streaming(tmp_path)


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
    async with serving(KIND, node_streaming(tmp_path, version)) as worker:
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
