"""Stored rows to the messages of a model request, made valid whatever is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bindings.openai.assistants.state import read_tool_calls
from bindings.openai.chats.base import Message
from bindings.openai.models.base import ToolCall
from emulator.sdk import BindingError

_NO_RESULT = "The result of this function call was not recorded."


def request_messages(rows: Sequence[Message]) -> list[dict[str, Any]]:
    """Return the whole history in the chat-completion protocol.

    A model service refuses a history in which a tool call has no result, or a result no call, so
    such gaps are closed here. Chats that were written by older versions of the extension, or cut
    off at its limit, can go on this way.
    """
    messages: list[dict[str, Any]] = []
    open_calls: dict[str, ToolCall] = {}
    for row in rows:
        role = row.role.lower()
        if open_calls:
            if role == "tool" and row.name in open_calls:
                del open_calls[row.name]
                messages.append({"role": "tool", "tool_call_id": row.name, "content": row.content})
                continue
            messages.extend(_unanswered(open_calls))
            open_calls = {}
        if role == "assistant" and row.tool_calls:
            message, open_calls = _assistant(row)
            messages.append(message)
        elif role == "assistant":  # most of a long chat: worth the short way
            messages.append({"role": role, "content": row.content})
        elif role in {"system", "user"}:
            messages.append({"role": role, "content": row.content})
        elif role in {"tool", "function"}:
            messages.append(_note(row))
        else:
            raise BindingError(f"Unknown chat role '{row.role}'")
    messages.extend(_unanswered(open_calls))
    return messages


def trimmed(rows: Sequence[Message], limit: int) -> list[Message]:
    """Return the instructions and about the newest `limit` messages.

    The cut is made before a user message, so that calls and their results stay together.
    """
    if len(rows) <= limit:
        return list(rows)
    head = [row for row in rows[:1] if row.role.lower() == "system"]
    starts = [index for index, row in enumerate(rows) if row.role.lower() == "user"]
    earliest = len(rows) - limit
    cut = next((index for index in starts if index >= earliest), starts[-1] if starts else 0)
    return head + list(rows[max(cut, len(head)) :])


def _assistant(row: Message) -> tuple[dict[str, Any], dict[str, ToolCall]]:
    calls = read_tool_calls(row.tool_calls)
    if not calls:
        return {"role": "assistant", "content": row.content}, {}
    message: dict[str, Any] = {"role": "assistant"}
    if row.content.strip():
        message["content"] = row.content
    message["tool_calls"] = [_call_message(call) for call in calls]
    return message, {call.id: call for call in calls}


def _call_message(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": _valid_arguments(call.arguments)},
    }


def _valid_arguments(text: str) -> str:
    """Return the model's own text, or `{}` where a token limit cut it into something invalid."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return "{}"
    return text


def _unanswered(calls: Mapping[str, ToolCall]) -> list[dict[str, Any]]:
    return [{"role": "tool", "tool_call_id": each, "content": _NO_RESULT} for each in calls]


def _note(row: Message) -> dict[str, Any]:
    """Tell a result that belongs to no stored call; up to 0.18 every result was such a row."""
    source = f" '{row.name}'" if row.name else ""
    return {"role": "system", "content": f"Result of the function{source}: {row.content}"}
