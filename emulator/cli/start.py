"""`funcemu start`: serve an app until Ctrl+C."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator.assemble import Emulator, Starter
from emulator.cli.options import VariadicCommand, host_options
from emulator.cli.signals import HeldSignals
from emulator.config.options import resolve_options
from emulator.runtime.launch import AppUnusable, Launch
from emulator.server.listening import listen

if TYPE_CHECKING:
    import socket
    from typing import TextIO

    from emulator.cli.telling import Shown
    from emulator.config.options import Options


@click.command(cls=VariadicCommand, short_help="Serve an app on this machine.")
@click.argument("path", required=False)
@host_options
def start(**given: Any) -> None:
    """Serve the app in PATH (default: this folder) until Ctrl+C.

    The app's functions answer on http://localhost:7071. Without a configured connection, models
    answer offline and chats are kept in the app's .funcemu folder. `funcemu host start
    --script-root PATH`, as the official tools have it, is the same.
    """
    starter = Starter(resolve_options(given, os.environ, Path.cwd()), debuggable=True)
    held = HeldSignals()

    def building(command: str) -> None:
        held.release()  # it takes its time
        click.echo(f"Building the app: {command}", err=True)

    starter.building = building
    configuration = starter.configure()
    options = starter.options
    listening = listen("127.0.0.1" if options.host == "localhost" else options.host, options.port)
    starter.port = listening.getsockname()[1]
    debugging = _listen_for_debuggers(starter)
    log_stream = None
    if options.log_file is not None:
        from emulator.console.logfile import open_log_file  # few want one

        log_stream = open_log_file(options.log_file)
    held.hold()
    try:
        first: Launch | None = starter.spawn(configuration)
    except AppUnusable:
        first = None  # the host starts all the same, says why, and waits for the mend

    held.hold()
    # Imported only now: the worker is starting meanwhile.
    import asyncio

    from emulator.cli.serve import serve

    emulator = Emulator(starter, listening, debugging=debugging)
    shown = _shown(emulator, options, log_stream)
    for console in shown.all:
        console.configure(configuration)
    starter.configured = shown.learn
    run = asyncio.run
    if options.loop != "asyncio":
        try:
            import uvloop
        except ImportError:
            pass
        else:
            run = uvloop.run
    sys.exit(run(serve(emulator, first, shown, held)))


def _listen_for_debuggers(starter: Starter) -> socket.socket | None:
    wanted = starter.debuggers.wanted
    if wanted is None:
        return None
    hint = "Without --debug nobody can attach."
    return listen(wanted.host, wanted.port, option="--debug PORT", hint=hint)


def _shown(emulator: Emulator, options: Options, log_stream: TextIO | None) -> Shown:
    """Return the console, and the log file if one is wanted, listening to what happens."""
    from emulator.cli.telling import Shown
    from emulator.console.console import Console, JsonConsole
    from emulator.console.logfile import LogFile
    from emulator.console.terminal import is_terminal, use_utf8, wants_colour

    use_utf8(sys.stdout, os.environ)

    common: dict[str, Any] = {
        "clock": emulator.clock,
        "verbose": options.verbose,
        "strict": options.strict,
        "user_level": options.user_log_level if "user_log_level" in options.given else None,
    }
    kind = JsonConsole if options.output == "json" else Console
    live = options.output in ("auto", "pretty") and is_terminal(sys.stdout)
    colour = wants_colour(options.output, sys.stdout, os.environ)
    console = kind(colour=colour, live=live, **common)
    log_file = None
    if log_stream is not None and options.log_file is not None:
        log_file = LogFile(stream=log_stream, path=options.log_file, **common)
    shown = Shown(console, log_file, keys=live and sys.stdin.isatty())
    for each in shown.all:
        each.attach(emulator.events)
    return shown
