"""One member of a JSON file set, the rest of its text left exactly as it is."""

from __future__ import annotations

import json
import re

from emulator.config.jsonc import Document, parse

_INDENT = "  "


def set_member(text: str, section: str, name: str, value: str, *, file: str) -> str:
    """Return `text` with `section.name` being `value`; both are found without case.

    Comments, order and layout stay. Raises `ConfigError` when the text cannot be read.
    """
    document = parse(text, file)
    if not isinstance(document.value, dict):
        return new_file(section, name, value)
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    found = _key(document.value, section)
    if found is None or not isinstance(document.value[found], dict):
        content = _object(name, value, _indent(text, document, ()), _newline(text))
        return mark + _put(text, document, (), found, section, content)
    members = document.value[found]
    path = (found,)
    return mark + _put(text, document, path, _key(members, name), name, _text(value))


def new_file(section: str, name: str, value: str) -> str:
    """Return a settings file with this one value."""
    content = {"IsEncrypted": False, section: {name: value}}
    return json.dumps(content, indent=len(_INDENT), ensure_ascii=False) + "\n"


def _put(
    text: str,
    document: Document,
    path: tuple[str, ...],
    key: str | None,
    name: str,
    written: str,
) -> str:
    """Replace the value of `key` in the object at `path`, or add `name` at its end."""
    if key is not None:
        start, end = document.extent((*path, key))
        return text[:start] + written + text[end:]
    return _added(text, document, path, f"{_text(name)}: {written}")


def _added(text: str, document: Document, path: tuple[str, ...], entry: str) -> str:
    opened, end = document.extent(path)
    closing = end - 1
    members = document.value
    for part in path:
        members = members[part]
    if not members:
        return _filled(text, document, path, entry)
    last = max(document.extent((*path, each))[1] for each in members)
    tail = text[last:closing]
    if not _has_comma(tail):
        text = text[:last] + "," + text[last:]
        closing += 1
    line_start = text.rfind("\n", 0, closing) + 1
    if line_start <= opened or text[line_start:closing].strip():
        # All on one line, or something stands before the bracket.
        before = text[:closing].rstrip(" \t")
        space = text[len(before) : closing]
        return f"{before} {entry}{space}{text[closing:]}"
    newline = _newline(text)
    indent = _indent(text, document, path)
    return f"{text[:line_start]}{indent}{entry}{newline}{text[line_start:]}"


def _filled(text: str, document: Document, path: tuple[str, ...], entry: str) -> str:
    """Put the first entry into an empty object; what stands in it, a comment perhaps, stays."""
    opened, end = document.extent(path)
    newline = _newline(text)
    indent = _indent(text, document, path)
    outer = indent[: -len(_INDENT)] if len(indent) >= len(_INDENT) else ""
    inside = text[opened + 1 : end - 1]
    kept = inside.rstrip() if inside.strip() else ""
    return f"{text[: opened + 1]}{kept}{newline}{indent}{entry}{newline}{outer}{text[end - 1 :]}"


def _object(name: str, value: str, indent: str, newline: str) -> str:
    entry = f"{_text(name)}: {_text(value)}"
    return f"{{{newline}{indent}{_INDENT}{entry}{newline}{indent}}}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _indent(text: str, document: Document, path: tuple[str, ...]) -> str:
    """Return the white space before the members of the object at `path`."""
    members = document.value
    for part in path:
        members = members[part]
    for key in members:
        start, _ = document.extent((*path, key))
        line = text[text.rfind("\n", 0, start) + 1 : start]
        if line.strip().startswith(f'"{key}"'):
            return line[: len(line) - len(line.lstrip())]
    if not path:
        return _INDENT
    return _indent(text, document, path[:-1]) + _INDENT


def _has_comma(tail: str) -> bool:
    """Whether a comma stands behind the last member, comments aside."""
    without = re.sub(r"//[^\n]*|/\*.*?\*/", "", tail, flags=re.DOTALL)
    return "," in without


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _key(members: dict[str, object], name: str) -> str | None:
    """Return the key that counts: the last one of that name, compared without case."""
    wanted = name.lower()
    return next((key for key in reversed(members) if key.lower() == wanted), None)
