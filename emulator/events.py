"""What happened, as frozen records; whoever is interested listens. Nothing here blocks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, cast

import msgspec

from emulator.model import AppModel, FunctionError, Problem

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
    """One HTTP request was answered; `function` is empty when none matched."""

    method: str
    path: str
    status: int
    duration: float
    function: str = ""
    invocation_id: str = ""


class LogLine(msgspec.Struct, frozen=True):
    """A line for people. `category` follows the host's names (`Function.<name>.User`)."""

    level: Level
    message: str
    category: str
    invocation_id: str | None = None


class ProblemFound(msgspec.Struct, frozen=True):
    problem: Problem


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


Event = (
    InvocationStarted
    | InvocationFinished
    | RequestServed
    | LogLine
    | ProblemFound
    | GenerationReady
    | GenerationFailed
    | Activity
)
Listener = Callable[[Event], None]
E = TypeVar("E", bound=Event)


class EventBus:
    """Hands each event to whoever listens to its kind, in order, at once."""

    def __init__(self) -> None:
        self._listeners: tuple[tuple[Listener, type | None], ...] = ()
        self._by_kind: dict[type, tuple[Listener, ...]] = {}

    def on(self, kind: type[E], listener: Callable[[E], None]) -> Callable[[], None]:
        """Call `listener` with each event of one kind; return what ends that."""
        return self._add((cast(Listener, listener), kind))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event; return what ends that."""
        return self._add((listener, None))

    def _add(self, entry: tuple[Listener, type | None]) -> Callable[[], None]:
        self._listeners = (*self._listeners, entry)
        self._by_kind = {}

        def unsubscribe() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not entry)
            self._by_kind = {}

        return unsubscribe

    def publish(self, event: Event) -> None:
        kind = type(event)
        listeners = self._by_kind.get(kind)
        if listeners is None:
            listeners = self._by_kind[kind] = tuple(
                listener for listener, wanted in self._listeners if wanted in (None, kind)
            )
        for listener in listeners:
            try:
                listener(event)
            except Exception:  # a listener must never harm what it listens to
                _log.exception("event listener failed")
