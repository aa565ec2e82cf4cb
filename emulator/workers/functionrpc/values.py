"""Our values to the protocol's `TypedData`, and back."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from emulator.errors import WorkerProtocolError
from emulator.model import NONE, Datum, HttpRequestData
from emulator.workers.functionrpc.http import fill_request, response_of, speakable

_INT64 = range(-(1 << 63), 1 << 63)
_COLLECTIONS = {
    "text": ("collection_string", "string"),
    "bytes": ("collection_bytes", "bytes"),
    "int": ("collection_sint64", "sint64"),
    "float": ("collection_double", "double"),
}
_COLLECTION_KINDS = {of: (member, kind) for kind, (of, member) in _COLLECTIONS.items()}


def fill(typed: Any, datum: Datum, capabilities: Mapping[str, str]) -> None:
    """Write a value into a `TypedData`; without a value its kind stays unset."""
    kind, value = datum.kind, datum.value
    match kind:
        case "none":
            return
        case "text":
            typed.string = speakable(value)
        case "json":
            typed.json = speakable(value)
        case "bytes":
            typed.bytes = bytes(value)
        case "int":
            if value in _INT64:
                typed.int = value
            else:
                typed.json = str(value)
        case "float":
            typed.double = value
        case "http":
            if not isinstance(value, HttpRequestData):
                raise WorkerProtocolError("a response cannot be an input of a function")
            fill_request(typed.http, value, capabilities)
        case "list":
            _fill_list(typed, value, capabilities)


def _fill_list(typed: Any, values: tuple[Datum, ...], capabilities: Mapping[str, str]) -> None:
    kinds = {each.kind for each in values}
    if "TypedDataCollection" in capabilities and len(kinds) == 1:
        collection = _COLLECTIONS.get(next(iter(kinds)))
        given: list[Any] = [each.value for each in values]
        if collection is not None and (kinds != {"int"} or all(each in _INT64 for each in given)):
            of, member = collection
            if member == "string":
                given = [speakable(each) for each in given]
            getattr(getattr(typed, of), member).extend(given)
            return
    typed.json = speakable(_json(Datum("list", values)))


def _json(datum: Datum) -> str:
    if datum.kind == "json":
        return str(datum.value)
    if datum.kind == "list":
        return f"[{','.join(_json(each) for each in datum.value)}]"
    if datum.kind == "bytes":
        return json.dumps(base64.b64encode(datum.value).decode("ascii"))
    return json.dumps(datum.value, ensure_ascii=False)


def datum_of(typed: Any, *, accept: str = "") -> Datum:
    """Read a `TypedData`; `accept` is what the client of an HTTP function wants to get.

    The `null` of JSON is no value: Java's worker says it of outputs that were never set.
    """
    kind = typed.WhichOneof("data")
    match kind:
        case None:
            return NONE
        case "string":
            return Datum("text", typed.string)
        case "json":
            return NONE if typed.json.strip() == "null" else Datum("json", typed.json)
        case "bytes" | "stream":
            return Datum("bytes", getattr(typed, kind))
        case "int":
            return Datum("int", typed.int)
        case "double":
            return Datum("float", typed.double)
        case "http":
            return Datum("http", response_of(typed.http, accept=accept))
    collection = _COLLECTION_KINDS.get(kind)
    if collection is None:
        raise WorkerProtocolError(
            f"the function gave a value of the kind '{kind}', which no binding here takes"
        )
    member, of = collection
    values = getattr(getattr(typed, kind), member)
    return Datum("list", tuple(Datum(of, each) for each in values))  # type: ignore[arg-type]  # a kind of the table above
