"""A host for the assistant bindings in tests: everything in memory, functions are callables."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from emulator.clock import Clock, SystemClock
from emulator.errors import FunctionFailed, InvocationError
from emulator.events import Level
from emulator.invocation.options import Evaluation, bind_options
from emulator.model import (
    NONE,
    AppModel,
    BindingModel,
    Datum,
    Direction,
    FunctionError,
    FunctionModel,
    InvocationResult,
)
from emulator.sdk import Binding, Call, Extension
from emulator.state.sqlite import SqliteDatabase

B = TypeVar("B")
Handler = Callable[..., Any]


class FakeSettings:
    """App settings from a dict; `sources` may say where one comes from."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})
        self.sources: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        wanted = _plain(name)
        return next((value for key, value in self.values.items() if _plain(key) == wanted), None)

    def names(self) -> list[str]:
        return list(self.values)

    def section(self, name: str) -> Mapping[str, str]:
        start = _plain(name) + ":"
        return {
            _plain(key)[len(start) :]: value
            for key, value in self.values.items()
            if _plain(key).startswith(start)
        }

    def source(self, name: str) -> str | None:
        if self.get(name) is None:
            return None
        return self.sources.get(name, "local.settings.json")


def _plain(name: str) -> str:
    return name.replace("__", ":").lower()


@dataclass
class Logged:
    level: Level
    message: str
    call_id: str | None


@dataclass
class OpenAIHost:
    """Plays the host and the load of one app.

    `functions` maps a name to what runs when it is invoked: it is called with the value's Python
    form (and the `Call` when it takes two arguments), may be async, and may return a `Datum` or
    any JSON value, or raise.
    """

    app_root: Path = Path("/app")
    clock: Clock = field(default_factory=SystemClock)
    settings: FakeSettings = field(default_factory=FakeSettings)
    flags: dict[str, str] = field(default_factory=dict)
    host_json: dict[str, Any] = field(default_factory=dict)
    functions: dict[str, Handler] = field(default_factory=dict)
    folder: Path | None = None
    """Where databases are files; in memory without."""

    def __post_init__(self) -> None:
        self.host = self
        self.app = AppModel(self.app_root)
        self.logged: list[Logged] = []
        self.records: list[tuple[str, str, Mapping[str, Any]]] = []
        self.invocations: list[tuple[str, Datum, Mapping[str, Any], str]] = []
        self._bindings: list[Binding[Any]] = []
        self._extensions: dict[type[Extension], Extension] = {}
        self._databases: dict[str, SqliteDatabase] = {}

    def database(self, name: str, migrations: Sequence[str]) -> SqliteDatabase:
        if name not in self._databases:
            path = None if self.folder is None else self.folder / f"{name}.db"
            self._databases[name] = SqliteDatabase(path, migrations)
        return self._databases[name]

    def random_id(self) -> str:
        return str(uuid.uuid4())

    def record(self, source: str, name: str, *, call: Call | None, data: Mapping[str, Any]) -> None:
        self.records.append((source, name, data))

    def log(self, level: Level, category: str, message: str) -> None:
        self.logged.append(Logged(level, message, None))

    def messages(self, level: Level | None = None) -> list[str]:
        return [each.message for each in self.logged if level in (None, each.level)]

    def bound(self, kind: type[B]) -> Sequence[B]:
        return [each for each in self._bindings if isinstance(each, kind)]

    def extension(self, kind: type[Any]) -> Any:
        if kind not in self._extensions:
            self._extensions[kind] = kind(self)
        return self._extensions[kind]

    def bind(
        self,
        kind: type[Binding[Any]],
        *,
        function: str = "Fn",
        name: str = "value",
        type_name: str | None = None,
        direction: str = "in",
        disabled: bool = False,
        **properties: Any,
    ) -> Binding[Any]:
        """Make a binding as the host does, from the properties of a JSON entry."""
        declared = BindingModel(
            name, type_name or kind.type_name, Direction(direction), None, properties
        )
        model = FunctionModel(
            function, (declared,), self.app_root, "app.py", function, "v2", disabled=disabled
        )
        options = bind_options(
            kind.options_type, declared, aliases=kind.option_aliases, setting=self.settings.get
        )
        binding = kind(
            function=model,
            declared=declared,
            options=options.constant,
            services=self,
            extension=None if kind.extension is None else self.extension(kind.extension),
        )
        self._bindings.append(binding)
        return binding

    def skill(
        self,
        name: str,
        description: str,
        handler: Handler = lambda value: None,
        *,
        parameter: str = "value",
        **properties: Any,
    ) -> Binding[Any]:
        """Add a skill: its binding and what runs when it is called."""
        # Imported here so that tests of the parts below need not load the bindings.
        from bindings.openai.assistants.skills import AssistantSkillTrigger

        self.functions[name] = handler
        return self.bind(
            AssistantSkillTrigger,
            function=name,
            name=parameter,
            functionDescription=description,
            **properties,
        )

    def call(
        self,
        binding: Binding[Any],
        data: Mapping[str, Any] | None = None,
        *,
        ancestors: tuple[Call, ...] = (),
        scope: dict[str, Any] | None = None,
        call_id: str | None = None,
    ) -> Call:
        """Make a call of the binding's function, options resolved from `data`."""
        kind = type(binding)
        options = bind_options(
            kind.options_type,
            binding.declared,
            aliases=kind.option_aliases,
            setting=self.settings.get,
        )
        evaluation = Evaluation(data or {}, self.clock.now, self.random_id, binding.function.name)
        identity = call_id or self.random_id()
        return Call(
            identity,
            binding.function,
            options.resolve(evaluation),
            lambda level, message: self.logged.append(Logged(level, message, identity)),
            ancestors,
            {} if scope is None else scope,
        )

    async def read(self, binding: Any, data: Mapping[str, Any] | None = None, **how: Any) -> Any:
        """Read an input and parse the JSON it delivers."""
        delivered = await binding.read(self.call(binding, data, **how))
        return json.loads(delivered.value)

    async def write(
        self, binding: Any, value: Any, data: Mapping[str, Any] | None = None, **how: Any
    ) -> None:
        """Write a value as a function would set it."""
        await binding.write(self.call(binding, data, **how), as_datum(value))

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
        self.invocations.append((function, value, dict(data or {}), reason))
        if len(parent.ancestors) > 14:
            raise InvocationError("calls are nested too deeply")
        handler = self.functions[function]
        ancestors = (*parent.ancestors, parent)
        call = Call(
            self.random_id(),
            FunctionModel(function, (), self.app_root, "app.py", function, "v2"),
            None,
            parent.log,
            ancestors,
            parent.scope,
        )
        takes_call = getattr(handler, "__code__", None) and handler.__code__.co_argcount == 2
        try:
            given = None if value.is_none else value.value
            result = handler(given, call) if takes_call else handler(given)
            if isinstance(result, Awaitable):
                result = await result
            else:
                await asyncio.sleep(0)
        except Exception as error:  # what a worker does with any exception of user code
            raise FunctionFailed(FunctionError(type(error).__name__, str(error))) from error
        return InvocationResult(return_value=as_datum(result))

    async def aclose(self) -> None:
        for extension in self._extensions.values():
            await extension.aclose()
        for database in self._databases.values():
            await database.aclose()


def as_datum(value: Any) -> Datum:
    """Tag a Python value as a worker does: dict and list are JSON with Python's own spacing."""
    match value:
        case Datum():
            return value
        case None:
            return NONE
        case str():
            return Datum("text", value)
        case bytes():
            return Datum("bytes", value)
        case bool() | int():
            return Datum("int", int(value))
        case float():
            return Datum("float", value)
        case _:
            return Datum("json", json.dumps(value))
