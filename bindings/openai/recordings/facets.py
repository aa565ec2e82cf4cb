"""What surrounds a conversation without being part of it: instructions, tools, parameters, model.

They never decide which recording is played. That they are others than when it was made is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from bindings.openai.models.base import ChatRequest
from bindings.openai.recordings.normalise import canonical, digest, normal
from bindings.openai.recordings.redact import Redactor

FacetName = Literal["instructions", "tools", "parameters", "model"]
NAMES: tuple[FacetName, ...] = get_args(FacetName)

_SHORT = 8


class Facets:
    """The facets of one request; `keys` are digests of the `values`."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)
        self.keys = {name: facet_key(value) for name, value in self.values.items()}


def facet_key(value: Any) -> str:
    return digest(canonical(value), _SHORT)


def facets_of(request: ChatRequest, instructions: str, redactor: Redactor) -> Facets:
    """Read the facets of a request. Tools have no order; how a stream is sent is no parameter."""
    parameters = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_tokens,
        "reasoning_effort": request.reasoning_effort,
        **request.extra,
    }
    tools = sorted((normal(dict(tool)) for tool in request.tools), key=_tool_name)
    return Facets(
        {
            "instructions": instructions,
            "tools": redactor.data(tools),
            "parameters": redactor.data(
                {
                    name: normal(value)
                    for name, value in sorted(parameters.items())
                    if value is not None
                }
            ),
            "model": request.model,
        }
    )


def describe_drift(name: str, recorded: Any, actual: Any) -> str:
    """Say how a facet changed since it was recorded, in a few words."""
    match name:
        case "tools":
            return _tools_drift(recorded, actual)
        case "instructions":
            return f"now {_shown(actual)}, recorded {_shown(recorded)}"
        case "parameters":
            names = [
                each
                for each in sorted({*recorded, *actual})
                if recorded.get(each) != actual.get(each)
            ]
            return ", ".join(
                f"{each} {_shown(actual.get(each))} instead of {_shown(recorded.get(each))}"
                for each in names
            )
        case _:
            return f"now {_shown(actual)}, recorded {_shown(recorded)}"


def _tools_drift(recorded: Sequence[Any], actual: Sequence[Any]) -> str:
    before = {_tool_name(tool): tool for tool in recorded}
    now = {_tool_name(tool): tool for tool in actual}
    told = [f"'{name}' is new" for name in now if name not in before]
    told += [f"'{name}' is gone" for name in before if name not in now]
    for name in now:
        if name in before and now[name] != before[name]:
            one, other = before[name].get("function", {}), now[name].get("function", {})
            parts = [key for key in sorted({*one, *other}) if one.get(key) != other.get(key)]
            told.append(f"'{name}' has another {' and '.join(parts) or 'form'}")
    return ", ".join(told)


def _tool_name(tool: Mapping[str, Any]) -> str:
    function = tool.get("function")
    return str(function.get("name") or "") if isinstance(function, Mapping) else canonical(tool)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"
