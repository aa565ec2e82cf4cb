"""The time of an app under test: it runs as always until a test moves it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class AppClock:
    """The host's source of time: stamps of chats, waits between retries, latencies of models.

    It goes with real time. `advance` jumps ahead and wakes what waits for a time that has then
    come; `freeze` stops it, so that only `advance` moves it. The app's own code asks Python for
    the time and is not touched.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        """Begin at `start` (aware; a naive one counts as UTC), by default at the real time."""
        if start is not None and start.tzinfo is None:
            start = start.replace(tzinfo=UTC)
        self._real = time.monotonic()
        self._start = (start or datetime.now(UTC)).astimezone(UTC)
        self._moved = 0.0
        self._stopped: float | None = 0.0 if frozen else None
        """Real seconds that had passed when it was stopped."""
        self._sleepers: set[asyncio.Future[None]] = set()

    @property
    def frozen(self) -> bool:
        """Whether only `advance` moves it."""
        return self._stopped is not None

    def now(self) -> datetime:
        """Return the time: aware, UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the seconds since the clock was made."""
        return self._moved + (self._elapsed() if self._stopped is None else self._stopped)

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock, not the wall, is that many seconds further."""
        due = self.monotonic() + seconds
        while (left := due - self.monotonic()) > 0:
            loop = asyncio.get_running_loop()
            woken: asyncio.Future[None] = loop.create_future()
            self._sleepers.add(woken)
            timer = None if self.frozen else loop.call_later(left, _wake, woken)
            try:
                await woken
            finally:
                self._sleepers.discard(woken)
                if timer is not None:
                    timer.cancel()
        await asyncio.sleep(0)

    def advance(self, seconds: float | timedelta) -> None:
        """Let time pass at once, in seconds; what slept until then goes on when the test next
        awaits. Raises `ValueError` for a negative time."""
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        if seconds < 0:
            raise ValueError("time only goes forward")
        self._moved += seconds
        self._wake_all()

    def freeze(self) -> None:
        """Stop; from now on only `advance` moves the clock."""
        if self._stopped is None:
            self._stopped = self._elapsed()
            self._wake_all()

    def _elapsed(self) -> float:
        return time.monotonic() - self._real

    def _wake_all(self) -> None:
        """Let every sleeper look at the clock again, on its own loop."""
        for woken in list(self._sleepers):
            woken.get_loop().call_soon_threadsafe(_wake, woken)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
