"""What happened, as frozen records; whoever is interested listens. Nothing here blocks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, cast

import msgspec

from emulator.model import AppModel, Datum, FunctionError, InvocationResult, Problem

_log = logging.getLogger(__name__)

Level = Literal["Trace", "Debug", "Information", "Warning", "Error", "Critical"]


class InvocationStarted(msgspec.Struct, frozen=True):
    """A call begins. `parent` is the invocation that made it (a skill call inside a turn)."""

    id: str
    function: str
    reason: str
    parent: str | None = None
    detail: str = ""
    """What triggered it, short: the arguments of a skill call, the text of a message."""


class InvocationFinished(msgspec.Struct, frozen=True):
    id: str
    function: str
    duration: float
    """Seconds."""
    error: FunctionError | None = None
    parent: str | None = None
    detail: str = ""
    """As in `InvocationStarted`."""


class RequestServed(msgspec.Struct, frozen=True):
    """One HTTP request was answered; `function` is empty when none matched, `note` may say why."""

    method: str
    path: str
    status: int
    duration: float
    function: str = ""
    invocation_id: str = ""
    note: str = ""


class LogLine(msgspec.Struct, frozen=True):
    """A line for people. `category` follows the host's names (`Function.<name>.User`); `source` is
    that of the package which says it of a call, as host.json may give it a level of its own."""

    level: Level
    message: str
    category: str
    invocation_id: str | None = None
    source: str | None = None


class ProblemFound(msgspec.Struct, frozen=True):
    problem: Problem


class GenerationBegun(msgspec.Struct, frozen=True):
    """Generation `number` is being built; it may be abandoned for a newer one."""

    number: int


class GenerationReady(msgspec.Struct, frozen=True):
    """Generation `number` now answers."""

    number: int
    app: AppModel
    problems: tuple[Problem, ...]
    seconds: float
    """From the request to build it until it answered."""


class GenerationFailed(msgspec.Struct, frozen=True):
    """A candidate was not swapped in; what served before still serves."""

    number: int
    problems: tuple[Problem, ...]


class Activity(msgspec.Struct, frozen=True):
    """Something a binding did that is worth a record, such as one call of a model.

    `source` is the binding package's own name, `name` the kind of record, `data` plain JSON values.
    """

    source: str
    name: str
    invocation_id: str | None = None
    data: Mapping[str, Any] = msgspec.field(default_factory=dict)


class BindingUsed(msgspec.Struct, frozen=True):
    """An input was read or an output written, with every expression of its options resolved.

    `options` has the keys of function.json; it is empty when they could not be resolved, and
    `value` is none when there was no value to deliver.
    """

    invocation_id: str
    binding: str
    type: str
    direction: Literal["in", "out"]
    options: Mapping[str, Any]
    value: Datum


class FunctionRan(msgspec.Struct, frozen=True):
    """The worker answered a call: what the function was given, and what it gave."""

    invocation_id: str
    inputs: Mapping[str, Datum]
    result: InvocationResult


Event = (
    InvocationStarted
    | InvocationFinished
    | RequestServed
    | LogLine
    | ProblemFound
    | GenerationBegun
    | GenerationReady
    | GenerationFailed
    | Activity
    | BindingUsed
    | FunctionRan
)
ASKED_FOR = frozenset({BindingUsed, FunctionRan})
"""Kinds with the values of calls: made while somebody listens to just them, and told to nobody
else, for they may hold secrets."""

Listener = Callable[[Event], None]
E = TypeVar("E", bound=Event)


class EventBus:
    """Hands each event to whoever listens to its kind, in order, at once."""

    def __init__(self) -> None:
        self._listeners: tuple[tuple[Listener, type | None], ...] = ()
        self._by_kind: dict[type, tuple[Listener, ...]] = {}
        self._kinds: frozenset[type | None] = frozenset()

    def hears(self, kind: type[Event]) -> bool:
        """Say whether somebody listens to just this kind."""
        return kind in self._kinds

    def on(self, kind: type[E], listener: Callable[[E], None]) -> Callable[[], None]:
        """Call `listener` with each event of one kind; return what ends that."""
        return self._add((cast(Listener, listener), kind))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event but those that must be asked for; return what ends
        that."""
        return self._add((listener, None))

    def _add(self, entry: tuple[Listener, type | None]) -> Callable[[], None]:
        self._set((*self._listeners, entry))
        return lambda: self._set(tuple(each for each in self._listeners if each is not entry))

    def _set(self, listeners: tuple[tuple[Listener, type | None], ...]) -> None:
        self._listeners = listeners
        self._by_kind = {}
        self._kinds = frozenset(kind for _, kind in listeners)

    def publish(self, event: Event) -> None:
        kind = type(event)
        listeners = self._by_kind.get(kind)
        if listeners is None:
            wanted = (kind,) if kind in ASKED_FOR else (None, kind)
            listeners = self._by_kind[kind] = tuple(
                listener for listener, listened in self._listeners if listened in wanted
            )
        for listener in listeners:
            try:
                listener(event)
            except Exception:  # a listener must never harm what it listens to
                _log.exception("event listener failed")
