"""What functions did: the last calls with their lines, kept for whoever asks later."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from emulator.clock import Clock
from emulator.errors import StateError
from emulator.events import (
    Activity,
    EventBus,
    InvocationFinished,
    InvocationStarted,
    LogLine,
)
from emulator.secrets import SecretFilter
from emulator.state.store import StateStore

DATABASE = "journal"
MIGRATIONS = (
    """
    CREATE TABLE invocation (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        function TEXT NOT NULL,
        parent TEXT,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        started REAL NOT NULL,
        duration REAL NOT NULL,
        error TEXT,
        lines TEXT NOT NULL,
        activities TEXT NOT NULL
    );
    CREATE INDEX invocation_id ON invocation (id);
    """,
)

KEPT = 1_000
"""How many calls are remembered."""

EVERY = 0.5
"""Seconds between two writes."""

_RETRY = 2.0
"""Seconds until calls are tried to be written again after a failure."""

_SHARE = 100
"""A write that took `t` seconds is followed by a pause of at least this many `t`: a busy host
spends a hundredth of its time on the journal, however much happens."""

_MOST_LINES = 200
_MOST_ACTIVITIES = 100
_LONGEST = 4_000
_MOST_RUNNING = 10_000

_INSERT = (
    "INSERT INTO invocation"
    " (id, function, parent, reason, detail, started, duration, error, lines, activities)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

Settings = Callable[[], Iterable[tuple[str, str]]]


class _Record(msgspec.Struct):
    """A call under way, and then its end; `at` is monotonic."""

    at: float
    start: InvocationStarted
    lines: list[LogLine] | None = None
    activities: list[Activity] | None = None
    finish: InvocationFinished | None = None


class Journal:
    """Listens to what happens and writes finished calls down, away from the event loop.

    On the loop a call costs well under a microsecond: what a row needs is worked out by the
    thread that writes, and of more calls than are kept only the last ones are.
    """

    def __init__(
        self,
        folder: Path,
        events: EventBus,
        clock: Clock,
        *,
        settings: Settings = tuple,
        every: float = EVERY,
        retry: float = _RETRY,
    ) -> None:
        """`settings` gives the names and values among which the secrets are, `every` is the pause
        between two writes in seconds, `retry` that after a failure."""
        self._store = StateStore(folder, tell=self._warn)
        self._events = events
        self._clock = clock
        self._settings = settings
        self._running: dict[str, _Record] = {}
        self._finished: deque[_Record] = deque(maxlen=KEPT)
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._every = self._pause = every
        self._retry = retry
        self._broken = False
        self._listening = [
            events.on(InvocationStarted, self._started),
            events.on(InvocationFinished, self._ended),
            events.on(LogLine, self._said),
            events.on(Activity, self._did),
        ]

    async def aclose(self) -> None:
        """Write what is left, and let go of the file."""
        for stop in self._listening:
            stop()
        if self._writing is not None:
            await self._writing
        if self._timer is not None:  # only now: a write that failed has set one
            self._timer.cancel()
        if self._finished and not self._broken:
            await self._write()
        await self._store.aclose()

    def _started(self, event: InvocationStarted) -> None:
        if len(self._running) < _MOST_RUNNING:
            self._running[event.id] = _Record(self._clock.monotonic(), event)

    def _ended(self, event: InvocationFinished) -> None:
        record = self._running.pop(event.id, None)
        if record is None:
            return
        record.finish = event
        self._finished.append(record)
        if self._timer is None:
            self._schedule()

    def _said(self, event: LogLine) -> None:
        record = self._running.get(event.invocation_id or "")
        if record is not None:
            record.lines = _with(record.lines, event, _MOST_LINES)

    def _did(self, event: Activity) -> None:
        record = self._running.get(event.invocation_id or "")
        if record is not None:
            record.activities = _with(record.activities, event, _MOST_ACTIVITIES)

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._begin_write)

    def _begin_write(self) -> None:
        self._writing = asyncio.create_task(self._write_and_pause())

    async def _write_and_pause(self) -> None:
        began = self._clock.monotonic()
        await self._write()
        took = self._clock.monotonic() - began
        self._pause = self._retry if self._broken else max(self._every, took * _SHARE)
        self._timer = None
        if self._finished:
            self._schedule()

    async def _write(self) -> None:
        records, self._finished = self._finished, deque(maxlen=KEPT)
        # Asked now, so that a clock that was set meanwhile, or a laptop that slept, does no harm.
        offset = self._clock.now().timestamp() - self._clock.monotonic()
        settings = self._settings()

        def work(connection: sqlite3.Connection) -> None:
            clean = SecretFilter(settings)
            connection.executemany(_INSERT, [_row(record, offset, clean) for record in records])
            connection.execute(
                "DELETE FROM invocation WHERE number <= (SELECT max(number) FROM invocation) - ?",
                (KEPT,),
            )

        try:
            await self._store.database(DATABASE, MIGRATIONS).run(work)
        except StateError as error:
            # Kept for the next attempt, the newest of them.
            self._finished = deque((*records, *self._finished), maxlen=KEPT)
            if not self._broken:
                self._broken = True
                self._warn(f"Calls are no longer recorded. {error.message} {error.hint or ''}")
        else:
            if self._broken:
                self._broken = False
                self._warn("Calls are recorded again.")

    def _warn(self, text: str) -> None:
        self._events.publish(LogLine("Warning", text.strip(), "Host"))


class Line(NamedTuple):
    """One log line of a call."""

    level: str
    message: str


class Deed(NamedTuple):
    """Something a binding did during a call, such as asking a model."""

    source: str
    name: str
    data: Mapping[str, Any]


class Entry(NamedTuple):
    """One call as it was written down; `started` is seconds since 1970, `error` its title, type
    and stack as the worker told them."""

    id: str
    function: str
    parent: str | None
    reason: str
    detail: str
    started: float
    duration: float
    error: Mapping[str, Any] | None
    lines: tuple[Line, ...]
    activities: tuple[Deed, ...]


async def read_journal(folder: Path) -> list[Entry]:
    """Return every call that is remembered, the last begun first."""
    if not (folder / f"{DATABASE}.db").is_file():
        return []
    store = StateStore(folder)
    try:
        return await store.database(DATABASE, MIGRATIONS).read(_entries)
    finally:
        await store.aclose()


def _entries(connection: sqlite3.Connection) -> list[Entry]:
    rows = connection.execute(
        "SELECT id, function, parent, reason, detail, started, duration, error, lines, activities"
        " FROM invocation ORDER BY started DESC, number DESC"
    )
    return [
        Entry._make(
            (
                *row[:7],
                None if row[7] is None else json.loads(row[7]),
                tuple(Line(*each) for each in json.loads(row[8])),
                tuple(Deed(*each) for each in json.loads(row[9])),
            )
        )
        for row in rows
    ]


def _with(kept: list[Any] | None, event: Any, most: int) -> list[Any]:
    if kept is None:
        return [event]
    if len(kept) < most:
        kept.append(event)
    return kept


def _row(record: _Record, offset: float, clean: SecretFilter) -> Sequence[object]:
    start, finish = record.start, record.finish
    assert finish is not None  # only finished calls are written
    error = None if finish.error is None else _json(msgspec.to_builtins(finish.error), clean)
    lines = [(each.level, clean.beginning(each.message, _LONGEST)) for each in record.lines or ()]
    deeds = [(each.source, each.name, each.data) for each in record.activities or ()]
    return (
        start.id,
        start.function,
        start.parent,
        start.reason,
        clean.beginning(start.detail, _LONGEST),
        record.at + offset,
        finish.duration,
        error,
        json.dumps(lines, ensure_ascii=False) if lines else "[]",
        _json(deeds, clean) if deeds else "[]",
    )


def _json(value: Any, clean: SecretFilter) -> str:
    return json.dumps(clean.data(value), ensure_ascii=False, default=str)
