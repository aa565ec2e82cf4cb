"""What a worker says beside its answers, as log lines."""

from __future__ import annotations

import re
from typing import Any

from emulator.events import Level
from emulator.workers.channel import WorkerLog

_LEVELS: tuple[Level | None, ...] = (
    "Trace",
    "Debug",
    "Information",
    "Warning",
    "Error",
    "Critical",
    None,
)
"""By the protocol's numbers; the last one says that the line is for nobody."""
_SYSTEM, _METRIC = 1, 2
_OF_A_CALL = ".Invocation"
"""How the category ends of what the worker for Node.js says of a call: people are shown that."""
_DEBUG = 1
_SYSTEM_LINE = re.compile(r"LanguageWorkerConsoleLog(?:\[\w+\])?\s*", re.IGNORECASE)


def log_of(log: Any) -> WorkerLog | None:
    """Read an `RpcLog`; `None` for what nobody is shown.

    Every call brings at least one system line of the level Debug, so these go first.
    """
    number, category = log.level, log.log_category
    if category == _METRIC or (category == _SYSTEM and number <= _DEBUG):
        return None
    level: Level | None = _LEVELS[number] if 0 <= number < len(_LEVELS) else "Information"
    if level is None:
        return None
    message = log.message
    if log.HasField("exception"):
        stack, said = log.exception.stack_trace, log.exception.message
        parts = (message, said if said not in stack else "", stack)
        message = "\n".join(dict.fromkeys(part for part in parts if part))
    source = "worker" if category == _SYSTEM else "logging"
    logger = log.category
    if category == _SYSTEM and logger.endswith(_OF_A_CALL):
        logger = ""
    return WorkerLog(level, message, log.invocation_id or None, source, logger)


def is_system_line(line: str) -> bool:
    """Whether a worker has printed a line for the host rather than for people."""
    return _SYSTEM_LINE.match(line) is not None


def without_mark(line: str) -> str:
    """Return what such a line says; any other as it is."""
    return _SYSTEM_LINE.sub("", line, count=1) if is_system_line(line) else line
