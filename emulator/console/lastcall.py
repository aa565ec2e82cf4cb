"""The last call in full: what it was given, what it did, what it gave. Kept in memory only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.console.render import Palette, duration, failure_lines, one_line
from emulator.events import (
    Activity,
    BindingUsed,
    EventBus,
    FunctionRan,
    InvocationFinished,
    InvocationStarted,
    LogLine,
    RequestServed,
)
from emulator.model import Datum, HttpRequestData, HttpResponseData
from emulator.secrets import SecretFilter

_MOST_LINES = 500
_LEVEL_COLOURS = {"Warning": "yellow", "Error": "red", "Critical": "red"}


@dataclass(slots=True)
class Record:
    """One call, and those it made."""

    start: InvocationStarted
    end: InvocationFinished | None = None
    request: RequestServed | None = None
    ran: FunctionRan | None = None
    bindings: list[BindingUsed] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)
    calls: list[Record] = field(default_factory=list)


class LastCall:
    """Remembers the call from outside that ended last."""

    def __init__(self, events: EventBus) -> None:
        self.record: Record | None = None
        self._running: dict[str, Record] = {}
        self._task: asyncio.Task[Any] | None = None
        events.on(InvocationStarted, self._began)
        events.on(InvocationFinished, self._ended)
        events.on(RequestServed, self._answered)
        events.on(FunctionRan, self._ran)
        events.on(BindingUsed, lambda event: self._note(event.invocation_id, "bindings", event))
        events.on(Activity, lambda event: self._note(event.invocation_id, "activities", event))
        events.on(LogLine, lambda event: self._note(event.invocation_id, "lines", event))

    def _began(self, event: InvocationStarted) -> None:
        record = self._running[event.id] = Record(event)
        parent = self._running.get(event.parent or "")
        if parent is not None:
            parent.calls.append(record)

    def _ended(self, event: InvocationFinished) -> None:
        record = self._running.pop(event.id, None)
        if record is None:
            return
        record.end = event
        if event.parent is None:
            self.record = record
            # The request that is answered with a call ends in the same task.
            self._task = asyncio.current_task()

    def _answered(self, event: RequestServed) -> None:
        task, self._task = self._task, None
        if task is not None and task is asyncio.current_task() and self.record is not None:
            self.record.request = event

    def _ran(self, event: FunctionRan) -> None:
        record = self._running.get(event.invocation_id)
        if record is not None:
            record.ran = event

    def _note(self, call: str | None, where: str, event: object) -> None:
        record = self._running.get(call or "")
        if record is not None:
            kept: list[object] = getattr(record, where)
            if len(kept) < _MOST_LINES:
                kept.append(event)


def call_in_full(record: Record, paint: Palette) -> list[str]:
    """Return everything about a call, for people; what looks like a secret is masked."""
    clean = SecretFilter(())
    return [clean(line) for line in _lines(record, paint)]


def _lines(record: Record, paint: Palette) -> Iterator[str]:
    start, end, request = record.start, record.end, record.request
    yield ""
    if request is not None:
        yield paint(f"{request.method} {request.path} → {request.status}", "bold")
    yield _outcome(record, paint)
    yield f"  {paint('id', 'dim')}      {start.id}"
    if start.reason:
        yield f"  {paint('reason', 'dim')}  {start.reason}"
    if start.detail:
        yield f"  {paint('detail', 'dim')}  {one_line(start.detail)}"
    yield from _given(record, paint)
    yield from _titled("bindings did", map(_activity, record.activities), paint)
    yield from _titled("said", (_said(line, paint) for line in record.lines), paint)
    yield from _titled("called", _calls(record, paint), paint)
    yield from _gave(record, paint)
    if end is not None and end.error is not None:
        yield ""
        yield from (f"  {paint(line, 'red')}" for line in failure_lines(end.error))
    yield ""


def _outcome(record: Record, paint: Palette) -> str:
    name = paint(record.start.function, "yellow")
    end = record.end
    if end is None:
        return f"{name} is running"
    outcome = paint("succeeded", "green") if end.error is None else paint("failed", "red")
    return f"{name} {outcome} in {duration(end.duration)}"


def _given(record: Record, paint: Palette) -> Iterator[str]:
    read = {each.binding: each for each in record.bindings if each.direction == "in"}
    given: Mapping[str, Datum] = {} if record.ran is None else record.ran.inputs
    lines = [
        f"{paint(name, 'cyan')} {_bound(read.get(name))}{shown(given[name])}" for name in given
    ]
    lines += [f"{paint(name, 'cyan')} {_bound(read[name])}" for name in read if name not in given]
    yield from _titled("given", lines, paint)


def _gave(record: Record, paint: Palette) -> Iterator[str]:
    lines = []
    if record.ran is not None:
        result = record.ran.result
        if not result.return_value.is_none:
            lines.append(f"{paint('return', 'cyan')} {shown(result.return_value)}")
        written = {each.binding: each for each in record.bindings if each.direction == "out"}
        lines += [
            f"{paint(name, 'cyan')} {_bound(written.get(name))}{shown(value)}"
            for name, value in result.outputs.items()
        ]
    yield from _titled("gave", lines, paint)


def _bound(used: BindingUsed | None) -> str:
    if used is None:
        return ""
    options = _members(used.options)
    return f"({used.type}{': ' if options else ''}{options}) "


def _activity(activity: Activity) -> str:
    data = dict(activity.data)
    seconds = data.pop("duration", None)
    took = f" ({duration(seconds)})" if isinstance(seconds, float) else ""
    return f"{activity.source}: {activity.name}{took} {_members(data)}"


def _members(values: Mapping[str, Any]) -> str:
    given = {key: value for key, value in values.items() if value not in (None, "", [], {})}
    return " ".join(f"{key}={one_line(_text(value))}" for key, value in given.items())


def _said(line: LogLine, paint: Palette) -> str:
    colour = _LEVEL_COLOURS.get(line.level)
    return paint(f"{line.level}: {line.message}", *([colour] if colour else []))


def _calls(record: Record, paint: Palette, depth: int = 0) -> Iterator[str]:
    for each in record.calls:
        detail = f" {one_line(each.start.detail)}" if each.start.detail else ""
        yield f"{'  ' * depth}{_outcome(each, paint)}{detail}"
        if each.ran is not None and not each.ran.result.return_value.is_none:
            yield f"{'  ' * depth}  → {shown(each.ran.result.return_value)}"
        yield from _calls(each, paint, depth + 1)


def _titled(title: str, lines: Iterable[str], paint: Palette) -> Iterator[str]:
    for index, line in enumerate(lines):
        if index == 0:
            yield f"  {paint(title, 'dim')}"
        first, *rest = line.splitlines() or [""]
        yield f"    {first}"
        yield from (f"    {each}" for each in rest)


def shown(value: Datum) -> str:
    """Return a value in one line, the beginning of it if it is long."""
    match value.value:
        case HttpRequestData(method=method, url=url, body=body):
            return f"{method} {url}{_body(body)}"
        case HttpResponseData(status=status, headers=headers, body=body):
            kind = next((text for name, text in headers if name.lower() == "content-type"), "")
            return f"{status} {kind}{_body(body)}"
        case None:
            return "nothing"
        case bytes() as data:
            return _body(data).strip() or "no bytes"
        case str() as text:
            return one_line(text) or '""'
        case tuple() as items:
            return f"{len(items)} values: {one_line(', '.join(shown(each) for each in items))}"
        case other:
            return one_line(str(other))


def _body(data: bytes) -> str:
    if not data:
        return ""
    try:
        return f" {one_line(data.decode('utf-8'))}"
    except UnicodeDecodeError:
        return f" {len(data):,} bytes"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
