"""What the keys of a terminal do with a host."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

from emulator.assemble import Emulator
from emulator.console.banner import function_lines
from emulator.console.console import Console
from emulator.console.hotkeys import HotKey, HotKeys
from emulator.console.keyboard import Keyboard, keyboard
from emulator.console.lastcall import LastCall, call_in_full


class TerminalKeys:
    """The keys of the terminal that a host is served in; the terminal is given back by `aclose`."""

    def __init__(self, emulator: Emulator, console: Console, stop: Callable[[], None]) -> None:
        self._emulator = emulator
        self._console = console
        self._last = LastCall(emulator.events)
        self._keys = HotKeys(
            console,
            [
                HotKey("r", "reload", "Reload the app, whatever has changed.", emulator.reload),
                HotKey("o", "open", f"Open {emulator.url} in a browser.", self._open),
                HotKey("f", "functions", "List the functions with their URLs.", self._list),
                HotKey("i", "last call", "Show the last call in full.", self._show_last),
                HotKey("c", "clear", "Clear the screen.", self._clear),
                HotKey("q", "quit", "Stop, as Ctrl+C does.", stop, any_time=True),
            ],
        )
        self._keyboard: Keyboard = keyboard(self._keys.pressed)
        self._keyboard.start()

    def ready(self) -> None:
        """Say which keys there are: the start was told."""
        self._keys.ready = True
        self._console.write([self._keys.hint])

    async def aclose(self) -> None:
        self._keyboard.stop()
        await self._keys.aclose()

    def _list(self) -> None:
        generation = self._emulator.host.current
        if generation is None:
            self._console.line("Nothing is served; what is wrong was told above.")
            return
        lines = function_lines(generation, base_url=self._emulator.url, paint=self._console.paint)
        self._console.write(["", *lines])

    def _show_last(self) -> None:
        record = self._last.record
        if record is None:
            self._console.line("No function was called yet.")
        else:
            self._console.write(call_in_full(record, self._console.paint))

    def _clear(self) -> None:
        self._console.clear()
        self._console.write([self._keys.hint])

    async def _open(self) -> None:
        import webbrowser  # only here, and 10 ms

        url = self._emulator.url
        # Without a screen Python would start a browser made of text, in this very terminal.
        if not (_has_screen() and await asyncio.to_thread(webbrowser.open, url)):
            self._console.line(f"No browser could be opened; the address is {url}")


def _has_screen() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME")
    return any(os.environ.get(name) for name in screens)
