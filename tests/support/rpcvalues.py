"""Values of the protocol of official workers as a worker takes and gives them."""

from __future__ import annotations

from typing import Any

from emulator.model import Datum, HttpRequestData, HttpResponseData


def take(typed: Any) -> Datum:
    kind = typed.WhichOneof("data")
    if kind is None:
        return Datum("none", None)
    value = getattr(typed, kind)
    if kind == "http":
        body = value.body.WhichOneof("data")
        given = b"" if body is None else getattr(value.body, body)
        return Datum(
            "http",
            HttpRequestData(
                value.method,
                value.url,
                dict(value.headers) or {k: v.value for k, v in value.nullable_headers.items()},
                dict(value.query) or {k: v.value for k, v in value.nullable_query.items()},
                dict(value.params) or {k: v.value for k, v in value.nullable_params.items()},
                given if isinstance(given, bytes) else given.encode(),
            ),
        )
    if kind.startswith("collection_"):
        of = {"string": "text", "bytes": "bytes", "sint64": "int", "double": "float"}
        member = kind.removeprefix("collection_")
        items: Any = tuple(Datum(of[member], each) for each in getattr(value, member))  # type: ignore[arg-type]
        return Datum("list", items)
    names = {"string": "text", "double": "float"}
    return Datum(names.get(kind, kind), value)


def give(typed: Any, datum: Datum) -> None:
    match datum.kind:
        case "none":
            pass
        case "text":
            typed.string = datum.value
        case "float":
            typed.double = datum.value
        case "http":
            _give_response(typed.http, datum.value)
        case "list":
            typed.collection_string.string.extend(each.value for each in datum.value)
        case kind:
            setattr(typed, kind, datum.value)


def _give_response(http: Any, response: HttpResponseData) -> None:
    http.status_code = str(response.status)
    for name, value in response.headers:
        if name.lower() == "set-cookie":
            cookie_name, _, cookie_value = value.partition(";")[0].partition("=")
            http.cookies.add(name=cookie_name, value=cookie_value)
        else:
            http.headers[name] = value
    http.body.bytes = response.body
