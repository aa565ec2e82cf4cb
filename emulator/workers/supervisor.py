"""Keeps the workers of one app alive: how many, which one is next, when to start one again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from emulator.clock import Clock, SystemClock
from emulator.errors import WorkerError, WorkerLost
from emulator.model import FunctionError, Invocation, InvocationResult
from emulator.workers.channel import (
    AppSpec,
    ExitInfo,
    FunctionLoad,
    Index,
    Interpreter,
    LogSink,
    ResponseStream,
    RpcWorker,
    StreamingChannel,
    WorkerInfo,
)
from emulator.workers.ending import Ending
from emulator.workers.programs import inspects
from emulator.workers.standby import Standby
from emulator.workers.subprocess import SubprocessChannel

COUNT_SETTING = "FUNCTIONS_WORKER_PROCESS_COUNT"
_MOST_PROCESSES = 10
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 10.0
_HEALTHY_AFTER = 30.0
_INTENTIONAL = 200
"""Exit code by which a worker asks to be started again."""
_REPLACED_GRACE = 5.0
_PATIENCE = 30.0
_BEFORE_SPARE = 0.05
"""Seconds the first calls have for themselves before the next spare starts."""


class WorkerProcessChannel(StreamingChannel, Protocol):
    """A channel to a worker that can be replaced."""

    async def let_go(self, invocation_id: str, grace: float) -> bool:
        """Have the worker stop with a call; say whether it did within `grace` seconds, or never
        had it."""
        ...


Spawn = Callable[[], WorkerProcessChannel]
OnExit = Callable[[ExitInfo], None]
OnLoaded = Callable[[WorkerProcessChannel], Coroutine[Any, Any, None]]


class Backoff:
    """How long to wait before the next start: doubling, and short again after good health."""

    def __init__(self) -> None:
        self._delay = 0.0

    def after(self, lived: float, code: int | None) -> float:
        if code == _INTENTIONAL:
            return 0.0
        if lived >= _HEALTHY_AFTER or not self._delay:
            self._delay = _FIRST_DELAY
        else:
            self._delay = min(self._delay * 2, _LONGEST_DELAY)
        return self._delay


class _Slot:
    """The place of one worker; who sits in it changes."""

    def __init__(self, channel: WorkerProcessChannel | None) -> None:
        self.channel = channel
        self.ready = False
        self.backoff = Backoff()
        self.since = 0.0
        self.debug_port: int | None = None


class Supervisor:
    """Looks like one worker. Calls go round the live ones; while none lives they wait, bounded."""

    def __init__(
        self,
        spawn: Spawn,
        *,
        processes: int = 1,
        clock: Clock | None = None,
        on_exit: OnExit | None = None,
        patience: float = _PATIENCE,
        on_loaded: OnLoaded | None = None,
    ) -> None:
        """Spawn the first worker at once. `on_exit` hears of every worker that ended unasked;
        `on_loaded` is run beside the calls once the app is loaded."""
        self._on_loaded = on_loaded
        self._spawn = spawn
        self._clock = clock or SystemClock()
        self._on_exit = on_exit
        self._patience = patience
        self._slots = [_Slot(spawn())] + [_Slot(None) for _ in range(processes - 1)]
        self._next = 0
        self._loads: dict[str, FunctionLoad] | None = None
        self._calls: dict[str, WorkerProcessChannel] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._retired: set[WorkerProcessChannel] = set()
        self._changed: asyncio.Event | None = None
        self._ending = Ending()
        self._last_exit: ExitInfo | None = None

    @classmethod
    def spawn(
        cls,
        spec: AppSpec,
        worker: Interpreter | RpcWorker,
        sink: LogSink,
        *,
        clock: Clock | None = None,
        on_exit: OnExit | None = None,
        standby: Standby | None = None,
    ) -> Supervisor:
        """Supervise worker processes, as many as the app's settings ask for.

        With a `standby` a spare is kept for the next load and for a crash, where the worker is
        ours. While debugging there is one process, so that every call passes where the debugger
        looks.
        """

        def spawn() -> WorkerProcessChannel:
            nonlocal spec
            wanted, spec = spec, _without_waiting(spec)
            if isinstance(worker, RpcWorker):
                # gRPC costs 100 ms, and few apps need it.
                from emulator.workers.functionrpc.channel import RpcChannel

                return RpcChannel.spawn(wanted, worker, sink)
            if standby is not None:
                return standby.take(wanted, worker)
            return SubprocessChannel.spawn(wanted, worker, sink)

        async def prepare(channel: WorkerProcessChannel) -> None:
            await asyncio.sleep(_BEFORE_SPARE)
            if (
                standby is not None
                and isinstance(channel, SubprocessChannel)
                and isinstance(worker, Interpreter)
            ):
                with contextlib.suppress(WorkerError):  # it ended meanwhile, or no spare can start
                    standby.prepare(spec, worker, await channel.modules())

        arguments, usual = worker.arguments, 1
        if isinstance(worker, RpcWorker):
            arguments, usual = (*arguments, *worker.worker_arguments), worker.processes
        return cls(
            spawn,
            processes=1
            if spec.debugging or inspects(arguments)
            else process_count(spec.environment, usual),
            clock=clock,
            on_exit=on_exit,
            on_loaded=None if standby is None else prepare,
        )

    @property
    def closed(self) -> asyncio.Future[ExitInfo]:
        return self._ending.closed

    @property
    def running(self) -> int:
        return len(self._calls)

    @property
    def pids(self) -> tuple[int, ...]:
        channels = [slot.channel for slot in self._slots if slot.channel is not None]
        return tuple(pid for channel in channels for pid in channel.pids)

    @property
    def debug_port(self) -> int | None:
        """Where the debugger of the worker listens; `None` while there is none."""
        slot = self._slots[0]
        return None if slot.channel is None else slot.debug_port

    async def start(self) -> WorkerInfo:
        self._changed = asyncio.Event()
        _ = self.closed
        first = self._slots[0]
        assert first.channel is not None
        try:
            info = await first.channel.start()
        except BaseException:
            await self.aclose(0)
            raise
        first.since = self._clock.monotonic()
        first.debug_port = info.debug_port
        self._own(self._watch(first, first.channel))
        return info

    async def index(self) -> Index:
        channel = self._slots[0].channel
        if channel is None:
            raise self._lost()
        return await channel.index()

    async def load(self, loads: Sequence[FunctionLoad]) -> Mapping[str, FunctionError]:
        first = self._slots[0]
        channel = first.channel
        if channel is None:
            raise self._lost()
        errors = await channel.load(loads)
        begin = self._loads is None
        if begin and first.channel is not channel:
            raise self._lost()  # it ended behind its answer, when no other was to be started yet
        if begin and self._on_loaded is not None:
            self._own(self._on_loaded(channel))
        self._loads = {**(self._loads or {}), **{each.function.name: each for each in loads}}
        self._set_ready(first)
        for slot in self._slots[1:]:
            if begin:
                self._own(self._fill(slot, 0.0))
            elif slot.channel is not None and slot.ready:
                await slot.channel.load(loads)
        return errors

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        channel = self._live()
        if channel is None:
            channel = await self._wait_for_worker()
        self._calls[invocation.id] = channel
        try:
            return await channel.invoke(invocation)
        finally:
            self._calls.pop(invocation.id, None)

    async def stream(
        self, invocation: Invocation, body: AsyncIterator[bytes], respond: ResponseStream
    ) -> InvocationResult:
        channel = self._live()
        if channel is None:
            channel = await self._wait_for_worker()
        self._calls[invocation.id] = channel
        try:
            return await channel.stream(invocation, body, respond)
        finally:
            self._calls.pop(invocation.id, None)

    async def cancel(self, invocation_id: str) -> None:
        channel = self._calls.get(invocation_id)
        if channel is not None:
            await channel.cancel(invocation_id)

    async def abandon(self, invocation_id: str, grace: float) -> None:
        """As every channel does; the worker's other calls get a moment to finish elsewhere."""
        for channel in self._channels():
            if not await channel.let_go(invocation_id, grace):
                await self.replace(channel)

    async def replace(self, channel: WorkerProcessChannel) -> None:
        """Start another worker in its place at once, and end it when its calls are done."""
        for slot in self._slots:
            if slot.channel is channel:
                slot.channel, slot.ready = None, False
                self._retired.add(channel)
                self._own(self._fill(slot, 0.0))
                retiring = self._own(self._retire(channel))
                if not channel.running:
                    await asyncio.wait([retiring])

    async def drain(self, seconds: float) -> bool:
        return all(await asyncio.gather(*(each.drain(seconds) for each in self._channels())))

    async def aclose(self, grace: float = 2.0) -> None:
        closed = self.closed
        if not self._ending.ask():
            await asyncio.wait([closed])
            return
        self._announce()
        tasks = list(self._tasks)
        channels = self._channels()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(each.aclose(grace) for each in channels))
        if not closed.done():
            closed.set_result(ExitInfo(0, expected=True))

    def _channels(self) -> list[WorkerProcessChannel]:
        """Return those that have calls, or may get some."""
        return [*self._retired, *(slot.channel for slot in self._slots if slot.channel)]

    def _live(self) -> WorkerProcessChannel | None:
        for _ in self._slots:
            slot = self._slots[self._next]
            self._next = (self._next + 1) % len(self._slots)
            channel = slot.channel
            if slot.ready and channel is not None and not channel.closed.done():
                return channel
        return None

    async def _wait_for_worker(self) -> WorkerProcessChannel:
        if self._loads is None or self._changed is None:
            raise self._lost()
        deadline = self._clock.monotonic() + self._patience
        while not self._ending.asked:
            left = deadline - self._clock.monotonic()
            self._changed.clear()
            try:
                async with asyncio.timeout(max(left, 0)):
                    await self._changed.wait()
            except TimeoutError:
                break
            channel = self._live()
            if channel is not None:
                return channel
        raise self._lost()

    def _lost(self) -> WorkerLost:
        if self._ending.asked:
            return WorkerLost("the worker was stopped")
        tail = "\n".join(self._last_exit.tail) if self._last_exit else ""
        return WorkerLost(
            "there is no worker to run the call: it ended and could not be started again in time"
            + (f"; its last words:\n{tail}" if tail else "")
        )

    async def _watch(self, slot: _Slot, channel: WorkerProcessChannel) -> None:
        """Wait for the end of a worker; when nobody asked for it, start another."""
        info = await asyncio.shield(channel.closed)
        if slot.channel is not channel or self._ending.asked:
            return
        slot.channel, slot.ready = None, False
        self._last_exit = info
        if self._on_exit is not None:
            self._on_exit(info)
        if self._loads is None:
            return  # it ended while the app was imported; the next one would, too
        lived = self._clock.monotonic() - slot.since
        await self._fill(slot, slot.backoff.after(lived, info.code))

    async def _fill(self, slot: _Slot, delay: float) -> None:
        """Start a worker for an empty place; try until one comes up."""
        while not self._ending.asked:
            if delay:
                await self._clock.sleep(delay)
            started = self._clock.monotonic()
            channel: WorkerProcessChannel | None = None
            try:
                channel = self._spawn()
                self._retired.add(channel)  # until it is in its place, closing must find it
                info = await channel.start()
                await channel.index()
                await channel.load(list((self._loads or {}).values()))
            except WorkerError as error:
                if channel is not None:
                    self._retired.discard(channel)
                    await channel.aclose(0)
                self._last_exit = ExitInfo(None, (error.message,))
                delay = slot.backoff.after(self._clock.monotonic() - started, None)
                continue
            self._retired.discard(channel)
            slot.channel, slot.since, slot.debug_port = channel, started, info.debug_port
            self._set_ready(slot)
            if self._on_loaded is not None:
                self._own(self._on_loaded(channel))
            self._own(self._watch(slot, channel))
            return

    async def _retire(self, channel: WorkerProcessChannel) -> None:
        await channel.drain(_REPLACED_GRACE)
        await channel.aclose(0)
        self._retired.discard(channel)

    def _set_ready(self, slot: _Slot) -> None:
        slot.ready = True
        self._announce()

    def _announce(self) -> None:
        if self._changed is not None:
            self._changed.set()

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _without_waiting(spec: AppSpec) -> AppSpec:
    """Only the first worker waits for a debugger: the others are started while it is attached."""
    if spec.debugging is None or not spec.debugging.wait:
        return spec
    return replace(spec, debugging=replace(spec.debugging, wait=False))


def process_count(environment: Mapping[str, str], usual: int = 1) -> int:
    """Return how many processes the app asks for: 1 to 10; anything else counts as 1. Where it asks
    for none in particular it gets as many as is `usual` for its worker."""
    try:
        count = int(environment.get(COUNT_SETTING) or usual)
    except ValueError:
        return 1
    return min(max(count, 1), _MOST_PROCESSES)
