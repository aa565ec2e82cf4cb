"""Queues in the app's own state: one table, whose messages are seen by one reader at a time."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from datetime import UTC, datetime
from typing import Any, NamedTuple

from emulator.sdk import BindingError, HostServices

_MIGRATIONS = (
    """
    CREATE TABLE queue_message (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        id TEXT NOT NULL,
        body BLOB NOT NULL,
        inserted REAL NOT NULL,
        expires REAL NOT NULL,
        visible REAL NOT NULL,
        dequeued INTEGER NOT NULL,
        receipt TEXT NOT NULL
    );
    CREATE INDEX queue_message_visible ON queue_message (queue, visible);
    """,
    "CREATE INDEX queue_message_expires ON queue_message (expires)",
)
_COLUMNS = "number, queue, id, body, inserted, expires, visible, dequeued, receipt"

_LIFE = 7 * 24 * 3600.0
"""Seconds a message is kept, as in Azure."""

_LEASE = 600.0
"""Seconds a message is hidden while a function works on it; Azure's extension takes as many."""

_NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9])+")


class Message(NamedTuple):
    """Times are seconds since 1970; `dequeued` counts how often it was taken."""

    number: int
    queue: str
    id: str
    body: bytes
    inserted: float
    expires: float
    visible: float
    dequeued: int
    receipt: str


def queue_name(given: str) -> str:
    """Return a queue's name as it counts; raise `BindingError` when there can be no such queue."""
    name = given.lower()
    if not 3 <= len(name) <= 63 or _NAME.fullmatch(name) is None:
        raise BindingError(
            f"'{given}' cannot be the name of a queue",
            hint="It has 3 to 63 letters, digits and single dashes, and a dash is neither first "
            "nor last.",
            code="queue-name-invalid",
        )
    return name


class Queues:
    """Messages on their way, and who waits for some."""

    def __init__(self, host: HostServices) -> None:
        self._host = host
        self._database = host.database("queues", _MIGRATIONS)
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._held: dict[int, Message] = {}

    def watch(self, queue: str, arrived: asyncio.Event) -> None:
        """Let `arrived` be set whenever something may be there to be taken."""
        self._waiting.setdefault(queue, set()).add(arrived)

    def unwatch(self, queue: str, arrived: asyncio.Event) -> None:
        self._waiting.get(queue, set()).discard(arrived)

    async def put(self, queue: str, *bodies: bytes) -> None:
        """Add messages, all or none."""
        now = self._now()
        rows = [
            (queue, self._host.random_id(), body, now, now + _LIFE, now, 0, "") for body in bodies
        ]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO queue_message "
                "(queue, id, body, inserted, expires, visible, dequeued, receipt) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

        await self._database.run(work)
        self._tell(queue)

    def hold(self, message: Message) -> None:
        """Let nobody else see a message that was taken, however long it is worked on."""
        self._held[message.number] = message

    def let_go(self, message: Message) -> None:
        self._held.pop(message.number, None)

    async def take(self, queue: str, most: int) -> list[Message]:
        """Return messages that nobody else sees until they are given back, the oldest first."""
        now, receipt = self._now(), self._host.random_id()
        held = self._held_on(now)

        def work(connection: sqlite3.Connection) -> list[Message]:
            connection.execute("DELETE FROM queue_message WHERE expires <= ?", (now,))
            connection.executemany(
                "UPDATE queue_message SET visible = ? WHERE number = ? AND receipt = ?",
                [(each.visible, each.number, each.receipt) for each in held],
            )
            # What is looked through is the index: bodies are read of those that are taken.
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM queue_message WHERE number IN (SELECT number FROM "
                "queue_message WHERE queue = ? AND visible <= ? ORDER BY number LIMIT ?) "
                "ORDER BY number",
                (queue, now, most),
            )
            messages = [
                message._replace(
                    visible=now + _LEASE, dequeued=message.dequeued + 1, receipt=receipt
                )
                for message in (Message(*row) for row in found.fetchall())
            ]
            connection.executemany(
                "UPDATE queue_message SET visible = ?, dequeued = ?, receipt = ? WHERE number = ?",
                [(each.visible, each.dequeued, each.receipt, each.number) for each in messages],
            )
            return messages

        return await self._database.run(work)

    def _held_on(self, now: float) -> list[Message]:
        """Return the messages of which half the lease is over, with a new one."""
        late = [each for each in self._held.values() if each.visible - now < _LEASE / 2]
        renewed = [each._replace(visible=now + _LEASE) for each in late]
        self._held.update((each.number, each) for each in renewed)
        return renewed

    async def next_visible(self, queue: str) -> float | None:
        """Return in how many seconds the next message can be seen; `None` without any."""
        rows = await self._read("SELECT min(visible) FROM queue_message WHERE queue = ?", queue)
        first: float | None = rows[0][0]
        return None if first is None else max(0.0, first - self._now())

    async def peek(self, queue: str) -> list[Message]:
        """Return every message of a queue and take none."""
        query = f"SELECT {_COLUMNS} FROM queue_message WHERE queue = ? ORDER BY number"
        return [Message(*row) for row in await self._read(query, queue)]

    async def delete(self, message: Message) -> None:
        await self._change("DELETE FROM queue_message", message)

    async def give_back(self, message: Message, after: float) -> None:
        """Let the message be seen again in so many seconds."""
        await self._change("UPDATE queue_message SET visible = ?", message, self._now() + after)
        self._tell(message.queue)

    async def move(self, message: Message, queue: str) -> None:
        """Put the message into another queue, where it begins anew."""
        await self._change(
            "UPDATE queue_message SET queue = ?, visible = ?, dequeued = 0",
            message,
            queue,
            self._now(),
        )
        self._tell(queue)

    async def _change(self, statement: str, message: Message, *values: object) -> None:
        """Change a message, unless somebody else has taken it since."""
        which = (message.number, message.receipt)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(f"{statement} WHERE number = ? AND receipt = ?", (*values, *which))

        await self._database.run(work)

    def _tell(self, queue: str) -> None:
        for arrived in self._waiting.get(queue, ()):
            arrived.set()

    async def _read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(query, values).fetchall()

        return await self._database.read(work)

    def _now(self) -> float:
        return self._host.clock.now().timestamp()


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
