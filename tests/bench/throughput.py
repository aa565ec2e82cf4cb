"""A hello function under 32 connections, beside a bare aiohttp handler, interleaved."""

from __future__ import annotations

import sys

from tests.bench.load import Load, press
from tests.bench.server import FUNCEMU, Server
from tests.bench.table import Row, middle

APP = "fixtures/apps/bench_hello"
CONNECTIONS = 32


def candidates() -> dict[str, tuple[list[str], str]]:
    start = [FUNCEMU, "start", APP, "--port", "0", "--no-watch", "--ephemeral"]
    plain = ["--loop", "asyncio", "--no-watch", "--ephemeral"]
    inside = ["--channel", "inprocess"]
    return {
        "bare aiohttp": ([sys.executable, "-m", "tests.bench.bare"], "hello"),
        "in process, async": ([*start, *plain, *inside], "hello"),
        "in process, sync": ([*start, *plain, *inside], "hello_sync"),
        "subprocess, async": ([*start, *plain], "hello"),
        "subprocess, sync": ([*start, *plain], "hello_sync"),
        "bare aiohttp, uvloop": ([sys.executable, "-m", "tests.bench.bare", "--uvloop"], "hello"),
        "in process, async, uvloop": ([*start, *inside], "hello"),
        "subprocess, async, uvloop": (start, "hello"),
    }


def measure(*, rounds: int, seconds: float) -> list[Row]:
    runs: dict[str, list[tuple[Load, float, float]]] = {name: [] for name in candidates()}
    memory: dict[str, float] = {}
    for _ in range(rounds):
        for name, (command, function) in candidates().items():
            server = Server(command)
            try:
                url = f"http://127.0.0.1:{server.port}/api/{function}"
                press(url, connections=CONNECTIONS, seconds=1)
                before = server.cpu()
                load = press(url, connections=CONNECTIONS, seconds=seconds)
                used = {pid: cpu - before.get(pid, 0.0) for pid, cpu in server.cpu().items()}
                host = used.pop(server.process.pid, 0.0)
                calls = max(load.rate * seconds, 1)
                runs[name].append((load, host / calls * 1e6, sum(used.values()) / calls * 1e6))
                memory[name] = server.memory()
            finally:
                server.stop()
    rows: list[Row] = []
    for name, results in runs.items():
        ratios = [
            load.rate / bare.rate
            for (load, _, _), (bare, _, _) in zip(results, runs["bare aiohttp"], strict=True)
        ]
        rows.append(
            {
                "hello, 32 connections": name,
                "req/s": middle([load.rate for load, _, _ in results]),
                "ratio to bare": middle(ratios),
                "p50 ms": middle([load.p50 for load, _, _ in results]),
                "p99 ms": middle([load.p99 for load, _, _ in results]),
                "host CPU us/req": middle([host for _, host, _ in results]),
                "worker CPU us/req": middle([worker for _, _, worker in results]),
                "RSS MB": memory[name],
                "errors": float(sum(load.errors for load, _, _ in results)),
            }
        )
    return rows
