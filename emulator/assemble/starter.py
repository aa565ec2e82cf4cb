"""The loads of one app: its configuration, and the worker that is started for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.assemble.addresses import reachable
from emulator.assemble.debuggers import Debuggers
from emulator.config.options import Options, apply_host_section
from emulator.config.settings import Settings, host_variables
from emulator.events import EventBus, LogLine
from emulator.runtime.launch import Configuration, Launch, app_root, configure
from emulator.runtime.logrelay import LogRelay
from emulator.workers.channel import AppSpec, ExitInfo, WorkerChannel
from emulator.workers.interpreter import arguments_setting
from emulator.workers.languages import NODE, PYTHON, TITLES, app_language
from emulator.workers.selection import find_worker

if TYPE_CHECKING:
    from emulator.model import Problem
    from emulator.runtime.building import BuildPlan
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
        self.debuggers = Debuggers(offered=debuggable)
        self.options = options
        self.root = app_root(options.path)
        self.events = EventBus()
        self.logs = LogRelay(self.events)
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
            problems.extend(self.debuggers.expect(self.options, self.root, variables))
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
        first = self.latest is None
        worker, debugging = self.debuggers.admitted(self.options, worker, first=first)
        if self.options.watch and self.standby is None:
            self.standby = Standby(self.logs)
        return Supervisor.spawn(
            replace(spec, debugging=debugging),
            worker,
            self.logs,
            on_exit=self._worker_ended,
            standby=self.standby,
        )

    def _contributed(self, settings: Settings) -> Mapping[str, str]:
        """Return what packages add to the app's environment; nothing where no host serves."""
        if not self.port:
            return {}
        # Only a host that serves pays for the look-up of packages.
        from emulator.runtime.variables import contributed_environment

        added = contributed_environment(
            settings=settings,
            app_root=self.root,
            url=f"http://{reachable(self.options.host)}:{self.port}",
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
