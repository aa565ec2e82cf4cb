"""Hundreds of edits in a row: nothing is left behind by any of them."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.serving import Served, served, write_app

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

EDITS = 200
WARM = 30
"""Edits before the first measurement: caches fill, the allocator takes its share."""

APP = """\
import azure.functions as func
from helper import WORD

app = func.FunctionApp(http_auth_level="ANONYMOUS")


@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return WORD
"""


async def test_two_hundred_edits_leave_no_process_no_descriptor_and_no_memory(
    tmp_path: Path,
) -> None:
    helper = "WORD = 'version 0'\n"
    app = write_app(tmp_path / "app", {"function_app.py": APP, "helper.py": helper})
    state = tmp_path / "state"
    async with served(app, state=state, watch=True) as host:
        pid = host.process.pid
        for version in range(1, WARM):
            await edit(app, host, version)
        before = await settled(pid)
        for version in range(WARM, EDITS):
            await edit(app, host, version)
        after = await settled(pid)
    print(f"\nafter {WARM} edits: {before}\nafter {EDITS} edits: {after}")
    assert after.processes == before.processes == 2
    assert after.descriptors <= before.descriptors
    assert after.threads <= before.threads
    assert after.memory <= before.memory * 1.1
    assert host.printed.count("Reloaded 1 function") == EDITS - 1


async def edit(app: Path, host: Served, version: int) -> None:
    """Save a file, of the two each in its turn, and wait until it is served."""
    word = f"version {version}"
    (app / "helper.py").write_text(f"WORD = {word!r}\n")
    async with asyncio.timeout(PATIENCE):
        while (await host.get("/api/hello")).text != word:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.005)


class Used:
    """What a process and its children take: resident memory of itself in MB."""

    def __init__(self, pid: int) -> None:
        proc = Path(f"/proc/{pid}")
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        self.memory = int(status["VmRSS"].split()[0]) / 1024
        self.threads = int(status["Threads"])
        self.descriptors = len(os.listdir(proc / "fd"))
        self.processes = len((proc / "task" / str(pid) / "children").read_text().split())

    def __repr__(self) -> str:
        return (
            f"{self.memory:.1f} MB, {self.threads} threads, {self.descriptors} descriptors, "
            f"{self.processes} processes"
        )


async def settled(pid: int) -> Used:
    """Measure once replaced workers are gone and the spare is up."""
    await asyncio.sleep(0.05)
    used = Used(pid)
    async with asyncio.timeout(PATIENCE):
        while used.processes != 2:
            await asyncio.sleep(0.05)
            used = Used(pid)
    for _ in range(20):
        await asyncio.sleep(0.05)
    return Used(pid)
