"""Calls of single functions, whatever their trigger, and what each gave."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from emulator.config.suggest import did_you_mean
from emulator.errors import EmulatorError, FunctionFailed, FunctionNotFound
from emulator.model import HttpRequestData
from emulator.testing.records import CallRecord
from emulator.testing.startup import Running
from emulator.testing.values import plain


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a called function gave: `value` is what it returned, `outputs` what it set, by binding
    name, both as Python values; `record` is the call with everything else."""

    value: Any
    outputs: Mapping[str, Any]
    record: CallRecord


async def called(
    running: Running, name: str, value: Any, *, noticed: Callable[[CallRecord], None]
) -> CallResult:
    """Run one function once, or as often as its retry policy says.

    `noticed` is told of each call that failed where the test sees the error.
    """
    check_known(running, name)
    function = running.generation().functions[name.lower()]
    if isinstance(value, HttpRequestData):
        fired = function.trigger.fired(value)
    else:
        fired = await function.trigger.requested(_text(value))
    # A text of its own, by which the call is found again among others of the same function.
    fired = msgspec.structs.replace(fired, reason="".join([*fired.reason]))

    def records() -> list[CallRecord]:
        return [each for each in running.recorder.calls if each.reason is fired.reason]

    try:
        result = await running.generation().invoker.run(function, fired)
    except EmulatorError as error:
        for record in records():
            noticed(record)
        if isinstance(error, FunctionFailed) and error.error.stack:
            error.add_note(error.error.stack.rstrip())
        raise
    record = records()[-1]
    outputs = {name: plain(each) for name, each in result.outputs.items()}
    return CallResult(plain(result.return_value), {**outputs, **record.outputs}, record)


def check_known(running: Running, name: str | None) -> None:
    """Raise `FunctionNotFound` when no function has the name, if there is one."""
    if name is not None and name.lower() not in running.generation().functions:
        raise _not_found(running, name)


def _not_found(running: Running, name: str) -> FunctionNotFound:
    """Say why a function cannot be called: something is wrong with it, or it is not there."""
    known = [each.model.name for each in running.generation().functions.values()]
    for problem in running.host.problems:
        if (problem.function or "").lower() == name.lower():
            return FunctionNotFound(
                f"The function '{name}' cannot be called: {problem.message}",
                hint=problem.hint,
            )
    hint = did_you_mean(name, known) or f"Functions: {', '.join(known) or 'none'}."
    return FunctionNotFound(f"There is no function '{name}' in this app. {hint}", hint=hint)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bytes():
            return value.decode("utf-8")
        case _:
            return json.dumps(value)
