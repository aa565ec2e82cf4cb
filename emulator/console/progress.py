"""Tells what takes longer than one likes to wait without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from emulator.console.console import Console
from emulator.events import EventBus, GenerationBegun, GenerationFailed, GenerationReady

AFTER = 1.0
"""Seconds after which a word is due, and between two looks at the time."""


class Progress:
    """Shows that an app is being imported: on a terminal with the seconds, elsewhere once.

    `waiting` is shown at once instead, for a first load that somebody else must let go on.
    """

    def __init__(self, console: Console, *, waiting: str = "", after: float = AFTER) -> None:
        self._console = console
        self._waiting = waiting
        self._after = after
        self._timer: asyncio.TimerHandle | None = None
        self._shown = False

    def attach(self, events: EventBus) -> None:
        events.on(GenerationBegun, self._begun)
        events.on(GenerationReady, lambda _: self.over())
        events.on(GenerationFailed, lambda _: self.over())

    def over(self) -> None:
        """Take away what is shown."""
        if self._timer is not None:
            self._timer.cancel()
        if self._shown:
            self._shown = False
            self._console.status("")

    def _begun(self, event: GenerationBegun) -> None:
        self.over()
        if self._waiting:
            waiting, self._waiting = self._waiting, ""
            self._show(waiting)
            return
        first = event.number == 1
        text = "Importing the app …" if first else "Importing the app again …"
        self._later(lambda: self._tell(text, 1))

    def _tell(self, text: str, times: int) -> None:
        self._show(text if times == 1 else f"{text} {times * self._after:.0f} s")
        if self._console.live:
            self._later(lambda: self._tell(text, times + 1))

    def _show(self, text: str) -> None:
        self._shown = True
        self._console.status(text)

    def _later(self, what: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._after, what)
