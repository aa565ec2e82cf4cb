"""A wall clock that is set back and forth by hours while the host works."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from emulator.clock import SystemClock
from emulator.state.journal import read_journal
from tests.support.hosted import HEAD
from tests.support.serving import FIXTURES, served, write_app

JUMPS = itertools.cycle([0, 5, -7, 26, -30, 1, -1, 700, -3])


class JumpingClock(SystemClock):
    """Tells another hour whenever it is asked; what is monotonic stays so."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=next(JUMPS))


async def test_chats_keep_their_order_and_polling_misses_nothing(tmp_path: Path) -> None:
    state, path = tmp_path / "state", "/api/assistants/a1"
    settings = {"TODO_FILE": str(tmp_path / "todos.json")}
    async with served(
        FIXTURES / "assistant",
        channel="inprocess",
        settings=settings,
        state=state,
        clock=JumpingClock(),
    ) as host:
        assert (await host.put(path)).status == 202
        last = "2023-01-01T00:00:00Z"
        polled: list[str] = []
        for number in range(9):
            message = f"Remind me to call person {number}"
            assert (await host.post(path, params={"message": message})).status == 200
            chat = (await host.get(path, params={"timestampUTC": last})).json
            polled += [each["content"] for each in chat["recentMessages"]]
            last = chat["lastUpdatedAt"]
        chat = (await host.get(path, params={"timestampUTC": "2023-01-01T00:00:00Z"})).json
    messages = chat["recentMessages"]
    assert polled == [each["content"] for each in messages]
    roles = [each["role"] for each in messages]
    assert roles == ["System", *["User", "Assistant", "Tool", "Assistant"] * 9]
    said = [each["content"] for each in messages if each["role"] == "User"]
    assert said == [f"Remind me to call person {number}" for number in range(9)]
    entries = await read_journal(state)
    assert len(entries) == 1 + 9 * 2 + 9 + 1
    assert all(0 <= each.duration < 1800 for each in entries)  # the least jump is an hour


SLOW = (
    HEAD
    + """
import asyncio

tries = []


@app.route(route="slow/{seconds}")
async def slow(req: func.HttpRequest) -> str:
    await asyncio.sleep(float(req.route_params["seconds"]))
    return "done"


@app.route(route="again")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00.010")
def again(req: func.HttpRequest) -> str:
    tries.append(1)
    if len(tries) < 3:
        raise ValueError("not yet")
    return str(len(tries))
"""
)


async def test_timeouts_and_retries_do_not_mind(tmp_path: Path) -> None:
    limit = '{"version": "2.0", "functionTimeout": "00:00:%s"}'
    app = write_app(tmp_path, {"function_app.py": SLOW, "host.json": limit % "59"})
    async with served(app, channel="inprocess", clock=JumpingClock()) as host:
        assert (await host.get("/api/slow/0.3")).text == "done"
        assert (await host.get("/api/again")).text == "3"
        assert (await host.get("/admin/host/status")).json["state"] == "Running"
    write_app(tmp_path, {"host.json": limit % "01"})
    async with served(app, channel="inprocess", clock=JumpingClock()) as host:
        began = time.monotonic()
        assert (await host.get("/api/slow/600")).status == 500
        assert time.monotonic() - began > 0.9
        assert (await host.get("/admin/host/status")).json["state"] == "Running"
