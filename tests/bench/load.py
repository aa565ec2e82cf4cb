"""Load on one URL: wrk where it is installed, else a small client in a process of its own."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    rate: float
    """Answers per second."""
    p50: float
    """Milliseconds."""
    p99: float
    errors: int


def tool() -> str:
    return "wrk" if shutil.which("wrk") else "python"


def press(url: str, *, connections: int, seconds: float) -> Load:
    if tool() == "wrk":
        return _wrk(url, connections, seconds)
    command = [sys.executable, "-m", "tests.bench.load", url, str(connections), str(seconds)]
    rate, p50, p99, errors = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.split()
    return Load(float(rate), float(p50), float(p99), int(errors))


def _wrk(url: str, connections: int, seconds: float) -> Load:
    text = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency", url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    def latency(share: str) -> float:
        found = re.search(rf"{share}%\s+([\d.]+)(us|ms|s|m)\b", text)
        return float(found[1]) * _UNITS[found[2]] if found else 0.0

    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    sockets = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text
    )
    errors = int(bad[1]) if bad else 0
    errors += sum(map(int, sockets.groups())) if sockets else 0
    return Load(float(rate[1]) if rate else 0.0, latency("50"), latency("99"), errors)


async def _client(url: str, connections: int, seconds: float) -> Load:
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    request = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    until = time.perf_counter() + seconds
    times: list[float] = []
    errors = 0

    async def one() -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection(name, int(port))
        while (began := time.perf_counter()) < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            errors += b" 200 " not in head[:16]
            times.append((time.perf_counter() - began) * 1000)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    times.sort()
    return Load(len(times) / seconds, times[len(times) // 2], times[len(times) * 99 // 100], errors)


if __name__ == "__main__":
    outcome = asyncio.run(_client(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
    print(outcome.rate, outcome.p50, outcome.p99, outcome.errors)
