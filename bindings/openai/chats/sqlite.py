"""Chats in the app's own state: one SQLite file, one transaction per turn."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bindings.openai.chats.base import Chat, ChatConflict, ChatSummary, Message, State
from emulator.sdk import Database

MIGRATIONS = (
    """
    CREATE TABLE chat_state (
        account TEXT NOT NULL,
        collection TEXT NOT NULL COLLATE NOCASE,
        assistant TEXT NOT NULL,
        "exists" INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        last_updated_at INTEGER NOT NULL,
        total_messages INTEGER NOT NULL,
        total_tokens INTEGER NOT NULL,
        version TEXT NOT NULL,
        PRIMARY KEY (account, collection, assistant)
    ) WITHOUT ROWID;
    CREATE TABLE chat_message (
        account TEXT NOT NULL,
        collection TEXT NOT NULL COLLATE NOCASE,
        assistant TEXT NOT NULL,
        number INTEGER NOT NULL,
        role TEXT NOT NULL,
        content TEXT NOT NULL,
        name TEXT,
        created_at INTEGER NOT NULL,
        tool_calls TEXT NOT NULL,
        PRIMARY KEY (account, collection, assistant, number)
    );
    CREATE INDEX chat_message_created
        ON chat_message (account, collection, assistant, created_at);
    """,
)

_STATE_COLUMNS = '"exists", created_at, last_updated_at, total_messages, total_tokens, version'
_MESSAGE_COLUMNS = "number, role, content, created_at, name, tool_calls"
_NEWER = " AND created_at > ?"
_CHAT = "account = ? AND collection = ? AND assistant = ?"


class SqliteChatStore:
    """The chats of one account and collection. `new_version` gives a text never given before."""

    def __init__(
        self, database: Database, *, account: str, collection: str, new_version: Callable[[], str]
    ) -> None:
        self._database = database
        self._scope = (account, collection)
        self._new_version = new_version

    async def load(self, assistant: str, *, since: int | None = None) -> Chat | None:
        key = (*self._scope, assistant)

        def work(connection: sqlite3.Connection) -> Chat | None:
            with _snapshot(connection):
                found = connection.execute(
                    f"SELECT {_STATE_COLUMNS} FROM chat_state WHERE {_CHAT}", key
                ).fetchone()
                if found is None:
                    return None
                newer, values = ("", key) if since is None else (_NEWER, (*key, since))
                rows = connection.execute(
                    f"SELECT {_MESSAGE_COLUMNS} FROM chat_message WHERE {_CHAT}{newer}"
                    " ORDER BY number",
                    values,
                )
                messages = tuple(Message(*row) for row in rows)
                highest = connection.execute(
                    f"SELECT coalesce(max(number), 0) FROM chat_message WHERE {_CHAT}", key
                ).fetchone()[0]
            return Chat(assistant, _state(found), messages, highest, found[5])

        return await self._database.read(work)

    async def create(self, assistant: str, state: State, messages: Sequence[Message]) -> int:
        def work(connection: sqlite3.Connection) -> int:
            removed = self._remove(connection, assistant)
            self._insert(connection, assistant, messages)
            connection.execute(
                f"INSERT INTO chat_state (account, collection, assistant, {_STATE_COLUMNS})"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*self._scope, assistant, *_state_values(state), self._new_version()),
            )
            return removed

        return await self._database.run(work)

    async def append(
        self, assistant: str, messages: Sequence[Message], state: State, *, version: str
    ) -> None:
        def work(connection: sqlite3.Connection) -> None:
            changed = connection.execute(
                'UPDATE chat_state SET "exists" = ?, created_at = ?, last_updated_at = ?,'
                f" total_messages = ?, total_tokens = ?, version = ? WHERE {_CHAT}"
                " AND version = ?",
                (*_state_values(state), self._new_version(), *self._scope, assistant, version),
            )
            if changed.rowcount != 1:
                raise ChatConflict(assistant)
            self._insert(connection, assistant, messages)

        await self._database.run(work)

    async def chats(self) -> list[ChatSummary]:
        def work(connection: sqlite3.Connection) -> list[ChatSummary]:
            rows = connection.execute(
                f"SELECT {_STATE_COLUMNS}, assistant FROM chat_state"
                " WHERE account = ? AND collection = ? ORDER BY last_updated_at DESC, assistant",
                self._scope,
            )
            return [ChatSummary(row[6], _state(row)) for row in rows]

        return await self._database.read(work)

    async def delete(self, assistant: str) -> int:
        return await self._database.run(lambda connection: self._remove(connection, assistant))

    async def aclose(self) -> None:
        """The database belongs to the host."""

    def _remove(self, connection: sqlite3.Connection, assistant: str) -> int:
        key = (*self._scope, assistant)
        messages = connection.execute(f"DELETE FROM chat_message WHERE {_CHAT}", key).rowcount
        return messages + connection.execute(f"DELETE FROM chat_state WHERE {_CHAT}", key).rowcount

    def _insert(
        self, connection: sqlite3.Connection, assistant: str, messages: Sequence[Message]
    ) -> None:
        connection.executemany(
            f"INSERT INTO chat_message (account, collection, assistant, {_MESSAGE_COLUMNS})"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(*self._scope, assistant, *_message_values(message)) for message in messages],
        )


async def stored_collections(database: Database) -> list[str]:
    """Return the collections that have chats in the embedded store, by name."""

    def work(connection: sqlite3.Connection) -> list[str]:
        rows = connection.execute(
            "SELECT DISTINCT collection FROM chat_state WHERE account = '' ORDER BY collection"
        )
        return [row[0] for row in rows]

    return await database.read(work)


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Let several statements see one state of the file; a turn may be committed meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # SQLite itself ends a transaction when it cannot read the file.
        if connection.in_transaction:
            connection.execute("COMMIT")


def _state(row: Sequence[int]) -> State:
    return State(bool(row[0]), row[1], row[2], row[3], row[4])


def _state_values(state: State) -> tuple[int, ...]:
    return (
        int(state.exists),
        state.created_at,
        state.last_updated_at,
        state.total_messages,
        state.total_tokens,
    )


def _message_values(message: Message) -> tuple[object, ...]:
    return (
        message.number,
        message.role,
        message.content,
        message.created_at,
        message.name,
        message.tool_calls,
    )
