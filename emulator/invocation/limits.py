"""Waiting between the tries of a call, and time spans as the host prints them."""

from __future__ import annotations

import random
from collections.abc import Callable

from emulator.model import RetryPolicy


class RetrySchedule:
    """How long to wait before each further try.

    Exponential: the first wait is the minimum, the n-th minimum + minimum × 2^(n-2) × 0.8…1.2;
    once the maximum is reached it stays there (rule of the official host).
    """

    def __init__(
        self, policy: RetryPolicy, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._policy = policy
        self._uniform = uniform
        self._at_maximum = False

    def next_delay(self, retries_done: int) -> float | None:
        """Return the seconds before the next try, or `None` when there is none."""
        policy = self._policy
        if policy.max_retries >= 0 and retries_done >= policy.max_retries:
            return None
        if policy.strategy == "fixedDelay":
            return policy.delay
        if self._at_maximum:
            return policy.maximum
        if retries_done == 0:
            return policy.minimum
        growth = 2.0 ** min(retries_done - 1, 60)
        delay = policy.minimum + policy.minimum * growth * self._uniform(0.8, 1.2)
        if delay >= policy.maximum:
            self._at_maximum = True
            return policy.maximum
        return delay


def format_timespan(seconds: float) -> str:
    """Write a duration as .NET does: `00:00:02`, `1.02:00:00`, `00:00:00.5000000`."""
    ticks = round(seconds * 10_000_000)
    whole, fraction = divmod(ticks, 10_000_000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    text = f"{hour:02d}:{minute:02d}:{second:02d}"
    if days:
        text = f"{days}.{text}"
    return f"{text}.{fraction:07d}" if fraction else text
