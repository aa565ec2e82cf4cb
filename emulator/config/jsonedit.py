"""One value of a JSON file set, the rest of its text left exactly as it is."""

from __future__ import annotations

import json
import re
from typing import Any

from emulator.config.jsonc import Document, parse

_INDENT = "  "

Path = tuple[str, ...]


def set_value(text: str, path: Path, value: Any, *, file: str) -> str:
    """Return `text` with the value at `path`; its keys are found without case.

    Comments, order and layout stay; objects that are missing on the way are added. What stands on
    the way and is no object is replaced. Raises `ConfigError` when the text cannot be read.
    """
    if not text.strip("\ufeff \t\r\n"):
        text = "{}\n"
    document = parse(text, file, secret=True)
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    if not isinstance(document.value, dict):
        return mark + _written(_nested(path, value), "", "\n") + "\n"
    known: Path = ()
    members = document.value
    rest = path
    while len(rest) > 1:
        key = _key(members, rest[0])
        if key is None or not isinstance(members[key], dict):
            break
        known, members, rest = (*known, key), members[key], rest[1:]
    key = _key(members, rest[0])
    indent, newline = _indent(text, document, known), _newline(text)
    written = _written(_nested(rest[1:], value), indent, newline)
    if key is not None:
        start, end = document.extent((*known, key))
        return mark + text[:start] + written + text[end:]
    entry = f"{_written(rest[0], '', newline)}: {written}"
    if not members:
        return mark + _filled(text, document.extent(known), entry, indent)
    return mark + _added(text, document, known, entry)


def remove_value(text: str, path: Path, *, file: str) -> str | None:
    """Return `text` without the member at `path`, or `None` when there is none.

    Every member of that name goes; other text stays, but for the line the member stood on. Raises
    `ConfigError` when the text cannot be read.
    """
    found = False
    while (rest := _removed(text, path, file)) is not None:
        text, found = rest, True
    return text if found else None


def _removed(text: str, path: Path, file: str) -> str | None:
    document = parse(text, file, secret=True)
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    known: Path = ()
    members = document.value
    for name in path[:-1]:
        key = _key(members, name) if isinstance(members, dict) else None
        if key is None:
            return None
        known, members = (*known, key), members[key]
    key = _key(members, path[-1]) if isinstance(members, dict) else None
    if key is None:
        return None
    opened, closed = document.extent(known)
    start, end = document.extent((*known, key))
    begin = opened + 1 + [each.start() for each in _KEY.finditer(text[opened + 1 : start])][-1]
    comma = _COMMA_AFTER.match(text, end, closed - 1)
    if comma is not None:
        end = comma.end()
    elif (comma := _COMMA_BEFORE.search(text, opened + 1, begin)) is not None:
        at = comma.start()  # the last member goes, and so does the comma before it
        text, begin, end = text[:at] + text[at + 1 :], begin - 1, end - 1
    line_start = text.rfind("\n", 0, begin) + 1
    line_end = text.find("\n", end)
    if line_end >= 0 and not (text[line_start:begin] + text[end:line_end]).strip():
        begin, end = line_start, line_end + 1
    return mark + text[:begin] + text[end:]


_BETWEEN = r"\s*(?:(?:/\*.*?\*/|//[^\n]*\n)\s*)*"
"""White space and comments."""

_KEY = re.compile(rf'"(?:[^"\\]|\\.)*"(?={_BETWEEN}:)', re.DOTALL)
_COMMA_AFTER = re.compile(rf"{_BETWEEN},", re.DOTALL)
_COMMA_BEFORE = re.compile(rf",{_BETWEEN}\Z", re.DOTALL)


def _nested(path: Path, value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _added(text: str, document: Document, path: Path, entry: str) -> str:
    """Put an entry behind the last one of an object, before its bracket."""
    opened, end = document.extent(path)
    closing = end - 1
    last = max(document.extent((*path, each))[1] for each in _members(document, path))
    if not _has_comma(text[last:closing]):
        text = text[:last] + "," + text[last:]
        closing += 1
    line_start = text.rfind("\n", 0, closing) + 1
    if line_start <= opened or text[line_start:closing].strip():
        # All on one line, or something stands before the bracket.
        before = text[:closing].rstrip(" \t")
        return f"{before} {entry}{text[len(before) : closing]}{text[closing:]}"
    indent = _indent(text, document, path)
    return f"{text[:line_start]}{indent}{entry}{_newline(text)}{text[line_start:]}"


def _filled(text: str, extent: tuple[int, int], entry: str, indent: str) -> str:
    """Put the first entry into an empty object; what stands in it, a comment perhaps, stays."""
    opened, end = extent
    newline = _newline(text)
    kept = text[opened + 1 : end - 1].rstrip()
    outer = indent.removesuffix(_INDENT)
    return f"{text[: opened + 1]}{kept}{newline}{indent}{entry}{newline}{outer}{text[end - 1 :]}"


def _written(value: Any, indent: str, newline: str) -> str:
    """Write JSON whose lines behind the first begin with `indent`."""
    text = json.dumps(value, indent=len(_INDENT), ensure_ascii=False)
    return text.replace("\n", newline + indent)


def _indent(text: str, document: Document, path: Path) -> str:
    """Return the white space before the members of the object at `path`."""
    for key in _members(document, path):
        start, _ = document.extent((*path, key))
        line = text[text.rfind("\n", 0, start) + 1 : start]
        if line.strip().startswith('"'):
            return line[: len(line) - len(line.lstrip())]
    return _indent(text, document, path[:-1]) + _INDENT if path else _INDENT


def _members(document: Document, path: Path) -> dict[str, Any]:
    members: dict[str, Any] = document.value
    for key in path:
        members = members[key]
    return members


def _has_comma(tail: str) -> bool:
    """Whether a comma stands behind the last member, comments aside."""
    return "," in re.sub(r"//[^\n]*|/\*.*?\*/", "", tail, flags=re.DOTALL)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _key(members: dict[str, Any], name: str) -> str | None:
    """Return the key that counts: the last one of that name, compared without case."""
    wanted = name.lower()
    return next((key for key in reversed(members) if key.lower() == wanted), None)
