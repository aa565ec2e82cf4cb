"""What the host lends to bindings: `HostServices` for its life, `Services` for one load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from emulator.clock import Clock
from emulator.config.hostjson import HostConfig
from emulator.config.settings import Settings
from emulator.events import Activity, EventBus, Level, LogLine
from emulator.ids import new_id
from emulator.invocation.pipeline import Invoker
from emulator.model import AppModel, Datum, InvocationResult
from emulator.runtime.launch import named_texts
from emulator.sdk import Binding, Call, Extension, Fired
from emulator.state.sqlite import SqliteDatabase
from emulator.state.store import StateStore

B = TypeVar("B")


class HostContext:
    """Lives as long as the host; settings and host.json follow the latest successful load."""

    def __init__(
        self,
        *,
        app_root: Path,
        clock: Clock,
        events: EventBus,
        state: StateStore,
        flags: Mapping[str, str],
    ) -> None:
        self.app_root = app_root
        self.clock = clock
        self.flags = flags
        self.settings = Settings.empty()
        self.host_json: Mapping[str, Any] = {}
        self._events = events
        self._state = state
        self._extensions: dict[type[Extension], Extension] = {}
        self.summary: tuple[str, ...] = ()
        """What the packages say about the run, once it is over."""

    def database(self, name: str, migrations: Sequence[str]) -> SqliteDatabase:
        return self._state.database(name, migrations)

    def random_id(self) -> str:
        return new_id()

    def record(self, source: str, name: str, *, call: Call | None, data: Mapping[str, Any]) -> None:
        self._events.publish(Activity(source, name, None if call is None else call.id, data))

    def log(self, level: Level, category: str, message: str) -> None:
        self._events.publish(LogLine(level, message, category))

    def extension(self, kind: type[Extension]) -> Extension:
        """Return the one extension of this kind, made on first use."""
        if kind not in self._extensions:
            self._extensions[kind] = kind(self)
        return self._extensions[kind]

    @property
    def extensions(self) -> tuple[Extension, ...]:
        """What the bindings in use share, in the order of first use."""
        return tuple(self._extensions.values())

    async def seed(self, name: str, file: Path) -> None:
        """Give a database in memory the content of a file."""
        await self._state.seed(name, file)

    def named_texts(self) -> list[tuple[str, str]]:
        """Return every setting and every text of host.json; some are secrets."""
        return named_texts(self.settings, self.host_json)

    def banner(self) -> list[str]:
        return [line for each in self._extensions.values() for line in each.banner()]

    async def aclose(self) -> None:
        extensions = list(self._extensions.values())
        self.summary += tuple(line for each in extensions for line in each.summary())
        for extension in extensions:
            await extension.aclose()
        self._extensions.clear()
        await self._state.aclose()


@dataclass(slots=True)
class LoadServices:
    """Lent to the bindings of one load of the app."""

    host: HostContext
    app: AppModel
    settings: Settings
    host_config: HostConfig
    invoker: Invoker
    bindings: Sequence[Binding[Any]] = field(default_factory=list)

    def bound(self, kind: type[B]) -> Sequence[B]:
        return [binding for binding in self.bindings if isinstance(binding, kind)]

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
        fired = Fired(value, reason, lambda: data or {}, detail=detail)
        return await self.invoker.run(self.invoker.find(function), fired, parent=parent)
