"""The connection to the process of an app in JavaScript."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from emulator.workers.channel import AppSpec, WorkerLog
from emulator.workers.subprocess import SubprocessChannel
from tests.support.node import interpreter, javascript
from tests.support.workers import Worker, environment, request, serving

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "node"


async def test_over_tcp_it_works_the_same(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', async (request) => {
          console.log('said');
          return { body: (await request.text()).slice(0, 3) };
        });
        """,
    )
    logs: list[WorkerLog] = []
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()), interpreter(root), logs.append, loopback=True
    )
    worker = Worker(channel, logs, await channel.start())
    await worker.load_all()
    large = request(b"abc" * 1_000_000, method="POST")
    assert await worker.text("f", id="1", req=large) == "abc"
    assert worker.said("1") == ["said"]
    await channel.aclose()
    assert channel.closed.result().code == 0


async def test_a_place_for_connections_may_be_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = javascript(tmp_path / "app", "http('f', () => ({ body: 'x' }));")
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()), interpreter(root), lambda log: None
    )
    worker = Worker(channel, [], await channel.start())
    await worker.load_all()
    assert await worker.text("f") == "x"
    await channel.aclose()
    assert list(deep.iterdir()) == []


async def test_a_worker_that_hears_nonsense_says_so_and_ends(tmp_path: Path) -> None:
    root = javascript(tmp_path, "http('f', () => ({ body: 'x' }));\n")
    async with serving(KIND, root) as worker:
        channel: Any = worker.channel
        channel._send({"kind": "cancel", "id": "none", "since": "tomorrow"})
        assert await worker.text("f") == "x"
        channel._send({"kind": "dance"})
        exit_info = await channel.closed
        assert exit_info.reason == (
            "the worker did not understand: a message of kind 'dance', which protocol 1 does not"
            " know (the other side speaks protocol 1)"
        )
    async with serving(KIND, root) as worker:
        channel = worker.channel
        channel._connection._transport.write(b"GET / HTTP/1.1\r\n\r\n")
        exit_info = await channel.closed
        assert exit_info.reason == (
            "the worker did not understand: a frame header of 1195725856 bytes"
        )
