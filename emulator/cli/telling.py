"""What is told of a host: its start, its loads, its end; on the console and in a log file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter

from emulator.assemble import Emulator
from emulator.cli import BEGAN
from emulator.console.banner import WORKER_STARTED, banner_lines, ready_line
from emulator.console.console import Console, JsonConsole
from emulator.console.logfile import LogFile
from emulator.console.progress import Progress
from emulator.console.render import duration
from emulator.events import GenerationFailed, GenerationReady
from emulator.runtime.launch import Configuration


@dataclass(frozen=True, slots=True)
class Shown:
    """Where a host is told about: on the console, and in a log file if there is one.

    `keys` says whether somebody can press keys there.
    """

    console: Console
    log_file: LogFile | None = None
    keys: bool = False

    @property
    def all(self) -> tuple[Console, ...]:
        return (self.console,) if self.log_file is None else (self.console, self.log_file)

    def learn(self, configuration: Configuration) -> None:
        """Keep the secrets among these settings to ourselves."""
        for each in self.all:
            each.learn(configuration)


class Loads:
    """Tells one console about loads: the first in full, the others by what has changed."""

    def __init__(self, emulator: Emulator, console: Console) -> None:
        self._emulator = emulator
        self._console = console
        self._known: frozenset[str] | None = None
        self._announced = False
        emulator.events.on(GenerationReady, self._ready)
        emulator.events.on(GenerationFailed, self._failed)

    def announce(self) -> None:
        """Say who serves what, once the first load is over and requests are answered."""
        self._console.write(announcement(self._emulator, self._console))
        self._announced = True

    def _ready(self, event: GenerationReady) -> None:
        self._console.show_levels_of(self._emulator.host.host_config)
        names = frozenset(function.name for function in event.app.functions)
        known, self._known = self._known, names
        if not self._announced or isinstance(self._console, JsonConsole):
            return
        if known is None:  # nothing was served until now
            self._console.write(announcement(self._emulator, self._console, event.seconds))
            return
        paint = self._console.paint
        changes = [f"+{name}" for name in sorted(names - known)]
        changes += [f"-{name}" for name in sorted(known - names)]
        count = f"{len(names)} function{'' if len(names) == 1 else 's'}"
        shown = f" ({', '.join(changes)})" if changes else ""
        self._console.line(paint(f"Reloaded {count}{shown} in {duration(event.seconds)}", "green"))
        self._console.problems(event.problems)

    def _failed(self, event: GenerationFailed) -> None:
        if self._emulator.host.current is None or isinstance(self._console, JsonConsole):
            return
        number = self._emulator.host.current.number
        self._console.line(
            self._console.paint(
                f"Not reloaded; generation {number} still answers until this is mended.", "red"
            )
        )


def announcement(
    emulator: Emulator, console: Console, seconds: float | None = None
) -> Iterable[str]:
    """Say who serves what, what is wrong, and that it is ready: after `seconds`, or since the
    start."""
    if isinstance(console, JsonConsole):
        told = {"url": emulator.url, "debugger": emulator.debug_address}
        yield console.told("listening", {name: text for name, text in told.items() if text})
        return
    generation = emulator.host.current
    if generation is None:
        if emulator.worker_started:
            yield console.paint(WORKER_STARTED, "dim")
        yield console.paint(f"Nothing is served on {emulator.url} until this is mended.", "red")
        return
    yield from banner_lines(
        generation,
        base_url=emulator.url,
        debug_address=emulator.debug_address,
        notes=emulator.notes(),
        paint=console.paint,
    )
    yield from console.problem_lines(generation.problems)
    took = perf_counter() - BEGAN if seconds is None else seconds
    yield ready_line(took, len(generation.functions), emulator.url, console.paint)


def summary(emulator: Emulator, console: Console) -> Iterable[str]:
    lines = emulator.context.summary
    if isinstance(console, JsonConsole):
        return [console.told("summary", {"lines": lines})] if lines else []
    return [console.paint(line, "dim") for line in lines]


def progress_of(emulator: Emulator, console: Console) -> Progress:
    if isinstance(console, JsonConsole):
        return Progress(console)  # machines have the events
    waiting = ""
    if emulator.waits_for_debugger:
        # Editors attach when they see the second line, and only then the app is imported.
        console.line(f"Debuggers attach on {emulator.debug_address}.")
        console.line(WORKER_STARTED)
        waiting = "Waiting for a debugger …"
    progress = Progress(console, waiting=waiting)
    progress.attach(emulator.events)
    return progress
