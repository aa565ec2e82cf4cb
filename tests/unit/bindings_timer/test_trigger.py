"""What a timer does while time passes; time is the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bindings.timer.status import Timers
from bindings.timer.trigger import TimerOptions, TimerTrigger
from emulator.clock import ManualClock
from emulator.errors import StateError
from emulator.sdk import (
    BindingError,
    BindingModel,
    Direction,
    Fired,
    FunctionError,
    FunctionFailed,
    FunctionModel,
    InvocationResult,
)
from emulator.state.sqlite import SqliteDatabase
from tests.support.patience import PATIENCE

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EACH_HOUR = "0 0 * * * *"


class Timing:
    """A host's services, a clock that stands, and what timers fired."""

    def __init__(self, database: SqliteDatabase, settings: Mapping[str, str]) -> None:
        self.clock = ManualClock(NOON)
        self.said: list[str] = []
        self.fired: list[Fired] = []
        self.work: Callable[[], Any] = lambda: None
        self.host: Any = SimpleNamespace(
            clock=self.clock,
            database=lambda name, migrations: database,
            log=lambda level, category, text: self.said.append(f"{level}: {text}"),
        )
        self._settings = settings
        self.shared = Timers(self.host)

    def timer(self, schedule: str = EACH_HOUR, **options: Any) -> TimerTrigger:
        declared = BindingModel("t", "timerTrigger", Direction.IN)
        return TimerTrigger(
            function=FunctionModel("tick", (declared,), Path("/app"), "f.py", "main", "v2"),
            declared=declared,
            options=TimerOptions(schedule=schedule, **options),
            services=SimpleNamespace(host=self.host, settings=self._settings),
            extension=self.shared,
        )

    async def fire(self, fired: Fired) -> InvocationResult:
        self.fired.append(fired)
        done = self.work()
        if done is not None:
            await done
        return InvocationResult()

    async def waits(self) -> None:
        """Go on until every timer waits for its time."""
        async with asyncio.timeout(PATIENCE):
            # Who sleeps there tells nobody; one who was stopped is still in the list.
            while all(each.done() for _, each in self.clock._sleepers):  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def passes(self, **span: float) -> None:
        await self.waits()
        self.clock.advance(timedelta(**span).total_seconds())
        await self.waits()

    def infos(self) -> list[dict[str, Any]]:
        return [json.loads(each.value.value) for each in self.fired]


@contextlib.asynccontextmanager
async def timing(**settings: str) -> AsyncIterator[Timing]:
    from bindings.timer.status import _MIGRATIONS

    database = SqliteDatabase(None, _MIGRATIONS)
    made = Timing(database, settings)
    try:
        yield made
    finally:
        await made.shared.aclose()
        await database.aclose()


async def test_a_function_runs_when_its_time_has_come() -> None:
    async with timing() as time:
        await time.timer().start(time.fire)
        await time.passes(minutes=59)
        assert time.fired == []
        await time.passes(minutes=1)
        await time.passes(hours=1)
        assert [each.reason for each in time.fired] == [
            "Timer fired at 2026-01-01T13:00:00.0000000+00:00",
            "Timer fired at 2026-01-01T14:00:00.0000000+00:00",
        ]
        assert time.infos() == [
            {
                "Schedule": {"AdjustForDST": True},
                "ScheduleStatus": {
                    "Last": "0001-01-01T00:00:00+00:00",
                    "Next": "2026-01-01T13:00:00+00:00",
                    "LastUpdated": "2026-01-01T12:00:00+00:00",
                },
                "IsPastDue": False,
            },
            {
                "Schedule": {"AdjustForDST": True},
                "ScheduleStatus": {
                    "Last": "2026-01-01T13:00:00+00:00",
                    "Next": "2026-01-01T14:00:00+00:00",
                    "LastUpdated": "2026-01-01T13:00:00+00:00",
                },
                "IsPastDue": False,
            },
        ]


async def test_times_are_those_of_the_zone_of_the_app() -> None:
    async with timing(TZ="Europe/Berlin") as time:
        await time.timer("0 30 13 * * *").start(time.fire)
        await time.passes(minutes=30)
        [fired] = time.fired
        assert fired.reason == "Timer fired at 2026-01-01T13:30:00.0000000+01:00"
        assert time.infos()[0]["ScheduleStatus"]["Next"] == "2026-01-01T13:30:00+01:00"
        assert fired.data() == {"timerTrigger": "01/01/2026 13:30:00"}
        assert fired.metadata["TimerTrigger"].value == "01/01/2026 13:30:00"
        assert "01/01/2026 13:30:00+01:00 (01/01/2026 12:30:00Z)" in time.said[1]


async def test_a_run_that_takes_long_skips_what_it_misses() -> None:
    async with timing() as time:
        time.work = lambda: time.clock.sleep(9000)  # two and a half hours
        await time.timer().start(time.fire)
        await time.passes(hours=1)
        await time.passes(hours=2.5)
        status = time.shared.known("tick")
        assert status is not None
        assert status.next == NOON.replace(hour=16)
        await time.passes(minutes=30)
        assert len(time.fired) == 2
        assert [each["IsPastDue"] for each in time.infos()] == [False, False]


async def test_a_run_that_was_missed_is_made_up_for_at_the_start() -> None:
    async with timing() as time:
        first = time.timer()
        await first.start(time.fire)
        await time.passes(hours=1)
        await first.stop()
        time.clock.advance(7000)  # nobody is there at two and at three o'clock
        await time.timer(run_on_startup=True).start(time.fire)
        await time.waits()
        _, made_up = time.fired
        assert made_up.detail == (
            "UnscheduledInvocationReason: IsPastDue, "
            "OriginalSchedule: 2026-01-01T14:00:00.0000000+00:00"
        )
        assert [each["IsPastDue"] for each in time.infos()] == [False, True]
        assert "Information: Function 'tick' is past due on startup. Executing now." in time.said


async def test_another_schedule_counts_from_when_the_function_ran_last() -> None:
    async with timing() as time:
        first = time.timer()
        await first.start(time.fire)
        await time.passes(hours=1)
        await first.stop()
        time.clock.advance(1200)
        await time.timer("0 */10 * * * *").start(time.fire)  # was due at ten past
        await time.waits()
        assert [each["IsPastDue"] for each in time.infos()] == [False, True]


async def test_without_the_monitor_nothing_is_remembered() -> None:
    async with timing() as time:
        for _ in range(2):
            timer = time.timer(use_monitor=False)
            await timer.start(time.fire)
            await time.passes(hours=1, minutes=1)
            await timer.stop()
            time.clock.advance(7200)
        assert [each["ScheduleStatus"] for each in time.infos()] == [None, None]
        assert [each["IsPastDue"] for each in time.infos()] == [False, False]


async def test_more_than_once_a_minute_is_not_remembered_either() -> None:
    async with timing() as time:
        await time.timer("00:00:30").start(time.fire)
        await time.passes(seconds=30)
        assert time.infos() == [
            {"Schedule": {"AdjustForDST": False}, "ScheduleStatus": None, "IsPastDue": False}
        ]


async def test_a_function_may_run_at_each_start() -> None:
    async with timing() as time:
        for _ in range(2):
            timer = time.timer(run_on_startup=True)
            await timer.start(time.fire)
            await time.waits()
            await timer.stop()
        assert [each.detail for each in time.fired] == [
            "UnscheduledInvocationReason: RunOnStartup"
        ] * 2
        assert [each["IsPastDue"] for each in time.infos()] == [False, False]


async def test_a_failure_does_not_end_the_schedule() -> None:
    async with timing() as time:

        def fail() -> None:
            raise FunctionFailed(FunctionError("ValueError", "boom"))

        time.work = fail
        await time.timer().start(time.fire)
        await time.passes(hours=1)
        await time.passes(hours=1)
        assert len(time.fired) == 2


async def test_a_run_outlives_its_load_and_the_next_load_waits_for_it() -> None:
    async with timing() as time:
        ends = asyncio.Event()
        time.work = ends.wait
        before = time.timer()
        await before.start(time.fire)
        await time.waits()
        time.clock.advance(3600)
        async with asyncio.timeout(PATIENCE):
            while not time.fired:  # noqa: ASYNC110 - fired by the timer's own task
                await asyncio.sleep(0.001)
        await before.stop()
        time.clock.advance(3000)
        await time.timer(run_on_startup=True).start(time.fire)
        await asyncio.sleep(0)
        assert len(time.fired) == 1
        ends.set()
        await time.waits()
        assert [each.detail for each in time.fired] == [
            "",
            "UnscheduledInvocationReason: RunOnStartup",
        ]


async def test_a_stopped_timer_fires_no_more() -> None:
    async with timing() as time:
        timer = time.timer()
        await timer.start(time.fire)
        await time.waits()
        await timer.stop()
        await timer.stop()
        time.clock.advance(7200)
        await asyncio.sleep(0)
        assert time.fired == []


async def test_a_run_that_is_asked_for_is_not_past_due() -> None:
    async with timing() as time:
        timer = time.timer()
        assert json.loads(timer.manual("whatever").value.value) == {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": {
                "Last": "0001-01-01T00:00:00+00:00",
                "Next": "2026-01-01T13:00:00+00:00",
                "LastUpdated": "2026-01-01T12:00:00+00:00",
            },
            "IsPastDue": False,
        }
        await timer.start(time.fire)
        await time.passes(hours=1)
        info = json.loads(timer.manual("").value.value)
        assert info["ScheduleStatus"]["Last"] == "2026-01-01T13:00:00+00:00"


async def test_a_date_that_never_comes_is_waited_for_by_nobody() -> None:
    async with timing() as time:
        timer = time.timer("0 0 0 30 2 *")
        await timer.start(time.fire)
        assert timer._listening is not None
        await timer._listening
        assert json.loads(timer.manual("").value.value)["ScheduleStatus"]["Next"].startswith("0001")


async def test_state_that_cannot_be_used_is_told_and_the_schedule_goes_on() -> None:
    async with timing() as time:

        async def broken(*_: object) -> None:
            raise StateError("the disk is full")

        time.shared.read = broken  # type: ignore[method-assign,assignment] # as a full disk does
        time.shared.write = broken  # type: ignore[method-assign] # the same
        await time.timer().start(time.fire)
        await time.passes(hours=1)
        await time.passes(hours=1)
        assert len(time.fired) == 2
        assert sum("the disk is full" in each for each in time.said) == 3


async def test_the_next_occurrences_are_told() -> None:
    async with timing() as time:
        await time.timer().start(time.fire)
        await time.waits()
        zone, coming = time.said
        assert zone.startswith(
            f"Information: The 'tick' timer is using the schedule 'Cron: '{EACH_HOUR}'' and "
        )
        assert coming.splitlines()[0] == (
            f"Information: The next 5 occurrences of the 'tick' schedule (Cron: '{EACH_HOUR}') "
            "will be:"
        )
        assert len(coming.splitlines()) == 6


async def test_what_is_no_schedule_is_refused_in_azures_words() -> None:
    async with timing() as time:
        with pytest.raises(BindingError) as caught:
            time.timer("not a cron")
        assert caught.value.message == (
            "The schedule expression 'not a cron' was not recognized as a valid cron expression "
            "or timespan string."
        )
