"""The calls a channel has under way, and those given up that the worker has not let go of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from emulator.model import InvocationResult

Answer = asyncio.Future[InvocationResult]


class Calls:
    """One per channel."""

    def __init__(self) -> None:
        self._waiting: dict[str, Answer] = {}
        self._lingering: dict[str, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._waiting

    def begin(self, call_id: str, loop: asyncio.AbstractEventLoop) -> Answer:
        if call_id in self._waiting or call_id in self._lingering:
            raise ValueError(f"the call {call_id} is already under way")
        answer: Answer = loop.create_future()
        self._waiting[call_id] = answer
        return answer

    def answered(self, call_id: str, result: InvocationResult, *, still_running: bool) -> None:
        answer = self._waiting.pop(call_id, None)
        if still_running:
            self._linger(call_id)
        else:
            self.ended(call_id)
        if answer is not None and not answer.done():
            answer.set_result(result)

    def give_up(self, call_id: str, *, sent: bool = True) -> bool:
        """Nobody waits for the answer any more; say whether the worker still has the call, which
        it can only when that was `sent`."""
        if self._waiting.pop(call_id, None) is None:
            return False
        if sent:
            self._linger(call_id)
        else:
            self.ended(call_id)
        return sent

    def lingering(self, call_id: str) -> asyncio.Future[None] | None:
        """Return what is done once the worker let go of a call; `None` when it has it not."""
        if call_id in self._waiting:
            self._linger(call_id)
        return self._lingering.get(call_id)

    async def let_go(
        self, call_id: str, grace: float, cancel: Callable[[str], Awaitable[None]]
    ) -> bool:
        """Have the worker stop with a call; say whether it did within `grace` seconds, or never
        had it."""
        lingering = self.lingering(call_id)
        if lingering is None:
            return True
        await cancel(call_id)
        await asyncio.wait([lingering], timeout=grace)
        return lingering.done()

    def _linger(self, call_id: str) -> None:
        if call_id not in self._lingering:
            self._lingering[call_id] = asyncio.get_running_loop().create_future()

    def ended(self, call_id: str) -> None:
        if self._lingering:
            lingering = self._lingering.pop(call_id, None)
            if lingering is not None and not lingering.done():
                lingering.set_result(None)

    def fail(self, error: Callable[[], Exception]) -> None:
        """The worker is gone, and every call with it."""
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(error())
                answer.exception()  # whoever waits for it may just have been cancelled
        for call_id in list(self._lingering):
            self.ended(call_id)

    async def drain(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while self._waiting:
                    await asyncio.wait(list(self._waiting.values()))
                    await asyncio.sleep(0)
        except TimeoutError:
            return False
        return True
