"""What tests look at from outside: processes, what they hold, when they are gone."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.patience import PATIENCE


async def until(condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
    """Wait for something another process does."""
    deadline = time.monotonic() + within
    for _ in iter(condition, True):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


async def gone(pid: int, *, within: float = PATIENCE) -> bool:
    """Wait for the end of a process; return whether it came."""
    deadline = time.monotonic() + within
    for _ in iter(lambda: is_alive(pid) and time.monotonic() < deadline, False):
        await asyncio.sleep(0.01)
    return not is_alive(pid)


def children_of(pid: int) -> list[int]:
    """Return the processes it has started; none when it is gone."""
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(each) for each in told.split()]


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


def resident(pid: int) -> float:
    """Return the megabytes a process has in memory; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
