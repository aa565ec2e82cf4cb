"""What user code says - logging, print, warnings - as log messages with the call they belong to."""

from __future__ import annotations

import contextlib
import contextvars
import io
import logging
import sys
import threading
from typing import Any, Callable, Dict, List, Optional, Tuple

Emit = Callable[[Dict[str, Any]], None]
SYSTEM_LOGGERS = (
    "azure_functions_worker",
    "azure_functions_runtime",
    "azure.functions",
    "proxy_worker",
)
EXTENSION_LOGGERS = "azure_functions_worker.extension."
"""Those of worker extensions, which are people's own."""
_SYSTEM_LINE = "languageworkerconsolelog"
LONGEST_LINE = 1 << 20
"""Characters; what is longer is told in pieces, so that nobody has to hold it whole."""


class Call:
    """The running call, carried by a context variable into the tasks it starts."""

    __slots__ = ("id", "owner")

    def __init__(self, id: str, owner: object) -> None:
        self.id = id
        self.owner = owner


running: contextvars.ContextVar[Optional[Call]] = contextvars.ContextVar("running", default=None)


class Capture:
    """Attributes and forwards. `exclusive` means the whole process belongs to one app."""

    def __init__(self, emit: Emit, *, exclusive: bool) -> None:
        self._emit = emit
        self.exclusive = exclusive
        self._importer: Optional[int] = None
        self.local = threading.local()
        self.handler = LogHandler(self)
        self.streams: List[UserStream] = []

    def importing(self, on: bool) -> None:
        """Say that this thread runs module level code of the app (or no longer does)."""
        self._importer = threading.get_ident() if on else None

    def call_id(self) -> Tuple[bool, Optional[str]]:
        """Return whether the running code is the app's, and the call it belongs to."""
        call = running.get()
        if call is not None and call.owner is self:
            return True, call.id
        told = getattr(self.local, "invocation_id", None)
        if told is not None:
            return True, told
        return self.exclusive or self._importer == threading.get_ident(), None

    def record(self, record: logging.LogRecord, text: str) -> None:
        ours, call_id = self.call_id()
        if not ours:
            return
        name = record.name
        system = name.startswith(SYSTEM_LOGGERS) and not name.startswith(EXTENSION_LOGGERS)
        self._send(
            level_name(record.levelno),
            text,
            call_id,
            "worker" if system else "logging",
            record.name,
        )

    def line(self, source: str, text: str, call_id: Optional[str]) -> None:
        level, source, text = read_line(source, text)
        self._send(level, text, call_id, source, "")

    def warn(self, text: str) -> None:
        """Say something in the worker's own name."""
        self._send("Warning", text, None, "worker", "")

    def finish(self, call_id: Optional[str]) -> None:
        """Send what the call printed without a final line end."""
        for stream in self.streams:
            stream.finish(call_id)

    def _send(
        self, level: str, text: str, call_id: Optional[str], source: str, logger: str
    ) -> None:
        for at in range(0, len(text) or 1, LONGEST_LINE):
            piece = text[at : at + LONGEST_LINE]
            header = {"kind": "log", "level": level, "message": piece, "id": call_id}
            header["source"] = source
            if logger:
                header["logger"] = logger
            self._emit(header)

    def replace_streams(self) -> None:
        """Put streams of ours in front of standard output and error of this process."""
        for source in ("stdout", "stderr"):
            original = getattr(sys, source)
            if original is None:
                continue
            stream = UserStream(original, source, self)
            self.streams.append(stream)
            setattr(sys, source, stream)


class LogHandler(logging.Handler):
    def __init__(self, capture: Capture) -> None:
        super().__init__()
        self._capture = capture

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # a bad format string is told on stderr, as logging does
            self.handleError(record)
            return
        self._capture.record(record, text)


class Begun:
    """A line that has not ended yet; apps write it letter by letter."""

    __slots__ = ("length", "parts")

    def __init__(self) -> None:
        self.parts: List[str] = []
        self.length = 0


class UserStream(io.TextIOBase):
    """Takes the place of `sys.stdout`: whole lines become log messages.

    `buffer` and `fileno()` are those of the original; what is written there reaches the host too,
    through the pipe, but nobody can say which call wrote it.
    """

    def __init__(self, original: Any, source: str, capture: Capture) -> None:
        self.original = original
        self._source = source
        self._capture = capture
        self._begun: Dict[Optional[str], Begun] = {}
        self._lock = threading.RLock()

    @property
    def buffer(self) -> Any:
        return self.original.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def name(self) -> str:
        return f"<{self._source}>"

    def fileno(self) -> int:
        return int(self.original.fileno())

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def reconfigure(self, **options: Any) -> None:
        """Accept what apps ask of a console stream; lines travel as text anyway."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        call_id = self._capture.call_id()[1]
        with self._lock:
            lines = self._whole_lines(text, call_id)
        for line in lines:
            self._capture.line(self._source, line, call_id)
        return len(text)

    def _whole_lines(self, text: str, call_id: Optional[str]) -> List[str]:
        *lines, rest = text.split("\n")
        begun = self._begun.get(call_id)
        if begun is not None and lines:
            lines[0] = "".join([*begun.parts, lines[0]])
            del self._begun[call_id]
            begun = None
        if rest:
            if begun is None:
                begun = self._begun[call_id] = Begun()
            begun.parts.append(rest)
            begun.length += len(rest)
            if begun.length >= LONGEST_LINE:
                lines.append("".join(begun.parts))
                del self._begun[call_id]
        return lines

    def flush(self) -> None:
        with contextlib.suppress(
            ValueError
        ):  # closed before us: Python 3.13 tells of it at the end
            self.original.flush()

    def finish(self, call_id: Optional[str]) -> None:
        self.original.flush()
        if self._begun:
            with self._lock:
                begun = self._begun.pop(call_id, None)
            if begun is not None:
                self._capture.line(self._source, "".join(begun.parts), call_id)


def read_line(source: str, text: str) -> Tuple[str, str, str]:
    """Return level, source and text of a line on standard output or error.

    The rules are the official host's, the prefix for lines meant for the host included.
    """
    text = text.rstrip("\r")
    if text[: len(_SYSTEM_LINE)].lower() == _SYSTEM_LINE:
        return "Information", "worker", text[len(_SYSTEM_LINE) :].lstrip()
    if source == "stdout":
        return "Information", source, text
    folded = text.lower()
    if "warn" in folded:
        return "Warning", source, text
    if any(word in folded for word in ("error", "fail", "severe", "unhandled exception")):
        return "Error", source, text
    return "Information", source, text


def level_name(number: int) -> str:
    if number >= logging.CRITICAL:
        return "Critical"
    if number >= logging.ERROR:
        return "Error"
    if number >= logging.WARNING:
        return "Warning"
    if number >= logging.INFO:
        return "Information"
    return "Debug" if number >= logging.DEBUG else "Trace"
