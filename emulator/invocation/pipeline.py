"""The path of one call: inputs, worker, outputs. Re-entrant: a binding may call functions."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from emulator.clock import Clock
from emulator.config.timespan import format_timespan
from emulator.errors import (
    EmulatorError,
    FunctionFailed,
    FunctionNotFound,
    FunctionTimeout,
    InvocationError,
)
from emulator.events import (
    EventBus,
    FunctionRan,
    InvocationFinished,
    InvocationStarted,
    Level,
    LogLine,
)
from emulator.ids import new_id
from emulator.invocation.bound import BoundFunction
from emulator.invocation.exchange import CallLog, Exchange, broken, given_to_outputs
from emulator.invocation.limits import Deadlines, InFlight, RetrySchedule
from emulator.invocation.metadata import metadata_of
from emulator.invocation.options import Evaluation
from emulator.model import (
    NO_TRACE,
    Datum,
    FunctionError,
    Invocation,
    InvocationResult,
    RetryContext,
    RetryPolicy,
    TraceContext,
)
from emulator.sdk import Call, Fired
from emulator.workers.channel import ResponseStream, StreamingChannel, WorkerChannel

MAX_DEPTH = 16
"""How many calls may be nested: a skill that posts to an assistant that calls a skill …"""


_CANCEL_GRACE = 2.0
"""Seconds a call may go on after its timeout before its worker is replaced (host rule)."""


@dataclass(frozen=True, slots=True)
class HttpStream:
    """The two bodies of a request that is answered in pieces, and what carries them."""

    channel: StreamingChannel
    body: AsyncIterator[bytes]
    respond: ResponseStream


class Invoker:
    """Runs functions of one load of an app."""

    def __init__(
        self,
        *,
        channel: WorkerChannel,
        events: EventBus,
        clock: Clock,
        timeout: float | None,
        running: dict[str, str] | None = None,
        binding_data: bool = False,
    ) -> None:
        """With `binding_data` functions are shown what `{…}` in their bindings can refer to."""
        self._binding_data = binding_data
        self._running = {} if running is None else running
        self._channel = channel
        self._events = events
        self._clock = clock
        self._deadlines = Deadlines(math.inf if timeout is None else timeout)
        self._functions: dict[str, BoundFunction] = {}
        self.in_flight = InFlight()
        """Calls, and requests on their way to one."""

    def adopt(self, functions: Mapping[str, BoundFunction]) -> None:
        """Take over what can be called, by lower-case name."""
        self._functions = dict(functions)

    def find(self, name: str) -> BoundFunction:
        found = self._functions.get(name.lower())
        if found is None:
            raise FunctionNotFound(f"There is no function '{name}' in this app.")
        return found

    def run(
        self,
        function: BoundFunction,
        fired: Fired,
        *,
        parent: Call | None = None,
        trace: TraceContext = NO_TRACE,
        stream: HttpStream | None = None,
        begun: Callable[[str], None] | None = None,
    ) -> Coroutine[Any, Any, InvocationResult]:
        """Run `function` once, or as often as its retry policy says (once with a `stream`).

        `begun` is told the id of each attempt.

        Raises `FunctionFailed` with the user's exception or the failure of a binding,
        `FunctionTimeout`, `WorkerLost`, or `InvocationError` when calls are nested too deeply.
        """
        if parent is not None and len(parent.ancestors) + 1 >= MAX_DEPTH:
            raise InvocationError(
                f"'{function.model.name}' was not called: calls are nested more than "
                f"{MAX_DEPTH} deep ({_chain(parent)}).",
                hint="Two functions probably call each other through an assistant's skills.",
                code="invocation-too-deep",
            )
        policy = function.model.retry
        if policy is None or stream is not None:
            return self._attempt(function, fired, parent, trace, None, stream, begun)
        return self._retried(policy, function, fired, parent, trace, begun)

    async def _retried(
        self,
        policy: RetryPolicy,
        function: BoundFunction,
        fired: Fired,
        parent: Call | None,
        trace: TraceContext,
        begun: Callable[[str], None] | None,
    ) -> InvocationResult:
        schedule = RetrySchedule(policy)
        context = RetryContext(0, policy.max_retries)
        while True:
            try:
                return await self._attempt(function, fired, parent, trace, context, None, begun)
            except EmulatorError as error:
                delay = schedule.next_delay(context.retry_count)
                if delay is None:
                    self._say(
                        function,
                        "Error",
                        f"Function execution failed after '{context.retry_count}' retries.",
                    )
                    raise
                context = RetryContext(context.retry_count + 1, policy.max_retries, _as_data(error))
                self._say(
                    function,
                    "Debug",
                    f"Waiting for `{format_timespan(delay)}` before retrying function execution. "
                    f"Next attempt: '{context.retry_count}'. "
                    f"Max retry count: '{policy.max_retries}'.",
                )
                await self._clock.sleep(delay)

    async def _attempt(
        self,
        function: BoundFunction,
        fired: Fired,
        parent: Call | None,
        trace: TraceContext,
        retry: RetryContext | None,
        stream: HttpStream | None = None,
        begun: Callable[[str], None] | None = None,
    ) -> InvocationResult:
        call_id = new_id()
        if begun is not None:
            begun(call_id)
        name = function.model.name
        parent_id = None if parent is None else parent.id
        started = self._clock.monotonic()
        self._events.publish(
            InvocationStarted(call_id, name, fired.reason, parent_id, fired.detail)
        )
        error: FunctionError | None = None
        self._running[call_id] = name
        self.in_flight.begin()
        try:
            if function.readers or function.writers:
                return await self._with_bindings(
                    call_id, function, fired, parent, trace, retry, stream
                )
            inputs = {function.trigger_name: fired.value}
            return await self._worker(call_id, function, inputs, fired, trace, retry, stream)
        except EmulatorError as failure:
            error = _as_data(failure)
            raise
        except asyncio.CancelledError:
            error = FunctionError("Cancelled", "The caller went away or the host is stopping.")
            raise
        finally:
            del self._running[call_id]
            self.in_flight.end()
            self._events.publish(
                InvocationFinished(
                    call_id,
                    name,
                    self._clock.monotonic() - started,
                    error,
                    parent_id,
                    fired.detail,
                )
            )

    async def _with_bindings(
        self,
        call_id: str,
        function: BoundFunction,
        fired: Fired,
        parent: Call | None,
        trace: TraceContext,
        retry: RetryContext | None,
        stream: HttpStream | None = None,
    ) -> InvocationResult:
        data = _data(function, fired)
        if self._binding_data:
            fired = msgspec.structs.replace(fired, data=_known(data))
        evaluation = Evaluation(
            data=data,
            now=self._clock.now,
            random_id=new_id,
            method_name=function.model.name,
        )
        call = Call(
            id=call_id,
            function=function.model,
            options=None,
            log=CallLog(self._events, call_id, function.model.name),
            ancestors=() if parent is None else (*parent.ancestors, parent),
            scope={} if parent is None else parent.scope,
        )
        exchange = Exchange(self._events, evaluation, call)
        inputs = {function.trigger_name: fired.value, **await exchange.read(function.readers)}
        result = await self._worker(call_id, function, inputs, fired, trace, retry, stream)
        if function.writers:
            await exchange.write(function.writers, given_to_outputs(result, function))
        return result

    async def _worker(
        self,
        call_id: str,
        function: BoundFunction,
        inputs: Mapping[str, Datum],
        fired: Fired,
        trace: TraceContext,
        retry: RetryContext | None,
        stream: HttpStream | None = None,
    ) -> InvocationResult:
        metadata = fired.metadata
        if self._binding_data:
            metadata = {**metadata_of(_data(function, fired)), **metadata}
        invocation = Invocation(call_id, function.model.name, inputs, metadata, trace, retry)
        task = self._deadlines.enter(call_id)
        result: InvocationResult | None = None
        try:
            result = await self._asked(invocation, stream)
        except asyncio.CancelledError:
            if not self._deadlines.expired(call_id) or task.uncancel() > 0:
                raise
        finally:
            self._deadlines.leave(call_id)
        if result is None:
            raise await self._timed_out(invocation)
        if self._events.hears(FunctionRan):
            self._events.publish(FunctionRan(call_id, inputs, result))
        if result.error is not None:
            raise FunctionFailed(result.error)
        return result

    def _asked(
        self, invocation: Invocation, stream: HttpStream | None
    ) -> Coroutine[Any, Any, InvocationResult]:
        if stream is None:
            return self._channel.invoke(invocation)
        return stream.channel.stream(invocation, stream.body, stream.respond)

    async def _timed_out(self, invocation: Invocation) -> FunctionTimeout:
        """Tell of it and have the worker stop; one that goes on is replaced."""
        span = format_timespan(self._deadlines.seconds)
        self._events.publish(
            LogLine(
                "Error",
                f"Timeout value of {span} exceeded by function "
                f"'Functions.{invocation.function}' (Id: '{invocation.id}'). "
                "Initiating cancellation.",
                f"Function.{invocation.function}",
                invocation.id,
            )
        )
        processes = self._channel.pids
        await self._channel.abandon(invocation.id, grace=_CANCEL_GRACE)
        if self._channel.pids != processes:  # calls beside it may have ended with theirs
            self._events.publish(
                LogLine(
                    "Warning",
                    "A function timeout has occurred. Restarting worker process executing "
                    f"invocationId '{invocation.id}'.",
                    "Host",
                    invocation.id,
                )
            )
        return FunctionTimeout(
            f"Timeout value of {span} was exceeded by function: Functions.{invocation.function}",
            hint="Raise 'functionTimeout' in host.json if the function may take that long.",
        )

    def _say(self, function: BoundFunction, level: Level, message: str) -> None:
        self._events.publish(LogLine(level, message, f"Function.{function.model.name}"))


def _data(function: BoundFunction, fired: Fired) -> Mapping[str, Any]:
    try:
        return fired.data()
    except Exception as error:  # a binding package may raise anything; only the call fails
        kind = function.trigger.declared.type
        raise broken(function.trigger_name, kind, error) from error


def _known(data: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
    """Answer what was answered: a trigger is asked once."""
    return lambda: data


def _as_data(error: EmulatorError) -> FunctionError:
    if isinstance(error, FunctionFailed):
        return error.error
    return FunctionError(type(error).__name__, error.message)


def _chain(call: Call) -> str:
    return " → ".join(each.function.name for each in (*call.ancestors, call))
