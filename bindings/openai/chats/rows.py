"""Chat rows as entities of a table, with the types the official extension reads and writes.

Its reader fails where a count is not `Int32` or a time not `DateTime`. Times have seven digits of
a second; the SDK's own datetime would lose the last one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bindings.openai.chats.base import (
    TICKS_PER_SECOND,
    Message,
    State,
    number_of,
    ticks,
    ticks_text,
)

STATE_KEY = "state"

_DATE_TIME = "Edm.DateTime"
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d+))?Z?")


def row(assistant: str, row_key: str) -> dict[str, Any]:
    """Return the keys of a row, which is what a deletion needs."""
    return {"PartitionKey": assistant, "RowKey": row_key}


def message_entity(assistant: str, message: Message) -> dict[str, Any]:
    entity = {
        **row(assistant, message.row_key),
        "Content": message.content,
        "Role": message.role,
        "CreatedAt": _date_time(message.created_at),
        "ToolCalls": message.tool_calls,
    }
    if message.name is not None:
        entity["Name"] = message.name
    return entity


def state_entity(assistant: str, state: State) -> dict[str, Any]:
    return {
        **row(assistant, STATE_KEY),
        "Exists": state.exists,
        "CreatedAt": _date_time(state.created_at),
        "LastUpdatedAt": _date_time(state.last_updated_at),
        "TotalMessages": state.total_messages,
        "TotalTokens": state.total_tokens,
    }


def read_message(entity: Mapping[str, Any]) -> Message | None:
    """Read a message row, also of older versions, which lack columns; `None` for other rows."""
    number = number_of(entity["RowKey"])
    if number is None:
        return None
    name = entity.get("Name")
    return Message(
        number=number,
        role=str(entity.get("Role") or ""),
        content=str(entity.get("Content") or ""),
        created_at=read_time(entity.get("CreatedAt")),
        name=None if name is None else str(name),
        tool_calls=str(entity.get("ToolCalls") or ""),
    )


def read_state(entity: Mapping[str, Any]) -> State:
    return State(
        exists=bool(entity.get("Exists")),
        created_at=read_time(entity.get("CreatedAt")),
        last_updated_at=read_time(entity.get("LastUpdatedAt")),
        total_messages=_count(entity.get("TotalMessages")),
        total_tokens=_count(entity.get("TotalTokens")),
    )


def read_time(value: Any) -> int:
    """Return ticks of a time as the SDK or a person gives it; 0 for what is none."""
    # The SDK keeps the service's text beside a datetime of six digits.
    text = getattr(value, "tables_service_value", value)
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return 0
    moment = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    return ticks(moment) + int((match[2] or "")[:7].ljust(7, "0"))


def full_text(value: int) -> str:
    """Write ticks with all seven digits."""
    fraction = value % TICKS_PER_SECOND
    return f"{ticks_text(value - fraction, zone='')}.{fraction:07d}Z"


def _date_time(value: int) -> tuple[str, str]:
    return full_text(value), _DATE_TIME


def _count(value: Any) -> int:
    """Return a count, also one that somebody stored as `Int64`, which the SDK wraps."""
    number = getattr(value, "value", value)
    return number if isinstance(number, int) else 0
