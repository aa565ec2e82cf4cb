"""Work on the event loop an app lives on, from wherever a test runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def on_loop(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    """Await something on a loop, which may be that of another thread."""
    if loop is asyncio.get_running_loop():
        return await work
    if not loop.is_running():
        work.close()
        raise RuntimeError(
            "This app lives on another event loop, which is not running. Use the fixture "
            "functions_app_session, which has a thread of its own, or give test and fixture "
            "the same loop_scope."
        )
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))


def running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def own_loop() -> asyncio.Runner:
    if running_loop() is not None:
        raise RuntimeError(
            "`with EmulatedApp(…)` blocks, and an event loop is running here: use `async with`."
        )
    return asyncio.Runner()
