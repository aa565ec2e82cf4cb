"""The path of one call: inputs, worker, outputs. Re-entrant: a binding may call functions."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from emulator.clock import Clock
from emulator.config.timespan import format_timespan
from emulator.errors import (
    BindingError,
    EmulatorError,
    FunctionFailed,
    FunctionNotFound,
    FunctionTimeout,
    InvocationError,
    WorkerLost,
)
from emulator.events import (
    BindingUsed,
    EventBus,
    FunctionRan,
    InvocationFinished,
    InvocationStarted,
    Level,
    LogLine,
)
from emulator.ids import new_id
from emulator.invocation.bound import BoundFunction, Reader, Writer
from emulator.invocation.limits import Deadlines, InFlight, RetrySchedule
from emulator.invocation.metadata import metadata_of
from emulator.invocation.options import BoundOptions, Evaluation
from emulator.model import (
    NO_TRACE,
    NONE,
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
        base = Call(
            id=call_id,
            function=function.model,
            options=None,
            log=_CallLog(self._events, call_id, function.model.name),
            ancestors=() if parent is None else (*parent.ancestors, parent),
            scope={} if parent is None else parent.scope,
        )
        inputs = {function.trigger_name: fired.value}
        for group in function.readers:
            values = await _together([self._read(reader, base, evaluation) for reader in group])
            inputs.update(zip((reader.name for reader in group), values, strict=True))
        result = await self._worker(call_id, function, inputs, fired, trace, retry, stream)
        if function.writers:
            given = _given(result, function)
            writes = [
                self._write(writer, base, evaluation, given[writer.name])
                for writer in function.writers
                if writer.name in given and not given[writer.name].is_none
            ]
            await _together(writes)
        return result

    async def _read(self, reader: Reader, base: Call, evaluation: Evaluation) -> Datum:
        options, value = None, NONE
        try:
            options = _resolved(reader.options, evaluation)
            value = await reader.binding.read(self._call_of(reader, base, options))
            return value
        except EmulatorError as error:
            raise _binding_failed(reader, error) from error
        except Exception as error:  # a binding package may raise anything; only the call fails
            raise _binding_broken(reader, error) from error
        finally:
            if self._events.hears(BindingUsed):
                self._events.publish(_used(base, reader, "in", options, value))

    async def _write(
        self, writer: Writer, base: Call, evaluation: Evaluation, value: Datum
    ) -> None:
        options = None
        try:
            options = _resolved(writer.options, evaluation)
            await writer.binding.write(self._call_of(writer, base, options), value)
        except EmulatorError as error:
            raise _binding_failed(writer, error) from error
        except Exception as error:  # a binding package may raise anything; only the call fails
            raise _binding_broken(writer, error) from error
        finally:
            if self._events.hears(BindingUsed):
                self._events.publish(_used(base, writer, "out", options, value))

    def _call_of(self, part: Reader | Writer, base: Call, options: Any) -> Call:
        """Return the call as one of its bindings sees it."""
        extension = part.binding.extension
        if extension is None or not extension.log_category:
            return replace(base, options=options)
        name = base.function.name
        log = _CallLog(self._events, base.id, name, source=extension.log_category)
        return replace(base, options=options, log=log)

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
        raise _broken(function.trigger_name, kind, error) from error


def _known(data: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
    """Answer what was answered: a trigger is asked once."""
    return lambda: data


class _CallLog:
    __slots__ = ("_call_id", "_category", "_events", "_source")

    def __init__(
        self, events: EventBus, call_id: str, function: str, *, source: str | None = None
    ) -> None:
        self._events = events
        self._call_id = call_id
        self._category = f"Function.{function}"
        self._source = source

    def __call__(self, level: Level, message: str) -> None:
        self._events.publish(LogLine(level, message, self._category, self._call_id, self._source))


async def _together(awaitables: list[Any]) -> list[Any]:
    """Await all; when one fails the others are still finished, then the first failure is raised."""
    if len(awaitables) == 1:
        return [await awaitables[0]]
    outcomes = await asyncio.gather(*awaitables, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes


def _resolved(options: BoundOptions, evaluation: Evaluation) -> Any:
    return options.resolve(evaluation) if options.open else options.constant


def _used(
    call: Call, part: Reader | Writer, direction: Literal["in", "out"], options: Any, value: Datum
) -> BindingUsed:
    return BindingUsed(
        call.id,
        part.name,
        part.binding.declared.type,
        direction,
        {} if options is None else msgspec.to_builtins(options),
        value,
    )


def _given(result: InvocationResult, function: BoundFunction) -> Mapping[str, Datum]:
    """Return what each output was given. Without a `$return` binding a returned JSON object sets
    the outputs it names (rule of the official host)."""
    given = dict(result.outputs)
    if function.has_return:
        given["$return"] = result.return_value
    elif result.return_value.kind == "json":
        members = json.loads(result.return_value.value)
        if isinstance(members, dict):
            for name, member in members.items():
                given.setdefault(name, _member(member))
    return given


def _member(member: Any) -> Datum:
    if isinstance(member, str):
        return Datum("text", member)
    return Datum("none", None) if member is None else Datum("json", json.dumps(member))


def _binding_failed(part: Reader | Writer, error: EmulatorError) -> EmulatorError:
    """Keep timeouts and lost workers of nested calls as they are; the rest becomes the call's."""
    if isinstance(error, (WorkerLost, FunctionTimeout)):
        return error
    message = f"{error.message} (binding '{part.name}' of type '{part.binding.declared.type}')"
    if error.hint:
        message = f"{message} {error.hint}"
    return FunctionFailed(FunctionError(type(error).__name__, message))


def _binding_broken(part: Reader | Writer, error: Exception) -> BindingError:
    return _broken(part.name, part.binding.declared.type, error)


def _broken(name: str, kind: str, error: Exception) -> BindingError:
    return BindingError(
        f"The binding '{name}' of type '{kind}' failed unexpectedly: "
        f"{type(error).__name__}: {error}",
        code="binding-crashed",
    )


def _as_data(error: EmulatorError) -> FunctionError:
    if isinstance(error, FunctionFailed):
        return error.error
    return FunctionError(type(error).__name__, error.message)


def _chain(call: Call) -> str:
    return " → ".join(each.function.name for each in (*call.ancestors, call))
