"""A file that is saved again and again, and what a request every 5 ms is answered meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

WITHIN = 10.0
"""Seconds in which a save has to be served."""


@dataclass
class Run:
    times: list[float] = field(default_factory=list)
    mended: list[float] = field(default_factory=list)
    """The same after a version that could not be loaded."""
    failed: int = 0
    requests: int = 0
    broken_served: int = 0
    """Answers of the last good version while a broken one was saved."""
    broken_failed: int = 0


async def edit(
    port: int, path: str, file: Path, source: str, edits: int, *, pause: float, broken: str
) -> Run:
    """Save `edits` versions of the source, then some between broken ones."""
    run = Run()
    waiting: dict[str, float] = {}
    stop = asyncio.Event()
    breaking = mending = False
    asked: set[asyncio.Task[None]] = set()

    async def ask() -> None:
        run.requests += 1
        try:
            body = await _get(port, path)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            run.failed += 1
            run.broken_failed += breaking
            return
        run.broken_served += breaking
        if body in waiting:
            times = run.mended if mending else run.times
            times.append(time.perf_counter() - waiting.pop(body))

    async def press() -> None:
        while not stop.is_set():
            task = asyncio.create_task(ask())
            asked.add(task)
            task.add_done_callback(asked.discard)
            await asyncio.sleep(0.005)

    async def save(text: str) -> None:
        """Save a version and wait until it was served."""
        waiting[text] = time.perf_counter()
        file.write_text(source.replace("version 0", text), "utf-8")
        while text in waiting:
            if time.perf_counter() > waiting[text] + WITHIN:
                raise RuntimeError(f"a save was not served within {WITHIN:.0f} s")
            await asyncio.sleep(0.002)

    pressing = asyncio.create_task(press())
    for number in range(1, edits + 1):
        await save(f"version {number}")
        await asyncio.sleep(pause)
    mending = True
    for number in range(edits // 2 if broken else 0):
        breaking = True
        file.write_text(source + broken, "utf-8")
        await asyncio.sleep(0.25)
        breaking = False
        await save(f"version {edits + 1 + number}")
    stop.set()
    await pressing
    await asyncio.gather(*asked)
    return run


async def _get(port: int, path: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        data = await reader.read()
    finally:
        writer.close()
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise ValueError(head[:40])
    if b"chunked" in head.lower():
        body = b"".join(body.split(b"\r\n")[1::2])
    return body.decode()
