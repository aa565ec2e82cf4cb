"""Whether somebody looks, and what their terminal can show."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import TextIOWrapper
from typing import TextIO


def wants_colour(output: str, stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Decide about colours: `--output` counts first, then the variables that all tools know
    (NO_COLOR, FORCE_COLOR), then whether `stream` is a terminal."""
    if output != "auto":
        return output == "pretty"
    if environ.get("NO_COLOR"):
        return False
    forced = environ.get("FORCE_COLOR")
    if forced:
        return forced.lower() not in ("0", "false")
    return is_terminal(stream) and environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO) -> bool:
    """Whether what is written is shown to a person, by something that understands escapes."""
    try:
        return stream.isatty() and _understands_escapes(stream)
    except ValueError:  # it was closed
        return False


def use_utf8(stream: TextIO, environ: Mapping[str, str]) -> None:
    """Write UTF-8 into pipes on Windows, too, where Python takes the code page of the machine."""
    chosen = environ.get("PYTHONIOENCODING")
    if sys.platform == "win32" and not chosen and isinstance(stream, TextIOWrapper):
        if not stream.isatty():
            stream.reconfigure(encoding="utf-8")


if sys.platform == "win32":  # pragma: no cover - there is no Windows here

    def _understands_escapes(stream: TextIO) -> bool:
        """Ask the Windows console to understand them; consoles before Windows 10 cannot."""
        import ctypes
        import msvcrt

        enabled = 0x0004  # ENABLE_VIRTUAL_TERMINAL_PROCESSING
        kernel = ctypes.windll.kernel32
        handle = msvcrt.get_osfhandle(stream.fileno())
        mode = ctypes.c_ulong()
        if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
            return False
        return bool(mode.value & enabled or kernel.SetConsoleMode(handle, mode.value | enabled))

else:

    def _understands_escapes(stream: TextIO) -> bool:
        return True
