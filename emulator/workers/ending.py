"""How a worker ends: asked to or by itself, and what those hear who still wait for an answer."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from typing import Any, Protocol

from emulator.errors import WorkerLost
from emulator.workers.channel import ExitInfo

EOF_WAIT = 0.2
"""Seconds in which what a worker has said before it ended is read."""
HANGS = 1.0
"""Seconds a worker may live on after it has closed its connection."""
HUNG_UP = "it had closed its connection"
TOO_LONG = "one of its calls ran too long and could not be stopped"
"""Why workers are ended that nobody asked to."""
_TERMINATE_WAIT = 0.5
_KILL_WAIT = 2.0


class Process(Protocol):
    """What can be told to end, and be ended."""

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Ending:
    """Of one worker; made before there is a loop."""

    def __init__(self) -> None:
        self.info: ExitInfo | None = None
        """How it ended, once it has."""
        self.exit: ExitInfo | None = None
        """How its process ended; what it has said before may yet have to be read."""
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

    def ask(self) -> bool:
        """Note that it is told to end; say whether it was not before."""
        first, self.asked = not self.asked, True
        return first

    def exited(self, code: int, tail: Iterable[str]) -> ExitInfo:
        """Note the end of its process; return what to say of that, with its last lines."""
        self.exit = ExitInfo(code, tuple(tail), expected=self.asked, reason=self.reason)
        return self.exit

    def kill(self, process: Process, reason: str) -> None:
        """End it at once; `reason` is what running calls are told."""
        self.reason = self.reason or reason
        process.kill()

    async def abandon(self, process: Process) -> None:
        """End it for a call that it does not let go of."""
        self.kill(process, TOO_LONG)
        await asyncio.wait([self.closed], timeout=_KILL_WAIT)

    async def enforce(self, process: Process) -> None:
        """End it if it has not ended by itself: politely, then not."""
        if not self.closed.done():
            process.terminate()
            await asyncio.wait([self.closed], timeout=_TERMINATE_WAIT)
        if not self.closed.done():
            process.kill()
            await asyncio.wait([self.closed], timeout=_KILL_WAIT)

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
