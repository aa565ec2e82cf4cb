"""Typed reading of an object in a JSON file; what cannot be used is told, with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.config.jsonc import Document, KeyPath
from emulator.config.settings import Setting
from emulator.config.timespan import parse_timespan
from emulator.model import Problem, Severity, SourceSpan


class Reader:
    """Where things of host.json stand, and what was found wrong."""

    def __init__(self, document: Document | None, origins: Mapping[KeyPath, Setting]) -> None:
        self.document = document
        self.origins = origins
        self.problems: list[Problem] = []

    def add(
        self,
        code: str,
        message: str,
        *,
        path: KeyPath,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
        azure: str | None = None,
    ) -> None:
        where = self._where(path)
        self.problems.append(
            Problem(code, message, severity=severity, where=where, hint=hint, azure=azure)
        )

    def _where(self, path: KeyPath) -> SourceSpan | None:
        for given, setting in self.origins.items():
            if given[: len(path)] == path and path:
                return SourceSpan(f"{setting.name} ({setting.source})")
        return self.document.span(path) if self.document else None


class Section:
    """One object of host.json; its keys are compared without case."""

    def __init__(self, reader: Reader, values: Mapping[str, Any], path: KeyPath) -> None:
        self.reader = reader
        self.values = values
        self.path = path

    def has(self, name: str) -> bool:
        return self.value(name) is not None

    def value(self, name: str) -> Any:
        return self.values.get(self._key(name))

    def section(self, name: str) -> Section:
        value = self.value(name)
        path = (*self.path, self._key(name))
        if isinstance(value, Mapping):
            return Section(self.reader, value, path)
        if value is not None:
            self._bad(name, value, wanted="an object")
        return Section(self.reader, {}, path)

    def text(self, name: str, default: str) -> str:
        value = self.value(name)
        if isinstance(value, bool | dict | list):
            self._bad(name, value, wanted="a text")
            return default
        return default if value is None else str(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.value(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        known = {"true": True, "false": False}.get(str(value).strip().lower())
        if known is None:
            self._bad(name, value, wanted="true or false")
            return default
        return known

    def number(self, name: str, default: int) -> int:
        value = self.value(name)
        if value is None:
            return default
        try:
            if isinstance(value, bool):
                raise ValueError(value)
            return int(str(value))
        except ValueError:
            self._bad(name, value, wanted="a whole number")
            return default

    def timespan(self, name: str, default: float) -> float:
        value = self.value(name)
        if value is None:
            return default
        try:
            seconds = parse_timespan(str(value))
        except ValueError as error:
            self.fail("host-json-bad-value", f"{name}: {error}", name=name)
            return default
        if seconds < 0:
            self._bad(name, value, wanted="a time span that is not negative")
            return default
        return seconds

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.value(name)
        if value is None:
            return default
        if not isinstance(value, list):
            self._bad(name, value, wanted="a list of texts")
            return default
        return tuple(str(each) for each in value)

    def fail(self, code: str, message: str, *, name: str, hint: str | None = None) -> None:
        self.reader.add(code, message, path=(*self.path, self._key(name)), hint=hint)

    def warn(self, code: str, message: str, *, name: str, hint: str | None = None) -> None:
        self.reader.add(
            code, message, path=(*self.path, self._key(name)), hint=hint, severity=Severity.WARNING
        )

    def _bad(self, name: str, value: object, *, wanted: str) -> None:
        shown = ".".join(map(str, (*self.path, self._key(name))))
        self.fail(
            "host-json-bad-value",
            f"{shown} of host.json is {_shown(value)}, but has to be {wanted}",
            name=name,
        )

    def _key(self, name: str) -> str:
        if name in self.values:
            return name
        wanted = name.lower()
        return next((key for key in self.values if key.lower() == wanted), name)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return str(value).lower() if isinstance(value, bool) else repr(value)
