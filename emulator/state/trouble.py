"""What is wrong with a state file, in a person's words, with the next step."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from emulator.errors import StateError

_ELSEWHERE = "or choose another folder with --state-dir, or start with --ephemeral"

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_LASTING = _DAMAGED | _UNWRITABLE | {sqlite3.SQLITE_IOERR}


def state_error(path: Path | None, error: Exception, *, waited: float = 0.0) -> StateError:
    """Explain why a state file cannot be used; `waited` is how long its lock was waited for."""
    kind = _kind(error)
    if kind in _LOCKED:
        return StateError(
            f"The state in {path} is locked by another program, for more than {waited:g} s.",
            hint="Nothing was changed. Close what has the file open, such as a database browser "
            "with an open transaction, and try again.",
        )
    if kind == sqlite3.SQLITE_FULL or _number(error) in _FULL:
        return StateError(
            f"The state in {path} cannot be written: the disk is full.",
            hint=f"Nothing was changed. Make room, {_ELSEWHERE}.",
        )
    if kind in _DAMAGED:
        return StateError(
            f"The state in {path} is damaged: {error}.",
            hint="It is left as it is. Stop the host and move the file away to begin with empty "
            "state, or bring an export back with `funcemu state import FILE --force`.",
        )
    if kind in _UNWRITABLE or isinstance(error, OSError):
        return StateError(
            f"The state in {path} cannot be written: {_obstacle(path, error)}.",
            hint=f"Mend that, {_ELSEWHERE}.",
        )
    return StateError(
        f"The state in {path} could not be read or written: {error}.",
        hint="Check the disk and the file.",
    )


def unwritable(folder: Path, error: OSError) -> StateError:
    """Explain why nothing can be kept in a state folder."""
    reason = "the disk is full" if error.errno in _FULL else _lower(error.strerror or str(error))
    if folder.exists() and not folder.is_dir():
        reason = "it is no folder"
    return StateError(
        f"State cannot be kept in {folder}: {reason}.",
        hint=f"Chats, keys and the list of calls need it. Mend that, {_ELSEWHERE}.",
    )


def is_lasting(error: Exception) -> bool:
    """Whether the connection is of no more use: the file is another one once it is mended."""
    return _kind(error) in _LASTING


def _kind(error: Exception) -> int:
    """Return SQLite's primary result code, 0 when there is none."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _number(error: Exception) -> int:
    return (error.errno or 0) if isinstance(error, OSError) else 0


def _obstacle(path: Path | None, error: Exception) -> str:
    """Find what SQLite does not say."""
    if path is None:
        return str(error)
    if path.is_dir():
        return "there is a folder in its place"
    if path.parent.exists() and not path.parent.is_dir():
        return f"{path.parent} is no folder"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            with path.open("r+b"):
                pass
        # Beside the database SQLite keeps files of its own.
        probe = path.with_name(f".{path.name}.probe")
        probe.touch()
        probe.unlink()
    except OSError as found:
        return _lower(found.strerror or str(found))
    return str(error)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
