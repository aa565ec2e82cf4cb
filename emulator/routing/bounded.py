"""A computation that is given up when it takes too long.

A regular expression can take years for a short text. `re` knows no limit, but lets signals
interrupt it: so the limit counts on the main thread of systems that have such timers, which is
where requests are answered outside of Windows. Elsewhere there is none.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


def bounded(work: Callable[[], T], seconds: float) -> T:
    """Return what `work` returns; raise `TimeoutError` once it has computed for `seconds`."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return work()
    # Of the three timers this one is used least; it counts only while this process computes.
    before = signal.signal(signal.SIGVTALRM, _give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise TimeoutError
