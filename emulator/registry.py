"""Binding type name to implementation: found by entry point, loaded on first use, validated."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from emulator.errors import BindingPluginError
from emulator.sdk import Binding, Input, Options, Output, Trigger

GROUP = "emulator.bindings"


@dataclass(frozen=True, slots=True)
class Registered:
    """One implementation and the package it came with."""

    kind: type[Binding[Options]]
    written: str
    """The type as the entry point spells it."""
    package: str

    @property
    def is_alias(self) -> bool:
        """Whether the written type is another name for the kind's own."""
        return self.written.lower() != self.kind.type_name.lower()


class BindingRegistry:
    """Finds implementations in the installed packages.

    `preferred` maps a type to the package that shall serve it when several claim it.
    """

    def __init__(
        self,
        points: Iterable[EntryPoint] | None = None,
        preferred: Mapping[str, str] | None = None,
    ) -> None:
        self._points: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=GROUP) if points is None else points:
            claims = self._points.setdefault(point.name.lower(), [])
            if point not in claims:  # an editable install may be listed twice
                claims.append(point)
        self._preferred = {name.lower(): package for name, package in (preferred or {}).items()}
        self._loaded: dict[str, Registered] = {}

    def names(self) -> list[str]:
        """Return every type, as written, sorted."""
        return sorted((points[0].name for points in self._points.values()), key=str.lower)

    def suggest(self, type_name: str) -> list[str]:
        """Return known types that look like `type_name`."""
        known = {name.lower(): name for name in self.names()}
        return [known[close] for close in difflib.get_close_matches(type_name.lower(), known)]

    def find(self, type_name: str) -> Registered | None:
        """Return the implementation, or `None` when no package offers the type.

        Raises `BindingPluginError` when one does but cannot be used.
        """
        key = type_name.lower()
        if key not in self._loaded:
            points = self._points.get(key)
            if points is None:
                return None
            self._loaded[key] = self._load(self._choose(key, points))
        return self._loaded[key]

    def _choose(self, key: str, points: list[EntryPoint]) -> EntryPoint:
        if len({_package(point) for point in points}) == 1:
            return points[0]
        preferred = self._preferred.get(key)
        for point in points:
            if preferred is not None and _package(point) == preferred:
                return point
        packages = ", ".join(sorted(f"'{_package(point)}'" for point in points))
        raise BindingPluginError(
            f"The binding type '{points[0].name}' is offered by several packages: {packages}.",
            hint=f"Choose one with the setting FUNCEMU_BINDING_{key.upper()}=<package>, "
            "or uninstall the other.",
        )

    def _load(self, point: EntryPoint) -> Registered:
        package = _package(point)
        try:
            kind = point.load()
        except Exception as error:  # a plugin may fail in any way; it takes down its types only
            raise BindingPluginError(
                f"The binding type '{point.name}' of package '{package}' cannot be loaded from "
                f"{point.value}: {type(error).__name__}: {error}",
                hint=f"Reinstall or update '{package}'.",
            ) from error
        flaw = _flaw(kind)
        if flaw is not None:
            raise BindingPluginError(
                f"The binding type '{point.name}' of package '{package}' is broken: "
                f"{point.value} {flaw}.",
                hint=f"Report this to the authors of '{package}'.",
            )
        return Registered(kind=kind, written=point.name, package=package)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"


def _flaw(kind: object) -> str | None:
    """Say what keeps `kind` from being a binding class, in words that follow its name."""
    if not isinstance(kind, type):
        return f"should be a class, but is a {type(kind).__name__}"
    if not issubclass(kind, (Trigger, Input, Output)):
        return "should subclass Trigger, Input or Output of emulator.sdk"
    if issubclass(kind, Trigger) and issubclass(kind, (Input, Output)):
        return "should be a Trigger or an Input and Output, not both"
    for name in ("type_name", "summary"):
        if not isinstance(getattr(kind, name, None), str):
            return f"should have a text attribute '{name}'"
    if not (isinstance(kind.options_type, type) and issubclass(kind.options_type, Options)):
        return "should have an 'options_type' that subclasses Options of emulator.sdk"
    if kind.type_name.lower().endswith("trigger") != issubclass(kind, Trigger):
        return f"has the type '{kind.type_name}': exactly triggers have names that end in 'Trigger'"
    undefined = sorted(getattr(kind, "__abstractmethods__", ()))
    return f"should define {' and '.join(map(repr, undefined))}" if undefined else None
