"""JSON with comments, positions kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from emulator.errors import ConfigError
from emulator.model import SourceSpan

MAX_DEPTH = 100
"""No file of an app is nested deeper on purpose; the limit keeps every reader of it safe."""

Key = str | int
KeyPath = tuple[Key, ...]

_SPACE = " \t\r\n\ufeff\xa0"
_STRINGS = json.JSONDecoder(strict=False)
"""Not strict: tabs inside a text are accepted, as the official host does."""
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


class Document:
    """A parsed file: its `value`, and where each key stands, worked out when first asked."""

    __slots__ = ("_parsed", "_text", "file", "value")

    def __init__(self, value: Any, text: str, file: str, parsed: _Parser | None = None) -> None:
        self.value = value
        self.file = file
        self._text = text
        self._parsed = parsed

    def line_of(self, path: KeyPath) -> int | None:
        """Return the line (1-based) of the key or element at `path`; `()` is the document."""
        offset = self._scanned().offsets.get(path)
        return None if offset is None else _line_column(self._text, offset)[0]

    def span(self, path: KeyPath) -> SourceSpan:
        """Return the place of `path`, or of the nearest thing around it that exists."""
        while path and path not in self._scanned().offsets:
            path = path[:-1]
        return SourceSpan(self.file, self.line_of(path))

    def extent(self, path: KeyPath) -> tuple[int, int]:
        """Return where the value at `path` begins and ends in the text, without a mark before it.

        Raises `KeyError` when there is none.
        """
        return self._scanned().extents[path]

    def duplicates(self) -> tuple[KeyPath, ...]:
        """Return the paths that are given more than once; the last one counts."""
        return tuple(dict.fromkeys(self._scanned().duplicates))

    def _scanned(self) -> _Parser:
        if self._parsed is None:
            self._parsed = _Parser(self._text, self.file)
            self._parsed.parse()
        return self._parsed


def parse(text: str, file: str, *, secret: bool = False) -> Document:
    """Parse `text`; `file` is the name errors carry. Raise `ConfigError` with line and column.

    With `secret` an error shows nothing of the text.
    """
    text = text.removeprefix("\ufeff")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return _parse_slowly(text, file, secret=secret)
    # The C parser accepts some thousand levels on some versions of Python, and none of them is
    # safe for what reads the value afterwards.
    if text.count("{") + text.count("[") > MAX_DEPTH:
        return _parse_slowly(text, file, secret=secret)
    return Document(value, text, file)


def read(path: Path, file: str, *, secret: bool = False) -> Document | None:
    """Read and parse a file; `None` when there is none. `file` is its name for people."""
    text = read_text(path, file)
    return None if text is None else parse(text, file, secret=secret)


def read_text(path: Path, file: str) -> str | None:
    """Read a text file as UTF-8, or as UTF-16 where its first bytes say so."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror or error}",
            hint="Check what it is and who may read it.",
            where=SourceSpan(file),
        ) from error
    # Windows PowerShell 5 writes UTF-16 when output is redirected to a file.
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{file} is not UTF-8 text",
            hint="Save the file with the encoding UTF-8.",
            where=SourceSpan(file, data.count(b"\n", 0, error.start) + 1),
        ) from error


def _parse_slowly(text: str, file: str, *, secret: bool) -> Document:
    parser = _Parser(text, file, secret=secret)
    return Document(parser.parse(), text, file, parser)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _line_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class _Parser:
    """Reads values by descent, noting the offset of every key and element."""

    def __init__(self, text: str, file: str, *, secret: bool = False) -> None:
        self._secret = secret
        self.text = text
        self.file = file
        self.at = 0
        self.offsets: dict[KeyPath, int] = {}
        self.extents: dict[KeyPath, tuple[int, int]] = {}
        self.duplicates: list[KeyPath] = []

    def parse(self) -> Any:
        self._skip()
        if self.at >= len(self.text):
            self._fail("the file is empty", self.at, hint="An empty JSON file is written {}.")
        value = self._value(())
        self._skip()
        if self.at < len(self.text):
            self._fail(f"expected the end of the file, found {self._found()}", self.at)
        return value

    def _value(self, path: KeyPath) -> Any:
        if len(path) > MAX_DEPTH:
            self._fail(f"nested more than {MAX_DEPTH} levels deep", self.at)
        start = self.at
        self.offsets.setdefault(path, start)
        value = self._any(path)
        self.extents[path] = (start, self.at)
        return value

    def _any(self, path: KeyPath) -> Any:
        match self.text[self.at : self.at + 1]:
            case "{":
                return self._object(path)
            case "[":
                return self._array(path)
            case '"':
                return self._string()
            case "'":
                self._fail(
                    f"expected a value, found {self._found()}",
                    self.at,
                    hint="JSON wants double quotes.",
                )
            case _:
                return self._scalar()

    def _object(self, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for _ in self._entries("{", "}"):
            start = self.at
            if self.text[start] != '"':
                self._fail(
                    f"expected a key in double quotes, found {self._found()}",
                    start,
                    hint="Keys are written in double quotes.",
                )
            key = self._string()
            below = (*path, key)
            if key in result:
                self.duplicates.append(below)
            self.offsets[below] = start
            self._skip()
            if self.text[self.at : self.at + 1] != ":":
                shown = "a key" if self._secret else f'the key "{key}"'
                self._fail(f"expected ':' after {shown}, found {self._found()}", self.at)
            self.at += 1
            self._skip()
            result[key] = self._value(below)
        return result

    def _array(self, path: KeyPath) -> list[Any]:
        result: list[Any] = []
        for _ in self._entries("[", "]"):
            result.append(self._value((*path, len(result))))
        return result

    def _entries(self, opening: str, closing: str) -> Iterator[None]:
        """Stop at each entry between the brackets; a comma after the last one is fine."""
        opened = self.at
        self.at += 1
        while True:
            self._skip()
            if self.text[self.at : self.at + 1] == closing:
                break
            if self.at >= len(self.text):
                self._unclosed(opening, opened)
            yield
            self._skip()
            match self.text[self.at : self.at + 1]:
                case ",":
                    self.at += 1
                case char if char == closing:
                    break
                case "":
                    self._unclosed(opening, opened)
                case _:
                    self._fail(
                        f"expected ',' or '{closing}', found {self._found()}",
                        self.at,
                        hint="Is a comma missing at the end of the line before?",
                    )
        self.at += 1

    def _string(self) -> str:
        start = self.at
        value: str
        try:
            value, self.at = _STRINGS.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated"):
                self._fail("a text is not closed with a double quote", start)
            self._fail("a backslash in a text is not followed by a known escape", error.pos)
        if "\n" in value and "\n" in self.text[start : self.at]:
            self._fail(
                "a text is not closed before the end of the line",
                start,
                hint='Close it with a double quote; a line break in a text is written "\\n".',
            )
        return value

    def _scalar(self) -> Any:
        start = self.at
        end = start
        while end < len(self.text) and self.text[end] not in ' \t\r\n,:{}[]"/':
            end += 1
        word = self.text[start:end]
        if word in _WORDS:
            self.at = end
            return _WORDS[word]
        try:
            value = json.loads(word, parse_constant=_no_constant)
        except ValueError:
            self._fail(f"expected a value, found {self._found()}", start)
        self.at = end
        return value

    def _skip(self) -> None:
        """Go past blanks and comments."""
        while self.at < len(self.text):
            if self.text[self.at] in _SPACE:
                self.at += 1
            elif self.text.startswith("//", self.at):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text.startswith("/*", self.at):
                end = self.text.find("*/", self.at + 2)
                if end < 0:
                    self._fail("a comment is not closed with */", self.at)
                self.at = end + 2
            else:
                return

    def _found(self) -> str:
        rest = self.text[self.at : self.at + 40].split("\n", 1)[0]
        if not rest:
            return "the end of the file"
        end = 1
        if rest[0] not in "{}[],:":
            if self._secret:
                return {'"': "a text", "'": "a text in single quotes"}.get(rest[0], "a word")
            while end < len(rest) and rest[end] not in " \t\r,:{}[]":
                end += 1
        return f"'{rest[:end]}'"

    def _unclosed(self, opening: str, opened: int) -> NoReturn:
        line, _ = _line_column(self.text, opened)
        self._fail(f"the '{opening}' of line {line} is not closed", len(self.text))

    def _fail(self, what: str, offset: int, *, hint: str | None = None) -> NoReturn:
        line, column = _line_column(self.text, offset)
        raise ConfigError(
            f"{self.file} is not valid JSON: {what} (line {line}, column {column})",
            hint=hint,
            where=SourceSpan(self.file, line, column),
        )
