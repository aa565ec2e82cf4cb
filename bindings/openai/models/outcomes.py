"""What came of skill calls, read from the messages that tell a model so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bindings.openai.models.base import ToolCall

_RESULT = re.compile(
    r"Function Name: '(?P<name>.*?)' and Function Result: '(?P<result>.*)'", re.DOTALL
)
_SUCCEEDED = "The function call succeeded."
_FAILED = "The function call failed."
_NOT_CALLED = "The function was not called"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a skill call. `value` is the parsed result, `None` when it returned nothing."""

    call_id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    value: Any = None
    succeeded: bool = True
    failed: bool = False


def outcome_of(content: str, call: ToolCall | None, call_id: str) -> Outcome:
    """Read a tool message, which names the function and quotes its result."""
    match = _RESULT.fullmatch(content)
    name = match["name"] if match else (call.name if call else "the function")
    result = match["result"] if match else content
    arguments = _arguments(call.arguments) if call else {}
    if result.startswith(_FAILED):
        return Outcome(call_id, name, arguments, failed=True, succeeded=False)
    if result.startswith(_NOT_CALLED):
        return Outcome(call_id, name, arguments, succeeded=False)
    value = None if result.startswith(_SUCCEEDED) else parse_result(result)
    return Outcome(call_id, name, arguments, value)


def parse_result(text: str) -> Any:
    """Parse a result, also one that is JSON inside a JSON text."""
    value: Any = text
    for _ in range(2):
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            break
    return value


def _arguments(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
