"""The connection to a worker's process, and nonsense on it."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from emulator.errors import WorkerLost
from emulator.workers.channel import AppSpec
from emulator.workers.subprocess import SubprocessChannel
from tests.support.patience import PATIENCE
from tests.support.workers import OURS, Worker, decorated, environment, request, serving

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "subprocess"


@pytest.fixture
async def tiny(tmp_path: Path) -> AsyncIterator[Worker]:
    root = decorated(tmp_path, "@app.route()\nasync def f(req):\n    return 'x'\n")
    async with serving(KIND, root) as worker:
        yield worker


async def test_a_worker_that_hears_nonsense_says_so_and_ends(tiny: Worker) -> None:
    channel: Any = tiny.channel
    channel._connection._transport.write(b"GET / HTTP/1.1\r\n\r\n")
    exit_info = await channel.closed
    assert exit_info.reason == ("the worker did not understand: a frame header of 1195725856 bytes")


async def test_an_unknown_kind_names_both_versions(tiny: Worker) -> None:
    channel: Any = tiny.channel
    channel._send({"kind": "dance"})
    exit_info = await channel.closed
    assert exit_info.reason == (
        "the worker did not understand: a message of kind 'dance', which protocol 1 does not know"
        " (the other side speaks protocol 1)"
    )


async def test_unknown_fields_are_ignored(tiny: Worker) -> None:
    channel: Any = tiny.channel
    channel._send({"kind": "cancel", "id": "none", "since": "tomorrow"})
    assert await tiny.text("f") == "x"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({"kind": "dance"}, "the worker sent a message of kind 'dance', which protocol 1"),
        ({"kind": "log"}, "the worker sent a malformed message"),
        (
            {"kind": "result", "id": "x", "value": ["colour", 1]},
            "the worker sent a value of the unknown kind 'colour'",
        ),
        ({"kind": "result", "id": "x", "error": "text"}, "the worker sent a malformed message"),
        ({"kind": "result", "id": "x", "out": [1]}, "the worker sent a malformed message"),
        ({"kind": "result", "id": "x", "value": ["text", 5]}, "the worker sent a malformed value"),
        (
            {"kind": "result", "id": "x", "value": ["http", {"status": "a", "headers": []}]},
            "the worker sent a malformed value",
        ),
        ({"kind": "more", "id": "x", "n": 10**18}, "the worker sent a malformed message"),
        ({"kind": "head", "id": "x", "status": 1, "headers": 5}, "the worker sent a malformed"),
        ({"kind": "loaded", "seq": [], "errors": {}}, "the worker sent a malformed message"),
    ],
)
async def test_a_worker_that_talks_nonsense_is_ended(
    tiny: Worker, header: dict[str, Any], told: str
) -> None:
    from emulator.workers.pyworker.wire import encode

    channel: Any = tiny.channel
    channel._connection.data_received(encode(header))
    exit_info = await channel.closed
    assert exit_info.reason.startswith(told)
    with pytest.raises(WorkerLost, match="the worker was ended: the worker sent"):
        await tiny.call("f")


async def test_over_tcp_it_works_the_same_and_strangers_are_turned_away(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        "@app.route()\ndef f(req):\n    print('said')\n    return req.get_body()[:3].decode()\n",
    )
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()), OURS, (logs := []).append, loopback=True
    )
    port = channel._process._ours.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(b"x" * 32)
        worker = Worker(channel, logs, await channel.start())
        await worker.load_all()
        assert await worker.text("f", id="1", req=request(b"abc" * 1_000_000)) == "abc"
        assert worker.said("1") == ["said"]
        stranger.settimeout(PATIENCE)
        assert stranger.recv(1) == b""
        await channel.aclose()
    assert channel.closed.result().code == 0
