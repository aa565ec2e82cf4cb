"""Whether one route leaves nothing for another; in doubt it does."""

from __future__ import annotations

from emulator.errors import RouteError
from emulator.routing.template import Parameter, Segment, Template


def covers(wide: Template, narrow: Template) -> bool:
    """Whether every path that `narrow` matches is matched by `wide`."""
    for position, segment in enumerate(narrow.segments):
        if position >= len(wide.segments):
            return False
        mine = wide.segments[position]
        if _takes_the_rest(mine):
            return True
        if _catches_all(segment) or not _covers_segment(mine, segment):
            return False
    rest = wide.segments[len(narrow.segments) :]
    return all(_may_be_absent(segment) for segment in rest)


def _covers_segment(wide: Segment, narrow: Segment) -> bool:
    if _is_optional(narrow) and not _is_optional(wide):
        return False
    if len(wide) == 1 and isinstance(wide[0], Parameter):
        checks = wide[0].checks
        if not checks:
            return True
        if len(narrow) == 1 and isinstance(narrow[0], str):
            try:
                return all(check(narrow[0]) for check in checks)
            except RouteError:  # a regular expression that takes too long
                return False
        if len(narrow) == 1 and isinstance(narrow[0], Parameter):
            return set(wide[0].constraints) <= set(narrow[0].constraints)
        return False
    return _shape(wide) == _shape(narrow)


def _shape(segment: Segment) -> tuple[object, ...]:
    """Return what a segment matches, without the names of its parameters."""
    return tuple(
        part.lower() if isinstance(part, str) else (part.constraints, part.optional)
        for part in segment
    )


def _takes_the_rest(segment: Segment) -> bool:
    return _catches_all(segment) and not segment[0].checks  # type: ignore[union-attr]  # checked


def _catches_all(segment: Segment) -> bool:
    return isinstance(segment[0], Parameter) and segment[0].catch_all


def _is_optional(segment: Segment) -> bool:
    return len(segment) == 1 and _may_be_absent(segment)


def _may_be_absent(segment: Segment) -> bool:
    return len(segment) == 1 and isinstance(segment[0], Parameter) and segment[0].may_be_absent
