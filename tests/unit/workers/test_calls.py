"""The calls a channel has under way."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from emulator.errors import WorkerLost
from emulator.workers.calls import Calls


async def test_nobody_is_told_of_the_end_of_a_worker_whose_caller_has_gone() -> None:
    loop = asyncio.get_running_loop()
    told: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda loop, context: told.append(context))
    calls = Calls()
    calls.begin("one", loop)  # and the caller is cancelled before it looks
    calls.fail(lambda: WorkerLost("gone"))
    gc.collect()
    assert told == []
    assert len(calls) == 0
