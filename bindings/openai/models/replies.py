"""Reading chat completions, also of servers that only look like OpenAI's.

Seen: no usage, calls without an id or with one number for all, arguments as an object, a call in
the older form `function_call` or without the level `function`, `content` null, in parts or absent,
and reasons for the end that are nobody else's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bindings.openai.models.base import ChatReply, ChatRequest, ToolCall, Usage, estimate_usage
from bindings.openai.models.retrying import ServiceError

TEXT_CALLS_SETTING = "FUNCEMU_MODEL_TEXT_TOOL_CALLS"

_REASONS = {
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "max_length": "length",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
}
_TAGGED = re.compile(r"<(tool_call|function_call|functioncall)>(.*?)(?:</\1>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```(?:json|tool_call)?\s*(.*?)```", re.DOTALL)
_PREFIX = re.compile(r"^\s*(?:\[TOOL_CALLS\]|functools|<\|python_tag\|>|<\|tool_call\|>)\s*")


def read_reply(
    answer: Any, request: ChatRequest | None = None, *, text_calls: bool = False
) -> ChatReply:
    """Read a chat completion; only its first choice counts.

    `request` is what was asked, to estimate the tokens that a server does not count. With
    `text_calls` a text that is the call of an offered skill is read as one.
    """
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or not all(isinstance(each, dict) for each in choices):
        raise ServiceError(
            f"The model service answered {str(answer)[:80]!r}, which is not a chat completion.",
            status=200,
            hint="Check that the endpoint is the address of an OpenAI-compatible service.",
        )
    choice = _first(choices)
    message = choice.get("message")
    if not isinstance(message, dict):
        message = {"content": choice.get("text")}
    content = _content(message.get("content"))
    calls = tuple(_tool_calls(message))
    if text_calls and not calls and request is not None:
        calls = calls_in_text(content, offered_names(request))
        content = "" if calls else content
    return ChatReply(
        content=content,
        tool_calls=calls,
        finish_reason=_finish_reason(choice.get("finish_reason"), has_calls=bool(calls)),
        usage=_usage(answer.get("usage"), request, content, calls),
        raw=answer,
    )


def calls_in_text(text: str, names: Collection[str]) -> tuple[ToolCall, ...]:
    """Return the calls of offered skills that a text consists of; none when it is a text.

    Models write them as JSON, alone, in a fence, between tags, or behind a mark of their own.
    """
    if not names or "{" not in text:
        return ()
    tagged = [match[2] for match in _TAGGED.finditer(text)]
    parts = tagged or _FENCED.findall(text) or [_PREFIX.sub("", text)]
    calls = []
    for part in parts:
        found = list(_calls_of(part, names))
        if not found:
            return ()
        calls += found
    return tuple(calls)


def offered_names(request: ChatRequest) -> frozenset[str]:
    return frozenset(str(tool["function"]["name"]) for tool in request.tools)


def _calls_of(text: str, names: Collection[str]) -> Iterator[ToolCall]:
    try:
        value = json.loads(text.strip())
    except (ValueError, RecursionError):
        return
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict):
            return
        inner = each.get("function")
        call = inner if isinstance(inner, dict) else each
        name = call.get("name") or (inner if isinstance(inner, str) else None)
        if name not in names:
            return
        arguments = call.get("arguments", call.get("parameters", each.get("parameters")))
        yield ToolCall("", str(name), _arguments(arguments))


def _first(choices: list[dict[str, Any]]) -> dict[str, Any]:
    numbered = [each for each in choices if each.get("index") == 0]
    return next(iter(numbered or choices), {})


def _tool_calls(message: Mapping[str, Any]) -> Iterator[ToolCall]:
    entries = message.get("tool_calls") or ()
    for entry in [entries] if isinstance(entries, dict) else entries:
        if not isinstance(entry, dict):
            continue
        inner = entry.get("function")
        function = inner if isinstance(inner, dict) else entry
        if function.get("name"):
            yield ToolCall(
                str(entry.get("id") or ""),
                str(function["name"]),
                _arguments(function.get("arguments")),
            )
    older = message.get("function_call")
    if not entries and isinstance(older, dict) and older.get("name"):
        yield ToolCall("", str(older["name"]), _arguments(older.get("arguments")))


def _arguments(given: Any) -> str:
    if isinstance(given, str):
        return given
    return "" if given is None else json.dumps(given, ensure_ascii=False)


def _content(content: Any) -> str:
    """Return the text; parts are joined by an empty line, as the official extension does."""
    if isinstance(content, list):
        parts = [
            part if isinstance(part, str) else str(part.get("text") or "")
            for part in content
            if isinstance(part, (str, dict))
        ]
        return "\n\n".join(part for part in parts if part)
    return "" if content is None else str(content)


def _finish_reason(given: Any, *, has_calls: bool) -> str:
    reason = str(given or "").lower()
    reason = _REASONS.get(reason, reason)
    if has_calls and reason in {"", "stop"}:
        return "tool_calls"
    return reason


def _usage(
    given: Any, request: ChatRequest | None, content: str, calls: tuple[ToolCall, ...]
) -> Usage:
    usage = given if isinstance(given, dict) else {}
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    total = _count(usage, "total_tokens") or prompt + completion
    if not total and request is not None:
        return estimate_usage(
            request, content + "".join(call.name + call.arguments for call in calls)
        )
    return Usage(total, prompt, completion)


def _count(usage: Mapping[str, Any], name: str) -> int:
    try:
        return max(0, int(usage.get(name) or 0))
    except (TypeError, ValueError):
        return 0
