"""Where the loading of an app stands that takes long, for workers that cannot tell it themselves
while the app's code holds their only thread."""

from __future__ import annotations

import asyncio

from emulator.workers.channel import LogSink, WorkerLog

LONG_LOAD = 10.0
"""Seconds after which people ask what is going on."""


class Loading:
    """Of one worker, which says what it loads next."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink
        self._next: asyncio.TimerHandle | None = None

    def at(self, place: str | None) -> None:
        """It is at that place now; at `None` it is over. Idempotent."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if place is not None:
            self._wait(place, LONG_LOAD)

    def _wait(self, place: str, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(LONG_LOAD, self._tell, place, seconds)

    def _tell(self, place: str, seconds: float) -> None:
        text = f"The app is still being loaded after {seconds:g} s: it is at {place}"
        self._sink(WorkerLog("Information", text, None, "stderr"))
        self._wait(place, seconds + LONG_LOAD)
