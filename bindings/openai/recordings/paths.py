"""Paths into JSON data, for naming differences and for leaving parts out: `$.items[*].price`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from emulator.sdk import BindingError

IGNORED = "[ignored]"

_STEP = re.compile(
    r"\.\.(?P<deep>\w+)|\.(?P<name>[\w$-]+|\*)|\[(?P<index>\*|\d+|'[^']*'|\"[^\"]*\")\]"
)

Step = tuple[bool, str]
"""Whether the name is looked for at any depth, and the name (`*` for all)."""


class JsonPath:
    """`$`, then `.name`, `[0]`, `[*]`, `.*` or `..name` (at any depth)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._steps = _parse(text)

    def mask(self, value: Any) -> Any:
        """Return a copy of `value` in which what the path names says only that it is ignored."""
        return _masked(value, self._steps)


def child(path: str, key: str | int) -> str:
    """Return the path of a member."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if re.fullmatch(r"\w+", key) else f"{path}['{key}']"


def _parse(text: str) -> list[Step]:
    steps: list[Step] = []
    at = 1
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            break
        at = step.end()
        if step["deep"]:
            steps.append((True, step["deep"]))
        else:
            steps.append((False, (step["name"] or step["index"]).strip("'\"")))
    if not text.startswith("$") or at != len(text) or not steps:
        raise BindingError(
            f"'{text}' is not a path of the kind $.items[*].price.",
            hint="Correct 'ignore' in the rules of the recordings.",
            code="recording-rules-invalid",
        )
    return steps


def _masked(value: Any, steps: Sequence[Step]) -> Any:
    if not steps:
        return IGNORED
    deep, name = steps[0]
    if isinstance(value, dict):
        result = {}
        for key, each in value.items():
            if name in (key, "*"):
                each = _masked(each, steps[1:])
            elif deep:
                each = _masked(each, steps)
            result[key] = each
        return result
    if isinstance(value, list):
        if deep:
            return [_masked(each, steps) for each in value]
        return [
            _masked(each, steps[1:]) if name in ("*", str(index)) else each
            for index, each in enumerate(value)
        ]
    return value
