"""Who listens on a port already, where the system tells: on Linux, of processes one may look at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LISTENS = "0A"
_PROCESSES = Path("/proc")


def holder_of(port: int, processes: Path = _PROCESSES) -> str | None:
    """Return the program with its process number, to follow "by"; `None` when it cannot be told."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, processes)}
    if not sockets:
        return None
    for process in processes.glob("[0-9]*"):
        try:
            if not sockets.isdisjoint(_held(process)):
                return f"{_name(process)} (process {process.name})"
        except OSError:  # it has ended, or is somebody else's
            continue
    return None


def _inodes(port: int, processes: Path) -> list[str]:
    found = []
    for table in ("tcp", "tcp6"):
        try:
            rows = (processes / "net" / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for row in map(str.split, rows):
            if row[3] == _LISTENS and row[1].endswith(f":{port:04X}"):
                found.append(row[9])
    return found


def _held(process: Path) -> Iterator[str]:
    for each in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            yield os.readlink(each)


def _name(process: Path) -> str:
    """Return the program; of interpreters also what they run."""
    told = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    words = [Path(each).name for each in told[:2] if each]
    if not words:  # a program may take its command line away; its short name stays
        words = [(process / "comm").read_text().strip()]
    name = " ".join([words[0], *(each for each in words[1:] if not each.startswith("-"))])
    return "".join(letter if letter.isprintable() else "?" for letter in name[:80])
