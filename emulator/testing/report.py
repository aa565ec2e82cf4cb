"""The journal of a test as text, for the report of one that failed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulator.model import HttpRequestData
from emulator.secrets import SecretFilter
from emulator.testing.records import CallRecord, Recorder
from emulator.testing.values import Response

_LONGEST = 300
_MOST_LINES = 40
_MOST_CALLS = 50


def journal(recorder: Recorder, clean: SecretFilter) -> str:
    """Return what happened, calls indented below the call that made them; secrets are masked."""
    return clean("\n".join(_lines(recorder)))


def _lines(recorder: Recorder) -> Iterator[str]:
    calls = recorder.calls
    if not calls and not recorder.requests:
        yield "no function was called"
    left_out = max(0, len(calls) - _MOST_CALLS)
    if left_out:
        yield f"… {left_out} earlier calls"
    shown = calls[left_out:]
    known = {call.id for call in shown}
    for call in shown:
        if call.parent not in known:
            yield from _call(call, shown, "")
    for request in recorder.requests:
        if not request.function or request.status >= 500:
            whose = request.function or "no function"
            yield f"{request.method} {request.path} → {request.status} ({whose})"
    apart = [each for each in recorder.logs if each.invocation_id is None]
    for entry in apart[-_MOST_LINES:]:
        if entry.level not in {"Trace", "Debug"}:
            yield f"{entry.category}: {entry}"


def _call(call: CallRecord, calls: Sequence[CallRecord], indent: str) -> Iterator[str]:
    yield f"{indent}{_title(call)}"
    inner = indent + "  "
    for name, value in call.inputs.items():
        yield f"{inner}{name} ← {_short(value)}"
        if name in call.options:
            yield f"{inner}  {_options(call.options[name])}"
    for name in call.options:
        if name not in call.inputs:
            yield f"{inner}{name} → {_short(call.outputs.get(name))}"
            yield f"{inner}  {_options(call.options[name])}"
    for name, value in call.outputs.items():
        if name not in call.options:
            yield f"{inner}{name} → {_short(value)}"
    if call.returned is not None:
        yield f"{inner}returned {_short(call.returned)}"
    for deed in call.activities:
        data = {name: value for name, value in deed.data.items() if value not in ("", None, [])}
        yield f"{inner}{deed.source} {deed.name}: {_short(data)}"
    for entry in call.logs[:_MOST_LINES]:
        yield f"{inner}{entry.level}: {_cut(entry.message)}"
    if len(call.logs) > _MOST_LINES:
        yield f"{inner}… {len(call.logs) - _MOST_LINES} more lines"
    if call.error is not None:
        for line in (call.error.stack or call.error.title).rstrip().splitlines():
            yield f"{inner}{line}"
    for each in calls:
        if each.parent == call.id:
            yield from _call(each, calls, inner)


def _title(call: CallRecord) -> str:
    detail = f" {_cut(call.detail)}" if call.detail else ""
    if call.duration is None:
        return f"{call.function}{detail} is still running"
    how = "failed" if call.error is not None else "succeeded"
    return f"{call.function}{detail} {how} in {call.duration * 1000:.1f} ms"


def _options(options: Mapping[str, Any]) -> str:
    given = {name: value for name, value in options.items() if value not in ("", None)}
    return ", ".join(f"{name}={_short(value)}" for name, value in given.items())


def _short(value: Any) -> str:
    match value:
        case HttpRequestData():
            begin = value.body[: 2 * _LONGEST].decode("utf-8", "replace")
            body = f" {_cut(begin)!r}" if value.body else ""
            return f"{value.method} {value.url}{body}"
        case Response():
            return repr(value)
        case str() | bytes():
            return _cut(repr(value[: 2 * _LONGEST]))
        case _:
            return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    line = " ".join(text.split("\n"))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
