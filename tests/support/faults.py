"""Hosts that tests of faults start, stop and look at from outside."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.patience import PATIENCE
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
    assert await asyncio.wait_for(process.wait(), PATIENCE) == code


async def worker_of(host: Served) -> int:
    """Return the process that runs the app now."""
    processes = (await host.get("/admin/host/processes")).json["processes"]
    return int(processes[1]["processId"])
