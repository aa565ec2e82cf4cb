"""Bodies of requests to what the models are asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bindings.openai.models.base import ChatRequest
from bindings.openai.serving.checks import check_choice, check_format, check_message, check_schema
from bindings.openai.serving.checks import invalid as _invalid
from bindings.openai.serving.rules import (
    check_conversation,
    check_json_is_meant,
    check_range,
    check_tools,
)
from bindings.openai.serving.wire import Refused
from emulator.sdk import HttpRequestData

RECORDING_HEADER = "x-recording"
"""Names the file of recordings that a request belongs to; without it all share one."""

# How an answer is sent is no parameter of the model; these are read here, or nobody needs them.
_HANDLED = frozenset(
    {
        "model",
        "messages",
        "prompt",
        "tools",
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "reasoning_effort",
        "stream",
        "stream_options",
        "n",
        "user",
        "store",
        "metadata",
    }
)
_MOST_CHOICES = 128


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to a chat model, and how its answer is wanted."""

    request: ChatRequest
    stream: bool
    usage_in_stream: bool
    choices: int


def read_body(request: HttpRequestData) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
        if b"\\ud" in request.body.lower():  # perhaps half a surrogate pair: no text
            body = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise Refused(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(body, dict):
        raise Refused(400, "The JSON body of the request should be an object.")
    return body


def read_chat(body: Mapping[str, Any], request: HttpRequestData, deployment: str) -> Asked:
    """Read a request for a chat completion; raise `Refused` as a service would."""
    messages = _required(body, "messages")
    if not isinstance(messages, list) or not messages:
        raise _invalid("messages", "an array of at least one message")
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise _invalid(f"messages[{index}]", "an object with a 'role'")
        check_message(message, f"messages[{index}]")
    check_conversation(messages)
    return _asked(body, request, deployment, messages)


def read_prompts(body: Mapping[str, Any], request: HttpRequestData, deployment: str) -> list[Asked]:
    """Read a request of the older protocol: each prompt becomes a chat of one message."""
    prompt = _required(body, "prompt")
    prompts = prompt if isinstance(prompt, list) else [prompt]
    if not prompts or not all(isinstance(each, str) for each in prompts):
        raise _invalid("prompt", "a string or an array of strings")
    return [
        _asked(body, request, deployment, [{"role": "user", "content": each}]) for each in prompts
    ]


def read_texts(body: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    """Return the texts to embed, and whether it was one that stood by itself."""
    given = _required(body, "input")
    if given == "" or (isinstance(given, list) and "" in given):
        raise Refused(400, "'$.input' is invalid: a text to embed cannot be empty.", param="input")
    if isinstance(given, str):
        return (given,), True
    if isinstance(given, list) and given:
        if all(isinstance(each, str) for each in given):
            return tuple(given), False
        if all(_is_token(each) for each in given):
            return (_of_tokens(given),), True
        if all(isinstance(each, list) and all(map(_is_token, each)) for each in given):
            return tuple(_of_tokens(each) for each in given), False
    raise _invalid("input", "a string, or an array of strings or of tokens")


def model_of(body: Mapping[str, Any], deployment: str) -> str:
    model = deployment or body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused(400, "you must provide a model parameter", param="model")
    return model


def _asked(
    body: Mapping[str, Any], request: HttpRequestData, deployment: str, messages: list[Any]
) -> Asked:
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(map(_is_tool, tools)):
        raise _invalid("tools", "an array of functions")
    for index, tool in enumerate(tools):
        check_schema(tool["function"].get("parameters"), f"tools[{index}].function.parameters")
    check_choice(body.get("tool_choice"))
    check_tools(body)
    check_format(body.get("response_format"))
    check_json_is_meant(body, messages)
    choices = body.get("n") or 1
    if (
        not isinstance(choices, int)
        or isinstance(choices, bool)
        or not 1 <= choices <= _MOST_CHOICES
    ):
        raise _invalid("n", f"a number from 1 to {_MOST_CHOICES}")
    options = body.get("stream_options")
    temperature, top_p = _number(body, "temperature"), _number(body, "top_p")
    check_range(temperature, "temperature", 2)
    check_range(top_p, "top_p", 1)
    chat = ChatRequest(
        model=model_of(body, deployment),
        messages=messages,
        tools=tools,
        temperature=temperature,
        top_p=top_p,
        max_tokens=_whole(body, "max_completion_tokens") or _whole(body, "max_tokens"),
        reasoning_effort=_text(body, "reasoning_effort"),
        extra={
            name: body[name] for name in body if name not in _HANDLED and body[name] is not None
        },
        recording=request.headers.get(RECORDING_HEADER, ""),
    )
    wants_usage = isinstance(options, dict) and bool(options.get("include_usage"))
    return Asked(chat, bool(body.get("stream")), wants_usage, choices)


def _required(body: Mapping[str, Any], name: str) -> Any:
    if body.get(name) is None:
        raise Refused(
            400,
            f"Missing required parameter: '{name}'.",
            param=name,
            code="missing_required_parameter",
        )
    return body[name]


def _number(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _invalid(name, "a number")
    try:
        return float(value)
    except OverflowError:
        raise _invalid(name, "a number of moderate size") from None


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise _invalid(name, "a string")
    return value


def _whole(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _invalid(name, "a whole number above 0")
    return value


def _is_tool(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    function = value.get("function")
    return isinstance(function, dict) and isinstance(function.get("name"), str)


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _of_tokens(tokens: list[int]) -> str:
    """Stand in for a text that comes as tokens: we have no tables to read them."""
    return " ".join(map(str, tokens))
