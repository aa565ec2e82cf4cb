"""What happened, as frozen records; whoever is interested listens. Nothing here blocks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from emulator.model import AppModel, FunctionError, Problem

_log = logging.getLogger(__name__)

Level = Literal["Trace", "Debug", "Information", "Warning", "Error", "Critical"]


@dataclass(frozen=True, slots=True)
class InvocationStarted:
    """A call begins. `parent` is the invocation that made it (a skill call inside a turn)."""

    id: str
    function: str
    reason: str
    parent: str | None = None
    detail: str = ""
    """What triggered it, short: the arguments of a skill call, the text of a message."""


@dataclass(frozen=True, slots=True)
class InvocationFinished:
    id: str
    function: str
    duration: float
    """Seconds."""
    error: FunctionError | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class RequestServed:
    """One HTTP request was answered; `function` is empty when none matched."""

    method: str
    path: str
    status: int
    duration: float
    function: str = ""
    invocation_id: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line for people. `category` follows the host's names (`Function.<name>.User`)."""

    level: Level
    message: str
    category: str
    invocation_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProblemFound:
    problem: Problem


@dataclass(frozen=True, slots=True)
class GenerationReady:
    """Generation `number` now answers."""

    number: int
    app: AppModel
    problems: tuple[Problem, ...]
    seconds: float
    """From the request to build it until it answered."""


@dataclass(frozen=True, slots=True)
class GenerationFailed:
    """A candidate was not swapped in; what served before still serves."""

    number: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """Something a binding did that is worth a record, such as one call of a model.

    `source` is the binding package's own name, `name` the kind of record, `data` plain JSON values.
    """

    source: str
    name: str
    invocation_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


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


class EventBus:
    """Hands each event to every listener, in order, at once; a failing listener is left out."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe

    def publish(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # a listener must never harm what it listens to
                _log.exception("event listener failed")
