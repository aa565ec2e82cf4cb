"""One load of the app: its model, its worker and its bound functions, alive together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from emulator.config.hostjson import HostConfig
from emulator.config.settings import Settings
from emulator.events import LogLine
from emulator.invocation.bound import BoundFunction
from emulator.invocation.pipeline import Invoker
from emulator.model import AppModel, InvocationResult, Problem, Severity
from emulator.routing.table import Precedence, RouteEntry, RouteTable
from emulator.sdk import Fire, Fired, Route, Trigger
from emulator.workers.channel import StreamingChannel, WorkerChannel, WorkerInfo


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one function answers HTTP; `template` includes the route prefix."""

    function: BoundFunction
    route: Route
    template: str


@dataclass(slots=True)
class Generation:
    """One load of the app: what it was understood as, the worker that runs it, what is callable."""

    number: int
    app: AppModel
    settings: Settings
    host_config: HostConfig
    channel: WorkerChannel
    invoker: Invoker
    worker: WorkerInfo
    functions: Mapping[str, BoundFunction]
    endpoints: tuple[Endpoint, ...]
    routes: RouteTable[Endpoint]
    problems: tuple[Problem, ...]
    streaming: StreamingChannel | None = None
    """Set when the app's HTTP functions take and give their bodies in pieces."""
    draining: bool = False
    """Whether its triggers were told to begin nothing more; requests are still answered."""
    _started: list[Trigger[Any]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether the app as a whole could not be read: no function is there."""
        return not self.functions and any(
            problem.severity is Severity.ERROR and problem.function is None
            for problem in self.problems
        )

    async def start_triggers(self) -> list[LogLine]:
        """Let triggers listen; one that cannot is told of and takes nothing else with it."""
        failures = []
        for function in self.functions.values():
            if function.model.disabled:
                continue
            try:
                await function.trigger.start(_fire(self.invoker, function))
            except Exception as error:  # a binding package may raise anything
                failures.append(_unable(function.trigger, "start", error))
            else:
                self._started.append(function.trigger)
        if self.draining:  # it was said meanwhile
            failures += await self.stop_triggers()
        return failures

    async def stop_triggers(self) -> list[LogLine]:
        """No new calls of its own; idempotent. One that cannot stop is told of, the others do."""
        started, self._started = self._started, []
        failures = []
        for trigger in started:
            try:
                await trigger.stop()
            except Exception as error:  # as above
                failures.append(_unable(trigger, "stop", error))
        return failures

    async def aclose(self, drain: float) -> None:
        """Let running calls finish for `drain` seconds, end the worker. No trigger listens."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(drain):
                await self.invoker.in_flight.drained()
        await self.channel.aclose()


def _unable(trigger: Trigger[Any], what: str, error: Exception) -> LogLine:
    told = (
        f"The listener for function 'Functions.{trigger.function.name}' was unable to {what}. "
        f"{type(error).__name__}: {error}"
    )
    return LogLine("Error", told, "Host.Triggers")


def _fire(invoker: Invoker, function: BoundFunction) -> Fire:
    async def fire(fired: Fired) -> InvocationResult:
        return await invoker.run(function, fired)

    return fire


def build_routes(
    functions: Sequence[BoundFunction], prefix: str, precedence: Precedence
) -> tuple[tuple[Endpoint, ...], RouteTable[Endpoint], list[Problem]]:
    """Give every HTTP function its place; a function whose route cannot be used is a problem."""
    endpoints: list[Endpoint] = []
    broken: list[Problem] = []
    for function in functions:
        try:
            wanted = function.trigger.routes()
        except Exception as error:  # a binding package may raise anything
            broken.append(_routeless(function, error))
            continue
        for route in wanted:
            own = route.template.strip("/")
            template = f"{prefix.strip('/')}/{own}".strip("/")
            endpoints.append(Endpoint(function, route, template))
    table, problems = RouteTable.build(
        [
            RouteEntry(
                name=endpoint.function.model.name,
                template=endpoint.template,
                own=endpoint.route.template,
                methods=endpoint.route.methods,
                target=endpoint,
                written=_written_methods(endpoint.function),
            )
            for endpoint in endpoints
        ],
        precedence=precedence,
    )
    routed = {entry.name for entry in table.entries}
    kept = tuple(each for each in endpoints if each.function.model.name in routed)
    sources = {function.model.name: function.model.source for function in functions}
    placed = [replace(each, where=sources.get(each.function or "")) for each in problems]
    return kept, table, placed


def _written_methods(function: BoundFunction) -> frozenset[str] | None:
    """Return the methods with the case they were declared in, which Azure looks at."""
    properties = function.trigger.declared.properties
    given = next((properties[key] for key in properties if key.lower() == "methods"), None)
    return frozenset(map(str, given)) if isinstance(given, (list, tuple)) else None


def _routeless(function: BoundFunction, error: Exception) -> Problem:
    name = function.model.name
    return Problem(
        code="binding-crashed",
        message=f"The '{name}' function is in error: its trigger of type "
        f"'{function.trigger.declared.type}' cannot say its routes: "
        f"{type(error).__name__}: {error}",
        where=function.model.source,
        function=name,
    )
