"""The forms of OpenAI's and Azure OpenAI's protocol: what is refused, and how answers look."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bindings.openai.models.base import ChatReply, Usage
from emulator.sdk import HttpResponseData

_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+")
ARGUMENT_PIECE = 16

JSON_TYPE = ("content-type", "application/json")


class Refused(Exception):
    """A request that cannot be answered, in the words of the services."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        param: str = "",
        kind: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body = {
            "error": {
                "message": message,
                "type": kind,
                "param": param or None,
                "code": code or None,
            }
        }


@dataclass(frozen=True, slots=True)
class Answering:
    """What every part of one answer repeats. `azure` adds what Azure adds."""

    identity: str
    created: int
    model: str
    azure: bool = False
    choices: int = 1


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponseData:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return HttpResponseData(status, (JSON_TYPE, *(headers or {}).items()), body)


def usage_form(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
    }


def completion_form(reply: ChatReply, answering: Answering) -> dict[str, Any]:
    """Return a whole chat completion."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": reply.content or (None if reply.tool_calls else ""),
        "refusal": None,
    }
    if reply.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in reply.tool_calls
        ]
    choices = [
        {
            "index": index,
            "message": message,
            "logprobs": None,
            "finish_reason": finish_reason(reply),
            **({"content_filter_results": {}} if answering.azure else {}),
        }
        for index in range(answering.choices)
    ]
    return {
        "id": answering.identity,
        "object": "chat.completion",
        "created": answering.created,
        "model": answering.model,
        "choices": choices,
        "usage": usage_form(reply.usage),
        "system_fingerprint": None,
        **(_filtered_prompt() if answering.azure else {}),
    }


def completion_parts(
    reply: ChatReply, answering: Answering, *, usage: bool
) -> Iterator[dict[str, Any]]:
    """Yield the parts of a streamed chat completion."""
    for index in range(answering.choices):
        yield _part(answering, index, {"role": "assistant", "content": ""})
        for piece in pieces(reply.content):
            yield _part(answering, index, {"content": piece})
        for at, call in enumerate(reply.tool_calls):
            head = {"name": call.name, "arguments": ""}
            entry = {"index": at, "id": call.id, "type": "function", "function": head}
            yield _part(answering, index, {"tool_calls": [entry]})
            for start in range(0, len(call.arguments), ARGUMENT_PIECE):
                piece = call.arguments[start : start + ARGUMENT_PIECE]
                entry = {"index": at, "function": {"arguments": piece}}
                yield _part(answering, index, {"tool_calls": [entry]})
        yield _part(answering, index, {}, finish=finish_reason(reply))
    if usage:
        yield {**_part_head(answering), "choices": [], "usage": usage_form(reply.usage)}


def text_form(replies: Sequence[ChatReply], answering: Answering) -> dict[str, Any]:
    """Return an answer of the older protocol of plain completions."""
    usage = Usage(
        sum(reply.usage.total for reply in replies),
        sum(reply.usage.prompt for reply in replies),
        sum(reply.usage.completion for reply in replies),
    )
    return {
        "id": answering.identity,
        "object": "text_completion",
        "created": answering.created,
        "model": answering.model,
        "choices": [
            {
                "index": index,
                "text": reply.content,
                "logprobs": None,
                "finish_reason": finish_reason(reply),
            }
            for index, reply in enumerate(replies)
        ],
        "usage": usage_form(usage),
    }


def text_parts(replies: Sequence[ChatReply], answering: Answering) -> Iterator[dict[str, Any]]:
    for index, reply in enumerate(replies):
        ended = finish_reason(reply)
        for piece in (*pieces(reply.content), ""):
            yield {
                "id": answering.identity,
                "object": "text_completion",
                "created": answering.created,
                "model": answering.model,
                "choices": [
                    {
                        "index": index,
                        "text": piece,
                        "logprobs": None,
                        "finish_reason": None if piece else ended,
                    }
                ],
            }


def pieces(text: str) -> list[str]:
    """Cut a text as a model says it: word by word, nothing lost."""
    return _PIECE.findall(text)


def finish_reason(reply: ChatReply) -> str:
    if reply.tool_calls and reply.finish_reason in {"", "stop"}:
        return "tool_calls"
    return reply.finish_reason or "stop"


def _part(
    answering: Answering, index: int, delta: Mapping[str, Any], *, finish: str | None = None
) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {**_part_head(answering), "choices": [choice]}


def _part_head(answering: Answering) -> dict[str, Any]:
    return {
        "id": answering.identity,
        "object": "chat.completion.chunk",
        "created": answering.created,
        "model": answering.model,
        "system_fingerprint": None,
    }


def _filtered_prompt() -> dict[str, Any]:
    return {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}
