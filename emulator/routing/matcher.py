"""One template as a regular expression over a decoded path."""

from __future__ import annotations

import re
from collections.abc import Mapping

from emulator.routing.constraints import Check
from emulator.routing.template import Parameter, Segment, Template

Values = Mapping[str, str | None]


class Matcher:
    """Matches paths (without their first `/`) against one template.

    Segments are taken in order and never skipped, as ASP.NET does; in a segment with several
    parameters the first ones take as much as they can.
    """

    __slots__ = ("_checks", "_defaults", "_fields", "_fullmatch")

    def __init__(self, template: Template) -> None:
        builder = _Builder()
        pattern = builder.pattern(template.segments)
        self._fullmatch = re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch
        self._fields = tuple(builder.fields)
        self._defaults: dict[str, str | None] = {
            parameter.name: parameter.default for parameter in template.parameters
        }
        self._checks: tuple[tuple[str, tuple[Check, ...]], ...] = tuple(
            (parameter.name, parameter.checks)
            for parameter in template.parameters
            if parameter.checks
        )

    def match(self, path: str) -> Values | None:
        """Return the value of every parameter (`None` for an absent one), or `None`."""
        found = self._fullmatch(path)
        if found is None:
            return None
        values = self._defaults.copy()
        groups = found.groups()
        for name, text in zip(self._fields, groups, strict=True):
            if text:
                values[name] = text
        for name, checks in self._checks:
            value = values[name]
            if value is not None:
                for check in checks:
                    if not check(value):
                        return None
        return values


class _Builder:
    """Writes the expression; `fields` names the parameter of each group."""

    def __init__(self) -> None:
        self.fields: list[str] = []

    def pattern(self, segments: tuple[Segment, ...]) -> str:
        written = [self._segment(segment) for segment in segments]
        tail = ""
        all_optional = True
        ends_in_catch_all = bool(segments) and _is_catch_all(segments[-1])
        for position in range(len(segments) - 1, -1, -1):
            separator = "/" if position else ""
            all_optional = all_optional and _may_be_absent(segments[position])
            piece = f"{separator}{written[position]}{tail}"
            tail = f"(?:{piece})?" if all_optional else piece
        # A catch-all keeps the last slash of the path; everything else ignores it.
        return tail + "/?" if not ends_in_catch_all else f"{tail}/?"

    def _segment(self, segment: Segment) -> str:
        last = segment[-1]
        if len(segment) > 1 and isinstance(last, Parameter) and last.optional:
            full = self._parts(segment)
            # Without the parameter its dot is absent too, and no other dot may end the segment.
            return f"(?:{full}|{self._parts(segment[:-2])}(?<!\\.))"
        return self._parts(segment)

    def _parts(self, segment: Segment) -> str:
        return "".join(
            re.escape(part) if isinstance(part, str) else self._parameter(part) for part in segment
        )

    def _parameter(self, parameter: Parameter) -> str:
        self.fields.append(parameter.name)
        return "((?!/).+)" if parameter.catch_all else "([^/]+)"


def _is_catch_all(segment: Segment) -> bool:
    return isinstance(segment[0], Parameter) and segment[0].catch_all


def _may_be_absent(segment: Segment) -> bool:
    return len(segment) == 1 and isinstance(segment[0], Parameter) and segment[0].may_be_absent
