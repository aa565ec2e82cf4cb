"""Commands of binding packages: found by entry point, loaded when they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import click

from emulator.errors import BindingPluginError, EmulatorError
from emulator.sdk import CommandServices, HostServices

GROUP = "emulator.commands"

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def contributed_names() -> list[str]:
    return sorted({point.name for point in entry_points(group=GROUP)})


def contributed_command(name: str) -> click.Command | None:
    """Return the command, or `None` when no package offers it.

    Raises `BindingPluginError` when one does but cannot be used.
    """
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    return load_command(points[0]) if points else None


def contributed_summaries() -> list[tuple[str, str]]:
    """Return each command with one line about it; a broken one says that it is."""
    found = []
    for name in contributed_names():
        try:
            command = contributed_command(name)
        except EmulatorError as error:
            found.append((name, error.message))
        else:
            found.append((name, command.get_short_help_str(60) if command else ""))
    return found


def load_command(point: EntryPoint) -> click.Command:
    """Make the command an entry point names; raise `BindingPluginError` saying what is wrong."""
    package = point.dist.name if point.dist is not None else "unknown"
    services: CommandServices = _Lent()
    try:
        command = point.load()(services)
    except Exception as error:  # a plugin may fail in any way; it takes down its command only
        raise BindingPluginError(
            f"The command '{point.name}' of package '{package}' cannot be loaded from "
            f"{point.value}: {type(error).__name__}: {error}",
            hint=f"Reinstall or update '{package}'.",
        ) from error
    if not isinstance(command, click.Command):
        raise BindingPluginError(
            f"The command '{point.name}' of package '{package}' is broken: {point.value} should "
            f"return a click.Command, but returned a {type(command).__name__}.",
            hint=f"Report this to the authors of '{package}'.",
        )
    command.name = point.name
    return command


class _Lent:
    """What such a command is lent; it imports the host's parts when it runs."""

    def app_options(self, command: F) -> F:
        from emulator.cli.options import chosen_options

        chosen_options("state_dir", "output")(command)
        click.argument("path", required=False)(command)
        return command  # click notes its options on the function itself

    def output(self, given: Mapping[str, object]) -> str:
        from emulator.cli.headless import options_of

        return options_of(given).output

    def run(self, given: Mapping[str, object], work: Callable[[HostServices], Awaitable[T]]) -> T:
        from emulator.assemble import Starter, host_context
        from emulator.cli.headless import console_on_stderr, options_of

        starter = Starter(options_of(given))
        configuration = starter.configure()

        async def whole() -> T:
            context = host_context(starter, makes_state=False)
            console = console_on_stderr(starter.events, context.clock, starter.options)
            context.settings = configuration.settings
            context.host_json = configuration.host_config.raw
            try:
                return await work(context)
            except EmulatorError as error:
                configuration.clean(error)
                raise
            finally:
                await context.aclose()
                console.flush()

        return asyncio.run(whole())
