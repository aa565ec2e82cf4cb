"""A host from its first load to the signal that ends it."""

from __future__ import annotations

import asyncio
import gc
import signal

from emulator.assemble import Emulator
from emulator.cli.telling import Loads, Shown, progress_of, summary
from emulator.console.console import JsonConsole
from emulator.console.render import verdict
from emulator.events import GenerationReady
from emulator.runtime.launch import AppUnusable, Launch

_SETTLE_AFTER = 0.2
"""Seconds after a load: what its start left to do comes first."""


async def serve(emulator: Emulator, first: Launch | None, shown: Shown) -> int:
    """Serve until Ctrl+C or SIGTERM, then finish running calls and leave no process behind.

    Returns the exit code: 1 when the app was refused.
    """
    stopping = asyncio.Event()
    _on_signals(stopping)
    emulator.events.on(GenerationReady, _settle_after_loads)
    loads = [Loads(emulator, console) for console in shown.all]
    progress = progress_of(emulator, shown.console)
    keys = None
    if shown.keys:
        from emulator.cli.keys import TerminalKeys  # not for pipes

        keys = TerminalKeys(emulator, shown.console, stopping.set)
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
        await emulator.aclose()
        for console in shown.all:
            console.write(summary(emulator, console))
            console.flush()
        if shown.log_file is not None:
            shown.log_file.close()
    return 0


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
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # the last one is Windows'
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, stopping.set)
        except NotImplementedError:  # Windows: the loop has no signal handlers
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
