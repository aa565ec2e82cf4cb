"""ASP.NET route templates: literals, parameters, several of them in one segment, catch-alls."""

from __future__ import annotations

import re
from typing import NamedTuple

from emulator.errors import RouteError
from emulator.routing.constraints import Check, constraint

_FORBIDDEN_IN_NAME = frozenset("/{}*?")


class Parameter(NamedTuple):
    """`{name:constraint=default}`; `constraints` are their texts, `checks` what they do."""

    name: str
    constraints: tuple[str, ...] = ()
    default: str | None = None
    optional: bool = False
    catch_all: bool = False
    checks: tuple[Check, ...] = ()

    @property
    def may_be_absent(self) -> bool:
        return self.optional or self.catch_all or self.default is not None


Part = str | Parameter
Segment = tuple[Part, ...]


class Template(NamedTuple):
    """A parsed route: segments of literal texts and parameters."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(
            part for segment in self.segments for part in segment if isinstance(part, Parameter)
        )

    @property
    def is_literal(self) -> bool:
        return not self.parameters


def parse_template(text: str) -> Template:
    """Parse a complete template; raise `RouteError` saying what is wrong with it.

    One `/` or `~/` before it and one `/` after it mean nothing.
    """
    stripped = text[2:] if text.startswith("~/") else text.removeprefix("/")
    if stripped.startswith("~"):
        raise RouteError(
            "A route cannot start with '~' unless '/' follows", hint="Leave the '~' out."
        )
    stripped = stripped.removesuffix("/")
    segments = tuple(_segment(each) for each in _split(stripped)) if stripped else ()
    template = Template(text, segments)
    _check_names(template)
    _check_catch_all(template)
    return template


def _split(text: str) -> list[str]:
    """Split at `/` outside of parameters (a regular expression may have one)."""
    parts: list[str] = []
    start = at = 0
    while at < len(text):
        if text[at : at + 2] in {"{{", "}}"}:
            at += 2
        elif text[at] == "{":
            at = _parameter_end(text, at)
        elif text[at] == "/":
            parts.append(text[start:at])
            at += 1
            start = at
        else:
            at += 1
    parts.append(text[start:])
    if not all(parts):
        raise RouteError(
            "Two '/' follow each other in the route", hint="Between two '/' there is a name."
        )
    return parts


def _parameter_end(text: str, opening: int) -> int:
    """Return where the parameter that opens at `opening` ends; `{{` and `}}` in it are text."""
    at = opening + 1
    while at < len(text):
        if text[at] == "}":
            if text[at + 1 : at + 2] != "}":
                return at + 1
            at += 2
        elif text[at] == "{":
            if text[at + 1 : at + 2] != "{":
                break
            at += 2
        else:
            at += 1
    raise RouteError(
        f"The '{{' at position {opening} of the route is not closed",
        hint="Each '{' needs its '}'; a literal brace is written {{ or }}.",
    )


def _segment(text: str) -> Segment:
    parts: list[Part] = []
    literal: list[str] = []
    at = 0

    def end_literal() -> None:
        if literal:
            parts.append(_literal("".join(literal)))
            literal.clear()

    while at < len(text):
        if text[at : at + 2] in {"{{", "}}"}:
            literal.append(text[at])
            at += 2
        elif text[at] == "{":
            end_literal()
            end = _parameter_end(text, at)
            inner = text[at + 1 : end - 1].replace("{{", "{").replace("}}", "}")
            parts.append(_parameter(inner))
            at = end
        elif text[at] == "}":
            raise RouteError("A '}' of the route has no '{'", hint="A literal brace is written }}.")
        else:
            literal.append(text[at])
            at += 1
    end_literal()
    segment = tuple(parts)
    _check_segment(segment, text)
    return _with_optional_dot(segment)


def _literal(text: str) -> str:
    if "?" in text:
        raise RouteError(
            f"'{text}' of the route has a '?'", hint="The query is no part of a route."
        )
    return text


def _with_optional_dot(segment: Segment) -> Segment:
    """Split the dot before an optional parameter off, since it is absent together with it."""
    if len(segment) < 2 or not isinstance(segment[-1], Parameter) or not segment[-1].optional:
        return segment
    before = segment[-2]
    if isinstance(before, str) and before != "." and before.endswith("."):
        return (*segment[:-2], before[:-1], ".", segment[-1])
    return segment


def _parameter(text: str) -> Parameter:
    catch_all = text.startswith("*")
    text = text[2:] if text.startswith("**") else text.removeprefix("*")
    optional = text.endswith("?")
    text = text.removesuffix("?")
    cut = next((i for i, char in enumerate(text) if char in ":="), len(text))
    name, rest = text[:cut], text[cut:]
    if not name or _FORBIDDEN_IN_NAME & set(name):
        raise RouteError(
            f"'{name}' is no name for a route parameter",
            hint="A name comes first and has none of / { } * ?; '?' stands at the end.",
        )
    constraints, default = _constraints(rest)
    if optional and default is not None:
        raise RouteError(f"The optional route parameter '{name}' cannot have a default value")
    if optional and catch_all:
        raise RouteError(f"The catch-all route parameter '{name}' cannot be optional")
    return Parameter(
        name=name,
        constraints=tuple(_shown(*each) for each in constraints),
        default=default,
        optional=optional,
        catch_all=catch_all,
        checks=tuple(constraint(*each) for each in constraints),
    )


def _constraints(text: str) -> tuple[list[tuple[str, str | None]], str | None]:
    """Read `:int:min(1)=5`; a `)` ends a value only before `:`, `=` or the end."""
    found: list[tuple[str, str | None]] = []
    at = 0
    while at < len(text) and text[at] == ":":
        named = re.compile(r"[^:=(]*").match(text, at + 1)
        end = named.end() if named else at + 1
        name = text[at + 1 : end].strip()
        argument: str | None = None
        if text[end : end + 1] == "(":
            closing = re.compile(r"\)(?=[:=]|\Z)").search(text, end)
            if closing is None:
                raise RouteError(f"The '(' of the route constraint '{name}' is not closed")
            argument, end = text[end + 1 : closing.start()], closing.end()
        if name or argument is not None:
            found.append((name, argument))
        at = end
    return found, text[at + 1 :] if text[at : at + 1] == "=" else None


def _shown(name: str, argument: str | None) -> str:
    return name if argument is None else f"{name}({argument})"


def _check_segment(segment: Segment, text: str) -> None:
    for before, after in zip(segment, segment[1:], strict=False):
        if isinstance(before, Parameter) and isinstance(after, Parameter):
            raise RouteError(
                f"'{{{before.name}}}' and '{{{after.name}}}' of the route follow each other",
                hint="Put a '/' or a text between them.",
            )
    for position, part in enumerate(segment):
        if not isinstance(part, Parameter) or len(segment) == 1:
            continue
        if part.catch_all:
            raise RouteError(f"The catch-all '{part.name}' has to be a segment of its own")
        if part.optional:
            if position < len(segment) - 1:
                raise RouteError(f"The optional '{part.name}' has to be the last part of '{text}'")
            before = segment[position - 1]
            if not isinstance(before, str) or not before.endswith("."):
                raise RouteError(
                    f"Before the optional '{part.name}' in '{text}' only a dot can stand"
                )


def _check_names(template: Template) -> None:
    seen: set[str] = set()
    for parameter in template.parameters:
        if parameter.name.lower() in seen:
            raise RouteError(
                f"The route parameter name '{parameter.name}' appears more than one time"
            )
        seen.add(parameter.name.lower())


def _check_catch_all(template: Template) -> None:
    for segment in template.segments[:-1]:
        if any(isinstance(part, Parameter) and part.catch_all for part in segment):
            raise RouteError("A catch-all can only be the last segment of a route")
