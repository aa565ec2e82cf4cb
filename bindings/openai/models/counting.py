"""Which number is meant for which parameter: by its name, and by what is counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bindings.openai.models.parameters import Parameter
from bindings.openai.models.said import Said
from bindings.openai.models.values import Quantity, as_json_number, quantities
from bindings.openai.models.words import concepts_of

_MONEY = frozenset("money price amount budget cost currency fee pay".split())
_BOUND = re.compile(
    r"(?:\b(?:under|below|less than|cheaper than|no more than|at most|up to|over|above|more than"
    r"|at least|max(?:imum)?|min(?:imum)?)\s+)?[€$£¥]?$",
    re.IGNORECASE,
)
"""What belongs to a number before it, and says nothing without it."""
_PREPOSITION = re.compile(
    r"\b(?:for|of|over|about|around|with|in|at|to|up to|on|after|by)\s+(?:the\s+)?$", re.IGNORECASE
)


def count(parameters: Sequence[Parameter], said: Said, *, strict: bool) -> dict[str, Any]:
    """Take out the number of each parameter. `strict`: the schema says what is required, so that
    a number which may be meant for something else is not given to an optional parameter."""
    numbers = list(quantities(said.rest))
    ranked = sorted(
        (-fit, place, number.start)
        for place, each in enumerate(parameters)
        for number in numbers
        if (fit := _fit(each, number, said.rest, strict=strict, others=parameters)) > 0
    )
    found: dict[str, Any] = {}
    used: dict[int, tuple[Parameter, Quantity]] = {}
    by_start = {number.start: number for number in numbers}
    for _, place, start in ranked:
        each = parameters[place]
        if each.name not in found and start not in used:
            found[each.name] = _value(each, by_start[start])
            used[start] = each, by_start[start]
    for start in sorted(used, reverse=True):
        _cut(*used[start], said)
    return found


def _fit(
    parameter: Parameter,
    number: Quantity,
    text: str,
    *,
    strict: bool,
    others: Sequence[Parameter],
) -> int:
    before = text[: number.start]
    own = rf"\b{re.escape(parameter.spoken)}\s*(?:is|=|:|to|of)?\s*$"
    if parameter.spoken and re.search(own, before, re.IGNORECASE):
        return 5
    if number.seconds and not number.unit == "h":
        if parameter.seconds:
            return 4
        if parameter.concepts.isdisjoint({"time"}):
            return 0
    unit = set(concepts_of(number.unit)) if number.unit else set()
    if unit & parameter.concepts:
        return 4
    if unit & parameter.described or ("currency" in unit and parameter.described & _MONEY):
        return 3
    if any(unit & other.described for other in others if other is not parameter):
        return 0
    if not strict or parameter.required:
        return 1
    return 0 if parameter.seconds or len(others) > 1 else 1


def _value(parameter: Parameter, number: Quantity) -> Any:
    value: float = number.value
    if number.seconds and parameter.seconds:
        value = value * number.seconds / parameter.seconds
    return round(value) if parameter.kind == "integer" else as_json_number(value)


def _cut(parameter: Parameter, number: Quantity, said: Said) -> None:
    own = (
        re.search(
            rf"\b{re.escape(parameter.spoken)}\s*(?:is|=|:|to|of)?\s*$",
            said.rest[: number.start],
            re.IGNORECASE,
        )
        if parameter.spoken
        else None
    )
    counted = _counts(parameter, number)
    end = number.unit_end if counted else number.end
    before = _PREPOSITION.search(said.rest[: number.start]) if counted else None
    start = own.start() if own else before.start() if before else number.start
    bound = _BOUND.search(said.rest[:start])
    said.cut(bound.start() if bound else start, end)


def _counts(parameter: Parameter, number: Quantity) -> bool:
    unit = concepts_of(number.unit) if number.unit else ()
    return bool(
        (number.seconds and parameter.seconds)
        or any(each in parameter.described for each in unit)
        or ("currency" in unit and parameter.described & _MONEY)
        or not number.unit
    )
