"""A host from its first load to the signal that ends it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable

from emulator.assemble import Emulator
from emulator.cli.signals import HeldSignals, ending_signals
from emulator.cli.telling import Loads, Shown, progress_of, summary
from emulator.console.console import Console, JsonConsole
from emulator.console.render import verdict
from emulator.events import GenerationReady
from emulator.runtime.launch import AppUnusable, Launch

_SETTLE_AFTER = 0.2
"""Seconds after a load: what its start left to do comes first."""

_HURRY = 1.0
"""Seconds that giving everything back may still take once somebody is in a hurry."""


async def serve(emulator: Emulator, first: Launch | None, shown: Shown, held: HeldSignals) -> int:
    """Serve until Ctrl+C or SIGTERM, then finish running calls and leave no process behind.

    A second one ends running calls at once. Returns the exit code: 1 when the app was refused.
    """
    stopping, hurried = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        (hurried if stopping.is_set() else stopping).set()

    _on_signals(stop)
    for _ in range(held.count):
        stop()
    emulator.events.on(GenerationReady, _settle_after_loads)
    loads = [Loads(emulator, console) for console in shown.all]
    progress = progress_of(emulator, shown.console)
    keys = None
    if shown.keys:
        from emulator.cli.keys import TerminalKeys  # not for pipes

        keys = TerminalKeys(emulator, shown.console, stop)
    began = asyncio.create_task(emulator.start(first))
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({began, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if began.done():
            began.result()
            for each in loads:
                each.announce()
            if keys is not None:
                keys.ready()
        await stopping.wait()
    except AppUnusable as error:  # what is wrong was told when the load failed
        for console in shown.all:
            if not isinstance(console, JsonConsole):
                console.write([console.paint(f"Not started: {verdict(error.problems)}", "red")])
        return 1
    finally:
        progress.over()
        if keys is not None:
            await keys.aclose()
        began.cancel()
        stopped.cancel()
        await asyncio.gather(began, stopped, return_exceptions=True)
        await _end(emulator, shown.console, hurried)
        for console in shown.all:
            console.write(summary(emulator, console))
            console.flush()
        if shown.log_file is not None:
            shown.log_file.close()
    return 0


async def _end(emulator: Emulator, console: Console, hurried: asyncio.Event) -> None:
    """Let calls finish for as long as nobody is in a hurry."""
    count = emulator.calls_under_way
    if count and not isinstance(console, JsonConsole):
        told = "Waiting for a call" if count == 1 else f"Waiting for {count} calls"
        console.line(f"{told} to finish; Ctrl+C again ends {'it' if count == 1 else 'them'} now.")
    closing = asyncio.create_task(emulator.aclose())
    hurry = asyncio.create_task(hurried.wait())
    await asyncio.wait({closing, hurry}, return_when=asyncio.FIRST_COMPLETED)
    if not closing.done():
        await emulator.host.kill()
        await asyncio.wait({closing}, timeout=_HURRY)
        closing.cancel()  # what it still waits for is in this process, and ends with it
    hurry.cancel()
    await asyncio.gather(hurry, return_exceptions=True)
    with contextlib.suppress(asyncio.CancelledError):
        await closing


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


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in ending_signals():
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows: the loop has no signal handlers
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
