"""SQLite files of the app's state: one writer, readers beside it, schema brought up to date."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from emulator.errors import StateError
from emulator.state.folder import prepare
from emulator.state.trouble import is_lasting, state_error

T = TypeVar("T")

BUSY_TIMEOUT = 10.0
"""Seconds another process may hold the write lock before we give up."""

_OLD = 5.0
"""Seconds after which an empty file is no longer one that somebody is just making."""

_LOG_MAGIC = (0x377F0682, 0x377F0683)

Tell = Callable[[str], None]
"""Takes what a person has to know, in the event loop."""


class SqliteDatabase:
    """One file, or memory when `path` is `None`, used from threads of its own.

    Opened on first use; a database in memory then begins with the content of the file `seed`.
    Write-ahead logging keeps readers going during a transaction and leaves the last committed one
    intact whenever the process dies. When the file is gone, or another one is in its place, that
    is opened, and `tell` hears of it. `patience` is how many seconds a lock is waited for.
    """

    def __init__(
        self,
        path: Path | None,
        migrations: Sequence[str],
        *,
        seed: Path | None = None,
        tell: Tell = lambda text: None,
        patience: float = BUSY_TIMEOUT,
    ) -> None:
        self._path = path
        self._seed = seed
        self._migrations = tuple(migrations)
        self._tell = tell
        self._patience = patience
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: set[object] = set()
        self._looking = threading.Lock()
        self._began = False
        """Whether there was no file, or an empty one, when it was opened last."""
        self._writer = _Lane("state-writer", self)
        # Two connections to one memory would be two databases.
        self._reader = self._writer if path is None else _Lane("state-reader", self)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._loop = asyncio.get_running_loop()
        return await self._writer.submit(lambda connection: _transaction(connection, work))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._loop = asyncio.get_running_loop()
        return await self._reader.submit(work)

    async def fill(self, file: Path) -> None:
        """Replace everything by the content of another such file."""

        def work(connection: sqlite3.Connection) -> None:
            _copy(file, connection)
            self._seed = file
            self._migrate(connection)

        await self._writer.submit(work)

    async def aclose(self) -> None:
        await asyncio.gather(*{self._writer.aclose(), self._reader.aclose()})

    def open(self) -> sqlite3.Connection:
        connection = None
        try:
            if self._path is not None:
                if not self._path.parent.is_dir():
                    prepare(self._path.parent)
                with self._looking, suppress(FileNotFoundError):  # another host was faster
                    self._look_at(self._path)
            connection = sqlite3.connect(
                self._path or ":memory:",
                timeout=self._patience,
                isolation_level=None,
                check_same_thread=False,
            )
            self._known_version(connection)  # before anything is changed
            _use_write_ahead_log(connection, self._patience)
            connection.execute("PRAGMA synchronous=NORMAL")
            if self._path is None and self._seed is not None:
                _copy(self._seed, connection)
            self._migrate(connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, (sqlite3.Error, OSError)):
                raise self.explain(error) from error
            raise
        return connection

    def identity(self) -> object:
        """Return what tells the file from any other; `None` when there is none."""
        if self._path is None:
            return None
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def replaced(self, former: object) -> None:
        """Tell that the file is not the one that was opened."""
        what = "is another one" if self._path and self._path.exists() else "is gone"
        self._say(
            f"{self._path} {what} since the host opened it, so it is opened anew. "
            "What was in the former file is not there any more.",
            once=former,
        )

    def explain(self, error: Exception) -> StateError:
        return state_error(self._path, error, waited=self._patience)

    def _look_at(self, path: Path) -> None:
        """Rename a log that SQLite would take for nothing and delete; tell of an empty file."""
        log = path.with_name(f"{path.name}-wal")
        size = _size(path)
        if _size(log) and (not size or _is_no_log(log)):
            kept = _unused(log.with_name(f"{log.name}.damaged"))
            log.rename(kept)
            self._say(
                f"The last changes to {path} cannot be read, so they are missing; they are kept "
                f"in {kept.name}. Bring an export back with `funcemu state import FILE` if you "
                "miss something."
            )
        elif size == 0 and not self._began and time.time() - path.stat().st_mtime > _OLD:
            self._say(f"{path} was empty, so it begins anew; what it may have held is lost.")
        self._began = not size

    def _say(self, text: str, *, once: object = None) -> None:
        """Tell something once; both threads may find it."""
        key = once or text
        if self._loop is not None and key not in self._told:
            self._told.add(key)
            self._loop.call_soon_threadsafe(self._tell, text)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        def bring_up(connection: sqlite3.Connection) -> None:
            version = self._known_version(connection)
            for script in self._migrations[version:]:
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={len(self._migrations)}")

        if _version(connection) != len(self._migrations):
            _transaction(connection, bring_up)

    def _known_version(self, connection: sqlite3.Connection) -> int:
        version = _version(connection)
        if version > len(self._migrations):
            raise StateError(
                f"{self._path or self._seed} was written by a newer version of funcemu "
                f"(schema {version}, this one knows {len(self._migrations)}).",
                hint="Update funcemu, or move the file away to start with empty state.",
            )
        return version


def _copy(file: Path, connection: sqlite3.Connection) -> None:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source:
            source.backup(connection)
    except sqlite3.Error as error:
        raise StateError(
            f"The content of {file} cannot be used: {error}.",
            hint="Give a database that a host has kept, or a file of `funcemu state export`.",
        ) from error


def _use_write_ahead_log(connection: sqlite3.Connection, patience: float) -> None:
    """Switch the file over, which two hosts may try at once: SQLite does not wait for this lock."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)  # on the database's own thread


class _Lane:
    """One thread and its connection to a database."""

    def __init__(self, name: str, database: SqliteDatabase) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._database = database
        self._connection: sqlite3.Connection | None = None
        self._opened: object = None

    async def submit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def job() -> T:
            connection = self._current()
            try:
                return work(connection)
            except sqlite3.Error as error:
                told = self._database.explain(error)
                if is_lasting(error):
                    self._drop()  # the next call finds the file as it is then
                raise told from error

        return await asyncio.get_running_loop().run_in_executor(self._executor, job)

    def _current(self) -> sqlite3.Connection:
        if self._connection is not None and self._database.identity() != self._opened:
            self._database.replaced(self._opened)
            self._drop()
        if self._connection is None:
            self._connection = self._database.open()
            self._opened = self._database.identity()
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    async def aclose(self) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._drop)
        except RuntimeError:  # already closed
            return
        self._executor.shutdown(wait=False)


def _transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself ends a transaction for which there is no room, or no disk.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _is_no_log(log: Path) -> bool:
    """Whether the file is long enough to be a write-ahead log, and is none."""
    with log.open("rb") as file:
        head = file.read(32)
    return len(head) == 32 and int.from_bytes(head[:4], "big") not in _LOG_MAGIC


def _unused(path: Path) -> Path:
    candidates = (path.with_name(f"{path.name}-{number}") for number in range(1, 10_000))
    return next(each for each in (path, *candidates) if not each.exists())
