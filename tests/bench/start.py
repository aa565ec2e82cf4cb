"""Spawn to ready line, beside bare aiohttp, interleaved."""

from __future__ import annotations

import sys

from tests.bench.server import FUNCEMU, Server
from tests.bench.table import Row, middle, percentile


def measure(*, rounds: int, seconds: float) -> list[Row]:
    commands = {
        "bare aiohttp": [sys.executable, "-m", "tests.bench.bare"],
        "HTTP-only app": [FUNCEMU, "start", "fixtures/apps/bench_hello", "--port", "0"],
        "assistant app, offline": [
            FUNCEMU,
            "start",
            "fixtures/assistant",
            "--port",
            "0",
            "--ephemeral",
        ],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    stops: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, float] = {}
    for _ in range(rounds * 2):
        for name, command in commands.items():
            server = Server(command)
            times[name].append(server.ready)
            memory[name] = server.memory()
            stops[name].append(server.stop())
    return [
        {
            "start": name,
            "ready s": middle(times[name]),
            "p90 s": percentile(times[name], 0.9),
            "ratio to bare": middle(
                [a / b for a, b in zip(times[name], times["bare aiohttp"], strict=True)]
            ),
            "stop s": middle(stops[name]),
            "RSS MB": memory[name],
        }
        for name in commands
    ]
