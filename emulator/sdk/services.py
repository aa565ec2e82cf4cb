"""What the host lends to bindings."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from emulator.clock import Clock
from emulator.events import Level
from emulator.model import AppModel, Datum, InvocationResult

if TYPE_CHECKING:
    from emulator.sdk.binding import Call

T = TypeVar("T")
B = TypeVar("B")


class SettingsView(Protocol):
    """The app settings: local.settings.json, `.env` and the environment as one.

    Names are compared without case, and `__` means the same as `:`.
    """

    def get(self, name: str) -> str | None: ...

    def names(self) -> Sequence[str]:
        """Return the name of every setting, as it was written."""
        ...

    def section(self, name: str) -> Mapping[str, str]:
        """Return the settings below `name`, keys lower-case: `X__Endpoint` gives `endpoint`."""
        ...

    def source(self, name: str) -> str | None:
        """Say where a setting's value comes from (`local.settings.json`, `environment` …)."""
        ...


class Database(Protocol):
    """One SQLite file (or memory), used from a thread of its own."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one immediate transaction; roll back when it raises."""
        ...

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work`, which only reads, beside a transaction that may be going on."""
        ...


class CallLog(Protocol):
    """Log lines that appear with the call they belong to."""

    def __call__(self, level: Level, message: str) -> None: ...


class HostServices(Protocol):
    """Lent to an `Extension` for the life of the host."""

    @property
    def app_root(self) -> Path: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def settings(self) -> SettingsView:
        """The settings as of the latest successful load."""
        ...

    @property
    def host_json(self) -> Mapping[str, Any]:
        """host.json as of the latest successful load, overrides from the environment applied."""
        ...

    @property
    def flags(self) -> Mapping[str, str]:
        """Choices of the person who started the host that bindings may honour: `models` says how
        models are served; `services`, when it is `local`, that no service on a network may be
        used for anything else either, as in tests."""
        ...

    def database(self, name: str, migrations: Sequence[str]) -> Database:
        """Open the named database of this app's state, bringing it to the newest schema.

        `migrations` are SQL scripts; the number already applied is kept in the file. In an
        ephemeral host it lives in memory.
        """
        ...

    def random_id(self) -> str:
        """Return a new random UUID as text."""
        ...

    def record(self, source: str, name: str, *, call: Call | None, data: Mapping[str, Any]) -> None:
        """Publish an `Activity`."""
        ...

    def log(self, level: Level, category: str, message: str) -> None:
        """Say something that belongs to no call."""
        ...


class Services(Protocol):
    """Lent to a binding for one load of the app."""

    @property
    def host(self) -> HostServices: ...

    @property
    def app(self) -> AppModel: ...

    @property
    def settings(self) -> SettingsView: ...

    def bound(self, kind: type[B]) -> Sequence[B]:
        """Return every binding of this load that is a `kind`, in the order of the functions.

        Complete only after all functions were bound: ask at call time, not in `__init__`.
        """
        ...

    async def invoke(
        self,
        function: str,
        value: Datum,
        *,
        parent: Call,
        reason: str,
        data: Mapping[str, Any] | None = None,
        detail: str = "",
    ) -> InvocationResult:
        """Run a function of this app as a nested call of `parent`.

        Raises `FunctionFailed` with the user's exception, `FunctionTimeout`, or
        `InvocationError` when calls are nested too deeply.
        """
        ...
