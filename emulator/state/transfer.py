"""An app's state as one file to take along, and back; and clearing it away."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from emulator.errors import StateError
from emulator.state.folder import prepare
from emulator.state.journal import DATABASE
from emulator.state.presence import FOLDER as HOSTS
from emulator.state.presence import running_hosts

KEYS = "keys"
"""The folder of function keys: secrets, if only local ones."""

_RECORD = f"{DATABASE}.db"
"""What only records what happened may be replaced without asking."""

_MANIFEST = "manifest.json"
_FORMAT = "funcemu-state"
_VERSION = 1
_BESIDE = ("-wal", "-shm", "-journal")


class Part(NamedTuple):
    """One file of the state, relative to its folder."""

    name: str
    path: Path

    @property
    def is_key(self) -> bool:
        return PurePosixPath(self.name).parts[0] == KEYS

    @property
    def is_database(self) -> bool:
        return self.name.endswith(".db")

    @property
    def is_chats(self) -> bool:
        """Whether it is a database of chats: binding packages call theirs `<package>-chats`."""
        return self.is_database and self.name.removesuffix(".db").endswith("chats")


def parts(folder: Path) -> Iterator[Part]:
    """Return the files of the state, without what SQLite and running hosts keep beside them."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name == ".gitignore" or name.split("/")[0] == HOSTS:
            continue
        if not name.endswith(_BESIDE):
            yield Part(name, path)


def reset(folder: Path, wanted: Callable[[Part], bool]) -> list[str]:
    """Delete the wanted parts; return their names. Refused while a host works on the folder."""
    _refuse_while_running(folder)
    chosen = [part for part in parts(folder) if wanted(part)]
    try:
        for part in chosen:
            for path in (part.path, *_beside(part.path)):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise StateError(
            f"{error.filename} cannot be deleted: {error.strerror}.",
            hint="Check who may write there, and that no program has it open.",
        ) from error
    return [part.name for part in chosen]


def export(folder: Path, file: Path, *, version: str, with_keys: bool = False) -> list[str]:
    """Write the state into a zip file; return the names of what is in it.

    Databases are copied as of one moment, whoever writes to them meanwhile.
    """
    chosen = [part for part in parts(folder) if with_keys or not part.is_key]
    if not chosen:
        raise StateError(
            f"There is no state in {folder}.", hint="A host keeps some once it was called."
        )
    manifest = {
        "format": _FORMAT,
        "version": _VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "funcemu": version,
        "parts": [part.name for part in chosen],
    }
    scratch = file.with_name(f".{file.name}.new")
    try:
        if with_keys:
            scratch.touch(mode=0o600)
        with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_MANIFEST, json.dumps(manifest, indent=2))
            for part in chosen:
                archive.writestr(part.name, _content(part))
        scratch.replace(file)
    except (OSError, sqlite3.Error) as error:
        scratch.unlink(missing_ok=True)
        raise StateError(
            f"{file} cannot be written: {error}.", hint="Check the folder and its free space."
        ) from error
    return [part.name for part in chosen]


def restore(folder: Path, file: Path, *, force: bool = False) -> list[str]:
    """Put what a zip file holds in place; return the names. The rest of the state stays.

    Refused while a host works on the folder, and without `force` when something would be replaced.
    """
    _refuse_while_running(folder)
    try:
        with zipfile.ZipFile(file) as archive:
            names = _names(archive, file)
            _refuse_replacing(folder, names, force=force)
            prepare(folder)
            for name in names:
                _put(Part(name, folder / name), archive.read(name))
    except (OSError, zipfile.BadZipFile) as error:
        raise StateError(
            f"{file} cannot be imported: {error}.",
            hint="Give a file that `funcemu state export` wrote.",
        ) from error
    return names


def _refuse_while_running(folder: Path) -> None:
    hosts = running_hosts(folder)
    if hosts:
        told = ", ".join(f"process {each.pid} {each.url}".rstrip() for each in hosts)
        raise StateError(
            f"A host is using the state in {folder}: {told}.",
            hint="Stop it first (Ctrl+C in its terminal).",
            code="state-in-use",
        )


def _refuse_replacing(folder: Path, names: Iterable[str], *, force: bool) -> None:
    existing = [name for name in names if (folder / name).exists() and name != _RECORD]
    if existing and not force:
        raise StateError(
            f"{folder} has {', '.join(existing)} already.",
            hint="--force replaces them; `funcemu state export` keeps a copy first.",
            code="state-exists",
        )


def _names(archive: zipfile.ZipFile, file: Path) -> list[str]:
    """Check the manifest; return the names of the parts, none of which leads out of the folder."""
    try:
        manifest: Any = json.loads(archive.read(_MANIFEST))
        kind, version, names = manifest["format"], manifest["version"], manifest["parts"]
    except (KeyError, ValueError, TypeError, RecursionError):
        kind, version, names = None, None, []
    if kind != _FORMAT or not isinstance(names, list):
        raise StateError(
            f"{file} holds no state of funcemu.",
            hint="Give a file that `funcemu state export` wrote.",
        )
    if version != _VERSION:
        raise StateError(
            f"{file} was written by a newer version of funcemu.", hint="Update funcemu."
        )
    known = set(archive.namelist())
    for name in names:
        path = PurePosixPath(str(name))
        is_plain = not {"\\", ":", "\0"} & set(str(name))  # on Windows these lead elsewhere
        if path.is_absolute() or ".." in path.parts or not is_plain or name not in known:
            raise StateError(
                f"{file} is damaged: it names {name!r}.", hint="Export the state once more."
            )
    return [str(name) for name in names]


def _content(part: Part) -> bytes:
    if not part.is_database:
        return part.path.read_bytes()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "copy.db")
        with closing(sqlite3.connect(part.path)) as source, closing(sqlite3.connect(copy)) as goal:
            source.backup(goal)
            goal.execute("PRAGMA journal_mode=DELETE")
        return copy.read_bytes()


def _put(part: Part, content: bytes) -> None:
    path = part.path
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    if part.is_key:
        for folder in path.parents[: len(Path(part.name).parts) - 1]:
            folder.chmod(0o700)
        scratch.touch(mode=0o600)
    scratch.write_bytes(content)
    for each in _beside(path):
        each.unlink(missing_ok=True)  # they belong to what is replaced
    scratch.replace(path)


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in _BESIDE]
