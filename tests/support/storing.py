"""Queues and blobs in memory, a clock that stands, and functions of the test."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, TypeVar

from bindings.storage.extension import Storage
from emulator.clock import ManualClock
from emulator.invocation.options import bind_options
from emulator.sdk import (
    Binding,
    BindingModel,
    Call,
    Direction,
    Fire,
    Fired,
    FunctionModel,
    InvocationResult,
)
from emulator.state.store import StateStore
from tests.support.patience import PATIENCE

B = TypeVar("B", bound=Binding[Any])
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Settings(dict[str, str]):
    """The settings of a test, names as written."""

    def section(self, name: str) -> Mapping[str, str]:
        start = f"{name}__"
        return {key[len(start) :]: self[key] for key in self if key.startswith(start)}


class Storing(AbstractAsyncContextManager["Storing"]):
    """What the bindings of a storage account are lent in a test."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        host_json: Mapping[str, Any] | None = None,
    ) -> None:
        numbers = itertools.count(1)
        self.clock = ManualClock(NOON)
        self.said: list[str] = []
        self.fired: list[Fired] = []
        self.work: Callable[[Fired], Awaitable[None] | None] = lambda fired: None
        self._state = StateStore(None)
        self.host: Any = SimpleNamespace(
            clock=self.clock,
            database=self._state.database,
            random_id=lambda: f"id-{next(numbers)}",
            host_json=host_json or {},
            log=lambda level, category, text: self.said.append(f"{level}: {text}"),
        )
        self._settings = Settings(settings or {})
        self.shared = Storage(self.host)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.shared.aclose()
        await self._state.aclose()

    def binding(self, kind: type[B], direction: str = "in", **properties: Any) -> B:
        """Bind a declaration as the host does."""
        data_type = properties.pop("dataType", None)
        declared = BindingModel("b", kind.type_name, Direction(direction), data_type, properties)
        options = bind_options(kind.options_type, declared, aliases={}, setting=self._settings.get)
        return kind(
            function=FunctionModel("fn", (declared,), Path("/app"), "f.py", "main", "v2"),
            declared=declared,
            options=options.constant,
            services=SimpleNamespace(host=self.host, settings=self._settings),
            extension=self.shared,
        )

    def call(self, binding: Binding[Any]) -> Call:
        return Call("1", binding.function, binding.options, log=lambda level, message: None)

    @property
    def fire(self) -> Fire:
        async def fire(fired: Fired) -> InvocationResult:
            self.fired.append(fired)
            done = self.work(fired)
            if done is not None:
                await done
            return InvocationResult()

        return fire

    def values(self) -> list[Any]:
        return [each.value.value for each in self.fired]

    async def asleep(self) -> None:
        """Wait until a listener waits for the clock; what was cancelled waits no more."""
        await self.until(lambda: any(not each.done() for _, each in self.clock._sleepers))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110 - nobody tells when it does
                await asyncio.sleep(0.001)
