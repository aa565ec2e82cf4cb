"""The command `funcemu`: global options, sub-commands, exit codes."""

from __future__ import annotations

import click

from emulator import __version__
from emulator.errors import EmulatorError


class _Group(click.Group):
    """Shows our own errors as one sentence and the next step, never as a traceback."""

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
        place = f" ({self._error.where})" if self._error.where else ""
        click.secho(f"{self._error.message}{place}", fg="red", err=True)
        if self._error.hint:
            click.echo(f"→ {self._error.hint}", err=True)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-v", "--version", prog_name="funcemu")
def cli() -> None:
    """Run Azure Functions apps on this machine: no cloud, no keys, no network.

    `funcemu start` in the folder of an app serves it on http://localhost:7071.
    """


def main() -> None:
    """Entry point of the console script."""
    _register()
    cli(prog_name="funcemu")


def _register() -> None:
    from emulator.cli.start import start  # after click, so that --version stays instant

    cli.add_command(start)


if __name__ == "__main__":
    main()
