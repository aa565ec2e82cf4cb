"""The tasks an app's own code starts, to tell which of them it forgets about."""

from __future__ import annotations

import asyncio
import os
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.workers.pyworker.logs import running

GRACE = 0.1
"""Seconds a task may still take after the test is done."""

_ASYNCIO = os.path.dirname(asyncio.__file__)


class TaskWatch:
    """Takes note of each task that code in the app's folder creates during a call.

    Only for the in-process channel: the tasks of a worker process are its own.
    """

    def __init__(self, root: Path, owns: Callable[[str], bool]) -> None:
        """`owns` says whether a call id is one of this app's."""
        self._root = str(root) + os.sep
        self._owns = owns
        self._tasks: weakref.WeakKeyDictionary[asyncio.Task[Any], str] = weakref.WeakKeyDictionary()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before: Any = None

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._before = loop, loop.get_task_factory()
        loop.set_task_factory(self._make)

    def remove(self) -> None:
        """Put the loop's own factory back, unless somebody has set another meanwhile."""
        if self._loop is not None and self._loop.get_task_factory() == self._make:
            self._loop.set_task_factory(self._before)
        self._loop = None

    async def forgotten(self) -> list[str]:
        """Give the tasks a moment to end; describe those that are still there."""
        tasks = [task for task in list(self._tasks) if not task.done()]
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE)
        return [self._tasks[task] for task in tasks if not task.done()]

    def _make(self, loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> Any:
        before = self._before
        task = before(loop, coro, **more) if before else asyncio.Task(coro, loop=loop, **more)
        call = running.get()
        if call is not None and self._owns(call.id):
            place = self._creator()
            if place is not None:
                name = getattr(coro, "__qualname__", type(coro).__name__)
                self._tasks[task] = f"{name}, created at {place}"
        return task

    def _creator(self) -> str | None:
        """Return the line of the app that asked for the task, if it was the app's own code."""
        frame: Any = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename.startswith(_ASYNCIO):
            frame = frame.f_back
        if frame is None or not frame.f_code.co_filename.startswith(self._root):
            return None
        return f"{frame.f_code.co_filename[len(self._root) :]}:{frame.f_lineno}"
