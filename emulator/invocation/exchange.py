"""The bindings of one call: what its inputs read, what its outputs write, how either fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec

from emulator.errors import BindingError, EmulatorError, FunctionFailed, FunctionTimeout, WorkerLost
from emulator.events import BindingUsed, EventBus, Level, LogLine
from emulator.invocation.bound import BoundFunction, Reader, Writer
from emulator.invocation.options import BoundOptions, Evaluation
from emulator.model import NONE, Datum, FunctionError, InvocationResult
from emulator.sdk import Call


class Exchange:
    """Values on their way between the bindings of one call and its function."""

    def __init__(self, events: EventBus, evaluation: Evaluation, call: Call) -> None:
        """`call` is what every binding is told; each gets its own options with it."""
        self._events = events
        self._evaluation = evaluation
        self._call = call

    async def read(self, groups: Sequence[Sequence[Reader]]) -> dict[str, Datum]:
        """Return the inputs by name; a group is read when the one before it was."""
        inputs: dict[str, Datum] = {}
        for group in groups:
            values = await _together([self._read(reader) for reader in group])
            inputs.update(zip((reader.name for reader in group), values, strict=True))
        return inputs

    async def write(self, writers: Sequence[Writer], given: Mapping[str, Datum]) -> None:
        """Write what the function gave; an output that was given nothing writes nothing."""
        await _together(
            [
                self._write(writer, given[writer.name])
                for writer in writers
                if writer.name in given and not given[writer.name].is_none
            ]
        )

    async def _read(self, reader: Reader) -> Datum:
        options, value = None, NONE
        try:
            options = _resolved(reader.options, self._evaluation)
            value = await reader.binding.read(self._call_of(reader, options))
            return value
        except EmulatorError as error:
            raise _binding_failed(reader, error) from error
        except Exception as error:  # a binding package may raise anything; only the call fails
            raise _binding_broken(reader, error) from error
        finally:
            if self._events.hears(BindingUsed):
                self._events.publish(_used(self._call, reader, "in", options, value))

    async def _write(self, writer: Writer, value: Datum) -> None:
        options = None
        try:
            options = _resolved(writer.options, self._evaluation)
            await writer.binding.write(self._call_of(writer, options), value)
        except EmulatorError as error:
            raise _binding_failed(writer, error) from error
        except Exception as error:  # a binding package may raise anything; only the call fails
            raise _binding_broken(writer, error) from error
        finally:
            if self._events.hears(BindingUsed):
                self._events.publish(_used(self._call, writer, "out", options, value))

    def _call_of(self, part: Reader | Writer, options: Any) -> Call:
        """Return the call as one of its bindings sees it."""
        extension = part.binding.extension
        if extension is None or not extension.log_category:
            return replace(self._call, options=options)
        name = self._call.function.name
        log = CallLog(self._events, self._call.id, name, source=extension.log_category)
        return replace(self._call, options=options, log=log)


class CallLog:
    """Log lines of one call, as bindings say them."""

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


def given_to_outputs(result: InvocationResult, function: BoundFunction) -> Mapping[str, Datum]:
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


def broken(name: str, kind: str, error: Exception) -> BindingError:
    return BindingError(
        f"The binding '{name}' of type '{kind}' failed unexpectedly: "
        f"{type(error).__name__}: {error}",
        code="binding-crashed",
    )


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


def _binding_failed(part: Reader | Writer, error: EmulatorError) -> EmulatorError:
    """Keep timeouts and lost workers of nested calls as they are; the rest becomes the call's."""
    if isinstance(error, (WorkerLost, FunctionTimeout)):
        return error
    message = f"{error.message} (binding '{part.name}' of type '{part.binding.declared.type}')"
    if error.hint:
        message = f"{message} {error.hint}"
    return FunctionFailed(FunctionError(type(error).__name__, message))


def _binding_broken(part: Reader | Writer, error: Exception) -> BindingError:
    return broken(part.name, part.binding.declared.type, error)
