"""What an app did, as tests ask for it: calls with their values, log lines, requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.events import (
    Activity,
    BindingUsed,
    EventBus,
    FunctionRan,
    InvocationFinished,
    InvocationStarted,
    Level,
    LogLine,
    RequestServed,
)
from emulator.model import FunctionError
from emulator.testing.values import BindingOptions, plain


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line: its `level` (`Information` …), its `message`, the `invocation_id` of the call it
    belongs to, if any. `category` is `Function.<name>.User` for what user code logged,
    `Function.<name>` for what a binding said during a call, and another for the host's own words.
    """

    level: Level
    message: str
    category: str
    invocation_id: str | None = None

    def __str__(self) -> str:
        return f"{self.level}: {self.message}"


@dataclass(slots=True)
class CallRecord:
    """One call of a function.

    `inputs` has what each binding delivered, the trigger's value included, and `outputs` what each
    was given, by binding name, as Python values (JSON parsed, requests as `HttpRequestData`,
    responses as `Answer`); `returned` is the return value. `options` are the options of the other
    bindings with every expression replaced. `duration` is seconds of the app's clock, `None` while
    the call runs. `error` is the failure as data, `parent` the id of the call that made this one.
    `logs` are its lines, `activities` what bindings did, such as asking a model.
    """

    id: str
    function: str
    reason: str
    detail: str = ""
    parent: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    options: dict[str, BindingOptions] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    returned: Any = None
    logs: list[LogEntry] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    duration: float | None = None
    error: FunctionError | None = None

    @property
    def finished(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self.duration is not None

    @property
    def succeeded(self) -> bool:
        """Whether it has ended without a failure."""
        return self.finished and self.error is None

    def __str__(self) -> str:
        how = "runs" if not self.finished else "succeeded" if self.error is None else "failed"
        return f"{self.function} {how}"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One HTTP request that was answered: its `method` and `path`, the `status` of the answer, the
    `function`, which is empty when none matched."""

    method: str
    path: str
    status: int
    function: str


class Recorder:
    """Listens to one app. Records are in the order in which calls began."""

    def __init__(self, events: EventBus) -> None:
        self.calls: list[CallRecord] = []
        self.logs: list[LogEntry] = []
        self.requests: list[RequestRecord] = []
        self._by_id: dict[str, CallRecord] = {}
        self._stops: list[Callable[[], None]] = [
            events.on(InvocationStarted, self._started),
            events.on(InvocationFinished, self._finished),
            events.on(BindingUsed, self._used),
            events.on(FunctionRan, self._ran),
            events.on(LogLine, self._said),
            events.on(Activity, self._did),
            events.on(RequestServed, self._served),
        ]

    def forget(self) -> None:
        """Begin anew; calls under way go on being recorded where they were."""
        self.calls, self.logs, self.requests = [], [], []
        self._by_id = {id: call for id, call in self._by_id.items() if not call.finished}

    def knows(self, call_id: str) -> bool:
        return call_id in self._by_id

    def close(self) -> None:
        for stop in self._stops:
            stop()

    def _started(self, event: InvocationStarted) -> None:
        call = CallRecord(event.id, event.function, event.reason, event.detail, event.parent)
        self._by_id[event.id] = call
        self.calls.append(call)

    def _finished(self, event: InvocationFinished) -> None:
        call = self._by_id[event.id]
        call.duration, call.error = event.duration, event.error

    def _used(self, event: BindingUsed) -> None:
        call = self._by_id[event.invocation_id]
        call.options[event.binding] = BindingOptions(event.options)
        values = call.inputs if event.direction == "in" else call.outputs
        values[event.binding] = plain(event.value)

    def _ran(self, event: FunctionRan) -> None:
        call = self._by_id[event.invocation_id]
        call.inputs.update(_all_plain(event.inputs))
        call.outputs.update(_all_plain(event.result.outputs))
        call.returned = plain(event.result.return_value)

    def _said(self, event: LogLine) -> None:
        entry = LogEntry(event.level, event.message, event.category, event.invocation_id)
        self.logs.append(entry)
        call = self._by_id.get(event.invocation_id or "")
        if call is not None:
            call.logs.append(entry)

    def _did(self, event: Activity) -> None:
        call = self._by_id.get(event.invocation_id or "")
        if call is not None:
            call.activities.append(event)

    def _served(self, event: RequestServed) -> None:
        self.requests.append(RequestRecord(event.method, event.path, event.status, event.function))


def _all_plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in values.items()}
