"""Load on one URL: wrk where it is installed, else our own client."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.bench.client import Plan, run

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    requests: int
    rate: float
    """Answers per second."""
    p50: float
    """Milliseconds."""
    p99: float
    errors: int


def tool() -> str:
    return "wrk, one thread" if shutil.which("wrk") else "our own client (wrk is not installed)"


def press(url: str, *, connections: int, seconds: float) -> Load:
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
        done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
        return parse_wrk(done.stdout)
    parts = urlsplit(url)
    session = [("GET", parts.path, True)]
    found = run(Plan(parts.port or 80, [session], lanes=connections, seconds=seconds))
    return Load(found.requests, found.rate, found.p50, found.p99, found.failed)


def parse_wrk(text: str) -> Load:
    def latency(share: str) -> float:
        found = re.search(rf"{share}%\s+([\d.]+)(us|ms|s|m)\b", text)
        return float(found[1]) * _UNITS[found[2]] if found else 0.0

    total = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    sockets = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text
    )
    if total is None or rate is None:
        raise RuntimeError(f"wrk said: {text.strip()[-120:]}")
    errors = int(bad[1]) if bad else 0
    errors += sum(map(int, sockets.groups())) if sockets else 0
    return Load(int(total[1]), float(rate[1]), latency("50"), latency("99"), errors)
