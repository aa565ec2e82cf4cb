"""How long a call may take and what is waited between its tries."""

from __future__ import annotations

import asyncio
import math
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


class InFlight:
    """Counts what is under way, so that whoever ends its ground can wait for it."""

    __slots__ = ("_count", "_idle")

    def __init__(self) -> None:
        self._count = 0
        self._idle: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return self._count

    def begin(self) -> None:
        self._count += 1

    def end(self) -> None:
        self._count -= 1
        if self._idle is not None and not self._count and not self._idle.done():
            self._idle.set_result(None)

    async def drained(self) -> None:
        """Wait until nothing is under way."""
        while self._count:
            if self._idle is None or self._idle.done():
                self._idle = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._idle)


class Deadlines:
    """Cancels the task of each call that is still under way `seconds` after it entered; `inf` is
    never.

    All calls have the same time, so they fall due in the order they entered and one timer of the
    loop serves them all.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._due: dict[str, tuple[float, asyncio.Task[object]]] = {}
        self._expired: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def enter(self, call_id: str) -> asyncio.Task[object]:
        """Begin the time of a call; return the task that will be cancelled."""
        # Asking for the running loop costs a system call before Python 3.12, so once is enough.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        due = loop.time() + self.seconds
        self._due[call_id] = (due, task)
        if self._timer is None and due < math.inf:
            self._timer = loop.call_at(due, self._fire, loop)
        return task

    def expired(self, call_id: str) -> bool:
        return call_id in self._expired

    def leave(self, call_id: str) -> None:
        self._due.pop(call_id, None)
        self._expired.discard(call_id)

    def _fire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for call_id, (due, task) in list(self._due.items()):
            if due > now:
                self._timer = loop.call_at(due, self._fire, loop)
                return
            del self._due[call_id]
            self._expired.add(call_id)
            task.cancel()
