"""Who listens on a port already, where the system tells: on Linux, of processes one may look at."""

from __future__ import annotations

import os
from pathlib import Path

_LISTENS = "0A"


def holder_of(port: int) -> str | None:
    """Return the program with its process number, to follow "by"; `None` when it cannot be told."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not sockets:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            held = {os.readlink(each) for each in (process / "fd").iterdir()}
            if not sockets.isdisjoint(held):
                return f"{_name(process)} (process {process.name})"
        except OSError:  # it has ended, or is somebody else's
            continue
    return None


def _inodes(port: int) -> list[str]:
    found = []
    for table in ("tcp", "tcp6"):
        try:
            rows = Path("/proc/net", table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for row in map(str.split, rows):
            if row[3] == _LISTENS and row[1].endswith(f":{port:04X}"):
                found.append(row[9])
    return found


def _name(process: Path) -> str:
    """Return the program; of interpreters also what they run."""
    told = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    program, *more = [Path(each).name for each in told[:2] if each]
    name = " ".join([program, *(each for each in more if not each.startswith("-"))])
    return "".join(letter if letter.isprintable() else "?" for letter in name[:80])
