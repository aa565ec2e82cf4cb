"""One turn at a time for each assistant; waiting for oneself is an error, not a standstill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from emulator.sdk import BindingError, Call


@dataclass(slots=True)
class _Lane:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    holder: str = ""
    """Id of the call whose turn it is."""
    users: int = 0


class Turns:
    """Who may write to which chat. Keys are any value that names a chat."""

    def __init__(self) -> None:
        self._lanes: dict[Hashable, _Lane] = {}
        self._waiting: list[tuple[frozenset[str], _Lane]] = []

    @asynccontextmanager
    async def hold(self, key: Hashable, call: Call) -> AsyncIterator[None]:
        """Wait for the turn and keep it for the block.

        Raises `BindingError` when the turn can never come because this very call, through the
        calls it was made by, keeps it from ending.
        """
        lane = self._lanes.setdefault(key, _Lane())
        chain = frozenset({call.id, *(each.id for each in call.ancestors)})
        if lane.lock.locked() and self._depends_on(lane, chain - {call.id}):
            raise BindingError(
                "A skill cannot write to an assistant that is waiting for this skill "
                f"({' → '.join(each.function.name for each in (*call.ancestors, call))}).",
                hint="Let the skill return its result instead; the assistant reads it.",
                code="assistant-reentered",
            )
        lane.users += 1
        waiter = (chain, lane)
        self._waiting.append(waiter)
        try:
            try:
                await lane.lock.acquire()
            finally:
                self._waiting.remove(waiter)
            lane.holder = call.id
            try:
                yield
            finally:
                lane.lock.release()
        finally:
            lane.users -= 1
            if not lane.users:
                self._lanes.pop(key, None)

    def _depends_on(self, lane: _Lane, chain: frozenset[str]) -> bool:
        """Say whether the lane's holder is in `chain`, or waits, itself or through the calls it
        made, for one that is."""
        seen: set[str] = set()
        ahead = [lane.holder]
        while ahead:
            holder = ahead.pop()
            if holder in chain:
                return True
            if holder in seen:
                continue
            seen.add(holder)
            ahead.extend(waited.holder for callers, waited in self._waiting if holder in callers)
        return False
