"""What an official worker is waited for to say, but for how calls went."""

from __future__ import annotations

import asyncio
from typing import Any

from emulator.workers.ending import Ending


class Answers:
    """Of one worker, by what they are."""

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._awaited: dict[str, asyncio.Future[Any]] = {}

    def __contains__(self, what: str) -> bool:
        """Whether it has not come yet."""
        return what in self._awaited

    def expect(self, what: str) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = self._ending.closed.get_loop().create_future()
        self._awaited[what] = answer
        return answer

    def came(self, what: str, value: Any) -> None:
        answer = self._awaited.pop(what, None)
        if answer is not None and not answer.done():
            answer.set_result(value)

    async def within(self, answer: asyncio.Future[Any], seconds: float | None) -> Any:
        """Wait for an answer; raises `TimeoutError`, or `WorkerLost` when the worker ends."""
        async with asyncio.timeout(seconds):
            return await self._ending.unless(answer)
