"""Our values to the messages of the worker's protocol, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emulator.errors import WorkerProtocolError
from emulator.model import (
    NONE,
    Datum,
    FunctionError,
    HttpRequestData,
    HttpResponseData,
    Invocation,
    InvocationResult,
)
from emulator.workers.channel import (
    AppSpec,
    Debugging,
    FunctionLoad,
    Index,
    IndexedFunction,
    WorkerLog,
)
from emulator.workers.pyworker.wire import PROTOCOL, Header, Message

_JSON_SAFE = 1 << 53


def start_message(spec: AppSpec, *, token: str = "") -> Header:
    return {
        "kind": "start",
        "protocol": PROTOCOL,
        "root": str(spec.root),
        "script": spec.script_file,
        "threads": spec.threads,
        "token": token,
        **_debug(spec.debugging),
    }


def warm_message(spec: AppSpec, modules: Sequence[str]) -> Header:
    return {"kind": "warm", "modules": list(modules), **_debug(spec.debugging)}


def _debug(debugging: Debugging | None) -> Header:
    if debugging is None:
        return {}
    wanted = {
        "wait": debugging.wait,
        "package": debugging.package,
        "settings": dict(debugging.settings),
        "log_folder": debugging.log_folder,
    }
    return {"debug": wanted}


def load_message(loads: Sequence[FunctionLoad]) -> Header:
    return {"kind": "load", "functions": [_load(each) for each in loads]}


def _load(load: FunctionLoad) -> Header:
    function = load.function
    return {
        "name": function.name,
        "model": function.programming_model,
        "directory": str(function.directory),
        "script": function.script_file,
        "entry_point": function.entry_point,
        "injected": sorted(load.injected),
        "bindings": [
            {
                "name": each.name,
                "type": each.type,
                "direction": each.direction.value,
                "data_type": each.data_type,
            }
            for each in function.bindings
        ],
    }


def invoke_message(invocation: Invocation) -> Message:
    blobs: list[bytes] = []
    header: Header = {
        "kind": "invoke",
        "id": invocation.id,
        "fn": invocation.function,
        "in": {name: pack(each, blobs) for name, each in invocation.inputs.items()},
    }
    if invocation.metadata:
        header["meta"] = {name: pack(each, blobs) for name, each in invocation.metadata.items()}
    trace = invocation.trace
    if trace.trace_parent or trace.trace_state:
        header["trace"] = [trace.trace_parent, trace.trace_state]
    if invocation.retry is not None:
        header["retry"] = {
            "count": invocation.retry.retry_count,
            "max": invocation.retry.max_retry_count,
        }
        if invocation.retry.error is not None:
            error = invocation.retry.error
            header["retry"]["error"] = {"message": error.title, "stack": error.stack}
    return header, blobs


def pack(datum: Datum, blobs: list[bytes]) -> list[Any]:
    """Return a value as a pair; bytes become blobs the pair points to."""
    kind, value = datum.kind, datum.value
    match kind:
        case "text" | "json" | "none":
            return [kind, value]
        case "http":
            return ["http", _request(value, blobs)]
        case "bytes":
            return ["bytes", _blob(value, blobs)]
        case "int":
            return ["int", value if abs(value) < _JSON_SAFE else str(value)]
        case "float":
            return ["float", value if math.isfinite(value) else repr(value)]
        case "list":
            return ["list", [pack(each, blobs) for each in value]]


def _request(request: HttpRequestData, blobs: list[bytes]) -> Header:
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "query": dict(request.query),
        "params": dict(request.params),
        "body": _blob(request.body, blobs) if request.body else None,
    }


def _blob(value: Any, blobs: list[bytes]) -> int:
    blobs.append(bytes(value))
    return len(blobs) - 1


def unpack(packed: Any, blobs: Sequence[bytes]) -> Datum:
    try:
        return _unpack(packed, blobs)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise WorkerProtocolError(f"the worker sent a malformed value ({error})") from error
    except RecursionError:
        raise WorkerProtocolError("the worker sent lists in lists without end") from None


def _unpack(packed: Any, blobs: Sequence[bytes]) -> Datum:
    kind, value = packed
    match kind:
        case "text" | "json":
            return Datum(kind, _text(value))
        case "http":
            return Datum("http", _response(value, blobs))
        case "none":
            return NONE
        case "bytes":
            return Datum("bytes", blobs[value])
        case "int":
            return Datum("int", int(value))
        case "float":
            return Datum("float", float(value))
        case "list":
            return Datum("list", tuple([_unpack(each, blobs) for each in value]))
    raise WorkerProtocolError(f"the worker sent a value of the unknown kind {kind!r}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def _response(fields: Mapping[str, Any], blobs: Sequence[bytes]) -> HttpResponseData:
    body, status = fields["body"], fields["status"]
    if not isinstance(status, int):
        raise TypeError(f"{type(status).__name__} instead of a status")
    return HttpResponseData(
        status,
        tuple([(_text(name), _text(value)) for name, value in fields["headers"]]),
        b"" if body is None else blobs[body],
    )


def result_of(header: Header, blobs: Sequence[bytes]) -> InvocationResult:
    error = header.get("error")
    if error is not None:
        return InvocationResult(error=failure_of(error))
    value, outputs = header.get("value"), header.get("out")
    return InvocationResult(
        unpack(value, blobs) if value is not None else NONE,
        {name: unpack(each, blobs) for name, each in outputs.items()} if outputs else {},
    )


def failure_of(fields: Mapping[str, Any]) -> FunctionError:
    return FunctionError(
        type=fields.get("type") or "Exception",
        message=fields.get("message") or "",
        stack=fields.get("stack") or "",
        file=fields.get("file"),
        line=fields.get("line"),
    )


def index_of(header: Header) -> Index:
    if header.get("error"):
        return Index(error=failure_of(header["error"]))
    functions = header.get("functions")
    if functions is None:
        return Index()
    return Index(tuple(_indexed(each) for each in functions), streams=bool(header.get("streams")))


def _indexed(fields: Mapping[str, Any]) -> IndexedFunction:
    return IndexedFunction(
        name=fields["name"],
        bindings=tuple(fields["bindings"]),
        directory=str(Path(fields["directory"])),
        script_file=fields["script_file"],
        entry_point=fields["entry_point"],
        retry=fields.get("retry"),
        file=fields.get("file"),
        line=fields.get("line"),
    )


def log_of(header: Header) -> WorkerLog:
    return WorkerLog(
        header["level"],
        header["message"],
        header["id"],
        header["source"],
        header.get("logger", ""),
    )
