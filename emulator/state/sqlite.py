"""SQLite files of the app's state: one writer, readers beside it, schema brought up to date."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from emulator.errors import StateError

T = TypeVar("T")

BUSY_TIMEOUT = 10.0
"""Seconds another process may hold the write lock before we give up."""


class SqliteDatabase:
    """One file, or memory when `path` is `None`, used from threads of its own.

    Opened on first use; a database in memory then begins with the content of the file `seed`.
    Write-ahead logging keeps readers going during a transaction and leaves the last committed one
    intact whenever the process dies.
    """

    def __init__(
        self, path: Path | None, migrations: Sequence[str], *, seed: Path | None = None
    ) -> None:
        self._path = path
        self._seed = seed
        self._migrations = tuple(migrations)
        self._writer = _Lane("state-writer", self._open)
        # Two connections to one memory would be two databases.
        self._reader = self._writer if path is None else _Lane("state-reader", self._open)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._writer.submit(lambda connection: _transaction(connection, work))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
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

    def _open(self) -> sqlite3.Connection:
        try:
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._path or ":memory:",
                timeout=BUSY_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            _use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
            if self._path is None and self._seed is not None:
                _copy(self._seed, connection)
            self._migrate(connection)
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        def bring_up(connection: sqlite3.Connection) -> None:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > len(self._migrations):
                raise StateError(
                    f"{self._path or self._seed} was written by a newer version of funcemu "
                    f"(schema {version}, this one knows {len(self._migrations)}).",
                    hint="Update funcemu, or move the file away to start with empty state.",
                )
            for script in self._migrations[version:]:
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={len(self._migrations)}")

        if connection.execute("PRAGMA user_version").fetchone()[0] != len(self._migrations):
            _transaction(connection, bring_up)

    def _unusable(self, error: Exception) -> StateError:
        return StateError(
            f"The state in {self._path} cannot be used: {error}.",
            hint="Check that the folder is writable and the file is not damaged, "
            "or start with --ephemeral to keep state in memory.",
        )


def _copy(file: Path, connection: sqlite3.Connection) -> None:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source:
            source.backup(connection)
    except sqlite3.Error as error:
        raise StateError(
            f"The content of {file} cannot be used: {error}.",
            hint="Give a database that a host has kept, or a file of `funcemu state export`.",
        ) from error


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the file over, which two hosts may try at once: SQLite does not wait for this lock."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)  # on the database's own thread


class _Lane:
    """One thread and its connection."""

    def __init__(self, name: str, connect: Callable[[], sqlite3.Connection]) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connect = connect
        self._connection: sqlite3.Connection | None = None

    async def submit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def job() -> T:
            if self._connection is None:
                self._connection = self._connect()
            try:
                return work(self._connection)
            except sqlite3.Error as error:
                raise StateError(
                    f"The state could not be read or written: {error}.",
                    hint="Another process may hold the file, or the disk may be full.",
                ) from error

        return await asyncio.get_running_loop().run_in_executor(self._executor, job)

    async def aclose(self) -> None:
        def close() -> None:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, close)
        except RuntimeError:  # already closed
            return
        self._executor.shutdown(wait=False)


def _transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return result
