"""How many requests run and wait: `maxConcurrentRequests` and `maxOutstandingRequests`."""

from __future__ import annotations

import asyncio


class Throttle:
    """Limits of host.json's `extensions.http`; -1 is none.

    Requests beyond `concurrent` wait; beyond `outstanding`, running and waiting together, they
    are refused.
    """

    def __init__(self, *, concurrent: int = -1, outstanding: int = -1) -> None:
        self._outstanding = outstanding
        self._slots = asyncio.Semaphore(concurrent) if concurrent > 0 else None
        self._taken = 0
        self.unlimited = concurrent <= 0 and outstanding < 0

    def refuses(self) -> bool:
        """Whether one more request is too many."""
        return 0 <= self._outstanding <= self._taken

    async def __aenter__(self) -> None:
        self._taken += 1
        if self._slots is not None:
            try:
                await self._slots.acquire()
            except BaseException:
                self._taken -= 1
                raise

    async def __aexit__(self, *_: object) -> None:
        self._taken -= 1
        if self._slots is not None:
            self._slots.release()
