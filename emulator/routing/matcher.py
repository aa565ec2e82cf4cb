"""One template as a regular expression over a decoded path, in time that grows with its length."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from emulator.routing.constraints import Check
from emulator.routing.template import Parameter, Part, Segment, Template

Values = Mapping[str, str | None]


class Matcher:
    """Matches paths (without their first `/`) against one template.

    Segments are taken in order and never skipped, as ASP.NET does; in a segment with several
    parameters the first ones take as much as they can.
    """

    __slots__ = ("_checks", "_defaults", "_fields", "_fullmatch", "_mixed")

    def __init__(self, template: Template) -> None:
        builder = _Builder()
        pattern = builder.pattern(template.segments)
        self._fullmatch = re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch
        self._fields = tuple(builder.fields)
        self._mixed = tuple(builder.mixed)
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
            if text and name:
                values[name] = text
        for group, mixed in self._mixed:
            text = groups[group]
            inner = None if text is None else mixed.match(text)
            if inner is None:
                return None
            values.update(inner)
        for name, checks in self._checks:
            value = values[name]
            if value is not None:
                for check in checks:
                    if not check(value):
                        return None
        return values


class _Mixed:
    """A segment of texts and parameters: `{name}.{extension}`, `v{major}-{minor}`.

    It is matched from its end, each text as far right as it goes; so the first parameters take as
    much as they can, and nothing has to be tried twice.
    """

    def __init__(self, segment: Segment) -> None:
        last = segment[-1]
        optional = isinstance(last, Parameter) and last.optional
        self._whole = _Backwards(segment)
        self._without = _Backwards(segment[:-2]) if optional else None

    def match(self, text: str) -> dict[str, str] | None:
        values = self._whole.match(text)
        # Without the parameter its dot is absent too, and no other dot may end the segment.
        if values is None and self._without is not None and not text.endswith("."):
            values = self._without.match(text)
        return values


class _Backwards:
    """The parts of a segment as an expression over its text from the last letter to the first."""

    def __init__(self, parts: Segment) -> None:
        backwards = _joined(reversed(parts))
        self._names = [part.name for part in backwards if isinstance(part, Parameter)]
        pattern = ""
        for position, part in enumerate(backwards):
            if isinstance(part, str):
                pattern += re.escape(part)
            elif position < len(backwards) - 2:
                text = backwards[position + 1]
                assert isinstance(text, str), "parameters do not follow each other"
                # Atomic: the first place from the end where the text stands is the right one.
                pattern += f"(?>(.+?){re.escape(text)})"
                backwards[position + 1] = ""
            else:
                pattern += "(.+)"  # the text before it, if any, begins the segment
        self._fullmatch = re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch

    def match(self, text: str) -> dict[str, str] | None:
        found = self._fullmatch(text[::-1])
        if found is None:
            return None
        values = (value[::-1] for value in found.groups())
        return dict(zip(self._names, values, strict=True))


def _joined(backwards: Iterable[Part]) -> list[Part]:
    """Return the parts with their texts backwards, those that follow each other as one."""
    parts: list[Part] = []
    for part in backwards:
        text = part[::-1] if isinstance(part, str) else ""
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += text
        else:
            parts.append(text or part)
    return parts


class _Builder:
    """Writes the expression; `fields` names the parameter of each group, `mixed` are the segments
    that are taken apart afterwards, by the group that holds them."""

    def __init__(self) -> None:
        self.fields: list[str] = []
        self.mixed: list[tuple[int, _Mixed]] = []

    def pattern(self, segments: tuple[Segment, ...]) -> str:
        written = [self._segment(segment) for segment in segments]
        tail = ""
        all_optional = True
        for position in range(len(segments) - 1, -1, -1):
            separator = "/" if position else ""
            all_optional = all_optional and _may_be_absent(segments[position])
            piece = f"{separator}{written[position]}{tail}"
            tail = f"(?:{piece})?" if all_optional else piece
        return f"{tail}/?"

    def _segment(self, segment: Segment) -> str:
        if len(segment) > 1:
            self.mixed.append((len(self.fields), _Mixed(segment)))
            self.fields.append("")
            return "([^/]+)"
        part = segment[0]
        if isinstance(part, str):
            return re.escape(part)
        self.fields.append(part.name)
        return "((?!/).+)" if part.catch_all else "([^/]+)"


def _may_be_absent(segment: Segment) -> bool:
    return len(segment) == 1 and isinstance(segment[0], Parameter) and segment[0].may_be_absent
