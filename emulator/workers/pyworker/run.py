"""Runs calls: async functions as tasks, others in threads, streams behind a web framework."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import Any, Callable, Dict, Mapping, Optional, Set

from .convert import Blobs
from .failure import describe
from .invoke import Function
from .logs import Call, Capture, running
from .streaming import Send, Site, StreamedCall
from .threads import Loopwards, Threads
from .wire import Header, Message

Done = Callable[[Message], None]


class Runner:
    """The calls of one app, on one event loop.

    `send` takes what is said beside the answers: chunks of bodies, and the end of calls that went
    on in a thread after they had been cancelled.
    """

    def __init__(
        self, root: str, *, capture: Capture, send: Send, threads: Optional[int] = None
    ) -> None:
        self.site: Optional[Site] = None
        """The web framework in front of functions that stream."""
        self._root = root
        self._capture = capture
        self._send = send
        self._tasks: Dict[str, Any] = {}
        self._in_threads: Dict[str, Any] = {}
        self._unheard: Set[str] = set()
        self._streamed: Dict[str, StreamedCall] = {}
        self._pool_size = threads
        self._pool: Optional[Threads] = None
        self._loop = asyncio.get_running_loop()
        self.loopwards = Loopwards(self._loop)
        """For what threads have to say."""

    def begin(self, function: Function, header: Header, blobs: Blobs, done: Done) -> None:
        """Start a call; `done` gets the answer, on the loop."""
        call_id = header["id"]
        if function.request_name is not None and self.site is not None:
            # Known from now on: chunks may follow before the task takes its first step.
            streamed = StreamedCall(function, header, blobs, site=self.site, send=self._send)
            self._streamed[call_id] = streamed
            task = self._loop.create_task(self._run_streamed(streamed, done))
            self._tasks[call_id] = (task, done)
        elif function.is_async:
            task = self._loop.create_task(self._run_async(function, header, blobs, done))
            self._tasks[call_id] = (task, done)
        else:
            job = partial(self._run_in_thread, function, header, blobs)
            self._in_threads[call_id] = (job, done)
            self._threads().start(job)

    def receive(self, header: Header, blobs: Blobs) -> None:
        """Take a chunk of a request, or the leave to send more of a response."""
        streamed = self._streamed.get(header["id"])
        if streamed is not None:
            streamed.exchange.take(header, blobs)

    def _threads(self) -> Threads:
        if self._pool is None:
            self._pool = Threads(self._pool_size)
        return self._pool

    async def _run_async(
        self, function: Function, header: Header, blobs: Blobs, done: Done
    ) -> None:
        call_id = header["id"]
        running.set(Call(call_id, self._capture))
        try:
            arguments = function.arguments(header, blobs, self._capture.local)
            value = await function.call(**arguments.keywords)
            answer = function.answer(call_id, value, arguments.outs)
        except BaseException as error:  # the border to user code: nothing it raises may pass
            answer = self._failed(call_id, error)
        self._tasks.pop(call_id, None)
        self._capture.finish(call_id)
        done(answer)

    async def _run_streamed(self, streamed: StreamedCall, done: Done) -> None:
        call_id = streamed.call_id
        running.set(Call(call_id, self._capture))
        try:
            answer = await streamed.run(self._capture.local, self._in_thread)
        except BaseException as error:  # the border to user code: nothing it raises may pass
            answer = self._failed(call_id, error)
            await streamed.fail(error)
        self._streamed.pop(call_id, None)
        self._tasks.pop(call_id, None)
        self._capture.finish(call_id)
        done(answer)

    async def _in_thread(self, function: Function, call_id: str, keywords: Dict[str, Any]) -> Any:
        def call() -> Any:
            with _Attributed(call_id, self._capture):
                return function.call(**keywords)

        return await self._loop.run_in_executor(self._threads(), call)

    def _run_in_thread(self, function: Function, header: Header, blobs: Blobs) -> None:
        call_id = header["id"]
        with _Attributed(call_id, self._capture):
            try:
                arguments = function.arguments(header, blobs, self._capture.local)
                value = function.call(**arguments.keywords)
                answer = function.answer(call_id, value, arguments.outs)
            except BaseException as error:  # the border to user code: nothing it raises may pass
                answer = self._failed(call_id, error)
        self._capture.finish(call_id)
        self.loopwards.call(self._thread_done, call_id, answer)

    def _thread_done(self, call_id: str, answer: Message) -> None:
        if call_id in self._unheard:
            self._unheard.discard(call_id)
            self._send({"kind": "ended", "id": call_id}, ())
        elif call_id in self._in_threads:
            _, done = self._in_threads.pop(call_id)
            done(answer)

    def cancel(self, call_id: str) -> None:
        """Cancel an async call; one in a thread cannot be stopped and runs on unheard."""
        if call_id in self._in_threads:
            job, done = self._in_threads.pop(call_id)
            answer = self._cancelled(call_id)
            if not self._threads().withdraw(job):
                self._unheard.add(call_id)
                answer["still"] = True
            done((answer, ()))
        elif call_id in self._tasks:
            task, done = self._tasks[call_id]
            task.add_done_callback(lambda _: self._never_began(call_id, done))
            task.cancel()

    def _never_began(self, call_id: str, done: Done) -> None:
        """Answer for a task cancelled before its first step, which has not run a line."""
        if self._tasks.pop(call_id, None) is not None:
            self._streamed.pop(call_id, None)
            done((self._cancelled(call_id), ()))

    def close(self) -> None:
        for task, _ in list(self._tasks.values()):
            task.cancel()
        self._in_threads.clear()
        if self._pool is not None:
            self._pool.close()

    def _failed(self, call_id: str, error: BaseException) -> Message:
        return {"kind": "result", "id": call_id, "error": describe(error, self._root)}, ()

    def _cancelled(self, call_id: str) -> Header:
        error = {"type": "CancelledError", "message": "the call was cancelled"}
        return {"kind": "result", "id": call_id, "error": error}


class _Attributed:
    """Lets what this thread says belong to a call. No generator: it is made for each call."""

    __slots__ = ("_call", "_capture", "_token")

    def __init__(self, call_id: str, capture: Capture) -> None:
        self._call = Call(call_id, capture)
        self._capture = capture

    def __enter__(self) -> None:
        self._capture.local.invocation_id = self._call.id
        self._token = running.set(self._call)

    def __exit__(self, *_: object) -> None:
        running.reset(self._token)
        self._capture.local.invocation_id = None


def pool_size(environment: Mapping[str, str], warn: Callable[[str], None]) -> Optional[int]:
    """Return the number of threads for sync functions; `None` leaves it to Python."""
    text = environment.get("PYTHON_THREADPOOL_THREAD_COUNT")
    if text is None:
        return None
    try:
        size = int(text)
    except ValueError:
        warn("PYTHON_THREADPOOL_THREAD_COUNT must be an integer")
        return None
    if not 1 <= size <= sys.maxsize:
        warn(
            "PYTHON_THREADPOOL_THREAD_COUNT must be set to a value between 1 and sys.maxint."
            " Reverting to default value for max_workers"
        )
        return None
    return size
