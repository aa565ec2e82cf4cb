"""Chats in Azure Table storage or Azurite, in the rows of the official extension.

Every transaction of a turn changes the state row under its etag, so that only one writer gets on,
wherever the others run.

Differences
- A turn too long for one transaction is stored in several, the counts last; until then its
  messages, which are newer than the state says and more than it counts, do not exist for readers
  here. A writer that died on the way leaves such rows; the next turn removes them.
- On Azure the last of two writers wins, or loses its turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bindings.openai.chats.base import (
    Chat,
    ChatConflict,
    ChatSummary,
    Message,
    State,
    check_assistant_id,
    ticks,
)
from bindings.openai.chats.rows import (
    STATE_KEY,
    full_text,
    message_entity,
    read_message,
    read_state,
    row,
    state_entity,
)
from bindings.openai.chats.table import Operation, RowConflict, Table, TableMissing
from emulator.sdk import BindingError

OPERATION_LIMIT = 100
"""Operations in one transaction."""

SIZE_LIMIT = 1_000_000
"""Bytes in one transaction. The service takes 4 MiB, but the HTTP client sends more than one only
with a warning, as it does so at one go."""

_OPERATION_SIZE = 1500
"""Bytes around the JSON of an operation: lines, headers, an address; keys come on top."""

_ATTEMPTS = 10

_PARTITION = "PartitionKey eq @assistant"
_EARLIEST = ticks(datetime(1601, 1, 1, tzinfo=UTC))
"""The first time a table can hold, and compare with."""


class TablesChatStore:
    """The chats of one table; versions are etags of the state row."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def load(self, assistant: str, *, since: int | None = None) -> Chat | None:
        if not _is_key(assistant):
            return None
        if since is not None and since >= _EARLIEST:
            chat = await self._newer(assistant, since)
            if chat is not None:
                return chat
        chat = await self._whole(assistant)
        if chat is None or since is None:
            return chat
        newer = tuple(each for each in chat.messages if each.created_at > since)
        return replace(chat, messages=newer)

    async def create(self, assistant: str, state: State, messages: Sequence[Message]) -> int:
        for _ in range(_ATTEMPTS):
            try:
                return await self._replace(assistant, state, messages)
            except TableMissing:
                await self._table.make()
            except RowConflict:
                continue
        raise _contended(assistant)

    async def append(
        self, assistant: str, messages: Sequence[Message], state: State, *, version: str
    ) -> None:
        etag, *leftovers = version.split("\n")
        operations: list[Operation] = [("delete", row(assistant, key)) for key in leftovers]
        operations += [("create", message_entity(assistant, each)) for each in messages]
        *before, last = _groups(operations)
        # Says nothing new, but is refused when somebody else wrote.
        touch = {**row(assistant, STATE_KEY), "Exists": state.exists}
        try:
            for group in before:
                etag = await self._guarded(group, touch, etag)
            await self._guarded(last, state_entity(assistant, state), etag)
        except RowConflict as error:
            raise ChatConflict(assistant) from error

    async def chats(self) -> list[ChatSummary]:
        try:
            found = await self._table.rows("RowKey eq @key", {"key": STATE_KEY})
        except TableMissing:
            return []
        summaries = [ChatSummary(each["PartitionKey"], read_state(each)) for each in found]
        return sorted(summaries, key=lambda each: (-each.state.last_updated_at, each.assistant))

    async def delete(self, assistant: str) -> int:
        if not _is_key(assistant):
            return 0
        for _ in range(_ATTEMPTS):
            try:
                found = await self._keys(assistant)
                # The state goes first: what follows belongs to no chat any more.
                keys = sorted(found, key=lambda key: key != STATE_KEY)
                for group in _groups([_deletion(assistant, key, found) for key in keys]):
                    if group:
                        await self._table.submit(group)
                return len(found)
            except TableMissing:
                return 0
            except RowConflict:
                continue
        raise _contended(assistant)

    async def aclose(self) -> None:
        await self._table.aclose()

    async def _whole(self, assistant: str) -> Chat | None:
        """Read every row; again when one that the state counts was not seen, for a page may be
        older than the next."""
        chat, version = None, ""
        for _ in range(_ATTEMPTS):
            try:
                found = await self._table.rows(_PARTITION, {"assistant": assistant})
            except TableMissing:
                return None
            chat = _read(assistant, found)
            if chat is None or len(chat.messages) >= chat.state.total_messages:
                break
            if chat.version == version:  # they were deleted by hand
                break
            version = chat.version
        return chat

    async def _newer(self, assistant: str, since: int) -> Chat | None:
        """Read the state and the newer messages only; `None` when that does not tell it all."""
        # Not `gt`: Azurite compares milliseconds. What is too old goes below.
        start = full_text(since)
        query = f"{_PARTITION} and (RowKey eq '{STATE_KEY}' or CreatedAt ge datetime'{start}')"
        try:
            chat = _read(assistant, await self._table.rows(query, {"assistant": assistant}))
        except TableMissing:
            return None
        if chat is None or any(_is_pending(each, chat.state) for each in chat.messages):
            return None
        newer = tuple(each for each in chat.messages if each.created_at > since)
        highest = max(chat.highest, chat.state.total_messages)
        return replace(chat, messages=newer, highest=highest)

    async def _keys(self, assistant: str) -> dict[str, str]:
        """Return the etags of every row by its key, those of others included."""
        columns = ["PartitionKey", "RowKey", "Timestamp"]
        found = await self._table.rows(_PARTITION, {"assistant": assistant}, columns=columns)
        return {each["RowKey"]: each.metadata["etag"] for each in found}

    async def _replace(self, assistant: str, state: State, messages: Sequence[Message]) -> int:
        found = await self._keys(assistant)
        new = [message_entity(assistant, each) for each in messages]
        kept = {STATE_KEY, *(each["RowKey"] for each in new)}
        operations: list[Operation] = [
            ("delete", row(assistant, key)) for key in found if key not in kept
        ]
        operations += [("upsert", entity, {"mode": "replace"}) for entity in new]
        *before, last = _groups(operations)
        if before and STATE_KEY in found:
            # While it takes several transactions there is no chat, rather than half of one.
            await self._table.submit([_deletion(assistant, STATE_KEY, found)])
        for group in before:
            await self._table.submit(group)
        entity = state_entity(assistant, state)
        final: Operation = ("create", entity)
        if STATE_KEY in found and not before:
            final = ("update", entity, {"mode": "replace", **_unless_changed(found[STATE_KEY])})
        await self._table.submit([*last, final])
        return len(found)

    async def _guarded(self, group: Sequence[Operation], state: dict[str, Any], etag: str) -> str:
        """Run the operations unless the state row changed; return its new etag."""
        guard: Operation = ("update", state, {"mode": "merge", **_unless_changed(etag)})

        async def confirm() -> str | None:
            return await self._stored(group)

        done = await self._table.submit([*group, guard], confirm=confirm)
        return done if isinstance(done, str) else str(done[-1].get("etag", ""))

    async def _stored(self, group: Sequence[Operation]) -> str | None:
        """Return the etag of the state row when the messages of `group` are in the table, which
        they are all or not at all."""
        created = next((each[1] for each in group if each[0] == "create"), None)
        if created is None:
            return None
        assistant, key = created["PartitionKey"], created["RowKey"]
        values = {"assistant": assistant, "key": STATE_KEY}
        # The state first: what is written between the two reads must not go unnoticed.
        states = await self._table.rows(f"{_PARTITION} and RowKey eq @key", values)
        values = {"assistant": assistant, "key": key}
        found = await self._table.rows(f"{_PARTITION} and RowKey eq @key", values)
        if not states or not found:
            return None
        wanted = {**created, "CreatedAt": created["CreatedAt"][0]}
        return (
            states[0].metadata["etag"] if read_message(found[0]) == read_message(wanted) else None
        )


def _read(assistant: str, found: Iterable[Any]) -> Chat | None:
    messages: list[Message] = []
    state_row = None
    for entity in found:
        if entity["RowKey"] == STATE_KEY:
            state_row = entity
        elif (message := read_message(entity)) is not None:
            messages.append(message)
    if state_row is None:
        return None
    state = read_state(state_row)
    messages.sort(key=lambda each: each.number)
    highest = messages[-1].number if messages else 0
    leftovers: list[Message] = []
    surplus = len(messages) - state.total_messages
    if surplus > 0:
        leftovers = [each for each in messages if _is_pending(each, state)][-surplus:]
        left = {each.number for each in leftovers}
        messages = [each for each in messages if each.number not in left]
    version = "\n".join([state_row.metadata["etag"], *(each.row_key for each in leftovers)])
    return Chat(assistant, state, tuple(messages), highest, version)


def _is_pending(message: Message, state: State) -> bool:
    """Whether the message may be of a turn that is not stored whole."""
    return message.created_at > state.last_updated_at


def _groups(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    """Split operations into transactions, each with room for one more operation on the state
    row; at least one, which may be empty."""
    group: list[Operation] = []
    size = 2 * _OPERATION_SIZE
    for operation in operations:
        weight = _size(operation)
        if group and (len(group) + 1 >= OPERATION_LIMIT or size + weight > SIZE_LIMIT):
            yield group
            group, size = [], 2 * _OPERATION_SIZE
        group.append(operation)
        size += weight
    yield group


def _size(operation: Operation) -> int:
    entity = operation[1]
    # Keys stand in the address too, percent-encoded.
    return _OPERATION_SIZE + len(json.dumps(entity)) + 9 * len(entity["PartitionKey"])


def _deletion(assistant: str, key: str, etags: dict[str, str]) -> Operation:
    """Delete a row; the state row only as it was read."""
    if key != STATE_KEY:
        return "delete", row(assistant, key)
    return "delete", row(assistant, key), _unless_changed(etags[key])


def _unless_changed(etag: str) -> dict[str, Any]:
    from azure.core import MatchConditions  # here for start-up cost

    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _is_key(assistant: str) -> bool:
    """Whether a table can hold rows of such a name; where not, there are none."""
    try:
        check_assistant_id(assistant)
    except BindingError:
        return False
    return True


def _contended(assistant: str) -> BindingError:
    return BindingError(
        f"The chat of assistant '{assistant}' could not be replaced: other processes kept writing "
        "it.",
        hint="Try again when they are done.",
        code="chat-conflict",
    )
