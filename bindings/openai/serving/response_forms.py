"""What the Responses API answers, whole and in events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bindings.openai.models.base import ChatReply, Usage
from bindings.openai.serving.responses import AskedResponse, Messages
from bindings.openai.serving.wire import ARGUMENT_PIECE, Answering, pieces

_ECHOED = ("instructions", "metadata", "previous_response_id", "temperature", "top_p", "user")


def response_form(reply: ChatReply, answering: Answering, asked: AskedResponse) -> dict[str, Any]:
    """Return a whole response."""
    cut = reply.finish_reason in {"length", "content_filter"}
    reason = "max_output_tokens" if reply.finish_reason == "length" else "content_filter"
    return {
        **_begun(answering, asked),
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": reason} if cut else None,
        "output": _items(reply, answering),
        "usage": _usage(reply.usage),
    }


def response_events(
    reply: ChatReply, answering: Answering, asked: AskedResponse
) -> Iterator[dict[str, Any]]:
    """Yield the events of a streamed response."""
    begun = _begun(answering, asked)
    whole = response_form(reply, answering, asked)
    ended = "response.completed" if whole["status"] == "completed" else "response.incomplete"
    events: list[Iterator[dict[str, Any]]] = [
        iter([{"type": "response.created", "response": begun}]),
        iter([{"type": "response.in_progress", "response": begun}]),
        *(_item_events(item, index) for index, item in enumerate(whole["output"])),
        iter([{"type": ended, "response": whole}]),
    ]
    number = 0
    for each in events:
        for event in each:
            yield {**event, "sequence_number": number}
            number += 1


def gone_on(asked: AskedResponse, reply: ChatReply) -> Messages:
    """Return the messages that a request which names this response goes on from."""
    answer: dict[str, Any] = {"role": "assistant", "content": reply.content or None}
    if reply.tool_calls:
        answer["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in reply.tool_calls
        ]
    return [*asked.messages, answer]


def _begun(answering: Answering, asked: AskedResponse) -> dict[str, Any]:
    body = asked.body
    return {
        "id": answering.identity,
        "object": "response",
        "created_at": answering.created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": answering.model,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "text": body.get("text") or {"format": {"type": "text"}},
        "max_output_tokens": body.get("max_output_tokens"),
        "store": asked.keep,
        "usage": None,
        **{name: body.get(name) for name in _ECHOED},
    }


def _items(reply: ChatReply, answering: Answering) -> list[dict[str, Any]]:
    own = answering.identity.partition("_")[2]
    items: list[dict[str, Any]] = []
    if reply.content or not reply.tool_calls:
        items.append(
            {
                "id": f"msg_{own}",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [_text(reply.content)],
            }
        )
    items += [
        {
            "id": f"fc_{own}_{index}",
            "type": "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for index, call in enumerate(reply.tool_calls)
    ]
    return items


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _item_events(item: Mapping[str, Any], index: int) -> Iterator[dict[str, Any]]:
    place = {"output_index": index, "item_id": item["id"]}
    is_message = item["type"] == "message"
    empty: dict[str, Any] = {"content": []} if is_message else {"arguments": ""}
    added = {**item, **empty, "status": "in_progress"}
    yield {"type": "response.output_item.added", "output_index": index, "item": added}
    yield from (_text_events(item, place) if is_message else _call_events(item, place))
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _text_events(item: Mapping[str, Any], place: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    place = {**place, "content_index": 0}
    (part,) = item["content"]
    yield {"type": "response.content_part.added", **place, "part": _text("")}
    for piece in pieces(part["text"]):
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}


def _call_events(item: Mapping[str, Any], place: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    arguments = item["arguments"]
    for start in range(0, len(arguments), ARGUMENT_PIECE):
        piece = arguments[start : start + ARGUMENT_PIECE]
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    done = {"name": item["name"], "arguments": arguments}
    yield {"type": "response.function_call_arguments.done", **place, **done}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total,
    }
