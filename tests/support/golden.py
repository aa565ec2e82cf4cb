"""The golden files, and table rows in them as the chat store's values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bindings.openai.assistants.query import parse_timestamp
from bindings.openai.chats.base import Message, State, number_of

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"


def text(name: str) -> str:
    """Return a file without the newline at its end."""
    return (GOLDEN / name).read_text(encoding="utf-8").rstrip("\n")


def data(name: str) -> Any:
    return json.loads(text(name))


def stored_chat() -> tuple[str, State, list[Message]]:
    """Return the chat in `assistant_rows.json`: its id, state and messages."""
    messages = []
    state = None
    for row in data("assistant_rows.json"):
        assistant = row["PartitionKey"]
        number = number_of(row["RowKey"])
        if number is None:
            state = State(
                row["Exists"],
                _ticks(row["CreatedAt"]),
                _ticks(row["LastUpdatedAt"]),
                row["TotalMessages"],
                row["TotalTokens"],
            )
            continue
        messages.append(
            Message(
                number,
                row["Role"],
                row["Content"],
                _ticks(row["CreatedAt"]),
                row.get("Name"),
                row["ToolCalls"],
            )
        )
    assert state is not None
    return assistant, state, messages


def _ticks(value: str) -> int:
    ticks = parse_timestamp(value)
    assert ticks is not None
    return ticks
