"""Options to a running emulator: the only place that knows all the parts."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.clock import Clock, SystemClock
from emulator.config.options import Options, apply_host_section
from emulator.config.settings import Settings, host_variables
from emulator.errors import ConfigError
from emulator.events import EventBus, GenerationReady, LogLine
from emulator.runtime.launch import AppUnusable, Configuration, Launch, configure
from emulator.workers.channel import AppSpec, ExitInfo, Interpreter, WorkerChannel, WorkerLog
from emulator.workers.debugging import (
    DebugRequest,
    begins_debugger,
    debugger_impossible,
    requested_debugging,
)
from emulator.workers.interpreter import arguments_setting, interpreter_arguments
from emulator.workers.languages import NODE, PYTHON, TITLES, app_language
from emulator.workers.selection import find_worker, names_official_worker

if TYPE_CHECKING:
    from emulator.model import Problem
    from emulator.registry import BindingRegistry
    from emulator.runtime.builder import Builder
    from emulator.runtime.building import BuildPlan
    from emulator.runtime.services import HostContext
    from emulator.server.policy import SitePolicy
    from emulator.workers.debugport import DebugPort
    from emulator.workers.standby import Standby


class Starter:
    """Begins loads of one app. Light: the rest of the host is imported by `Emulator`.

    Only whoever offers a port for debuggers says `debuggable`; for others nobody could attach.
    """

    def __init__(
        self,
        options: Options,
        *,
        environ: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        debuggable: bool = False,
    ) -> None:
        self._debuggable = debuggable
        self.options = options
        self.root = _app_root(options.path)
        self.events = EventBus()
        self.logs = _LogRelay(self.events)
        self.environ = {**(os.environ if environ is None else environ), **(settings or {})}
        if options.language_worker:
            self.environ |= {arguments_setting(each): options.language_worker for each in TITLES}
        self.configured: Callable[[Configuration], None] = lambda configuration: None
        """Hears of each configuration that is read, before the app's code runs with it."""
        self.building: Callable[[str], None] = lambda command: None
        """Hears of the command that compiles the app, before that takes its time."""
        self.build_plan: BuildPlan | None = None
        """How the app is compiled, when it is."""
        self._compiled: tuple[Problem, ...] = ()
        """What the compiler said, for the next load that gets so far."""
        self.settings = Settings.empty()
        """As of the configuration read last."""
        self.standby: Standby | None = None
        self.latest: WorkerChannel | None = None
        """The worker of the load begun last."""
        self.debugging: DebugRequest | None = None
        """What was asked for when the host started; the port is not moved later."""
        self.inspected = False
        """Whether a debugger may attach to the worker itself, which has a port of its own."""
        self.port = 0
        """The port that is served, once it is known; the app's code may ask for it."""
        self.notes: tuple[str, ...] = ()
        """What packages say about the environment of the app."""

    def configure(self) -> Configuration:
        """Read what the app's folder says; what it says about the host completes the options."""
        configuration = configure(self.root, self.environ)
        self.settings = configuration.settings
        self.options = apply_host_section(self.options, configuration.settings.host)
        self.configured(configuration)
        problems = [*self.options.problems, *configuration.problems]
        if self.latest is None:
            variables = configuration.settings.worker_environment()
            language = app_language(self.root, variables).name
            if language == NODE:
                self._inspector(interpreter_arguments(variables, NODE))
            elif language == PYTHON and not names_official_worker(self.root, PYTHON, variables):
                _, self.debugging = self._debugger(interpreter_arguments(variables))
            elif self._debuggable:
                self.inspected = begins_debugger(language, variables)
                if self.options.debug is not None or self.options.debug_wait:
                    problems.append(debugger_impossible(language))
        return replace(configuration, problems=tuple(problems))

    def spawn(self, configuration: Configuration) -> Launch:
        """Start the worker; raises `WorkerStartError` when no interpreter can run the app."""
        if self.latest is None:
            self._build(configuration)
        configuration.check()
        compiled, self._compiled = self._compiled, ()
        configuration = replace(configuration, problems=(*configuration.problems, *compiled))
        self.latest = self._channel(configuration)
        return Launch(configuration, self.latest)

    def launch(self) -> Launch:
        return self.spawn(self.configure())

    def _build(self, configuration: Configuration) -> None:
        """Compile the app where that is to be done; what the compiler says goes with the rest."""
        variables = configuration.settings.worker_environment()
        asked = "build" in self.options.given
        if not self.options.build or (
            not asked and app_language(self.root, variables).name != NODE
        ):
            return
        # Apps in Python, most of them, need not import it.
        from emulator.runtime.building import build, build_plan

        plan = self.build_plan = build_plan(self.root, self.environ, asked=asked)
        if plan is None or not (asked or plan.stale):
            return
        self.building(plan.shown)
        self._compiled = tuple(build(plan, self.environ))

    def _channel(self, configuration: Configuration) -> WorkerChannel:
        settings = configuration.settings
        variables = settings.worker_environment(
            {**self._contributed(settings), **host_variables(root=self.root, port=self.port)}
        )
        if self.options.user_log_level in ("Trace", "Debug"):
            variables.setdefault("PYTHON_ENABLE_DEBUG_LOGGING", "1")  # else none would be sent
        spec = AppSpec(
            root=self.root,
            environment=variables,
            script_file=settings.get("PYTHON_SCRIPT_FILE_NAME") or "function_app.py",
            managed_dependencies=configuration.host_config.managed_dependencies,
        )
        in_process = self.options.channel == "inprocess"
        if in_process and app_language(self.root, variables).name == PYTHON:
            # Only tests use it; a start of the host need not import it.
            from emulator.workers.inprocess import InProcessChannel

            return InProcessChannel(spec, self.logs)
        # Spawned from here so that the worker starts while the host is still being imported.
        from emulator.workers.standby import Standby
        from emulator.workers.supervisor import Supervisor

        worker = find_worker(self.root, spec.environment, python=self.options.python)
        if isinstance(worker, Interpreter) and worker.language == PYTHON:
            arguments, request = self._debugger(worker.arguments)
            worker = replace(worker, arguments=arguments)
            if request is not None:
                first = self.latest is None
                wait = first and request.debugging.wait
                spec = replace(spec, debugging=replace(request.debugging, wait=wait))
        elif isinstance(worker, Interpreter):
            worker = replace(worker, arguments=self._inspector(worker.arguments))
        elif worker.language == NODE:
            from emulator.workers.node import with_inspector

            arguments = self._inspector(worker.arguments)
            worker = with_inspector(worker, arguments, first=self.latest is None)
        if self.options.watch and self.standby is None:
            self.standby = Standby(self.logs)
        return Supervisor.spawn(
            spec,
            worker,
            self.logs,
            on_exit=self._worker_ended,
            standby=self.standby,
        )

    def _debugger(self, arguments: tuple[str, ...]) -> tuple[tuple[str, ...], DebugRequest | None]:
        options = self.options
        arguments, request = requested_debugging(arguments, options.debug, wait=options.debug_wait)
        return arguments, request if self._debuggable else None

    def _inspector(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        # Apps in Python, most of them, need not import it.
        from emulator.workers.node import inspector_arguments
        from emulator.workers.programs import inspects

        options = self.options
        arguments = inspector_arguments(
            arguments, options.debug, wait=options.debug_wait, offered=self._debuggable
        )
        self.inspected = inspects(arguments)
        return arguments

    def _contributed(self, settings: Settings) -> Mapping[str, str]:
        """Return what packages add to the app's environment; nothing where no host serves."""
        if not self.port:
            return {}
        # Only a host that serves pays for the look-up of packages.
        from emulator.runtime.variables import contributed_environment

        added = contributed_environment(
            settings=settings,
            app_root=self.root,
            url=f"http://{_reachable(self.options.host)}:{self.port}",
            flags={"models": self.options.models},
            events=self.events,
        )
        self.notes = added.notes
        return added.variables

    def _worker_ended(self, info: ExitInfo) -> None:
        from emulator.workers.ending import describe_exit

        tail = "".join(f"\n{line}" for line in info.tail)
        text = f"The worker {describe_exit(info)}; it is started again.{tail}"
        self.events.publish(LogLine("Error", text, "Host"))


def host_context(
    starter: Starter, *, clock: Clock | None = None, makes_state: bool = True
) -> HostContext:
    """Return what bindings are lent for an app, with its state but without any configuration.

    Without `makes_state` only state that exists is on disk.
    """
    # As in `Engine`: the worker is already starting beside these imports.
    from emulator.runtime.services import HostContext
    from emulator.state.store import StateStore

    options = starter.options
    return HostContext(
        app_root=starter.root,
        clock=clock or SystemClock(),
        events=starter.events,
        state=StateStore(
            None if options.ephemeral else options.state_folder,
            makes=makes_state,
            tell=lambda text: starter.events.publish(LogLine("Warning", text, "Host")),
        ),
        flags={"models": options.models},
    )


class Engine:
    """An app loaded and callable, without a socket: what every surface is built on.

    `listens` says whether triggers that wait for something of their own are started; `clock` is
    another source of time for tests, `registry` one whose entry points were looked up before.
    """

    def __init__(
        self,
        starter: Starter,
        *,
        clock: Clock | None = None,
        listens: bool = True,
        registry: BindingRegistry | None = None,
    ) -> None:
        # These cost most of the start-up; the worker is already starting beside them.
        from emulator.registry import BindingRegistry
        from emulator.runtime.host import Host
        from emulator.state.journal import Journal
        from emulator.state.presence import Presence

        options = starter.options
        folder = None if options.ephemeral else options.state_folder
        self.events = starter.events
        self.context = host_context(starter, clock=clock)
        self.clock = self.context.clock
        self.host = Host(
            launch=starter.launch,
            registry=registry or BindingRegistry(),
            context=self.context,
            events=self.events,
            clock=self.clock,
            functions=options.functions,
            running=starter.logs.running,
            precedence="specificity" if options.route_precedence == "specificity" else "name",
            listens=listens,
            strict=options.strict,
            timeouts=starter.debugging is None and not starter.inspected,
        )
        self._starter = starter
        self._journal: Journal | None = None
        self._presence: Presence | None = None
        self._known: set[tuple[str, str]] = set()
        """What bears secrets, of earlier loads as well: their calls may be yet to be recorded."""
        self.events.on(GenerationReady, self._learn)
        if folder is not None:
            self._journal = Journal(folder, self.events, self.clock, settings=self._known.copy)
            self._presence = Presence(folder)

    async def start(self, first: Launch | None = None, *, url: str = "") -> None:
        """Load the app; `url` is where it is served, for those who look."""
        if self._presence is not None:
            problem = self._presence.enter(url)
            if problem is not None:
                text = f"{problem.message} {problem.hint}"
                self.events.publish(LogLine("Warning", text, "Host"))
        await self.host.start(first)

    async def aclose(self) -> None:
        """Let running calls finish (bounded), then end everything."""
        await self.host.aclose()
        if self._starter.standby is not None:
            await self._starter.standby.aclose()
        if self._journal is not None:
            await self._journal.aclose()
        if self._presence is not None:
            self._presence.leave()

    def _learn(self, _: GenerationReady) -> None:
        self._known.update(self.context.named_texts())


class Emulator:
    """A host on a socket, from options to the last line.

    `listening` is the socket to serve on, `first` the load already begun, `clock` another source
    of time for tests, `debugging` the socket for debuggers if they may attach.
    """

    def __init__(
        self,
        starter: Starter,
        listening: socket.socket,
        *,
        clock: Clock | None = None,
        debugging: socket.socket | None = None,
    ) -> None:
        from emulator.runtime.reloader import Reloader
        from emulator.server.app import Site

        options = starter.options
        self._engine = Engine(starter, clock=clock)
        self.events = self._engine.events
        self.clock = self._engine.clock
        self.context = self._engine.context
        self.host = self._engine.host
        self._policy = site_policy(starter)
        self._site = Site(self.host, self.events, self._policy)
        self._reloader = None
        if options.watch:
            self._reloader = Reloader(
                self.host,
                self.events,
                polling=options.poll,
                requirements_changed=self._forget_spare,
                builder=_builder(starter),
            )
        self._starter = starter
        self._listening = listening
        self._debug_port: DebugPort | None = None
        if debugging is not None:
            # Few debug, and a start of the host need not import it.
            from emulator.workers.debugport import DebugPort

            self._debug_port = DebugPort(debugging, self._debugged_port)
        address, port = listening.getsockname()[:2]
        self.port: int = port
        shown = "localhost" if address in {"127.0.0.1", "0.0.0.0", "::1", "::"} else address
        self.url = f"http://{shown}:{port}"

    @property
    def debug_address(self) -> str:
        """Where debuggers attach; empty when they cannot."""
        wanted = self._starter.debugging
        return "" if wanted is None else f"{wanted.host}:{wanted.port}"

    @property
    def waits_for_debugger(self) -> bool:
        """Whether the app is imported only when a debugger has attached."""
        wanted = self._starter.debugging
        return wanted is not None and wanted.debugging.wait

    @property
    def worker_started(self) -> bool:
        """Whether the app's code was run at all, well or not."""
        return self._starter.latest is not None

    def notes(self) -> list[str]:
        """Return the lines for the start: what serves, and what callers have to know."""
        return [*self.context.banner(), *self._starter.notes, *self._policy.notes()]

    async def start(self, first: Launch | None = None) -> None:
        """Load the app and serve; returns once requests are answered.

        Raises `AppUnusable` when a strict host refuses the app: then nothing is served.
        """
        if self._debug_port is not None:
            port = self._debug_port
            await port.start()
            self.events.on(GenerationReady, lambda _: port.moved())
        await self._engine.start(first, url=self.url)
        if self._starter.options.strict and self.host.current is None:
            raise AppUnusable(self.host.failure)
        await self._site.start(self._listening)
        if self._reloader is not None:
            self._reloader.start()

    async def reload(self) -> None:
        """Load the app anew, with whatever packages are installed now."""
        self._forget_spare()
        if self._reloader is None:
            await self.host.reload()
        else:
            await self._reloader.reload()

    @property
    def calls_under_way(self) -> int:
        """How many calls of functions the end would wait for."""
        return len(self._starter.logs.running)

    async def aclose(self) -> None:
        """Let requests under way finish (bounded), then end everything."""
        if self._reloader is not None:
            await self._reloader.aclose()
        if self._debug_port is not None:
            await self._debug_port.aclose()
        await self._site.aclose()
        await self._engine.aclose()

    def _debugged_port(self) -> int | None:
        """Return where the debugger listens whose worker serves, or is to serve first."""
        from emulator.workers.supervisor import Supervisor

        current = self.host.current
        channel = self._starter.latest if current is None else current.channel
        return channel.debug_port if isinstance(channel, Supervisor) else None

    def _forget_spare(self) -> None:
        if self._starter.standby is not None:
            self._starter.standby.discard()


def _builder(starter: Starter) -> Builder | None:
    if starter.build_plan is None:
        return None
    # Few apps are compiled.
    from emulator.runtime.builder import Builder

    return Builder(starter.build_plan, starter.environ, starter.events)


def site_policy(starter: Starter) -> SitePolicy:
    """Return what the options decide about requests."""
    # As above: the worker is already starting.
    from emulator.server.cors import Cors
    from emulator.server.keys import KeyStore
    from emulator.server.policy import SitePolicy, body_limit

    options = starter.options
    return SitePolicy(
        keys=KeyStore(None if options.ephemeral else options.state_folder / "keys"),
        enable_auth=options.enable_auth,
        cors=Cors.of(options.cors, credentials=options.cors_credentials)
        or Cors.of_settings(starter.settings.get),
        body_limit=body_limit(starter.environ),
        served_as=frozenset({options.host.lower()}),
    )


class _LogRelay:
    """Worker logs to events, in the categories of the official host."""

    def __init__(self, events: EventBus) -> None:
        self._events = events
        self.running: dict[str, str] = {}
        """The function of each call under way; kept by the invoker."""
        self._told: set[str] = set()

    def __call__(self, log: WorkerLog) -> None:
        if log.once:
            if log.message in self._told:
                return
            self._told.add(log.message)
        if log.source == "worker":
            # What a worker warns of in its own name is for people; what is printed for the host
            # is Information.
            logger = log.logger or ("Console" if log.level == "Information" else "")
            category = f"Worker.{logger}" if logger else "Worker"
        elif log.source == "logging":
            function = self.running.get(log.invocation_id or "")
            category = f"Function.{function}.User" if function else "Host.Function.Console"
        else:
            category = "Host.Function.Console"
        self._events.publish(LogLine(log.level, log.message, category, log.invocation_id))


def _reachable(address: str) -> str:
    """Return the address by which a process of this machine reaches what listens on `address`."""
    if address in {"localhost", "0.0.0.0"}:
        return "127.0.0.1"
    if address == "::":
        return "[::1]"
    return f"[{address}]" if ":" in address else address


def _app_root(path: Path) -> Path:
    root = path.expanduser().resolve()
    if root.is_file():
        raise ConfigError(
            f"'{path}' is a file.",
            hint=f"Give the folder of the app: {shlex.quote(str(path.parent))}",
            code="app-missing",
        )
    if not root.is_dir():
        raise ConfigError(
            f"There is no folder '{path}'.",
            hint="Give the folder of the app: the one with host.json and function_app.py.",
            code="app-missing",
        )
    return root
