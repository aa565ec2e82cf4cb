"""A path that a route template takes: for trying a function out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emulator.errors import RouteError
from emulator.routing.template import Parameter, Segment, Template

_CANDIDATES = (
    "sample",
    "1",
    "10",
    "100",
    "true",
    "2026-01-31",
    "00000000-0000-0000-0000-000000000001",
    "a",
    "ab",
    "abc",
    "abcd",
    "samples",
    "12345678",
    "samplesample",
    "-1",
)
"""Tried in this order against a parameter's constraints."""


def sample_values(template: Template) -> dict[str, str]:
    """Return a value for each parameter that has to be there.

    Raises `RouteError` for one whose constraints no sample meets.
    """
    values = {}
    for parameter in _wanted(template):
        fitting = (text for text in _CANDIDATES if all(check(text) for check in parameter.checks))
        value = next(fitting, None)
        if value is None:
            constraints = ":".join(parameter.constraints)
            raise RouteError(
                f"There is no sample for the route parameter '{parameter.name}:{constraints}'.",
                hint="Give the path yourself with --path.",
            )
        values[parameter.name] = value
    return values


def _wanted(template: Template) -> Iterator[Parameter]:
    """Yield the parameters without which no path is taken."""
    may_end = True  # nothing has to follow
    for segment in reversed(template.segments):
        alone = segment[0] if len(segment) == 1 else None
        may_end = may_end and isinstance(alone, Parameter) and alone.may_be_absent
        dotted = len(segment) == 2 and segment[0] == "."  # the dot is absent, too
        for part in segment:
            if isinstance(part, Parameter) and not may_end:
                # Beside a text a default counts for nothing: the value has to be there.
                if alone is not None or dotted or not part.optional:
                    yield part


def fill(template: Template, values: Mapping[str, str]) -> str:
    """Return the path for the values, without its first `/`; optional ones may be missing."""
    segments = []
    for segment in template.segments:
        written = _written(segment, values)
        if written is None:
            break  # an optional one is missing, and with it everything behind
        segments.append(written)
    return "/".join(segments)


def _written(segment: Segment, values: Mapping[str, str]) -> str | None:
    parts: list[str] = []
    for part in segment:
        if not isinstance(part, Parameter):
            parts.append(part)
            continue
        value = values.get(part.name)
        if value is None and len(segment) > 1:
            return "".join(parts).removesuffix(".")
        if value is None:
            return None
        parts.append(value)
    return "".join(parts)
