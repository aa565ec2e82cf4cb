"""Waits between tries, deadlines, and counting what is under way."""

from __future__ import annotations

import asyncio

import pytest

from emulator.config.timespan import format_timespan
from emulator.invocation.limits import Deadlines, InFlight, RetrySchedule
from emulator.model import RetryPolicy


def waits(policy: RetryPolicy, count: int, factor: float = 1.0) -> list[float | None]:
    schedule = RetrySchedule(policy, uniform=lambda low, high: factor)
    return [schedule.next_delay(done) for done in range(count)]


def test_a_fixed_delay_is_always_the_same_until_there_is_no_try_left() -> None:
    policy = RetryPolicy("fixedDelay", 2, delay=5.0)
    assert waits(policy, 4) == [5.0, 5.0, None, None]
    assert waits(RetryPolicy("fixedDelay", 0, delay=5.0), 1) == [None]


def test_minus_one_is_for_ever() -> None:
    schedule = RetrySchedule(RetryPolicy("fixedDelay", -1, delay=1.0))
    assert schedule.next_delay(10_000) == 1.0


def test_exponential_waits_grow_from_the_minimum_to_the_maximum_and_stay() -> None:
    policy = RetryPolicy("exponentialBackoff", 9, minimum=2.0, maximum=20.0)
    assert waits(policy, 7) == [2.0, 4.0, 6.0, 10.0, 18.0, 20.0, 20.0]


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_exponential_waits_are_spread(factor: float) -> None:
    policy = RetryPolicy("exponentialBackoff", 9, minimum=10.0, maximum=1000.0)
    assert waits(policy, 3, factor) == [10.0, 10 + 10 * factor, 10 + 20 * factor]


def test_exponential_waits_never_overflow() -> None:
    policy = RetryPolicy("exponentialBackoff", -1, minimum=1.0, maximum=60.0)
    assert RetrySchedule(policy).next_delay(100_000) == 60.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00:00"),
        (2, "00:00:02"),
        (61.5, "00:01:01.5000000"),
        (86_399, "23:59:59"),
        (86_400, "1.00:00:00"),
        (93_784.25, "1.02:03:04.2500000"),
        (0.0000001, "00:00:00.0000001"),
    ],
)
def test_durations_are_written_as_dot_net_does(seconds: float, text: str) -> None:
    assert format_timespan(seconds) == text


async def test_a_deadline_cancels_its_own_task_only() -> None:
    deadlines = Deadlines(0.02)
    ended: list[str] = []

    async def call(name: str, seconds: float) -> None:
        deadlines.enter(name)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            assert deadlines.expired(name)
            ended.append(name)
        finally:
            deadlines.leave(name)

    await asyncio.gather(call("a", 5), call("b", 0), call("c", 5))
    assert ended == ["a", "c"]
    assert not deadlines.expired("a")


async def test_deadlines_fall_due_one_after_the_other() -> None:
    deadlines = Deadlines(0.03)
    clock = asyncio.get_running_loop().time
    ended: dict[str, float] = {}

    async def call(name: str, later: float) -> None:
        await asyncio.sleep(later)
        began = clock()
        deadlines.enter(name)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended[name] = clock() - began
        finally:
            deadlines.leave(name)

    await asyncio.gather(call("a", 0), call("b", 0.02))
    assert list(ended) == ["a", "b"]
    assert all(lasted >= 0.029 for lasted in ended.values()), "it was ended with the other one"


async def test_in_flight_waits_until_nothing_is_under_way() -> None:
    flight = InFlight()
    await flight.drained()
    flight.begin()
    flight.begin()
    waiting = asyncio.create_task(flight.drained())
    flight.end()
    await asyncio.sleep(0)
    assert not waiting.done()
    assert len(flight) == 1
    flight.begin()
    flight.end()
    flight.end()
    await waiting
    assert len(flight) == 0
