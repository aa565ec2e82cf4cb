"""The command `funcemu`: global options, sub-commands, exit codes."""

from __future__ import annotations

import signal
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from emulator import __version__
from emulator.config.suggest import did_you_mean
from emulator.errors import EmulatorError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMMANDS = {
    "start": ("emulator.cli.start:start", "Serve an app on this machine."),
    "init": ("emulator.cli.init:init", "Write a new app that runs as it is."),
    "new": ("emulator.cli.new:new", "Add functions to an app."),
    "check": ("emulator.cli.check:check", "Tell what is wrong with an app, here and on Azure."),
    "call": ("emulator.cli.call:call", "Run one function and print what it gives."),
    "functions": ("emulator.cli.functions:functions", "List the functions of an app."),
    "bindings": ("emulator.cli.bindings:bindings", "List binding types, or tell all about one."),
    "settings": ("emulator.cli.settings:settings", "List, read, change and explain settings."),
    "invocations": ("emulator.cli.invocations:invocations", "List what functions did lately."),
    "state": ("emulator.cli.state:state", "Reset, export and import what an app keeps."),
    "exec": ("emulator.cli.execute:execute", "Run a command with the app served beside it."),
    "doctor": ("emulator.cli.doctor:doctor", "Check whether this machine and the app are ready."),
    "explain": ("emulator.cli.explain:explain", "Tell what the code of a problem means."),
    "completion": ("emulator.cli.completion:completion", "Make a shell complete commands."),
}
"""Where each command is, and what the list of commands says about it.

A command's module is imported when it is run or asked for help, so that `--version` and `--help`
stay instant and `start` pays for no other.
"""


class LazyGroup(click.Group):
    """Imports a command when it is needed; the names come from a table."""

    def __init__(
        self, *arguments: Any, table: dict[str, tuple[str, str]] | None = None, **more: Any
    ) -> None:
        super().__init__(*arguments, **more)
        self._table = table or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands and cmd_name in self._table:
            module, _, name = self._table[cmd_name][0].partition(":")
            self.add_command(getattr(import_module(module), name), cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = did_you_mean(name, self.list_commands(ctx))
            ctx.fail(f"There is no command '{name}'." + (f" {near}" if near else ""))
        found = super().resolve_command(ctx, args)
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # so far there were only imports
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # only shells ask, at each tab

        names = [
            CompletionItem(name, help=summary)
            for name, summary in self.summaries()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(self.summaries())

    def summaries(self) -> list[tuple[str, str]]:
        """Return each command's name with one line about it, importing none."""
        return [(name, summary) for name, (_, summary) in self._table.items()]


class _Main(LazyGroup):
    """Knows the commands of binding packages as well, and shows our own errors as one sentence
    and the next step, never as a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from emulator.cli.contributed import contributed_names  # looks through all packages

        return [*super().list_commands(ctx), *contributed_names()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is None:
            from emulator.cli.contributed import contributed_command

            command = contributed_command(cmd_name)
        return command

    def summaries(self) -> list[tuple[str, str]]:
        from emulator.cli.contributed import contributed_summaries

        return [*super().summaries(), *contributed_summaries()]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[:2] == ["host", "start"]:  # the long form of the official tools
            args = args[1:]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except EmulatorError as error:
            raise Failure(error) from error


class Failure(click.ClickException):
    """An error of ours on its way to the terminal."""

    def __init__(self, error: EmulatorError) -> None:
        super().__init__(error.message)
        self._error = error

    def show(self, file: object = None) -> None:
        from emulator.sdk.showing import harmless  # only for an error

        where = str(self._error.where or "")
        place = f" ({where})" if where not in self._error.message else ""
        click.secho(harmless(f"{self._error.message}{place}"), fg="red", err=True)
        if self._error.hint:
            click.echo(harmless(f"→ {self._error.hint}"), err=True)


@click.group(cls=_Main, table=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-v", "--version", prog_name="funcemu")
def cli() -> None:
    """Run Azure Functions apps on this machine: no cloud, no keys, no network.

    `funcemu start` in the folder of an app serves it on http://localhost:7071.
    """


def main() -> None:
    """Run the command that the arguments name."""
    try:
        cli(prog_name="funcemu")
    except Exception as error:  # a mistake of ours: users are told what to do with it
        from emulator.cli.crash import tell_crash  # never needed, one hopes

        raise SystemExit(tell_crash(error)) from None


if __name__ == "__main__":
    main()
