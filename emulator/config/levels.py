"""Log levels, as host.json and the command line name them."""

from __future__ import annotations

from typing import Literal

LogLevel = Literal["Trace", "Debug", "Information", "Warning", "Error", "Critical", "None"]
LOG_LEVELS: tuple[LogLevel, ...] = (
    "Trace",
    "Debug",
    "Information",
    "Warning",
    "Error",
    "Critical",
    "None",
)


def parse_level(given: object) -> LogLevel | None:
    """Return the log level of a name (any case) or a number from 0 to 6."""
    text = str(given).strip().lower()
    if len(text) == 1 and text in "0123456":
        return LOG_LEVELS[int(text)]
    return next((level for level in LOG_LEVELS if level.lower() == text), None)
