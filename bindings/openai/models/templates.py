"""`{user}`, `{result}`, `{len(result)}` … in the texts of a model script: a tiny language, no code.

A placeholder is a name followed by steps (`result[0].task`), or `len(…)`, `upper(…)`, `lower(…)`,
`json(…)`, `join(…)` or `join(…, task)` around one. `{{` and `}}` are literal braces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FUNCTION = re.compile(r"\s*(len|upper|lower|json|join)\s*\((.*)\)\s*", re.DOTALL)
_PATH = re.compile(r"\s*([A-Za-z_]\w*)((?:\.\w+|\[\s*(?:-?\d+|'[^']*'|\"[^\"]*\")\s*\])*)\s*")
_STEP = re.compile(r"\.(\w+)|\[\s*(?:(-?\d+)|'([^']*)'|\"([^\"]*)\")\s*\]")


class TemplateError(ValueError):
    """A placeholder cannot be read or has no value; the text says which and why."""


def render(template: str, names: Mapping[str, Any]) -> Any:
    """Replace the placeholders. A template that is one placeholder keeps the value's type."""
    whole = _PLACEHOLDER.fullmatch(template)
    if whole and whole[1] is not None:
        return evaluate(whole[1], names)

    def replace(match: re.Match[str]) -> str:
        if match[0] in {"{{", "}}"}:
            return match[0][0]
        if match[1] is None:
            raise TemplateError(f"there is a single '{match[0]}'; write it twice to mean itself")
        return text_of(evaluate(match[1], names))

    return _PLACEHOLDER.sub(replace, template)


def check(template: str) -> None:
    """Raise `TemplateError` for what can be seen without values."""
    for match in _PLACEHOLDER.finditer(template):
        if match[0] in {"{{", "}}"}:
            continue
        if match[1] is None:
            raise TemplateError(f"there is a single '{match[0]}'; write it twice to mean itself")
        inner = match[1]
        function = _FUNCTION.fullmatch(inner)
        if function:
            inner = function[2].split(",")[0] if function[1] == "join" else function[2]
        if not _PATH.fullmatch(inner):
            raise TemplateError(f"'{{{match[1]}}}' is not a placeholder")


def evaluate(expression: str, names: Mapping[str, Any]) -> Any:
    """Return the value of what stands between the braces."""
    function = _FUNCTION.fullmatch(expression)
    if function is None:
        return _look_up(expression, names)
    name, inner = function[1], function[2]
    if name == "join":
        path, _, key = inner.partition(",")
        return _join(_look_up(path, names), key.strip().strip("'\""), expression)
    value = _look_up(inner, names)
    match name:
        case "len":
            if not isinstance(value, (str, list, dict)):
                raise TemplateError(f"'{expression}': {value!r} has no length")
            return len(value)
        case "upper":
            return text_of(value).upper()
        case "lower":
            return text_of(value).lower()
        case _:
            return json.dumps(value, ensure_ascii=False)


def text_of(value: Any) -> str:
    """Return a value as it should stand in a sentence."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _look_up(path: str, names: Mapping[str, Any]) -> Any:
    match = _PATH.fullmatch(path)
    if match is None:
        raise TemplateError(f"'{{{path}}}' is not a placeholder")
    if match[1] not in names:
        raise TemplateError(f"there is no '{match[1]}' here; there are {', '.join(sorted(names))}")
    value = names[match[1]]
    for step in _STEP.finditer(match[2]):
        key = next(part for part in step.groups() if part is not None)
        value = _member(value, key, path)
    return value


def _member(value: Any, key: str, path: str) -> Any:
    try:
        if isinstance(value, list):
            return value[int(key)]
        if isinstance(value, dict):
            return value[key]
    except (LookupError, ValueError):
        pass
    raise TemplateError(f"'{path.strip()}': there is no '{key}' in {text_of(value)[:80]}")


def _join(value: Any, key: str, expression: str) -> str:
    if not isinstance(value, list):
        raise TemplateError(f"'{expression}': {value!r} is not a list")
    parts = [_member(each, key, expression) if key else each for each in value]
    return ", ".join(text_of(part) for part in parts)
