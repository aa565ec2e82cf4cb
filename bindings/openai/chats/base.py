"""The port for chats, at the level of what an assistant does with them, and its rows.

A row carries exactly the columns of the official extension's table, so that chats can move between
an adapter and a real table. Times are integer ticks of 100 ns since the year 1, the precision of
that table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from emulator.sdk import BindingError

TICKS_PER_SECOND = 10_000_000
COLUMN_LIMIT = 32_768
"""UTF-16 units a text column of Table storage holds (64 KiB)."""

_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_ROW_KEY = re.compile(r"msg-([0-9A-Fa-f]{4,})")


class ChatConflict(Exception):
    """Somebody else wrote the chat since it was loaded."""


class Message(msgspec.Struct, frozen=True):
    """One message row; `name` is the tool call's id and stands on Tool rows only.

    A struct, because long chats have many and theirs are made ten times faster.
    """

    number: int
    role: str
    content: str
    created_at: int
    name: str | None = None
    tool_calls: str = ""

    @property
    def row_key(self) -> str:
        return f"msg-{self.number:04X}"


@dataclass(frozen=True, slots=True)
class State:
    """The state row of a chat."""

    exists: bool
    created_at: int
    last_updated_at: int
    total_messages: int
    total_tokens: int


@dataclass(frozen=True, slots=True)
class Chat:
    """What was loaded: the state, messages by number, and what `append` needs to be safe."""

    assistant: str
    state: State
    messages: tuple[Message, ...]
    highest: int
    """The highest message number stored, also when only newer messages were asked for."""
    version: str

    @property
    def next_number(self) -> int:
        # Rows deleted by hand must not lead to a number that is taken.
        return max(self.highest, self.state.total_messages) + 1


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """One chat in a list."""

    assistant: str
    state: State


class ChatStore(Protocol):
    """The chats of one storage account and collection."""

    async def load(self, assistant: str, *, since: int | None = None) -> Chat | None:
        """Return the chat, with all messages or those created after `since`; `None` when it does
        not exist."""
        ...

    async def create(self, assistant: str, state: State, messages: Sequence[Message]) -> int:
        """Put the chat there in place of whatever it was; return how many rows that removed."""
        ...

    async def append(
        self, assistant: str, messages: Sequence[Message], state: State, *, version: str
    ) -> None:
        """Add the messages of a turn and replace the state, all or nothing.

        Raises `ChatConflict` when the chat is not the `version` that was loaded.
        """
        ...

    async def chats(self) -> list[ChatSummary]:
        """Return every chat, last updated first."""
        ...

    async def delete(self, assistant: str) -> int:
        """Remove the chat; return how many rows that removed."""
        ...

    async def aclose(self) -> None:
        """Give connections back; the chats stay."""
        ...


def ticks(moment: datetime) -> int:
    """Return an aware time as ticks."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * TICKS_PER_SECOND + since.microseconds * 10


def ticks_text(value: int, *, zone: str = "Z") -> str:
    """Write ticks as ISO 8601: up to seven digits of a second, trailing zeros removed."""
    seconds, fraction = divmod(value, TICKS_PER_SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    text = moment.replace(tzinfo=None).isoformat()
    if fraction:
        text += f".{fraction:07d}".rstrip("0")
    return text + zone


def number_of(row_key: str) -> int | None:
    """Return the number of a message row's key; `None` for the key of any other row."""
    match = _ROW_KEY.fullmatch(row_key)
    return int(match[1], 16) if match else None


def utf16_length(text: str) -> int:
    """Return the length as Table storage counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def storable(text: str) -> str:
    """Return the text as UTF-16 storage would give it back: halves of surrogate pairs joined,
    lone ones replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def check_collection(name: str) -> None:
    """Raise when Table storage would not take `name` for a table."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,62}", name):
        raise BindingError(
            f"The collection name '{name}' cannot be the name of a table.",
            hint="Table names have 3 to 63 letters and digits and begin with a letter.",
        )


def check_assistant_id(assistant: str) -> None:
    """Raise when Table storage would not take the id for a key."""
    if not assistant:
        raise BindingError("The assistant ID must be specified.")
    if utf16_length(assistant) > 512:
        raise BindingError("The assistant ID is longer than 512 characters.")
    bad = re.search(r"[/\\#?\x00-\x1f\x7f-\x9f\ud800-\udfff]", assistant)
    if bad:
        raise BindingError(
            f"The assistant ID {assistant!r} contains {bad[0]!r}, which Table storage does not "
            "allow in keys.",
            hint="Leave out '/', '\\', '#', '?' and control characters.",
        )
