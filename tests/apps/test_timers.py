"""Timers of a served app: by the clock, by the admin API, over reloads and restarts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator.testing.clock import AppClock
from tests.support.commands import funcemu
from tests.support.patience import PATIENCE
from tests.support.serving import Served, served, write_app

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
APP = """
import logging

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
def tick(timer: func.TimerRequest) -> None:
    logging.info("past due: %s, last: %s", timer.past_due, timer.schedule_status["Last"])


@app.schedule(arg_name="timer", schedule="not a cron")
def never(timer: func.TimerRequest) -> None: ...


@app.route(methods=["GET", "POST"])
def hello(req: func.HttpRequest) -> str:
    return "hello"
"""
FOLDER = """{"bindings": [
  {"type": "timerTrigger", "name": "timer", "schedule": "00:10:00", "useMonitor": false}
]}"""
SETTINGS = {"SCHEDULE": "0 0 * * * *", "TZ": "UTC"}


async def until_runs(
    host: Served, count: int, text: str = "past due: ", *, clock: AppClock | None = None
) -> list[str]:
    """Wait until so many runs said something; an hour passes each time one looks."""
    async with asyncio.timeout(PATIENCE):
        while len(found := [line for line in host.output if text in line]) < count:
            if clock is not None:
                clock.advance(3600)
            await asyncio.sleep(0.02)
    return [line.partition("] ")[2] for line in found]


async def test_a_function_runs_by_the_clock(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    clock = AppClock(NOON, frozen=True)
    async with served(
        app, "--verbose", channel="inprocess", settings=SETTINGS, clock=clock
    ) as host:
        first, second = (await until_runs(host, 2, clock=clock))[:2]
        assert first == "past due: False, last: 0001-01-01T00:00:00+00:00"
        assert second.startswith("past due: False, last: 2026-01-0")
        assert second.endswith(":00:00+00:00")
        await host.until_printed("Reason='Timer fired at 2026-01-0")
        await host.until_printed("Executed 'Functions.tick' (Succeeded")


async def test_a_missed_run_is_made_up_for_by_the_next_host(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    options: dict[str, Any] = {
        "channel": "inprocess", "settings": SETTINGS, "state": tmp_path / "state",
    }  # fmt: skip
    clock = AppClock(NOON, frozen=True)
    async with served(app, **options, clock=clock) as host:
        await until_runs(host, 2, clock=clock)  # by then the first one is on disk
    later = AppClock(NOON.replace(year=2027), frozen=True)
    async with served(app, "--verbose", **options, clock=later) as host:
        assert (await until_runs(host, 1))[0].startswith("past due: True, last: 2026-01-0")
        await host.until_printed(
            "Trigger Details: UnscheduledInvocationReason: IsPastDue, OriginalSchedule: 2026-01-0"
        )


@pytest.mark.parametrize("channel", ["subprocess", "inprocess"])
async def test_timers_are_listed_and_run_when_asked_for(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    async with served(app, channel=channel, settings=SETTINGS) as host:
        answer = await host.post("/admin/functions/tick", json={})
        assert (answer.status, answer.body) == (202, b"")
        await host.until_printed("[tick] past due: False, last: 0001-01-01T00:00:00+00:00")
        port = host.url.rpartition(":")[2]
        block = (
            f"Functions:\n\n\thello: [GET,POST] http://localhost:{port}/api/hello\n\n"
            "\ttick: timerTrigger\n\n"
        )
        await host.until_printed(block)
        assert (await host.get("/api/hello")).text == "hello"
        [error] = (await host.get("/admin/functions/never/status")).json["errors"]
        assert error.endswith(
            "The schedule expression 'not a cron' was not recognized as a valid cron expression or "
            "timespan string."
        )
        assert (await host.post("/admin/functions/never", json={})).status == 404
        shown = (await host.get("/admin/functions/tick")).json
        assert shown["invoke_url_template"] is None


async def test_a_folder_can_be_a_timer_that_fires_by_itself(tmp_path: Path) -> None:
    app = write_app(
        tmp_path / "app",
        {
            "tick/function.json": FOLDER.replace("00:10:00", "00:00:01"),
            "tick/__init__.py": "def main(timer):\n    print('fired', timer.schedule_status)\n",
        },
    )
    async with served(app) as host:
        await host.until_printed("fired {}")
        await host.until_printed(" tick (")


def test_a_call_on_the_command_line_needs_no_schedule(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    done = funcemu("call", "tick", app, "--ephemeral", settings=SETTINGS)
    assert done.code == 0, done.err
    assert "past due: False" in done.err
