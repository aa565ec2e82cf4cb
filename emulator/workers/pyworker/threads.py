"""Threads for functions that are no coroutines, and their way back to the loop.

Every switch between threads costs more than a short function does. So one thread is woken for any
number of calls and takes the next one as long as there is one; it wakes another only when calls
are left, which gets to run when this one waits for something. The loop is woken as seldom.
"""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import os
import threading
from typing import Any, Callable, Deque, Optional, Tuple

Job = Callable[[], Any]


class Threads(concurrent.futures.Executor):
    """At most `size` of them."""

    def __init__(self, size: Optional[int]) -> None:
        self._free = size or min(32, (os.cpu_count() or 1) + 4)  # as Python does
        self._pool = concurrent.futures.ThreadPoolExecutor(
            self._free, thread_name_prefix="function"
        )
        self._jobs: Deque[Job] = collections.deque()
        self._lock = threading.Lock()
        self._waking = False

    def start(self, job: Job) -> None:
        """Have `job` run; what it raises is lost."""
        with self._lock:
            self._jobs.append(job)
            self._wake()

    def withdraw(self, job: Job) -> bool:
        """Say whether `job` has not begun, and never will."""
        with self._lock, contextlib.suppress(ValueError):
            self._jobs.remove(job)
            return True
        return False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def job() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # whoever waits for it gets it
                    future.set_exception(error)

        self.start(job)
        return future

    def close(self) -> None:
        """Begin nothing more, and wait for nothing."""
        self._jobs.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _wake(self) -> None:
        if self._jobs and self._free and not self._waking:
            self._pool.submit(self._work)
            self._free -= 1
            self._waking = True

    def _work(self) -> None:
        arrived = False
        try:
            while True:
                with self._lock:
                    if not arrived:
                        self._waking, arrived = False, True
                    if not self._jobs:
                        return
                    job = self._jobs.popleft()
                    self._wake()
                job()
        finally:
            with self._lock:
                self._free += 1
                self._wake()  # for what has come meanwhile


class Loopwards:
    """Calls in the loop what any thread hands over, in that order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: Deque[Tuple[Callable[..., None], Tuple[Any, ...]]] = collections.deque()
        self._told = False

    def call(self, callback: Callable[..., None], *arguments: Any) -> None:
        self._waiting.append((callback, arguments))
        if not self._told:
            self._told = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        self._told = False  # what comes from here on is told anew
        try:
            for _ in range(len(self._waiting)):
                callback, arguments = self._waiting.popleft()
                callback(*arguments)
        except BaseException:
            self._loop.call_soon(self._run)  # the others still have their turn
            raise
