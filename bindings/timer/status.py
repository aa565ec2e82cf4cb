"""What a host remembers of its timers: when each ran last and is to run next."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, NamedTuple

from emulator.sdk import Extension, HostServices

_MIGRATIONS = (
    """
    CREATE TABLE timer_status (
        function TEXT PRIMARY KEY COLLATE NOCASE,
        last TEXT,
        next TEXT,
        updated TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
)


class Status(NamedTuple):
    """`last` is `None` before the first run, `next` when there is none."""

    last: datetime | None
    next: datetime | None
    updated: datetime


class Timers(Extension):
    """Lives with the host, so a run that outlives a reload is not doubled by the next load."""

    def __init__(self, host: HostServices) -> None:
        super().__init__(host)
        self._database = host.database("timers", _MIGRATIONS)
        self._known: dict[str, Status] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._listening: set[asyncio.Task[None]] = set()

    def lock(self, function: str) -> asyncio.Lock:
        """Return what a timer holds while its function runs."""
        return self._locks.setdefault(function.lower(), asyncio.Lock())

    def listen(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what waits for a timer's time, for as long as the host lives."""
        task = asyncio.create_task(work)
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)
        return task

    def known(self, function: str) -> Status | None:
        """Return the status as far as it was read or written by this host."""
        return self._known.get(function.lower())

    async def read(self, function: str) -> Status | None:
        def work(connection: sqlite3.Connection) -> tuple[Any, ...] | None:
            found = connection.execute(
                "SELECT last, next, updated FROM timer_status WHERE function = ?", (function,)
            )
            row: tuple[Any, ...] | None = found.fetchone()
            return row

        row = await self._database.read(work)
        if row is None:
            return None
        last, following, updated = row
        status = Status(_moment(last), _moment(following), datetime.fromisoformat(updated))
        self._known[function.lower()] = status
        return status

    async def write(self, function: str, status: Status) -> None:
        self._known[function.lower()] = status
        row = (function, *(None if each is None else each.isoformat() for each in status))

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO timer_status VALUES (?, ?, ?, ?)", row)

        await self._database.run(work)

    async def aclose(self) -> None:
        for task in self._listening:
            task.cancel()
        if self._listening:
            await asyncio.wait(self._listening)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
