"""Trying a model service again: how often, after what wait, and when not."""

from __future__ import annotations

import pytest

from bindings.openai.models.retrying import RetryPolicy, ServiceError, with_retries
from emulator.clock import SystemClock


class NapClock(SystemClock):
    """Remembers how long it was asked to sleep, and does not."""

    def __init__(self) -> None:
        self.naps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)


async def tries(*outcomes: ServiceError | str, policy: RetryPolicy) -> tuple[str, list[float]]:
    """Return the result, or the last error's text, and the waits."""
    clock = NapClock()
    left = list(outcomes)

    async def attempt() -> str:
        outcome = left.pop(0)
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome

    try:
        result = await with_retries(attempt, policy=policy, clock=clock, tell=lambda text: None)
    except ServiceError as error:
        result = error.message
    return result, clock.naps


def busy(wait: float | None = None) -> ServiceError:
    return ServiceError("busy", status=503, retry_after=wait)


async def test_success_at_once_waits_for_nothing() -> None:
    assert await tries("ok", policy=RetryPolicy()) == ("ok", [])


async def test_the_first_retry_comes_at_once_and_later_ones_wait_twice_as_long() -> None:
    outcomes = [busy(), busy(), busy(), busy(), "ok"]
    assert await tries(*outcomes, policy=RetryPolicy(attempts=5, delay=1.0)) == (
        "ok",
        [0.0, 1.0, 2.0, 4.0],
    )


async def test_the_last_failure_is_raised() -> None:
    outcomes = [busy(), busy(), busy(), busy(), "never"]
    assert await tries(*outcomes, policy=RetryPolicy()) == ("busy", [0.0, 0.8, 1.6])


async def test_no_answer_at_all_is_tried_again() -> None:
    unreachable = ServiceError("gone", status=None)
    assert await tries(unreachable, "ok", policy=RetryPolicy()) == ("ok", [0.0])


async def test_a_final_refusal_after_a_passing_one_ends_it() -> None:
    refused = ServiceError("bad", status=400)
    assert await tries(busy(), refused, "never", policy=RetryPolicy()) == ("bad", [0.0])


@pytest.mark.parametrize(("wait", "waits"), [(120.0, [120.0]), (120.1, [])])
async def test_two_minutes_are_waited_for_and_no_longer(wait: float, waits: list[float]) -> None:
    result, naps = await tries(busy(wait), "ok", policy=RetryPolicy())
    assert (result, naps) == ("ok" if waits else "busy", waits)
