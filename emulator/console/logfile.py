"""What the console shows, added to a file: without colours, each line with its date."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from emulator.console.console import Console
from emulator.errors import ConfigError
from emulator.events import EventBus, LogLine


class LogFile(Console):
    """Ends with its file: when that can no longer be written it says so once, through `events`."""

    def __init__(self, *, stream: TextIO, path: Path, **options: Any) -> None:
        super().__init__(stream=stream, colour=False, **options)
        self._file = stream
        self._path = path
        self._tell: Callable[[LogLine], None] | None = None

    def attach(self, events: EventBus) -> None:
        super().attach(events)
        self._tell = events.publish

    def line(self, text: str, *styles: str) -> None:
        self.write([text])

    def write(self, lines: Iterable[str]) -> None:
        if not self._file.closed:
            stamp = self._clock.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
            super().write(f"{stamp} {line}".rstrip() for line in lines if line.strip())

    def close(self) -> None:
        self.flush()
        if not self._file.closed:
            self._file.close()

    def _gone(self, error: Exception) -> None:
        tell, self._tell = self._tell, None
        self._pending.clear()
        if tell is None:
            return
        try:
            self._file.close()
        except OSError:  # what is in its buffer cannot be written either
            pass
        reason = getattr(error, "strerror", None) or error
        text = f"The log file {self._path} can no longer be written ({reason}). It ends here."
        tell(LogLine("Warning", text, "Host"))


def open_log_file(path: Path) -> TextIO:
    """Open a log file to add to it; raise `ConfigError` when that cannot be done."""
    try:
        return path.open("a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError(
            f"The log file {path} cannot be written ({error.strerror or error}).",
            hint="Give another file with --log-file; its folder has to exist.",
            code="log-file-unusable",
        ) from error
