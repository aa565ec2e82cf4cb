"""The clock of an app under test."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from emulator.testing import AppClock
from tests.support.patience import PATIENCE

A_LITTLE = timedelta(seconds=0.1)
"""By which two clocks of a machine may differ."""


async def test_it_goes_with_real_time() -> None:
    clock = AppClock()
    earliest = datetime.now(UTC)
    now = clock.now()
    assert earliest - A_LITTLE <= now <= datetime.now(UTC) + A_LITTLE
    before, real = clock.monotonic(), time.monotonic()
    await clock.sleep(0.02)
    slept = clock.monotonic() - before
    assert 0.02 <= slept <= time.monotonic() - real + A_LITTLE.total_seconds()


async def test_advancing_moves_it_and_wakes_what_is_due() -> None:
    clock = AppClock()
    began, real = clock.now(), time.monotonic()
    sleepers = [asyncio.create_task(clock.sleep(seconds)) for seconds in (10, 60, 3600)]
    await asyncio.sleep(0)
    clock.advance(timedelta(minutes=1))
    await asyncio.wait(sleepers[:2])
    assert not sleepers[2].done()
    clock.advance(3600)
    await sleepers[2]
    went = (clock.now() - began).total_seconds()
    assert 3660 <= went <= 3660 + time.monotonic() - real + A_LITTLE.total_seconds()


async def test_a_frozen_clock_moves_only_when_told() -> None:
    clock = AppClock(datetime(2026, 1, 1), frozen=True)
    assert clock.frozen
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    sleeper = asyncio.create_task(clock.sleep(0.001))
    await asyncio.sleep(0.01)
    assert not sleeper.done()
    clock.advance(0.5)
    await sleeper
    assert clock.now() == datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    assert clock.monotonic() == 0.5


async def test_freezing_stops_it_for_sleepers_too() -> None:
    for _ in range(100):  # until it is stopped before the sleeper is due
        clock = AppClock()
        due = clock.monotonic() + 0.01
        sleeper = asyncio.create_task(clock.sleep(0.01))
        await asyncio.sleep(0)
        clock.freeze()
        clock.freeze()
        if clock.monotonic() < due:
            break
    stopped = clock.now()
    await asyncio.sleep(0.02)
    assert not sleeper.done()
    assert clock.now() == stopped
    clock.advance(1)
    await sleeper


async def test_no_time_is_no_wait() -> None:
    clock = AppClock(frozen=True)
    await clock.sleep(0)
    await clock.sleep(-1)


async def test_a_sleeper_can_be_cancelled() -> None:
    clock = AppClock(frozen=True)
    sleeper = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    clock.advance(1)


def test_another_thread_may_advance_it() -> None:
    clock = AppClock(frozen=True)

    async def wait() -> None:
        timer = threading.Timer(0.01, clock.advance, [5])
        timer.start()
        await clock.sleep(5)

    asyncio.run(asyncio.wait_for(wait(), PATIENCE))


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="time only goes forward"):
        AppClock().advance(-1)
