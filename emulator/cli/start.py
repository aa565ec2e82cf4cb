"""`funcemu start`: serve an app until Ctrl+C."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator.assemble import Emulator, Starter
from emulator.cli.options import VariadicCommand, host_options
from emulator.config.options import Options, resolve_options
from emulator.runtime.launch import AppUnusable, Launch
from emulator.server.listening import listen

if TYPE_CHECKING:
    import socket

    from emulator.console.console import Console


@click.command(cls=VariadicCommand, short_help="Serve an app on this machine.")
@click.argument("path", required=False)
@host_options
def start(**given: Any) -> None:
    """Serve the app in PATH (default: this folder) until Ctrl+C.

    The app's functions answer on http://localhost:7071. Without a configured connection, models
    answer offline and chats are kept in the app's .funcemu folder.
    """
    starter = Starter(resolve_options(given, os.environ, Path.cwd()), debuggable=True)
    configuration = starter.configure()
    options = starter.options
    listening = listen("127.0.0.1" if options.host == "localhost" else options.host, options.port)
    starter.port = listening.getsockname()[1]
    debugging = _listen_for_debuggers(starter)
    try:
        first: Launch | None = starter.spawn(configuration)
    except AppUnusable:
        first = None  # the host starts all the same, says why, and waits for the mend

    # Imported only now: the worker is starting meanwhile.
    import asyncio

    from emulator.cli.serve import serve

    emulator = Emulator(starter, listening, debugging=debugging)
    console = _console(emulator, options)
    console.configure(configuration)
    starter.configured = console.learn
    run = asyncio.run
    if options.loop != "asyncio":
        try:
            import uvloop
        except ImportError:
            pass
        else:
            run = uvloop.run
    sys.exit(run(serve(emulator, first, console)))


def _listen_for_debuggers(starter: Starter) -> socket.socket | None:
    wanted = starter.debugging
    if wanted is None:
        return None
    hint = "Without --debug nobody can attach."
    return listen(wanted.host, wanted.port, option="--debug PORT", hint=hint)


def _console(emulator: Emulator, options: Options) -> Console:
    from emulator.console.console import Console, JsonConsole

    terminal = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    kind = JsonConsole if options.output == "json" else Console
    console = kind(
        clock=emulator.clock,
        colour=terminal and options.output == "auto",
        verbose=options.verbose,
        strict=options.strict,
        user_level=options.user_log_level if "user_log_level" in options.given else None,
    )
    console.attach(emulator.events)
    return console
