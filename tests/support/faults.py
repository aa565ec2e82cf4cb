"""What tests of faults look at from outside: processes, their memory, who serves."""

from __future__ import annotations

import asyncio
import os
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.serving import FUNCEMU, Served, environment


@asynccontextmanager
async def starting(
    app: Path, *arguments: str, settings: dict[str, str] | None = None
) -> AsyncIterator[tuple[Process, Callable[[], str]]]:
    """Run `funcemu start` without waiting for it; give the process and what it has printed."""
    process = await asyncio.create_subprocess_exec(
        FUNCEMU, "start", app, "--port", "0", *(arguments or ("--ephemeral", "--no-watch")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(settings or {}),
    )  # fmt: skip
    pieces: list[bytes] = []

    async def read() -> None:
        assert process.stdout is not None
        while piece := await process.stdout.read(2**16):
            pieces.append(piece)

    reading = asyncio.create_task(read())
    try:
        yield process, lambda: b"".join(pieces).decode("utf-8", "replace")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def stops(process: Process, number: int, *, code: int = 0) -> None:
    """Send a signal and wait for the end."""
    process.send_signal(number)
    assert await asyncio.wait_for(process.wait(), 15) == code


async def until(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    """Wait for something another process does."""
    deadline = time.monotonic() + within
    for _ in iter(condition, True):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


async def worker_of(host: Served) -> int:
    """Return the process that runs the app now."""
    processes = (await host.get("/admin/host/processes")).json["processes"]
    return int(processes[1]["processId"])


def resident(pid: int) -> float:
    """Return the megabytes a process has in memory; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def processes_in(folder: Path) -> list[int]:
    """Return the processes that run in a folder, whoever started them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") == str(folder) and is_alive(int(process.name)):
                found.append(int(process.name))
        except OSError:
            continue
    return found
