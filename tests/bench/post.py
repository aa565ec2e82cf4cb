"""Parallel posts to assistants, offline: throughput, latency, and that no turn is lost."""

from __future__ import annotations

import asyncio
import time

from tests.bench.server import FUNCEMU, Server
from tests.bench.table import Row, percentile

ASSISTANTS = 20
POSTS = 10


def measure(*, rounds: int, seconds: float) -> list[Row]:
    return [asyncio.run(_run())]


async def _run() -> Row:
    import aiohttp

    server = Server(
        [
            FUNCEMU,
            "start",
            "fixtures/assistant",
            "--port",
            "0",
            "--ephemeral",
            "--models",
            "offline",
        ]
    )
    base = f"http://127.0.0.1:{server.port}/api/assistants"
    times: list[float] = []
    try:
        async with aiohttp.ClientSession() as session:
            for number in range(ASSISTANTS):
                async with session.put(f"{base}/a{number}") as answer:
                    assert answer.status == 202
            began = time.perf_counter()

            async def post(assistant: int, turn: int) -> None:
                at = time.perf_counter()
                params = {"message": f"hello number {turn}"}
                async with session.post(f"{base}/a{assistant}", params=params) as answer:
                    await answer.read()
                    assert answer.status == 200
                times.append(time.perf_counter() - at)

            await asyncio.gather(
                *(post(a, turn) for a in range(ASSISTANTS) for turn in range(POSTS))
            )
            took = time.perf_counter() - began
            stored = 0
            for number in range(ASSISTANTS):
                params = {"timestampUTC": "2023-01-01T00:00:00Z"}
                async with session.get(f"{base}/a{number}", params=params) as answer:
                    chat = await answer.json()
                stored += sum(message["role"] == "User" for message in chat["recentMessages"])
    finally:
        server.stop()
    return {
        f"{ASSISTANTS * POSTS} parallel posts, {ASSISTANTS} assistants": "offline",
        "posts/s": ASSISTANTS * POSTS / took,
        "p50 ms": percentile(times, 0.5) * 1000,
        "p99 ms": percentile(times, 0.99) * 1000,
        "turns stored": float(stored),
    }
