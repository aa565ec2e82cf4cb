"""How long tests wait for what has to happen, and how they tell that something is quick."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

PATIENCE = 40.0
"""Seconds. It ends a test of something that never happens; on a machine that is busy with other
things, or stands still for a moment, whatever does happen comes long before."""


async def once_within(seconds: float, attempt: Callable[[], Awaitable[float]]) -> None:
    """Make the attempt again until it tells that it took less than `seconds`.

    A machine that stands still holds up one attempt. What takes long by itself does so each time.
    """
    took = []
    for _ in range(6):
        took.append(await attempt())
        if took[-1] < seconds:
            return
    raise AssertionError(f"it takes {min(took):.1f} s at best, not {seconds:g}")
