"""Debuggers at Node.js."""

from __future__ import annotations

import asyncio
import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from emulator.workers.channel import AppSpec, WorkerLog
from emulator.workers.subprocess import SubprocessChannel
from tests.support.node import interpreter, javascript
from tests.support.patience import PATIENCE
from tests.support.ports import free_port
from tests.support.processes import until
from tests.support.workers import Worker, environment

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")


def debugged_at(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE) as answer:
        return str(json.load(answer)[0]["id"])


async def test_the_debugger_moves_on_with_the_worker(tmp_path: Path) -> None:
    root = javascript(tmp_path, "http('f', () => ({ body: 'x' }));\n")
    port = free_port()
    found = interpreter(root, f"--inspect={port}", "--stack-size=900")
    logs: list[WorkerLog] = []
    spec = AppSpec(root, environment())
    first = SubprocessChannel.spawn(spec, found, logs.append)
    second: Any = None
    try:
        await first.start()
        await first.index()
        before = await asyncio.to_thread(debugged_at, port)
        second = SubprocessChannel.spawn(spec, found, logs.append)
        worker = Worker(second, logs, await second.start())
        await worker.load_all()
        assert await worker.text("f") == "x"
        await first.aclose()
        await until(lambda: sum("Debugger listening" in each.message for each in logs) == 2)
        assert await asyncio.to_thread(debugged_at, port) != before
        assert not [each for each in logs if "failed" in each.message]
    finally:
        await first.aclose()
        if second is not None:
            await second.aclose()
