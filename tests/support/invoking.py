"""Functions with bindings made by hand, and a worker that answers what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from emulator.clock import Clock, SystemClock
from emulator.events import Event, EventBus
from emulator.expressions import parse
from emulator.invocation.bound import BoundFunction, Reader, Writer
from emulator.invocation.options import BoundOptions
from emulator.invocation.pipeline import Invoker
from emulator.model import (
    NONE,
    BindingModel,
    Datum,
    Direction,
    FunctionError,
    FunctionModel,
    Invocation,
    InvocationResult,
    RetryPolicy,
)
from emulator.sdk import Call, Fired, Input, Options, Output, Resolved, Trigger

Answer = Callable[[Invocation], Awaitable[InvocationResult]]


class PathOptions(Options, frozen=True):
    path: Resolved = ""


class Asking(Trigger):
    type_name = "askingTrigger"
    summary = "Fires when a test says so."


class Reading(Input[PathOptions]):
    """Reads what `value` returns for the call; `order` is the instance's own."""

    type_name = "reading"
    summary = "Reads."
    options_type = PathOptions

    def __init__(
        self, value: Callable[[Call], Awaitable[Datum]], *, direction: Direction, order: int
    ) -> None:
        self.declared = BindingModel("in", self.type_name, direction)
        self.order = order
        self._value = value

    async def read(self, call: Call) -> Datum:
        return await self._value(call)


class Writing(Output[PathOptions]):
    type_name = "writing"
    summary = "Writes."
    options_type = PathOptions

    def __init__(self, write: Callable[[Call, Datum], Awaitable[None]]) -> None:
        self.declared = BindingModel("out", self.type_name, Direction.OUT)
        self._write = write

    async def write(self, call: Call, value: Datum) -> None:
        await self._write(call, value)


def path(text: str) -> BoundOptions:
    """Return options whose `path` is resolved at each call."""
    if "{" not in text:
        return BoundOptions(PathOptions(path=text))
    return BoundOptions(PathOptions(), {"path": parse(text)})


def reader(
    name: str,
    value: Callable[[Call], Awaitable[Datum]],
    *,
    options: str = "",
    direction: Direction = Direction.IN,
    order: int = 0,
) -> Reader:
    return Reader(name, Reading(value, direction=direction, order=order), path(options))


def writer(
    name: str, write: Callable[[Call, Datum], Awaitable[None]], *, options: str = ""
) -> Writer:
    return Writer(name, Writing(write), path(options))


def function(
    name: str = "Fn",
    *,
    readers: Sequence[Sequence[Reader]] = (),
    writers: Sequence[Writer] = (),
    has_return: bool = False,
    retry: RetryPolicy | None = None,
) -> BoundFunction:
    declared = BindingModel("asked", "askingTrigger", Direction.IN)
    model = FunctionModel(
        name, (declared,), Path("/app"), "f.py", "main", programming_model="v1", retry=retry
    )
    trigger = Asking(
        function=model, declared=declared, options=Options(), services=None, extension=None
    )
    groups = tuple(tuple(group) for group in readers)
    return BoundFunction(model, "asked", trigger, groups, tuple(writers), has_return)


class FakeChannel:
    """A worker whose answers come from the test, and which keeps what it was asked."""

    def __init__(self, answer: Answer | None = None) -> None:
        self._answer = answer
        self.asked: list[Invocation] = []
        self.abandoned: list[str] = []
        self.pids: tuple[int, ...] = (1,)
        self.pids_after: tuple[int, ...] = (1,)
        """The processes once a call was abandoned."""

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        self.asked.append(invocation)
        return InvocationResult() if self._answer is None else await self._answer(invocation)

    async def abandon(self, invocation_id: str, grace: float) -> None:
        self.abandoned.append(invocation_id)
        self.pids = self.pids_after


class Bench:
    """An invoker with a worker of the test, and every event it published."""

    def __init__(
        self,
        answer: Answer | None = None,
        *,
        clock: Clock | None = None,
        timeout: float | None = None,
        binding_data: bool = False,
    ) -> None:
        self.channel = FakeChannel(answer)
        self.events = EventBus()
        self.told: list[Event] = []
        self.events.subscribe(self.told.append)
        self.clock = clock or SystemClock()
        self.invoker = Invoker(
            channel=self.channel,  # type: ignore[arg-type]  # the parts an invoker uses
            events=self.events,
            clock=self.clock,
            timeout=timeout,
            binding_data=binding_data,
        )

    async def run(
        self, function: BoundFunction, value: Datum = NONE, **more: Any
    ) -> InvocationResult:
        fired = Fired(value, "asked", lambda: dict(more.pop("data", {})), detail="now")
        return await self.invoker.run(function, fired, **more)


def fired(data: Mapping[str, Any] | None = None, value: Datum = NONE) -> Fired:
    return Fired(value, "asked", lambda: dict(data or {}))


async def text(call: Call) -> Datum:
    """Read as an input does whose value is its own path."""
    return Datum("text", call.options.path)


def failing(message: str = "no", kind: str = "ValueError") -> Answer:
    async def answer(invocation: Invocation) -> InvocationResult:
        return InvocationResult(error=FunctionError(kind, message, "stack"))

    return answer


async def turns(count: int = 5) -> None:
    """Let tasks go on for a few turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)
