"""The settings of apps that run in this process: `os.environ` shows each app its own.

Code of an app, while it is imported or called, sees the app's settings over the variables of the
process, and what it sets is gone when the app is closed. All other code, tests above all, sees
those of the newest app. So does a thread or a process the app itself has started.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

_GONE: Any = None
"""Stands for a variable of the process that an app has deleted."""


class Variables:
    """The settings of one app; `is_running` says whether the code that asks is the app's."""

    def __init__(self, wanted: Mapping[str, str], is_running: Callable[[], bool]) -> None:
        self._wanted = wanted
        self.is_running = is_running
        self.values: dict[Any, Any] = {}
        """What differs from the process, as `os.environ` keeps it."""

    def apply(self) -> None:
        base = process_environment()
        environ = os.environ
        self.values = {
            environ.encodekey(name): environ.encodevalue(value)
            for name, value in self._wanted.items()
            if base.get(name) != value
        }
        _layers().add(self)
        _tell_system(self.values)

    def restore(self) -> None:
        """Take the settings away, in whatever order apps are closed. Idempotent."""
        if self in _layers().apps:
            _layers().remove(self)
            _tell_system(self.values)


def process_environment() -> dict[str, str]:
    """Return the variables of the process, without the settings of apps."""
    environ = os.environ
    base = _layers().base
    return {environ.decodekey(name): environ.decodevalue(base[name]) for name in list(base)}


class _Layers(MutableMapping[Any, Any]):
    """Takes the place of the dict inside `os.environ` while apps are open."""

    def __init__(self, base: MutableMapping[Any, Any]) -> None:
        self.base = base
        self.apps: list[Variables] = []

    def add(self, app: Variables) -> None:
        self.apps.append(app)
        _install(self)

    def remove(self, app: Variables) -> None:
        self.apps.remove(app)
        if not self.apps:
            _install(self.base)

    def _running(self) -> Variables | None:
        return next((app for app in reversed(self.apps) if app.is_running()), None)

    def _seen(self) -> dict[Any, Any]:
        app = self._running() or (self.apps[-1] if self.apps else None)
        return {} if app is None else app.values

    def _target(self, name: Any) -> dict[Any, Any] | None:
        """Return the settings that a change of `name` goes to; `None` means the process."""
        app = self._running()
        if app is not None:
            return app.values
        seen = self._seen()
        return seen if name in seen else None

    def __getitem__(self, name: Any) -> Any:
        values = self._seen()
        value = values[name] if name in values else self.base[name]
        if value is _GONE:
            raise KeyError(name)
        return value

    def __setitem__(self, name: Any, value: Any) -> None:
        target = self._target(name)
        if target is None:
            self.base[name] = value
        else:
            target[name] = value

    def __delitem__(self, name: Any) -> None:
        self[name]  # raises when there is no such variable
        target = self._target(name)
        if target is None:
            del self.base[name]
        else:
            target[name] = _GONE

    def __iter__(self) -> Iterator[Any]:
        merged = {**self.base, **self._seen()}
        return iter([name for name, value in merged.items() if value is not _GONE])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _layers() -> _Layers:
    data: Any = os.environ._data  # type: ignore[attr-defined]  # private, but the same since 3.2
    return data if isinstance(data, _Layers) else _Layers(data)


def _install(data: Any) -> None:
    os.environ._data = data  # type: ignore[attr-defined]  # as above
    if os.name == "posix":
        os.environb._data = data  # type: ignore[attr-defined]  # the same variables as bytes


def _tell_system(names: Mapping[Any, Any]) -> None:
    """Let C code and child processes see of these variables what `os.environ` shows."""
    shown: Any = os.environ._data  # type: ignore[attr-defined]  # as above
    for name in names:
        value = shown.get(name)
        if value is None:
            os.unsetenv(name)
        else:
            os.putenv(name, value)
