"""Lines that a worker prints for the host rather than for people."""

from __future__ import annotations

import re

_SYSTEM_LINE = re.compile(r"LanguageWorkerConsoleLog(?:\[\w+\])?\s*", re.IGNORECASE)


def is_system_line(line: str) -> bool:
    return _SYSTEM_LINE.match(line) is not None


def without_mark(line: str) -> str:
    """Return what such a line says; any other as it is."""
    return _SYSTEM_LINE.sub("", line, count=1) if is_system_line(line) else line
