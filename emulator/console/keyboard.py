"""Single keys from a terminal, without waiting for Enter and without showing them.

What the terminal was like is put back whenever nobody reads: at the end, also after a crash, and
while the program is stopped with Ctrl+Z. Ctrl+C and Ctrl+Z keep their meaning.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable
from typing import Protocol

OnKey = Callable[[str], None]

_LOOK_EVERY = 0.5
"""Seconds between two looks whether a job of the background is in the foreground again."""

_PASTED = 4
"""More characters than this at once were not typed."""

_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)
"""Arrow keys and the like; their last characters are letters."""


class Keyboard(Protocol):
    def start(self) -> None:
        """Begin to read."""
        ...

    def stop(self) -> None:
        """Leave the terminal as it was. Idempotent."""
        ...


def typed(data: str) -> str:
    """Return the keys among what came from a terminal; nothing of what was pasted."""
    keys = _ESCAPES.sub("", data)
    return "" if len(keys) > _PASTED else keys


if sys.platform == "win32":  # pragma: no cover - there is no Windows here
    import threading

    class WindowsKeyboard:
        """Asks the console for keys in a thread: there is nothing the loop could wait for."""

        def __init__(self, on_key: OnKey) -> None:
            self._on_key = on_key
            self._loop = asyncio.get_running_loop()
            self._over = threading.Event()
            self._thread = threading.Thread(target=self._read, daemon=True, name="keyboard")

        def start(self) -> None:
            self._thread.start()

        def stop(self) -> None:
            self._over.set()

        def _read(self) -> None:
            import msvcrt

            while not self._over.wait(0.05):
                while msvcrt.kbhit():
                    key = msvcrt.getwch()
                    if key in ("\x00", "\xe0"):
                        msvcrt.getwch()  # the second half of an arrow key or the like
                        continue
                    try:
                        self._loop.call_soon_threadsafe(self._on_key, key)
                    except RuntimeError:  # the loop is closed
                        return

    def keyboard(on_key: OnKey) -> Keyboard:
        """Return the keyboard of the terminal this program runs in; call it within the loop."""
        return WindowsKeyboard(on_key)

else:
    import signal
    import termios
    import tty

    class PosixKeyboard:
        """Reads while this program is in the foreground of its terminal, and only then."""

        def __init__(self, on_key: OnKey, descriptor: int = 0) -> None:
            self._on_key = on_key
            self._descriptor = descriptor
            self._loop = asyncio.get_running_loop()
            self._before: list[object] | None = None
            self._started = False
            self._look: asyncio.TimerHandle | None = None

        def start(self) -> None:
            self._started = True
            self._loop.add_signal_handler(signal.SIGTSTP, self._suspend)
            self._loop.add_signal_handler(signal.SIGCONT, self._resume)
            self._resume()

        def stop(self) -> None:
            if self._started:
                self._started = False
                self._loop.remove_signal_handler(signal.SIGTSTP)
                self._loop.remove_signal_handler(signal.SIGCONT)
            if self._look is not None:
                self._look.cancel()
            self._let_go()

        def _suspend(self) -> None:
            """Stop as Ctrl+Z would without us, with the terminal as it was."""
            self._let_go()
            os.kill(os.getpid(), signal.SIGSTOP)

        def _resume(self) -> None:
            """Take the terminal if it is ours: another program's must not be touched."""
            if self._before is not None or not self._started:
                return
            try:
                if not self._in_foreground():
                    # Shells do not tell a job that runs when they bring it to the foreground.
                    self._look = self._loop.call_later(_LOOK_EVERY, self._resume)
                    return
                self._before = termios.tcgetattr(self._descriptor)
                tty.setcbreak(self._descriptor, termios.TCSANOW)
            except (OSError, termios.error):  # there is no terminal any more
                return
            self._loop.add_reader(self._descriptor, self._read)

        def _let_go(self) -> None:
            before, self._before = self._before, None
            if before is None:
                return
            self._loop.remove_reader(self._descriptor)
            try:
                if self._in_foreground():
                    termios.tcsetattr(self._descriptor, termios.TCSANOW, before)  # type: ignore[arg-type]  # what it gave us
            except (OSError, termios.error):  # the terminal is gone
                return

        def _in_foreground(self) -> bool:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()

        def _read(self) -> None:
            try:
                data = os.read(self._descriptor, 1024)
            except OSError:
                data = b""
            if not data:  # the terminal was closed
                self._let_go()
                return
            for key in typed(data.decode("utf-8", "replace")):
                self._on_key(key)

    def keyboard(on_key: OnKey) -> Keyboard:
        """Return the keyboard of the terminal this program runs in; call it within the loop."""
        return PosixKeyboard(on_key)
