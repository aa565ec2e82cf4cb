"""`.env` files: `NAME=value` lines with quotes, `export`, comments and `${NAME}`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from emulator.model import Problem, Severity, SourceSpan

_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([^\s=#'\"]+)[ \t]*=[ \t]*")
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|\r|\Z)")
_BLANK = re.compile(r"[ \t]*(?:#[^\n\r]*)?(?:\r?\n|\r)|[ \t]*(?:#[^\n\r]*)?\Z")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"[^\n\r]*")
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_REFERENCE = re.compile(r"\$\{([^{}:\s]+)(?::-([^{}]*))?\}")
_LONGEST = 128 * 1024
"""Characters of a value; no process can be given a longer one."""

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "'": "'", "$": "$"}


class EnvLine(NamedTuple):
    name: str
    value: str
    line: int


def parse_env(
    text: str, file: str, lookup: Callable[[str], str | None]
) -> tuple[list[EnvLine], list[Problem]]:
    """Read every line; one that cannot be read is a problem and left out.

    `${NAME}` is what `lookup` says, else an earlier line's value, else empty.
    """
    entries: list[EnvLine] = []
    problems: list[Problem] = []
    known: dict[str, str] = {}
    at = counted = 0
    line = 1
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = max(blank.end(), at + 1)
            continue
        line, counted = line + text.count("\n", counted, at), at
        value, end = _entry(text, at)
        name = _NAME.match(text, at)
        if value is None or name is None:
            problems.append(_unreadable(text[at:end].strip(), SourceSpan(file, line)))
        else:
            full = _expand(value, lookup, known)
            if len(full) > _LONGEST:
                problems.append(_too_long(name[1], SourceSpan(file, line)))
            else:
                known[name[1]] = full
                entries.append(EnvLine(name[1], full, line))
        at = max(end, at + 1)
    return entries, problems


def _entry(text: str, at: int) -> tuple[tuple[str, bool] | None, int]:
    """Return the value with whether `${}` counts in it, and where the next line starts."""
    start = name.end() if (name := _NAME.match(text, at)) else at
    for pattern, expands in ((_SINGLE, False), (_DOUBLE, True)):
        quoted = pattern.match(text, start)
        if quoted is None:
            continue
        rest = _REST_OF_LINE.match(text, quoted.end())
        if rest is None:
            return None, _line_end(text, quoted.end())
        value = _ESCAPE.sub(_unescape, quoted[1]) if expands else quoted[1]
        return (value, expands), rest.end()
    if text[start : start + 1] in {"'", '"'}:
        return None, _line_end(text, start)
    bare = _BARE.match(text, start)
    end = bare.end() if bare else start
    value = _COMMENT.sub("", text[start:end]).strip()
    return (value, True), _line_end(text, end)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _unescape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[0])


def _expand(
    value: tuple[str, bool], lookup: Callable[[str], str | None], known: dict[str, str]
) -> str:
    text, expands = value
    if not expands or "${" not in text:
        return text

    def replacement(found: re.Match[str]) -> str:
        given = lookup(found[1])
        if given is None:
            given = known.get(found[1])
        return given if given is not None else found[2] or ""

    return _REFERENCE.sub(replacement, text)


def _too_long(name: str, where: SourceSpan) -> Problem:
    return Problem(
        "env-line-invalid",
        f"The value of '{name[:60]}' in {where.file} has more than {_LONGEST:,} characters and is "
        "left out",
        severity=Severity.WARNING,
        where=where,
        hint="No process can be given it: keep it in a file, and the path of that in a setting.",
    )


def _unreadable(text: str, where: SourceSpan) -> Problem:
    # The text may hold a secret, so nothing is shown but a name before a '='.
    named = re.match(r"(?a:[A-Z_a-z][\w.-]{0,60})(?=\s*=)", text)
    what = f"The line for '{named[0]}'" if named else "A line"
    return Problem(
        "env-line-invalid",
        f"{what} in {where.file} cannot be read and is left out",
        severity=Severity.WARNING,
        where=where,
        hint='Write NAME=value; a value with quotes is closed on its last line: NAME="a b".',
    )
