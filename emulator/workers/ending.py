"""How a worker ends: asked to or by itself, and what those hear who still wait for an answer."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from typing import Any

from emulator.errors import WorkerLost
from emulator.workers.channel import ExitInfo


class Ending:
    """Of one worker; made before there is a loop."""

    def __init__(self) -> None:
        self.info: ExitInfo | None = None
        """How it ended, once it has."""
        self.asked = False
        """Whether it was told to end."""
        self.reason = ""
        """Why it was ended without being asked."""
        self._closed: asyncio.Future[ExitInfo] | None = None

    @property
    def closed(self) -> asyncio.Future[ExitInfo]:
        """Done once the worker is gone, for whatever reason."""
        if self._closed is None:
            self._closed = asyncio.get_running_loop().create_future()
        return self._closed

    def told(self, code: int | None, tail: Iterable[str]) -> ExitInfo:
        """Return what to say of a process that has ended, with its last lines."""
        return ExitInfo(code, tuple(tail), expected=self.asked, reason=self.reason)

    def error(self) -> WorkerLost:
        """Return what a call is told that gets no answer."""
        info = self.info
        if info is None or info.expected:
            return WorkerLost("the worker was stopped while the call was running")
        tail = "\n".join(info.tail)
        return WorkerLost(
            f"the worker {describe_exit(info)}" + (f"; its last words:\n{tail}" if tail else "")
        )

    async def unless(self, answer: asyncio.Future[Any]) -> Any:
        """Wait for an answer; raises `WorkerLost` when the worker ends without one."""
        waited: list[asyncio.Future[Any]] = [answer, self.closed]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        raise self.error()


def describe_exit(info: ExitInfo) -> str:
    """Say how it ended, to follow a subject."""
    if info.reason:
        return f"was ended: {info.reason}"
    if info.code is None:
        return "went away"
    if info.code >= 0:
        return f"ended with exit code {info.code}"
    try:
        name = signal.Signals(-info.code).name
    except ValueError:
        name = str(-info.code)
    told = f"was ended by the signal {name}"
    # On Windows there is no such signal, nor anybody who sends it.
    return f"{told}, which the system sends when memory runs out" if name == "SIGKILL" else told
