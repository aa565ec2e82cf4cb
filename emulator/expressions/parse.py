"""Text to literals, `{data.path}` and `%SETTING%`."""

from __future__ import annotations

import re
from collections.abc import Callable

from emulator.errors import ExpressionError
from emulator.expressions.resolve import BuiltIn, Expression, Piece, Reference

_NAME = r"[\w$][\w$-]*"
_MEMBER = r"(?s)[^\s{}].*"
_BRACES = "For a literal brace write {{ or }}."


def substitute_settings(text: str, lookup: Callable[[str], str | None]) -> str:
    """Replace every `%NAME%` by the setting of that name; the value is not scanned again."""
    if "%" not in text:
        return text
    result: list[str] = []
    at = 0
    while (opening := text.find("%", at)) >= 0:
        closing = text.find("%", opening + 1)
        if closing < 0:
            raise ExpressionError(
                f"The '%' at position {opening} does not have a closing '%'",
                hint="A % always begins the name of a setting; a literal one cannot be written. "
                "Put the text into a setting and name that.",
            )
        name = text[opening + 1 : closing]
        value = lookup(name) if name else None
        if value is None:
            raise ExpressionError(
                f"'%{name}%' does not resolve to a value.",
                hint=f"Add '{name}' to Values in local.settings.json, or to the environment."
                if name
                else "A % always begins the name of a setting; a literal one cannot be written.",
            )
        result += (text[at:opening], value)
        at = closing + 1
    result.append(text[at:])
    return "".join(result)


def parse(text: str) -> Expression:
    """Parse the `{…}` of a text whose settings are already substituted."""
    pieces: list[Piece] = []
    literal: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char not in "{}":
            end = next((i for i in range(at, len(text)) if text[i] in "{}"), len(text))
            literal.append(text[at:end])
            at = end
        elif text[at : at + 2] in {"{{", "}}"}:
            literal.append(char)
            at += 2
        elif char == "}":
            raise _invalid(text, f"Missing opening bracket at position {at}.")
        else:
            closing = text.find("}", at)
            if closing < 0 or "{" in text[at + 1 : closing]:
                raise _invalid(text, f"Missing closing bracket at position {at}.")
            if literal:
                pieces.append("".join(literal))
                literal.clear()
            pieces.append(_reference(text, text[at + 1 : closing], at))
            at = closing + 1
    if literal:
        pieces.append("".join(literal))
    return Expression(text, tuple(pieces))


def _reference(text: str, inner: str, position: int) -> Reference:
    path, colon, form = inner.partition(":")
    if not path:
        raise _invalid(text, f"The parameter name at position {position} is empty.")
    format_ = form if colon and form else None
    built_in = _built_in(path)
    first, *members = path.split(".")
    if built_in is not None and not members:
        return Reference(first, (), format_, built_in)
    if not first or not all(members):
        raise ExpressionError("Illegal expression", hint=f"Two dots follow each other in '{path}'.")
    if not re.fullmatch(_NAME, first) or not all(re.match(_MEMBER, each) for each in members):
        # The official message lacks the closing quote as well.
        raise _invalid(text, f"Invalid template expression '{path}")
    if "-" in first:
        raise ExpressionError(
            f"The parameter name '{first}' is invalid.",
            hint="Only letters, digits and _ make a name; after a dot a - is fine: {Headers.x-id}.",
        )
    return Reference(first, tuple(members), format_, built_in)


def _built_in(path: str) -> BuiltIn | None:
    """Return what the host answers itself; it goes by how the text begins."""
    lowered = path.lower()
    if lowered.startswith("rand-guid"):
        return "guid"
    if lowered.startswith("datetime"):
        return "datetime"
    return "sys" if lowered.partition(".")[0] == "sys" else None


def _invalid(text: str, what: str) -> ExpressionError:
    return ExpressionError(f"Invalid template '{text}'. {what}", hint=_BRACES)
