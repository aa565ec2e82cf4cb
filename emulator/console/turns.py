"""Calls made by calls: told below the request they belong to.

A turn of an assistant reads as one block: the request, then each skill with what the model gave
it, in the order the model asked. Until the request is answered its skills wait; a turn that takes
longer than a second does not keep anybody in the dark and tells each skill as it ends, below the
name of the function whose turn it is.
"""

from __future__ import annotations

import msgspec

from emulator.clock import Clock
from emulator.events import InvocationFinished, InvocationStarted
from emulator.sdk import MANUAL_REASON

PATIENCE = 1.0
"""Seconds after which the calls of a turn are told one by one."""


class Nested(msgspec.Struct):
    """A call made by another one; `depth` is 1 for those of the request's own function."""

    depth: int
    end: InvocationFinished | None = None


class Turn(msgspec.Struct):
    """A call from outside and what it called, in the order of their beginning."""

    function: str
    since: float
    unasked: bool = False
    """Whether nobody asked for it: a timer's run is told although it calls nothing."""
    calls: list[Nested] = msgspec.field(default_factory=list)
    announced: bool = False

    def waiting(self) -> list[tuple[int, InvocationFinished]]:
        """Hand out what has ended and was not told yet, once, with how deep it is."""
        ended = [(call.depth, call.end) for call in self.calls if call.end is not None]
        self.calls = [call for call in self.calls if call.end is None]
        return ended


class Turns:
    """Knows which call belongs to which turn."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turns: dict[str, tuple[Turn, Nested | None]] = {}

    def began(self, event: InvocationStarted) -> None:
        above = self._turns.get(event.parent or "")
        if above is None:
            unasked = event.reason != MANUAL_REASON
            self._turns[event.id] = Turn(event.function, self._clock.monotonic(), unasked), None
            return
        turn, parent = above
        nested = Nested(1 if parent is None else parent.depth + 1)
        turn.calls.append(nested)
        self._turns[event.id] = turn, nested

    def ended(self, event: InvocationFinished) -> Turn | None:
        """Return the turn when something of it may be told: it is over, or it takes long."""
        turn, nested = self._turns.pop(event.id, (None, None))
        if turn is None:
            return None
        if nested is not None:
            nested.end = event
            return turn if self._clock.monotonic() - turn.since > PATIENCE else None
        return turn if turn.calls or turn.unasked else None
