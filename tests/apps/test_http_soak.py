"""Half a minute of clients of every kind; run with `pytest -m soak`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support.hosted import HEAD
from tests.support.serving import ROOT, Served, served, write_app

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

CODE = (
    HEAD
    + """
import asyncio

LARGE = b"0123456789" * 100_000


@app.route(route="hello")
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"Hello {req.params['name']}")


@app.route(route="echo")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")


@app.route(route="boom")
def boom(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("boom")


@app.route(route="slow")
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(0.1)
    return func.HttpResponse("slow")


@app.route(route="large")
async def large(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(LARGE, mimetype="application/octet-stream")
"""
)
SECONDS = float(os.environ.get("SOAK_SECONDS", "30"))


async def test_clients_of_every_kind_leave_nothing_behind(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE})
    settings = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1000000"}
    async with served(app, settings=settings) as host:
        await rough_clients(host, 5)  # until everything is imported and every cache is filled
        before = await settled(host.process.pid)
        counts = await rough_clients(host, SECONDS)
        after = await settled(host.process.pid)
        began = time.perf_counter()
        answer = await host.get("/api/hello?name=again")
        waited = time.perf_counter() - began
        print(f"\n{sum(counts.values())} requests: {dict(sorted(counts.items()))}")
        print(f"memory {before[0]:.1f} -> {after[0]:.1f} MB, descriptors {before[1]} -> {after[1]}")
        print(f"the next request took {waited * 1000:.1f} ms")
        assert answer.text == "Hello again"
        assert waited < 0.25
        assert after[0] <= before[0] * 1.1
        assert abs(after[1] - before[1]) <= max(before[1] * 0.1, 1)
        assert not [kind for kind in counts if kind.endswith("hung")]
        assert counts["ordinary: 200"] == sum(
            count for kind, count in counts.items() if kind.startswith("ordinary: ")
        )
        for kind in ("failing: 500", "oversized: 413", "unknown: 404", "admin: 200", "slow: 200"):
            assert counts[kind] > 10
        assert "Traceback" not in host.printed.replace("Stack: Traceback", "")
        assert "funcemu itself failed" not in host.printed


async def rough_clients(host: Served, seconds: float) -> Counter[str]:
    port = host.url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.rough_clients", port, str(seconds),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    return Counter(json.loads(output))


async def settled(pid: int) -> tuple[float, int]:
    """Return resident megabytes and open descriptors once the last connection is gone."""
    for _ in range(200):
        found = len(os.listdir(f"/proc/{pid}/fd"))
        await asyncio.sleep(0.05)
        if found == len(os.listdir(f"/proc/{pid}/fd")) and not connections(pid):
            break
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(os.listdir(f"/proc/{pid}/fd"))


def connections(pid: int) -> int:
    """Count the TCP connections of a process that are not just listened for."""
    sockets = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            sockets.add(os.readlink(f"/proc/{pid}/fd/{name}"))
        except OSError:
            continue
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    states = [row.split()[3] for row in rows if f"socket:[{row.split()[9]}]" in sockets]
    return sum(state != "0A" for state in states)
