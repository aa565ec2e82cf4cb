"""Which hosts work on a state folder right now: one locked file for each."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from emulator.errors import StateError
from emulator.ids import new_id
from emulator.state.folder import prepare
from emulator.state.trouble import unwritable

FOLDER = "hosts"


class Running(NamedTuple):
    """A host that is alive; `url` is empty when it serves none."""

    pid: int
    url: str = ""


class Presence:
    """Says that this process works on a state folder.

    The system gives the lock back however the process ends, so nothing stale can be taken for a
    host.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[str] | None = None

    def enter(self, url: str = "") -> StateError | None:
        """Be seen; return what is in the way of keeping anything in the folder, which then has
        no state to protect either."""
        path = prepare(self._folder) / FOLDER / f"{os.getpid()}-{new_id()[:8]}.json"
        file = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("x", encoding="utf-8")
            _lock(file)
            file.write(json.dumps({"pid": os.getpid(), "url": url}))
            file.flush()
        except OSError as error:
            if file is not None:
                _discard(file)
            return unwritable(self._folder, error)
        self._file = file
        return None

    def leave(self) -> None:
        """Be gone; idempotent."""
        file, self._file = self._file, None
        if file is None:
            return
        _discard(file)


def running_hosts(folder: Path) -> list[Running]:
    """Return the hosts at work; what dead ones left is cleared away."""
    found = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            with path.open("r+", encoding="utf-8") as file:
                dead = _lock(file)
                content = "" if dead else file.read()
        except OSError:
            continue
        if dead:
            path.unlink(missing_ok=True)
        else:
            found.append(_running(content))
    return found


def _discard(file: IO[str]) -> None:
    """Close and remove a file; what was not written yet may still not fit."""
    with suppress(OSError):
        file.close()
    with suppress(OSError):
        Path(file.name).unlink()


def _running(content: str) -> Running:
    try:
        told = json.loads(content)
        return Running(int(told["pid"]), str(told["url"]))
    except (ValueError, TypeError, KeyError):  # it is only just coming up
        return Running(0)


def _lock(file: IO[str]) -> bool:
    """Take the lock of a file; say whether nobody else had it."""
    try:
        if sys.platform == "win32":
            import msvcrt  # the other systems do not have it

            file.seek(1 << 20)  # beyond the text, which others want to read
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            finally:
                file.seek(0)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
