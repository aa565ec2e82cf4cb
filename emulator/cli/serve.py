"""A host from its first load to the signal that ends it."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
from collections.abc import Iterable
from time import perf_counter

from emulator.assemble import Emulator
from emulator.cli import BEGAN
from emulator.console.banner import banner_lines, ready_line
from emulator.console.console import Console, JsonConsole
from emulator.console.render import duration, verdict
from emulator.events import GenerationFailed, GenerationReady
from emulator.runtime.launch import AppUnusable, Launch

_SETTLE_AFTER = 0.2
"""Seconds after a load: what its start left to do comes first."""


async def serve(emulator: Emulator, first: Launch | None, console: Console) -> int:
    """Serve until Ctrl+C or SIGTERM, then finish running calls and leave no process behind.

    Returns the exit code: 1 when the app was refused.
    """
    stopping = asyncio.Event()
    _on_signals(stopping)
    emulator.events.on(GenerationReady, _settle_after_loads)
    reloads = Reloads(emulator, console)
    emulator.events.on(GenerationReady, reloads.ready)
    emulator.events.on(GenerationFailed, reloads.failed)
    began = asyncio.create_task(emulator.start(first))
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({began, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if began.done():
            began.result()
            console.write(announcement(emulator, console))
        await stopping.wait()
    except AppUnusable as error:  # what is wrong was told when the load failed
        if not isinstance(console, JsonConsole):
            console.write([console.paint(f"Not started: {verdict(error.problems)}", "red")])
        return 1
    finally:
        began.cancel()
        stopped.cancel()
        await asyncio.gather(began, stopped, return_exceptions=True)
        await emulator.aclose()
        console.write(_summary(emulator, console))
        console.flush()
    return 0


class Reloads:
    """Tells about every load after the first: how fast, and what came or went."""

    def __init__(self, emulator: Emulator, console: Console) -> None:
        self._emulator = emulator
        self._console = console
        self._known: frozenset[str] | None = None

    def ready(self, event: GenerationReady) -> None:
        self._console.show_levels_of(self._emulator.host.host_config)
        names = frozenset(function.name for function in event.app.functions)
        known, self._known = self._known, names
        if event.number == 1 or isinstance(self._console, JsonConsole):
            return
        paint = self._console.paint
        changes = [f"+{name}" for name in sorted(names - (known or frozenset()))]
        changes += [f"-{name}" for name in sorted((known or frozenset()) - names)]
        count = f"{len(names)} function{'' if len(names) == 1 else 's'}"
        shown = f" ({', '.join(changes)})" if changes else ""
        self._console.line(paint(f"Reloaded {count}{shown} in {duration(event.seconds)}", "green"))
        self._console.problems(event.problems)

    def failed(self, event: GenerationFailed) -> None:
        if self._emulator.host.current is None or isinstance(self._console, JsonConsole):
            return
        number = self._emulator.host.current.number
        self._console.line(
            self._console.paint(
                f"Not reloaded; generation {number} still answers until this is mended.", "red"
            )
        )


def announcement(emulator: Emulator, console: Console) -> Iterable[str]:
    """Say who serves what, what is wrong, and that it is ready."""
    if isinstance(console, JsonConsole):
        yield json.dumps({"event": "listening", "url": emulator.url})
        return
    generation = emulator.host.current
    if generation is None:
        yield console.paint(f"Nothing is served on {emulator.url} until this is mended.", "red")
        return
    yield from banner_lines(
        generation, base_url=emulator.url, notes=emulator.notes(), paint=console.paint
    )
    yield from console.problem_lines(generation.problems)
    seconds = perf_counter() - BEGAN
    yield ready_line(seconds, len(generation.functions), console.paint)


def _summary(emulator: Emulator, console: Console) -> Iterable[str]:
    lines = emulator.context.summary
    if isinstance(console, JsonConsole):
        return [json.dumps({"event": "summary", "lines": lines})] if lines else []
    return [console.paint(line, "dim") for line in lines]


def _settle_after_loads(_: GenerationReady) -> None:
    asyncio.get_running_loop().call_later(_SETTLE_AFTER, _settle)


def _settle() -> None:
    """Take what lives as long as the app out of the garbage collector's sight.

    Otherwise every full collection walks through all imported modules: measured, calls at full
    load then took 13 ms instead of 3 at the 99th percentile.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _on_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, stopping.set)
        except NotImplementedError:  # Windows: the loop has no signal handlers
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
