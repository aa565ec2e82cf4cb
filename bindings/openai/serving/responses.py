"""Requests of the Responses API, read as what a chat model is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bindings.openai.models.base import ChatRequest
from bindings.openai.serving.checks import check_message
from bindings.openai.serving.checks import invalid as _invalid
from bindings.openai.serving.requests import read_chat
from bindings.openai.serving.wire import Refused
from emulator.sdk import HttpRequestData

Messages = list[dict[str, Any]]

_PASSED_ON = ("model", "tools", "tool_choice", "temperature", "top_p", "parallel_tool_calls")
"""What both protocols call by one name."""
_ROLES = ("assistant", "system", "developer", "user")
_ITEMS = ("message", "function_call", "function_call_output", "reasoning")


@dataclass(frozen=True, slots=True)
class AskedResponse:
    """A request of the Responses API. `messages` are those a next one may go on from."""

    request: ChatRequest
    stream: bool
    messages: Messages
    keep: bool
    body: Mapping[str, Any]


def read_response(
    body: Mapping[str, Any],
    request: HttpRequestData,
    kept: Callable[[str], Messages | None],
    tell: Callable[[str], None],
) -> AskedResponse:
    """Read a request; raise `Refused` as a service would.

    `kept` knows the messages of an earlier response; `tell` takes what is left out.
    """
    messages = _before(body, kept) + _input(body.get("input"))
    if not messages:
        raise Refused(
            400,
            "Missing required parameter: 'input'.",
            param="input",
            code="missing_required_parameter",
        )
    _check_calls(messages)
    instructions = body.get("instructions")
    if instructions is not None and not isinstance(instructions, str):
        raise _invalid("instructions", "a string")
    said = [{"role": "system", "content": instructions}] if instructions else []
    chat: dict[str, Any] = {
        **{name: body[name] for name in _PASSED_ON if body.get(name) is not None},
        "messages": said + messages,
        "max_tokens": body.get("max_output_tokens"),
        "reasoning_effort": _member(body, "reasoning").get("effort"),
        "response_format": _format(_member(body, "text").get("format")),
    }
    _name_tools(chat, tell)
    return AskedResponse(
        read_chat(chat, request, "").request,
        bool(body.get("stream")),
        messages,
        body.get("store") is not False,
        body,
    )


def _before(body: Mapping[str, Any], kept: Callable[[str], Messages | None]) -> Messages:
    previous = body.get("previous_response_id")
    if previous is None:
        return []
    found = kept(previous) if isinstance(previous, str) else None
    if found is None:
        raise Refused(
            400,
            f"Previous response with id '{previous}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    return [*found]


def _input(given: Any) -> Messages:
    if given is None:
        return []
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise _invalid("input", "a string, or an array of items")
    messages: Messages = []
    for index, item in enumerate(given):
        _add(messages, item, f"input[{index}]")
    return messages


def _add(messages: Messages, item: Any, name: str) -> None:
    if not isinstance(item, dict):
        raise _invalid(name, "an object")
    match item.get("type", "message"):
        case "message":
            if not isinstance(item.get("role"), str):
                raise _invalid(name, "an object with a 'role'")
            if item["role"] not in _ROLES:
                raise _unsupported(item["role"], _ROLES, f"{name}.role")
            message = {"role": item["role"], "content": _content(item.get("content"), name)}
            check_message(message, name)
            messages.append(message)
        case "function_call":
            call = _texts(item, ("call_id", "name", "arguments"), name)
            function = {"name": call["name"], "arguments": call["arguments"]}
            entry = {"id": call["call_id"], "type": "function", "function": function}
            last = messages[-1] if messages else {}
            if last.get("role") == "assistant":  # one turn of the model is several items here
                last.setdefault("tool_calls", []).append(entry)
            else:
                messages.append({"role": "assistant", "content": None, "tool_calls": [entry]})
        case "function_call_output":
            result = _texts(item, ("call_id",), name)
            content = _content(item.get("output"), name)
            messages.append({"role": "tool", "tool_call_id": result["call_id"], "content": content})
        case "reasoning":
            pass  # how a model came to what it said; ours did not think
        case other:
            raise _unsupported(other, _ITEMS, f"{name}.type")


def _unsupported(value: Any, supported: Sequence[str], name: str) -> Refused:
    *others, last = (f"'{each}'" for each in supported)
    return Refused(
        400,
        f"Invalid value: '{value}'. Supported values are: {', '.join(others)}, and {last}.",
        param=name,
        code="invalid_value",
    )


def _texts(item: Mapping[str, Any], names: Sequence[str], place: str) -> dict[str, str]:
    for each in names:
        if not isinstance(item.get(each), str):
            raise _invalid(f"{place}.{each}", "a string")
    return {each: item[each] for each in names}


def _content(content: Any, name: str) -> Any:
    """Return content as chats have it: a text where there is nothing else."""
    if not isinstance(content, list):
        return content
    if not all(isinstance(part, dict) for part in content):
        raise _invalid(f"{name}.content", "a string, or an array of objects")
    if all(isinstance(part.get("text"), str) for part in content):
        return "\n\n".join(part["text"] for part in content)
    return [_part(part) for part in content]


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    if part.get("type") == "input_image":
        return {"type": "image_url", "image_url": {"url": part.get("image_url") or ""}}
    return dict(part)


def _check_calls(messages: Messages) -> None:
    """Raise `Refused` for results without a call, and for calls without a result."""
    open_ones: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_ones:
                raise Refused(
                    400,
                    "No tool call found for function call output with call_id "
                    f"{message['tool_call_id']}.",
                    param="input",
                )
            open_ones.remove(message["tool_call_id"])
            continue
        if open_ones:
            break
        open_ones = [call["id"] for call in message.get("tool_calls") or ()]
    if open_ones:
        raise Refused(400, f"No tool output found for function call {open_ones[0]}.", param="input")


def _member(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise _invalid(name, "an object")
    return value or {}


def _format(form: Any) -> Any:
    """Return `text.format` as the `response_format` of a chat."""
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return form
    inner = {name: form[name] for name in ("name", "schema", "strict") if name in form}
    return {"type": "json_schema", "json_schema": inner}


def _name_tools(chat: dict[str, Any], tell: Callable[[str], None]) -> None:
    """Write functions as chats have them; tools of the service itself are left out."""
    tools = chat.pop("tools", None)
    if tools is None:
        return
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise _invalid("tools", "an array of objects")
    functions = [tool for tool in tools if tool.get("type") == "function"]
    if left_out := [str(tool.get("type")) for tool in tools if tool.get("type") != "function"]:
        tell(f"The tools {', '.join(left_out)} are left out: there are only functions here.")
    if functions:
        chat["tools"] = [
            {
                "type": "function",
                "function": {name: tool[name] for name in tool if name != "type"},
            }
            for tool in functions
        ]
    choice = chat.get("tool_choice")
    if not functions or (isinstance(choice, dict) and choice.get("type") != "function"):
        chat.pop("tool_choice", None)
    elif isinstance(choice, dict):
        chat["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
