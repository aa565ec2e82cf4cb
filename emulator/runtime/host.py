"""The host: owns the current generation, builds the next beside it, swaps in one step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, cast

from emulator.clock import Clock
from emulator.config.hostjson import HostConfig
from emulator.discovery.assemble import assemble
from emulator.errors import ConfigError, EmulatorError
from emulator.events import (
    EventBus,
    GenerationBegun,
    GenerationFailed,
    GenerationReady,
    LogLine,
)
from emulator.invocation.bound import Binder
from emulator.invocation.pipeline import Invoker
from emulator.model import AppModel, Problem, Severity
from emulator.registry import BindingRegistry
from emulator.routing.table import Precedence
from emulator.runtime.findings import load_problems, streaming_problems, version_problems
from emulator.runtime.generation import Generation, build_routes
from emulator.runtime.launch import AppUnusable, Launch
from emulator.runtime.services import HostContext, LoadServices
from emulator.runtime.syntax import script_problems, syntax_problems
from emulator.workers.channel import (
    FunctionLoad,
    StreamingChannel,
    WorkerChannel,
    WorkerInfo,
)
from emulator.workers.languages import NODE

State = Literal["Starting", "Running", "Error", "Stopping", "Stopped"]

STOP_GRACE = 5.0
"""Seconds running calls may take to finish when the host stops."""

RETIRE_GRACE = 600.0
"""Seconds the calls of a replaced generation may still take."""


OFFLINE_FILE = "app_offline.htm"
_OFFLINE_PAGE = "<!doctype html><title>Offline</title><p>This app is offline.</p>"


class Host:
    """What every surface (HTTP, console, tests) talks to."""

    def __init__(
        self,
        *,
        launch: Callable[[], Launch],
        registry: BindingRegistry,
        context: HostContext,
        events: EventBus,
        clock: Clock,
        functions: Sequence[str] = (),
        running: dict[str, str] | None = None,
        precedence: Precedence = "name",
        listens: bool = True,
        strict: bool = False,
        timeouts: bool = True,
    ) -> None:
        """`functions` is the allow list of whoever starts the host; empty allows all. Without
        `listens` nothing is called but what is asked for: no trigger waits for events. `strict`
        refuses an app with errors, or one that Azure would refuse or treat otherwise. Without
        `timeouts` a call may stand at a breakpoint for as long as it likes."""
        self._strict = strict
        self._timeouts = timeouts
        self._listens = listens
        self._running = {} if running is None else running
        self._functions = functions
        self._launch = launch
        self._precedence = precedence
        self._registry = registry
        self._clock = clock
        self._building = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._retiring: set[asyncio.Task[None]] = set()
        self._channels: list[WorkerChannel] = []
        self._generations = 0
        self._started = clock.monotonic()
        self.context = context
        self.events = events
        self.state: State = "Starting"
        self.current: Generation | None = None
        self.offline: str | None = _offline_page(context.app_root)
        """The page shown instead of every function while the app is taken offline."""
        self.failure: tuple[Problem, ...] = ()
        """Why the latest candidate was not swapped in; empty when it was."""

    @property
    def uptime(self) -> float:
        """Seconds since the host was made."""
        return self._clock.monotonic() - self._started

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now: with the latest candidate if it failed, else with what serves.

        What matters on Azure only is left out.
        """
        serving = () if self.current is None else self.current.problems
        found = self.failure or serving
        return tuple(problem for problem in found if problem.severity is not Severity.INFO)

    async def start(self, launch: Launch | None = None) -> None:
        """Build the first generation. A broken app leaves the host up, in the state `Error`.

        Raises `WorkerStartError` when there is no interpreter that could run any version of it.
        """
        await self._replace(launch)
        if self.offline is not None:
            self._tell_whether_offline()

    @property
    def host_config(self) -> HostConfig:
        """host.json of what serves; the defaults while nothing does."""
        return HostConfig() if self.current is None else self.current.host_config

    async def reload(self, changed: frozenset[Path] = frozenset()) -> bool:
        """Build a candidate and swap it in; say whether it was. What served goes on if not.

        `changed` are the files behind it: a syntax error among them is told at once. May be
        cancelled at any time before the swap.
        """
        return await self._replace(None, changed=changed)

    async def call(self, name: str, text: str = "") -> None:
        """Run a function as the admin API does, with `text` as its trigger's input."""
        generation = self._serving()
        function = generation.invoker.find(name)
        try:
            fired = await function.trigger.requested(text)
        except EmulatorError as error:
            told = f"Function '{name}' was not run: {error.message} {error.hint or ''}".rstrip()
            self.events.publish(LogLine("Error", told, f"Function.{function.model.name}"))
            raise
        await generation.invoker.run(function, fired)

    async def drain(self) -> bool:
        """Let triggers begin nothing more, until the next load; say whether the host runs."""
        if self.current is None:
            return False
        self.current.draining = True
        await self._silence(self.current)
        return True

    async def resume(self) -> bool:
        """Load the app anew when it was drained; say whether the host runs as before."""
        if self.current is None:
            return False
        return await self.reload() if self.current.draining else True

    def set_offline(self, offline: bool) -> bool:
        """Take the app offline or back by its `app_offline.htm`; say whether that changed it."""
        file = self.context.app_root / OFFLINE_FILE
        if offline == (self.offline is not None):
            return False
        if offline:
            file.write_text(_OFFLINE_PAGE, encoding="utf-8")
        else:
            file.unlink(missing_ok=True)
        self.look_for_offline()
        return True

    def look_for_offline(self) -> None:
        """Go offline, or come back, as `app_offline.htm` is there or not."""
        before, self.offline = self.offline, _offline_page(self.context.app_root)
        if (before is None) is not (self.offline is None):
            self._tell_whether_offline()

    def _tell_whether_offline(self) -> None:
        if self.offline is None:
            self.events.publish(
                LogLine("Information", f"{OFFLINE_FILE} is gone: the app answers again.", "Host")
            )
            return
        self.events.publish(
            LogLine(
                "Warning",
                f"The app is offline: every address answers 503 with the page in {OFFLINE_FILE}. "
                "Remove that file to serve the app.",
                "Host",
            )
        )

    async def aclose(self) -> None:
        """Finish running calls (bounded), end the workers, give everything back."""
        self.state = "Stopping"
        self._stopping.set()
        async with self._building:
            generation, self.current = self.current, None
        if generation is not None:
            await self._silence(generation)
            await generation.aclose(STOP_GRACE)
        if self._retiring:
            await asyncio.wait(self._retiring)
        await self.context.aclose()
        self.state = "Stopped"

    async def kill(self) -> None:
        """End every worker at once: calls under way fail, so that nothing waits for them."""
        await asyncio.gather(*(channel.aclose(0) for channel in self._channels))

    def _serving(self) -> Generation:
        if self.current is None:
            raise AppUnusable(self.failure)
        return self.current

    async def _replace(self, launch: Launch | None, changed: frozenset[Path] = frozenset()) -> bool:
        async with self._building:
            if self.state == "Stopping":
                return False
            first = self._generations == 0
            self._generations += 1
            number, began = self._generations, self._clock.monotonic()
            self.events.publish(GenerationBegun(number))
            try:
                problems = syntax_problems(changed, self.context.app_root)
                problems += await self._script_problems(changed)
                if problems:
                    raise AppUnusable(tuple(problems))
                generation = await self._build(number, launch)
            except AppUnusable as error:
                self._fail(number, error.problems)
                return False
            except EmulatorError as error:
                if first and not isinstance(error, ConfigError):
                    raise
                self._fail(number, (_problem(error),))
                return False
            self._swap_in(generation)
            self.events.publish(
                GenerationReady(
                    number, generation.app, generation.problems, self._clock.monotonic() - began
                )
            )
            if self._listens:
                for failure in await generation.start_triggers():
                    self.events.publish(failure)
            return True

    async def _script_problems(self, changed: frozenset[Path]) -> list[Problem]:
        serving = self.current
        if serving is None or serving.worker.language != NODE:
            return []
        if all(each.programming_model == "v2" for each in serving.app.functions):
            return []
        node = Path(serving.worker.executable)
        return await script_problems(changed, self.context.app_root, node)

    def _swap_in(self, generation: Generation) -> None:
        """The one step: nothing here waits, so nothing can come between."""
        previous, self.current = self.current, generation
        self.failure = ()
        self.state = "Running"
        if previous is not None:
            task = asyncio.create_task(self._retire(previous))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def _retire(self, generation: Generation) -> None:
        """Let what was replaced finish its calls; hurry when the host stops."""
        await self._silence(generation)
        drained = asyncio.create_task(generation.invoker.in_flight.drained())
        hurry = asyncio.create_task(self._stopping.wait())
        await asyncio.wait(
            {drained, hurry}, timeout=RETIRE_GRACE, return_when=asyncio.FIRST_COMPLETED
        )
        hurry.cancel()
        drained.cancel()
        await asyncio.gather(drained, hurry, return_exceptions=True)
        await generation.aclose(STOP_GRACE)

    async def _silence(self, generation: Generation) -> None:
        for failure in await generation.stop_triggers():
            self.events.publish(failure)

    def _fail(self, number: int, problems: tuple[Problem, ...]) -> None:
        self.failure = problems
        if self.current is None:
            self.state = "Error"
        self.events.publish(GenerationFailed(number, problems))

    async def _build(self, number: int, launch: Launch | None) -> Generation:
        launch = launch or self._launch()
        self._channels = [each for each in self._channels if not each.closed.done()]
        self._channels.append(launch.channel)
        try:
            generation = await self._bind(number, launch)
            generation.problems = launch.configuration.cleaned(generation.problems)
            return generation
        except AppUnusable as error:
            await launch.channel.aclose(grace=0.2)
            raise AppUnusable(launch.configuration.cleaned(error.problems)) from error
        except BaseException:
            await launch.channel.aclose(grace=0.2)
            raise

    async def _bind(self, number: int, launch: Launch) -> Generation:
        channel = launch.channel
        worker = await channel.start()
        index = await channel.index()
        configuration = launch.configuration
        settings, host_config = configuration.settings, configuration.host_config
        app, found = assemble(
            self.context.app_root,
            index,
            host_config,
            settings,
            self._functions,
            worker.language,
        )
        problems = [
            *configuration.problems,
            *version_problems(worker),
            *streaming_problems(worker, settings, streams=index.streams),
            *found,
        ]
        if not app.functions and _fatal(problems):
            raise AppUnusable(tuple(problems))
        before = self.context.settings, self.context.host_json
        self.context.settings, self.context.host_json = settings, host_config.raw
        try:
            return await self._finish(number, launch, worker, app, problems, streams=index.streams)
        except BaseException:
            self.context.settings, self.context.host_json = before
            raise

    async def _finish(
        self,
        number: int,
        launch: Launch,
        worker: WorkerInfo,
        app: AppModel,
        problems: list[Problem],
        *,
        streams: bool,
    ) -> Generation:
        channel = launch.channel
        settings = launch.configuration.settings
        host_config = launch.configuration.host_config
        invoker = Invoker(
            channel=channel,
            events=self.events,
            clock=self._clock,
            timeout=host_config.function_timeout if self._timeouts else None,
            running=self._running,
            binding_data=worker.takes_binding_data,
        )
        services = LoadServices(self.context, app, settings, host_config, invoker)
        binder = Binder(
            registry=self._registry,
            settings=settings,
            services=services,
            extension=self.context.extension,
            has_bundle=any(key.lower() == "extensionbundle" for key in host_config.raw),
        )
        services.bindings = binder.bindings  # so that a binding sees those made before it
        functions = binder.bind(app)
        errors = await channel.load(
            [FunctionLoad(function.model, function.injected) for function in functions]
        )
        endpoints, routes, conflicts = build_routes(
            functions, host_config.http.route_prefix, self._precedence
        )
        problems += [*binder.problems, *conflicts, *load_problems(functions, errors)]
        if self._strict and any(problem.is_finding for problem in problems):
            raise AppUnusable(tuple(problems))
        in_error = {problem.function for problem in conflicts if _is_error(problem)}
        callable_now = {
            function.model.name.lower(): function
            for function in functions
            if function.model.name not in in_error
        }
        invoker.adopt(callable_now)
        return Generation(
            number=number,
            app=app,
            settings=settings,
            host_config=host_config,
            channel=channel,
            invoker=invoker,
            worker=worker,
            functions=callable_now,
            endpoints=endpoints,
            routes=routes,
            problems=tuple(problems),
            streaming=cast(StreamingChannel, channel) if streams else None,
        )


def _offline_page(root: Path) -> str | None:
    try:
        return (root / OFFLINE_FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _is_error(problem: Problem) -> bool:
    return problem.severity is Severity.ERROR


def _fatal(problems: list[Problem]) -> bool:
    return any(_is_error(problem) and problem.function is None for problem in problems)


def _problem(error: EmulatorError) -> Problem:
    return Problem(error.code, error.message, where=error.where, hint=error.hint, azure=error.azure)
