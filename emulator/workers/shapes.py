"""What the messages of a worker have to look like: it runs other people's code, and may say
anything."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from emulator.errors import WorkerProtocolError
from emulator.workers.pyworker.wire import PROTOCOL, Header

Level = Literal["Trace", "Debug", "Information", "Warning", "Error", "Critical"]


class Failure(msgspec.Struct):
    type: str | None = None
    message: str | None = None
    stack: str | None = None
    file: str | None = None
    line: int | None = None


class Refusal(msgspec.Struct):
    message: str
    hint: str | None = None


class Greeting(msgspec.Struct):
    protocol: int
    error: Refusal | None = None


class Hello(msgspec.Struct):
    version: str
    executable: str
    sdk: str | None
    pid: int
    debug: int | None = None


class Function(msgspec.Struct):
    name: str
    bindings: list[Any]
    directory: str
    script_file: str
    entry_point: str
    file: str | None = None
    line: int | None = None


class Indexed(msgspec.Struct):
    error: Failure | None = None
    functions: list[Function] | None = None


class Loaded(msgspec.Struct):
    seq: int | None
    errors: dict[str, Failure]


class Loading(msgspec.Struct):
    place: str | None


class Modules(msgspec.Struct):
    names: list[str]


class Result(msgspec.Struct):
    id: str
    error: Failure | None = None
    value: list[Any] | None = None
    out: dict[str, list[Any]] | None = None


class Log(msgspec.Struct):
    level: Level
    message: str
    id: str | None
    source: str
    logger: str = ""


class Head(msgspec.Struct):
    id: str
    status: int
    headers: list[tuple[str, str]]


class More(msgspec.Struct):
    id: str
    n: Annotated[int, msgspec.Meta(ge=0, le=1 << 16)]


class OfCall(msgspec.Struct):
    id: str


_SHAPES: dict[str, type[msgspec.Struct]] = {
    "hello": Greeting,
    "indexed": Indexed,
    "loaded": Loaded,
    "modules": Modules,
    "loading": Loading,
    "result": Result,
    "log": Log,
    "head": Head,
    "chunk": OfCall,
    "more": More,
    "ended": OfCall,
}


def check(header: Header) -> None:
    """Raise `WorkerProtocolError` when a message of a known kind has not its shape."""
    shape = _SHAPES.get(header["kind"])
    if shape is None:
        return
    try:
        msgspec.convert(header, shape)
        if shape is Greeting and header["protocol"] == PROTOCOL and not header.get("error"):
            msgspec.convert(header, Hello)
    except (msgspec.ValidationError, RecursionError) as error:
        kind = header["kind"]
        raise WorkerProtocolError(
            f"the worker sent a malformed message of kind {kind!r} ({error})"
        ) from error
