"""From a folder to an app that answers; what is expensive is done once per process."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from emulator.assemble import Engine, Starter, site_policy
from emulator.clock import Clock
from emulator.config.options import resolve_options
from emulator.console.render import Palette, problem_lines
from emulator.errors import ConfigError, EmulatorError
from emulator.model import Problem, Severity
from emulator.registry import BindingRegistry
from emulator.runtime.generation import Generation
from emulator.runtime.host import Host
from emulator.runtime.launch import AppUnusable
from emulator.runtime.services import HostContext
from emulator.secrets import SecretFilter
from emulator.server.app import Site
from emulator.server.listening import listen
from emulator.testing.records import Recorder
from emulator.testing.tasks import TaskWatch
from emulator.workers.inprocess import InProcessChannel
from emulator.workers.languages import PYTHON, TITLES
from emulator.workers.variables import process_environment


class AppBroken(EmulatorError):
    """The app cannot be loaded, or not all of it; `problems` say why."""

    code = "app-broken"

    def __init__(self, path: Path, problems: Sequence[Problem], *, partly: bool) -> None:
        self.problems = tuple(problems)
        what = "has functions that cannot be loaded" if partly else "cannot be loaded"
        lines = [f"The app in {path} {what}:"]
        for problem in problems:
            lines += problem_lines(problem, Palette(colour=False))
        if partly:
            lines.append(
                "Leave them out with functions_app(functions=[…]), or load what can be loaded "
                "with functions_app(strict=False)."
            )
        super().__init__("\n".join(lines))


class Running:
    """One app that is loaded, and the parts it is made of."""

    def __init__(self, starter: Starter, engine: Engine, site: Site, recorder: Recorder) -> None:
        self.loop = asyncio.get_running_loop()
        self.host: Host = engine.host
        self.context: HostContext = engine.context
        self.recorder = recorder
        self.site = site
        self._starter = starter
        self._engine = engine
        self._watch = TaskWatch(starter.root, recorder.knows)
        if starter.options.channel == "inprocess":
            self._watch.install(self.loop)

    def generation(self) -> Generation:
        assert self.host.current is not None, "an app that cannot be loaded is not opened"
        return self.host.current

    @property
    def models(self) -> str:
        return self.context.flags["models"]

    @models.setter
    def models(self, mode: str) -> None:
        self.context.flags = _flags(mode)

    def module(self, name: str) -> ModuleType:
        generation = self.generation()
        channel = generation.channel
        if isinstance(channel, InProcessChannel):
            return channel.module(name)
        language = generation.worker.language
        if language != PYTHON:
            raise RuntimeError(
                f"'{name}' cannot be reached: the app is in {TITLES.get(language, language)}, and "
                "runs in a process of its own."
            )
        raise RuntimeError(
            f"The module '{name}' is in the worker's process, where a test cannot reach it; use "
            "channel='inprocess' for this one."
        )

    def secret_filter(self, *, but: Container[str] = ()) -> SecretFilter:
        """Return what masks secrets; settings named in `but` are none."""
        texts = (each for each in self.context.named_texts() if each[0] not in but)
        return _secret_filter(frozenset(texts))

    async def reload(self, settings: Mapping[str, str]) -> None:
        self._starter.environ.update(settings)
        if not await self.host.reload():
            raise AppBroken(self._starter.root, self.host.failure, partly=False)

    async def forgotten_tasks(self) -> list[str]:
        return await self._watch.forgotten()

    async def aclose(self) -> None:
        self._watch.remove()
        await self.site.aclose()
        await self._engine.aclose()
        self.recorder.close()


async def launch(
    path: Path,
    *,
    settings: Mapping[str, str],
    functions: Sequence[str],
    channel: str,
    models: str,
    clock: Clock,
    tolerant: bool,
) -> Running:
    """Load the app; `tolerant` takes one of which only some functions can be loaded."""
    given: dict[str, Any] = {
        "path": str(path),
        "functions": tuple(functions),
        "channel": channel,
        "models": models,
        "ephemeral": True,
        "watch": False,
    }
    # Of our own options only those of the app's pyproject.toml count, not those of the person
    # who happens to run the tests.
    options = resolve_options(given, {}, Path.cwd())
    starter = Starter(options, environ=_environment(), settings=settings)
    recorder = Recorder(starter.events)
    engine = Engine(starter, clock=clock, listens=False, registry=registry_of_now())
    engine.context.flags = _flags(models)
    site = Site(engine.host, engine.events, site_policy(starter))
    try:
        await _listen(starter, site)
        await _load(starter, engine, tolerant=tolerant)
    except BaseException:
        await site.aclose()
        await engine.aclose()
        raise
    return Running(starter, engine, site, recorder)


async def _listen(starter: Starter, site: Site) -> None:
    """Serve the app's own code, which may ask this host for models. Tests need no port.

    Where nothing may listen, as with plugins that close the network, it goes without.
    """
    try:
        listening = listen("127.0.0.1", 0)
    except (ConfigError, RuntimeError):
        return
    starter.port = listening.getsockname()[1]
    await site.start(listening)


async def _load(starter: Starter, engine: Engine, *, tolerant: bool) -> None:
    try:
        first = starter.launch()
    except AppUnusable:
        first = None  # the host will say why
    await engine.start(first)
    host = engine.host
    errors = [each for each in host.problems if each.severity is Severity.ERROR]
    if host.current is None:
        raise AppBroken(starter.root, errors or host.problems, partly=False)
    if errors and not tolerant:
        raise AppBroken(starter.root, errors, partly=True)


@functools.lru_cache(maxsize=4)
def _secret_filter(texts: frozenset[tuple[str, str]]) -> SecretFilter:
    """Return what takes 2 ms to make and is the same for most tests of a run."""
    return SecretFilter(texts)


def _flags(models: str) -> dict[str, str]:
    """Return what bindings are told: a test that asks no model service asks no other either."""
    return {"models": models} if models == "live" else {"models": models, "services": "local"}


def _environment() -> dict[str, str]:
    """Return the variables of the process but for those that choose how the host behaves."""
    variables = process_environment()
    return {name: variables[name] for name in variables if not name.startswith("FUNCEMU_")}


def registry_of_now() -> BindingRegistry:
    """Return the binding types that are installed; looked for once while `sys.path` is the same.

    Reading the entry points of all packages costs as much as everything else of a start.
    """
    return _registry(tuple(sys.path))


@functools.lru_cache(maxsize=1)
def _registry(path: tuple[str, ...]) -> BindingRegistry:
    return BindingRegistry()
