"""An app loaded for one command: no port, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click

from emulator.assemble import Engine, Starter
from emulator.clock import Clock
from emulator.config.options import Options, resolve_options
from emulator.console.console import Console
from emulator.console.terminal import wants_colour
from emulator.errors import EmulatorError
from emulator.events import EventBus
from emulator.model import Problem, Severity
from emulator.runtime.generation import Generation
from emulator.runtime.launch import AppUnusable, Configuration, Launch

T = TypeVar("T")


class Session:
    """An app that is loaded, what was read to load it, and the terminal it may talk to."""

    def __init__(
        self, engine: Engine, options: Options, configuration: Configuration, console: Console
    ) -> None:
        self.engine = engine
        self.options = options
        self.configuration = configuration
        self.console = console

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the app, or why it cannot be loaded at all."""
        return self.engine.host.problems

    def generation(self) -> Generation:
        """Return the loaded app; end with exit code 1 without one, which was told already."""
        generation = self.engine.host.current
        if generation is None:
            raise click.exceptions.Exit(1)
        return generation


def options_of(given: Mapping[str, object]) -> Options:
    """Return the options a command was given, for a host that does not watch files."""
    return replace(resolve_options(given, os.environ, Path.cwd()), watch=False)


def run(options: Options, work: Callable[[Session], Awaitable[T]]) -> T:
    """Load the app, do the work, end everything."""

    async def whole() -> T:
        async with opened(options) as session:
            return await work(session)

    return asyncio.run(whole())


@asynccontextmanager
async def opened(options: Options) -> AsyncIterator[Session]:
    """Load an app without listening to anything; its log lines go to stderr."""
    starter = Starter(options)
    configuration = starter.configure()
    try:
        launch: Launch | None = starter.spawn(configuration)
    except AppUnusable:
        launch = None  # the host will say why
    engine = Engine(starter, listens=False)
    console = console_on_stderr(engine.events, engine.clock, options)
    console.configure(configuration)
    try:
        await engine.start(launch)
        yield Session(engine, starter.options, configuration, console)
    except EmulatorError as error:
        configuration.clean(error)
        raise
    finally:
        await engine.aclose()
        console.flush()


def console_on_stderr(events: EventBus, clock: Clock, options: Options) -> Console:
    """Return the console of a command whose stdout is for something else."""
    console = Console(
        clock=clock,
        colour=wants_colour(options.output, sys.stderr, os.environ),
        verbose=options.verbose,
        strict=options.strict,
        user_level=options.user_log_level if "user_log_level" in options.given else None,
        stream=sys.stderr,
    )
    console.attach(events)
    return console


def matters_for(problem: Problem, function: str) -> bool:
    """Whether a problem is worth a word to somebody who only wants this one function."""
    if problem.function is not None:
        return problem.function.lower() == function.lower()
    return problem.severity is Severity.ERROR
