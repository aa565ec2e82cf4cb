"""What the services refuse although it has the right shape: mistakes an app would make there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bindings.openai.serving.wire import Refused

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]+")


def check_conversation(messages: Sequence[Mapping[str, Any]]) -> None:
    """Raise `Refused` for a role nobody has, and for calls and results that do not meet."""
    called: tuple[str, ...] = ()
    unanswered: list[str] = []
    for index, message in enumerate(messages):
        role = message["role"]
        if role not in _ROLES:
            *others, last = (f"'{each}'" for each in _ROLES)
            raise Refused(
                400,
                f"Invalid value: '{role}'. Supported values are: {', '.join(others)}, and {last}.",
                param=f"messages[{index}].role",
                code="invalid_value",
            )
        if role == "tool":
            _check_result(message, called, index)
            if message["tool_call_id"] in unanswered:
                unanswered.remove(message["tool_call_id"])
            continue
        _check_answered(unanswered)
        calls = message.get("tool_calls") if role == "assistant" else None
        called = tuple(call["id"] for call in calls or ())
        unanswered = list(called)
    _check_answered(unanswered)


def check_tools(body: Mapping[str, Any]) -> None:
    """Raise `Refused` for tools without a usable name, and for a choice that is none of them."""
    tools = body.get("tools")
    if tools == []:
        raise Refused(
            400,
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an "
            "empty array instead.",
            param="tools",
            code="empty_array",
        )
    names = [tool["function"]["name"] for tool in tools or ()]
    for index, name in enumerate(names):
        if not _TOOL_NAME.fullmatch(name):
            raise Refused(
                400,
                f"Invalid 'tools[{index}].function.name': string does not match pattern. Expected "
                "a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
                param=f"tools[{index}].function.name",
                code="invalid_value",
            )
    choice = body.get("tool_choice")
    if choice is not None and not names:
        raise Refused(
            400,
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are "
            "specified.",
            param="tool_choice",
        )
    if isinstance(choice, dict) and choice["function"]["name"] not in names:
        raise Refused(
            400,
            "Invalid value for 'tool_choice': no function named "
            f"'{choice['function']['name']}' was specified in the 'tools' parameter.",
            param="tool_choice",
        )


def check_json_is_meant(body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> None:
    """Raise `Refused` when JSON is wanted and no message says so."""
    form = body.get("response_format")
    if not isinstance(form, dict) or form.get("type") != "json_object":
        return
    if not any("json" in str(message.get("content")).lower() for message in messages):
        raise Refused(
            400,
            "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'.",
            param="messages",
        )


def check_range(value: float | None, name: str, highest: int) -> None:
    if value is None or 0 <= value <= highest:
        return
    said, sign, bound, code = (
        ("above maximum", "<=", highest, "decimal_above_max_value")
        if value > highest
        else ("below minimum", ">=", 0, "decimal_below_min_value")
    )
    raise Refused(
        400,
        f"Invalid '{name}': decimal {said} value. Expected a value {sign} {bound}, but got "
        f"{value:g} instead.",
        param=name,
        code=code,
    )


def _check_result(message: Mapping[str, Any], called: Sequence[str], index: int) -> None:
    if not called:
        raise Refused(
            400,
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
            "message with 'tool_calls'.",
            param=f"messages.[{index}].role",
        )
    identity = message.get("tool_call_id")
    place = f"messages.[{index}].tool_call_id"
    if identity is None:
        raise Refused(
            400,
            "Missing parameter 'tool_call_id': messages with role 'tool' must have a "
            "'tool_call_id'.",
            param=place,
        )
    if identity not in called:
        raise Refused(
            400,
            f"Invalid parameter: 'tool_call_id' of '{identity}' not found in 'tool_calls' of "
            "previous message.",
            param=place,
        )


def _check_answered(unanswered: Sequence[str]) -> None:
    if unanswered:
        raise Refused(
            400,
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            f"{', '.join(unanswered)}",
            param="messages",
        )
