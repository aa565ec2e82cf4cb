"""Small apps on disk and workers that run them, over either channel."""

from __future__ import annotations

import itertools
import os
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.model import (
    BindingModel,
    Datum,
    Direction,
    FunctionError,
    FunctionModel,
    HttpRequestData,
    Invocation,
    InvocationResult,
)
from emulator.workers.channel import (
    AppSpec,
    FunctionLoad,
    Index,
    Interpreter,
    WorkerChannel,
    WorkerInfo,
    WorkerLog,
)
from emulator.workers.inprocess import InProcessChannel
from emulator.workers.subprocess import SubprocessChannel
from tests.support.processes import until

CHANNELS = ("inprocess", "subprocess")
OURS = Interpreter(Path(sys.executable), "the tests'")
_ids = itertools.count(1)

HEAD = """
import azure.functions as func

app = func.FunctionApp(http_auth_level="ANONYMOUS")
"""


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


def decorated(root: Path, code: str, **files: str) -> Path:
    """Write an app of the decorator model; `code` follows `app = func.FunctionApp(…)`."""
    return write(root, {"function_app.py": HEAD + textwrap.dedent(code), **files})


def written(kind: str, root: Path, sources: Mapping[str, str]) -> Path:
    """Write the app for a worker of this kind, from its sources in each language."""
    if kind == "node":
        from tests.support.node import javascript  # imports this module

        return javascript(root, sources["node"])
    return decorated(root, sources["python"])


def every_language(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a test that holds for apps in every language; see `tests.support.statements`."""
    test.every_language = True  # type: ignore[attr-defined]
    return test


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    left_out = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV"}
    process = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**process, **(settings or {})}


def request(
    body: bytes = b"",
    *,
    method: str = "GET",
    url: str = "http://localhost:7071/api/f",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> Datum:
    return Datum(
        "http",
        HttpRequestData(method, url, headers or {}, query or {}, params or {}, body),
    )


def binding(name: str, type: str, direction: str = "in", data_type: Any = None) -> BindingModel:
    return BindingModel(name, type, Direction(direction), data_type)


HTTP_IN = binding("req", "httpTrigger")
HTTP_OUT = binding("$return", "http", "out")
TEXT_CONTENT = ("content-type", "text/plain; charset=utf-8")


def folder_function(
    root: Path,
    name: str,
    *bindings: BindingModel,
    script: str = "main.py",
    entry_point: str = "main",
) -> FunctionModel:
    """Return what a folder with `function.json` is understood as."""
    return FunctionModel(
        name, bindings or (HTTP_IN, HTTP_OUT), root / name, script, entry_point, "v1"
    )


def models(index: Index) -> list[FunctionModel]:
    return [
        FunctionModel(
            each.name,
            tuple(
                BindingModel(
                    str(raw["name"]),
                    str(raw["type"]),
                    Direction(str(raw["direction"]).lower()),
                    str(raw["dataType"]).lower() if "dataType" in raw else None,  # type: ignore[arg-type]
                    raw,
                )
                for raw in each.bindings
            ),
            Path(each.directory),
            each.script_file,
            each.entry_point,
            "v2",
        )
        for each in index.functions or ()
    ]


@dataclass
class Worker:
    """A started channel, its logs, and short ways to use it."""

    channel: WorkerChannel
    logs: list[WorkerLog]
    info: WorkerInfo
    errors: dict[str, FunctionError] = field(default_factory=dict)
    index: Index = Index()

    async def load_all(self, injected: Mapping[str, Iterable[str]] | None = None) -> None:
        self.index = await self.channel.index()
        assert self.index.error is None, self.index.error
        await self.load(*models(self.index), injected=injected)

    async def load(
        self, *functions: FunctionModel, injected: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        names = injected or {}
        loads = [FunctionLoad(each, frozenset(names.get(each.name, ()))) for each in functions]
        self.errors.update(await self.channel.load(loads))

    async def call(self, function: str, *, id: str | None = None, **inputs: Any) -> Any:
        """Call it and return its answer; HTTP triggers get an empty request."""
        return await self.channel.invoke(
            Invocation(id or f"call-{next(_ids)}", function, inputs or {"req": request()})
        )

    async def text(self, function: str, **inputs: Any) -> str:
        """Call it and return the text it answered."""
        return text_of(await self.call(function, **inputs))

    async def begun(self, call_id: str) -> None:
        """Wait until the function has said "begun"."""
        await until(lambda: "begun" in self.said(call_id))

    def said(self, call_id: str | None = None) -> list[str]:
        return [each.message for each in self.logs if each.invocation_id == call_id]


def text_of(result: InvocationResult) -> str:
    assert result.error is None, result.error.stack or result.error
    value = result.return_value
    if value.kind == "http":
        return str(value.value.body.decode())
    return str(value.value)


def open_channel(
    kind: str, root: Path, logs: list[WorkerLog], settings: Mapping[str, str] | None = None
) -> WorkerChannel:
    spec = AppSpec(root, environment(settings))
    if kind == "inprocess":
        return InProcessChannel(spec, logs.append)
    if kind == "node":
        from tests.support.node import interpreter, require  # imports this module

        require()
        return SubprocessChannel.spawn(spec, interpreter(root), logs.append)
    if kind == "rpc":
        from tests.support.rpcapps import open_rpc  # imports this module

        return open_rpc(root, logs.append, settings)
    return SubprocessChannel.spawn(spec, OURS, logs.append, loopback=kind == "loopback")


@asynccontextmanager
async def started(
    kind: str, root: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Worker]:
    logs: list[WorkerLog] = []
    channel = open_channel(kind, root, logs, settings)
    try:
        yield Worker(channel, logs, await channel.start())
    finally:
        await channel.aclose(1)


@asynccontextmanager
async def serving(
    kind: str,
    root: Path,
    settings: Mapping[str, str] | None = None,
    injected: Mapping[str, Iterable[str]] | None = None,
) -> AsyncIterator[Worker]:
    """A worker with every decorated function of the app loaded."""
    async with started(kind, root, settings) as worker:
        await worker.load_all(injected)
        yield worker
