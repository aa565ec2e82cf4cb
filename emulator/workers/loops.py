"""Callbacks of an event loop for other threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

_LOOK = 1.0
"""Seconds after which a thread that waits looks whether the loop is still there."""


def in_loop(loop: asyncio.AbstractEventLoop, callback: Callable[..., None]) -> Callable[..., None]:
    """Return `callback` for other threads: run in the loop, or nowhere once that is closed."""

    def call(*arguments: Any) -> None:
        try:
            loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            if not loop.is_closed():
                raise

    return call


def through_loop(
    loop: asyncio.AbstractEventLoop, callback: Callable[..., None]
) -> Callable[..., None]:
    """Return `callback` for other threads, which wait until it was run in the loop."""

    def call(*arguments: Any) -> None:
        done = threading.Event()

        def work() -> None:
            try:
                callback(*arguments)
            finally:
                done.set()

        in_loop(loop, work)()
        while not done.wait(_LOOK) and not loop.is_closed():
            pass

    return call
