"""`funcemu exec`: a command with the app served beside it, such as a test run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from emulator.assemble import Emulator, Starter
from emulator.cli.headless import console_on_stderr, options_of
from emulator.cli.options import VariadicCommand, host_options_but
from emulator.errors import EmulatorError
from emulator.runtime.launch import AppUnusable, Launch
from emulator.server.listening import listen

URL_VARIABLES = ("FUNCEMU_URL", "FUNCTIONS_URL")
_META = "funcemu.command"
_PATIENCE = 5.0


class _BesideCommand(VariadicCommand):
    """Takes everything behind `--` as the command to run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[_META] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]


@click.command("exec", cls=_BesideCommand)
@click.argument("path", required=False)
@host_options_but(port="The port to listen on; without it, or with 0, a free one.")
def execute(**given: Any) -> None:
    """Serve the app in PATH (default: this folder), run COMMAND, and stop the host.

    The command finds the app's address in FUNCEMU_URL and FUNCTIONS_URL; a free port is taken
    unless --port names one. Lines of the host go to stderr, the exit code is that of the command.
    When the app cannot be served the command is not run, and the exit code is 1.

    An example: funcemu exec -- pytest tests
    """
    command: Sequence[str] = click.get_current_context().meta[_META]
    if not command:
        raise click.UsageError("Write the command behind --, such as: funcemu exec -- pytest")
    options = options_of(given)
    if "port" not in options.given:
        options = replace(options, port=0, given=options.given | {"port"})
    starter = Starter(options)
    configuration = starter.configure()
    options = starter.options
    listening = listen("127.0.0.1" if options.host == "localhost" else options.host, options.port)
    starter.port = listening.getsockname()[1]
    try:
        first: Launch | None = starter.spawn(configuration)
    except AppUnusable:
        first = None  # the host will say why
    emulator = Emulator(starter, listening)
    console = console_on_stderr(emulator.events, emulator.clock, options)
    console.configure(configuration)

    async def run() -> int:
        try:
            await emulator.start(first)
            generation = emulator.host.current
            if generation is None:
                return 1
            console.problems(generation.problems)
            told = f"Serving {len(generation.functions)} functions on {emulator.url}."
            console.write([console.paint(told, "dim")])
            console.flush()
            return await _beside(command, emulator.url)
        except AppUnusable:  # told when the load failed
            return 1
        finally:
            await emulator.aclose()
            console.flush()

    sys.exit(asyncio.run(run()))


async def _beside(command: Sequence[str], url: str) -> int:
    """Run the command to its end; return its exit code as a shell would."""
    environment = {**os.environ, **dict.fromkeys(URL_VARIABLES, url)}
    signals = _Signals()
    signals.take()  # before there is a command: one may come while it starts
    try:
        child = await asyncio.create_subprocess_exec(*command, env=environment)
    except OSError as error:
        raise EmulatorError(
            f"The command '{command[0]}' cannot be run: {error.strerror or error}.",
            hint="What stands behind -- is run as it is, without a shell.",
            code="command-not-run",
        ) from error
    signals.forward_to(child)
    try:
        code = await child.wait()
    finally:
        await _end(child)
    return 128 - code if code < 0 else code


class _Signals:
    """End with the command: it gets our signals, and we wait for what it makes of them."""

    def __init__(self) -> None:
        self._child: asyncio.subprocess.Process | None = None
        self._early: list[int] = []

    def take(self) -> None:
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None:
                try:
                    loop.add_signal_handler(number, self._forward, number)
                except NotImplementedError:  # Windows: the loop has no signal handlers
                    return

    def forward_to(self, child: asyncio.subprocess.Process) -> None:
        self._child = child
        for number in self._early:
            self._forward(number)

    def _forward(self, number: int) -> None:
        if self._child is None:
            self._early.append(number)
        # The terminal sends Ctrl+C to the command as well.
        elif self._child.returncode is None and not (
            number == signal.SIGINT and sys.stdin.isatty()
        ):
            self._child.send_signal(number)


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(_PATIENCE):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
