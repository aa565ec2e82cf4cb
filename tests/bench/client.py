"""A client in a process of its own: `python -m tests.bench.client`, a plan on stdin, JSON out.

Each lane has one connection and works through sessions: requests that follow one another. With a
rate, requests have times at which they are due, and are measured from then on, so that a server
that stalls is not spared the requests it kept from being sent.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.bench.figures import percentile

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")
_CLOSE = re.compile(rb"(?i)\r\nconnection: *close")
WITHIN = 30.0
"""Seconds after which an answer is missing."""


@dataclass(frozen=True)
class Plan:
    """`sessions` are lists of [method, path, whether it is timed]; `{n}` is the session's number.

    Kinds of sessions take turns. It ends after `seconds`, or after `count` sessions.
    """

    port: int
    sessions: list[list[tuple[str, str, bool]]]
    lanes: int = 1
    seconds: float | None = None
    count: int | None = None
    rate: float | None = None
    first: int = 0


@dataclass
class Report:
    requests: int = 0
    failed: int = 0
    seconds: float = 0.0
    p50: float = 0.0
    """Milliseconds, of the timed requests that were answered."""
    p99: float = 0.0
    max: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)
    minutes: list[dict[str, float]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0


def run(plan: Plan) -> Report:
    """Carry the plan out in another process and wait for it."""
    return finish(launch(plan))


def launch(plan: Plan) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.client"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(plan)))
    process.stdin.close()
    return process


def finish(process: subprocess.Popen[str]) -> Report:
    assert process.stdout is not None
    try:
        text = process.stdout.read()
        if process.wait():
            raise RuntimeError("the client failed")
    finally:
        process.kill()
        process.wait()
    return Report(**json.loads(text))


class _Client:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._began = time.perf_counter()
        self._next = plan.first
        self._due = 0
        self._last = self._began
        self._times: list[tuple[float, float]] = []
        self._failures: Counter[str] = Counter()
        self._requests = 0

    async def run(self) -> Report:
        await asyncio.gather(*(self._lane() for _ in range(self._plan.lanes)))
        timed = [took for _, took in self._times]
        minutes: dict[int, list[float]] = {}
        for at, took in self._times:
            minutes.setdefault(int(at // 60), []).append(took)
        return Report(
            requests=self._requests,
            failed=sum(self._failures.values()),
            seconds=self._last - self._began,
            **_shape(timed),
            failures=dict(self._failures),
            minutes=[{"requests": len(each), **_shape(each)} for each in minutes.values()],
        )

    async def _lane(self) -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while self._more():
            number = self._next
            self._next += 1
            for method, path, timed in self._plan.sessions[number % len(self._plan.sessions)]:
                if not self._in_time():
                    break
                due = await self._turn()
                where = path.replace("{n}", str(number))
                self._requests += 1
                try:
                    async with asyncio.timeout(WITHIN):
                        if connection is None:
                            connection = await asyncio.open_connection("127.0.0.1", self._plan.port)
                        status, closes = await _ask(*connection, method, where)
                except (OSError, EOFError, TimeoutError) as error:
                    status, closes = type(error).__name__, True
                now = time.perf_counter()
                self._last = max(self._last, now)
                if not status.startswith("2"):
                    self._failures[f"{method} {path}: {status}"] += 1
                elif timed:
                    self._times.append((due - self._began, (now - due) * 1000))
                if closes and connection is not None:
                    connection[1].close()
                    connection = None
        if connection is not None:
            connection[1].close()

    def _more(self) -> bool:
        done = self._next - self._plan.first
        return self._in_time() and (self._plan.count is None or done < self._plan.count)

    def _in_time(self) -> bool:
        seconds = self._plan.seconds
        return seconds is None or time.perf_counter() < self._began + seconds

    async def _turn(self) -> float:
        """Wait until a request is due; return when that was."""
        if self._plan.rate is None:
            return time.perf_counter()
        due = self._began + self._due / self._plan.rate
        self._due += 1
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        return due


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str
) -> tuple[str, bool]:
    """Return the status, and whether the connection is over."""
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n".encode())
    writer.write(b"\r\n" if method == "GET" else b"Content-Length: 0\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length:
        await reader.readexactly(int(length[1]))
    elif _CHUNKED.search(head):
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return head.split(b" ", 2)[1].decode(), bool(_CLOSE.search(head))


def _shape(times: list[float]) -> dict[str, Any]:
    if not times:
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99), "max": max(times)}


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print(json.dumps(asdict(asyncio.run(_Client(Plan(**given)).run()))))
