"""The JSON that functions get about an assistant, and the text form of stored tool calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bindings.openai.chats.base import COLUMN_LIMIT, Message, State, ticks_text
from bindings.openai.models.base import ToolCall

_NEVER = "0001-01-01T00:00:00"
_NO_ARGUMENTS = "{}"

# What the extension's serializer of tool calls escapes beyond what JSON asks for.
_ESCAPED = re.compile(r"[\"'<>&+`\\\x00-\x1f\x7f]|[^\x00-\x7f]")
_SHORT_ESCAPES = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class AssistantState:
    """What post and query deliver; `state` is `None` for an assistant that does not exist."""

    assistant: str
    state: State | None = None
    recent: Sequence[Message] = ()

    def to_json(self) -> str:
        """Return the JSON text, keys in Azure's order."""
        state = self.state
        value = {
            "id": self.assistant,
            "exists": state is not None and state.exists,
            "createdAt": _NEVER if state is None else ticks_text(state.created_at),
            "lastUpdatedAt": _NEVER if state is None else ticks_text(state.last_updated_at),
            "totalMessages": 0 if state is None else state.total_messages,
            "totalTokens": 0 if state is None else state.total_tokens,
            "recentMessages": [
                {"content": each.content, "role": each.role, "toolCalls": each.tool_calls}
                for each in self.recent
            ],
        }
        return compact_json(value)


def compact_json(value: Any) -> str:
    """Write JSON as Azure's serializer for functions does: compact, text as it is."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if text.isascii():
        return text
    # Newtonsoft escapes the line separators that JavaScript would stumble over.
    return re.sub("[\u0085\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text)


def write_tool_calls(calls: Iterable[ToolCall]) -> str:
    """Return the column text for the calls of one reply; empty when there are none."""
    entries = [
        f'{{"id":{_quote(call.id)},"functionName":{_quote(call.name)},'
        f'"functionArguments":{_quote(call.arguments)},"kind":"Function"}}'
        for call in calls
    ]
    return f"[{','.join(entries)}]" if entries else ""


def fitting(calls: Sequence[ToolCall]) -> Sequence[ToolCall]:
    """Return the calls as a column of Table storage holds them: where they are too long, the
    longest arguments become `{}`, and of more calls than it holds even then, the first ones."""
    kept = list(calls)
    sizes = [len(write_tool_calls([each])) - 1 for each in kept]  # one bracket, or the comma
    too_much = 1 + sum(sizes) - COLUMN_LIMIT
    for index in sorted(range(len(kept)), key=lambda each: -len(kept[each].arguments)):
        if too_much <= 0 or len(kept[index].arguments) <= len(_NO_ARGUMENTS):
            break
        kept[index] = replace(kept[index], arguments=_NO_ARGUMENTS)
        before, sizes[index] = sizes[index], len(write_tool_calls([kept[index]])) - 1
        too_much -= before - sizes[index]
    while too_much > 0:
        too_much -= sizes.pop()
    return kept[: len(sizes)]


def read_tool_calls(text: str) -> list[ToolCall]:
    """Read the column, whoever wrote it; what is not a list of calls reads as none."""
    if not text.strip():
        return []
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(entries, list):
        return []
    return [call for call in map(_tool_call, entries) if call is not None]


def _tool_call(entry: Any) -> ToolCall | None:
    if not isinstance(entry, dict):
        return None
    members = {key.lower(): value for key, value in entry.items()}
    name = members.get("functionname")
    if not isinstance(name, str):
        return None
    return ToolCall(str(members.get("id") or ""), name, str(members.get("functionarguments") or ""))


def _quote(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    short = _SHORT_ESCAPES.get(character)
    if short is not None:
        return short
    code = ord(character)
    if code <= 0xFFFF:
        return f"\\u{code:04X}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04X}\\u{0xDC00 + (code & 0x3FF):04X}"
