"""By what it is seen that a file has changed, without reading it."""

from __future__ import annotations

from pathlib import Path

Stamp = tuple[int, int, int]
"""Time of the last change in nanoseconds, size, number on the disk."""


def stamp_of(path: Path) -> Stamp | None:
    """Return what changes when the file does; `None` when it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
