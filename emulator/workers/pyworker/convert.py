"""Data of the channel to the values a function sees, and back.

On the channel a value is a pair: its kind and, for bytes, the index of a blob. The SDK's converters
speak `azure.functions.meta.Datum`; HTTP goes past them, because it is most of the traffic.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, List, Mapping, Sequence

from .sdk import CLASSIC, Sdk
from .signature import Bound

Packed = List[Any]
Blobs = Sequence[bytes]
NONE: Packed = ["none", None]

_TO_SDK = {"text": "string", "json": "json", "bytes": "bytes", "int": "int", "float": "double"}
_COLLECTIONS = {
    "text": ("collection_string", "string"),
    "json": ("collection_string", "string"),
    "bytes": ("collection_bytes", "bytes"),
    "int": ("collection_sint64", "sint64"),
    "float": ("collection_double", "double"),
}
_JSON_SAFE = 1 << 53


class _Collection:
    """What the SDK expects a list of values to look like."""

    def __init__(self, attribute: str, values: List[Any]) -> None:
        setattr(self, attribute, values)


def scalar(packed: Packed, blobs: Blobs) -> Any:
    """Return the plain value of a pair that is neither HTTP nor a list."""
    kind, value = packed
    if kind == "bytes":
        return blobs[value]
    if kind == "float" or (kind == "int" and isinstance(value, str)):
        return float(value) if kind == "float" else int(value)
    return value


def pack_number(value: Any) -> Packed:
    """Numbers JSON cannot carry safely travel as text."""
    if isinstance(value, float):
        return ["float", value if math.isfinite(value) else repr(value)]
    return ["int", int(value) if abs(value) < _JSON_SAFE else str(int(value))]


def sdk_datum(packed: Packed, blobs: Blobs, sdk: Sdk) -> Any:
    kind = packed[0]
    if kind == "none":
        return sdk.datum(None, None)
    if kind == "list":
        items: List[Packed] = packed[1]
        first = items[0][0] if items else "text"
        name, attribute = _COLLECTIONS.get(first, _COLLECTIONS["text"])
        return sdk.datum(_Collection(attribute, [scalar(each, blobs) for each in items]), name)
    if kind == "http":
        return sdk.datum(_http_fields(packed[1], blobs, sdk), "http")
    return sdk.datum(scalar(packed, blobs), _TO_SDK[kind])


def decoder(bound: Bound, sdk: Sdk) -> Callable[[Packed, Blobs, Mapping[str, Packed]], Any]:
    """Return how one parameter gets its value."""
    if bound.raw:
        return lambda packed, blobs, metadata: raw_value(packed, blobs)
    converter = sdk.converter(bound.type)
    if converter is sdk.request_converter and converter.__module__ == "azure.functions.http":
        return _request_decoder(sdk)
    with_metadata = converter.has_trigger_support()

    def decode(packed: Packed, blobs: Blobs, metadata: Mapping[str, Packed]) -> Any:
        datum = sdk_datum(packed, blobs, sdk)
        fields = (
            {name: sdk_datum(each, blobs, sdk) for name, each in metadata.items()}
            if with_metadata
            else {}
        )
        try:
            return converter.decode(datum, trigger_metadata=fields)
        except NotImplementedError:
            raise TypeError(
                "unable to decode incoming TypedData: unsupported combination of TypedData field"
                f" {datum.type!r} and expected binding type {converter!r}"
            ) from None

    return decode


def raw_value(packed: Packed, blobs: Blobs) -> Any:
    kind = packed[0]
    if kind in ("text", "json", "none"):
        return packed[1]
    if kind == "bytes":
        return blobs[packed[1]]
    if kind in ("int", "float"):
        raise NotImplementedError(f"unsupported TypeData kind: {_TO_SDK[kind]}")
    name = "http"
    if kind == "list":
        name = _COLLECTIONS.get(packed[1][0][0] if packed[1] else "text", ("collection_string",))[0]
    raise ValueError(f'unexpected type of data received for the "generic" binding : {name!r}')


def _request_decoder(sdk: Sdk) -> Callable[[Packed, Blobs, Mapping[str, Packed]], Any]:
    request_class = sdk.request_class

    def decode(packed: Packed, blobs: Blobs, metadata: Mapping[str, Packed]) -> Any:
        kind, fields = packed
        if kind != "http":
            raise TypeError(
                "unable to decode incoming TypedData: unsupported combination of TypedData field"
                f" {_TO_SDK.get(kind)!r} and expected binding type {sdk.request_converter!r}"
            )
        body = fields["body"]
        return request_class(
            method=fields["method"],
            url=fields["url"],
            headers=fields["headers"],
            params=fields["query"],
            route_params=fields["params"],
            body_type="bytes",
            body=b"" if body is None else blobs[body],
        )

    return decode


def _http_fields(fields: Dict[str, Any], blobs: Blobs, sdk: Sdk) -> Dict[str, Any]:
    def texts(values: Mapping[str, str]) -> Dict[str, Any]:
        return {name: sdk.datum(value, "string") for name, value in values.items()}

    body = fields["body"]
    return {
        "method": sdk.datum(fields["method"], "string"),
        "url": sdk.datum(fields["url"], "string"),
        "headers": texts(fields["headers"]),
        "query": texts(fields["query"]),
        "params": texts(fields["params"]),
        "body": sdk.datum(b"" if body is None else blobs[body], "bytes"),
    }


def encode(
    value: Any, kind: str, raw: bool, python_type: Any, sdk: Sdk, blobs: List[bytes]
) -> Packed:
    """Turn what a function gave to a binding of type `kind` into a pair."""
    if raw:
        return _encode_raw(value, kind if sdk.converter(kind) is None else "generic", blobs)
    converter = sdk.converter(kind)
    if converter is sdk.response_converter:
        if isinstance(value, str):
            return ["text", str(value)]
        if isinstance(value, sdk.response_class):
            return _encode_response(value, blobs)
    try:
        datum = converter.encode(value, expected_type=python_type)
    except NotImplementedError:
        shown = converter if CLASSIC else kind
        raise _unencodable(shown, value) from None
    return _packed(datum, blobs)


def _unencodable(kind: Any, value: Any) -> TypeError:
    return TypeError(
        f'unable to encode outgoing TypedData: unsupported type "{kind}" for Python type'
        f' "{type(value).__name__}"'
    )


def _encode_raw(value: Any, kind: str, blobs: List[bytes]) -> Packed:
    if value is None:
        return NONE
    if isinstance(value, str):
        return ["text", str(value)]
    if isinstance(value, (bytes, bytearray)):
        return _blob(bytes(value), blobs)
    if isinstance(value, (dict, list)):
        import json  # pays only for apps that use it here

        return ["json", json.dumps(value)]
    if isinstance(value, (int, float)):
        return pack_number(value)
    raise _unencodable(kind, value)


def _blob(value: bytes, blobs: List[bytes]) -> Packed:
    blobs.append(value)
    return ["bytes", len(blobs) - 1]


def _packed(datum: Any, blobs: List[bytes]) -> Packed:
    if datum is None or datum.type is None or datum.value is None:
        return NONE
    kind, value = datum.type, datum.value
    if kind == "bytes":
        return _blob(bytes(value), blobs)
    if kind in ("int", "double"):
        return pack_number(float(value) if kind == "double" else value)
    if kind == "json":
        return ["json", value if isinstance(value, str) else str(value)]
    if kind == "string":
        return ["text", str(value)]
    raise TypeError(f"a value of kind {kind!r} cannot leave a function")


def _encode_response(response: Any, blobs: List[bytes]) -> Packed:
    headers: Dict[str, str] = {}
    cookies: List[str] = []
    has_content_type = False
    for name, value in response.headers.items():
        folded = name.lower()
        if folded == "set-cookie":
            cookies.append(value)
            continue
        has_content_type = has_content_type or folded == "content-type"
        headers[name] = value
    if not has_content_type:
        mimetype = response.mimetype
        headers["content-type"] = (
            f"{mimetype}; charset={response.charset}" if mimetype.startswith("text/") else mimetype
        )
    entries = list(headers.items())
    if cookies:
        from .cookies import cookie_lines  # only apps with cookies pay for it

        entries += [("Set-Cookie", line) for each in cookies for line in cookie_lines(each)]
    try:
        status = int(response.status_code)
    except (TypeError, ValueError):
        status = 200  # what the host makes of a status that is not a number
    body = response.get_body()
    index = None
    if body:
        blobs.append(body)
        index = len(blobs) - 1
    return ["http", {"status": status, "headers": entries, "body": index}]
