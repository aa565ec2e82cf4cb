"""The tagged value that crosses every border: host, bindings, worker.

Structs rather than dataclasses: several are made per call, and theirs are made ten times faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Kind = Literal["none", "text", "json", "bytes", "int", "float", "http", "list"]


class HttpRequestData(msgspec.Struct, frozen=True):
    """One HTTP request as a function sees it.

    `url` is absolute and keeps its percent-encoding; header names are lower-case, repeated headers
    and query values are joined with a comma; `params` holds the route values as text.
    """

    method: str
    url: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    query: Mapping[str, str] = msgspec.field(default_factory=dict)
    params: Mapping[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""


class HttpResponseData(msgspec.Struct, frozen=True):
    """One HTTP response; `headers` keeps order and repeats (`set-cookie`)."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Datum(msgspec.Struct, frozen=True):
    """A value and its kind.

    | kind | value |
    |---|---|
    | none | `None` |
    | text | `str` |
    | json | `str`, the JSON text, never parsed on the way |
    | bytes | `bytes` |
    | int, float | `int`, `float` |
    | http | `HttpRequestData` or `HttpResponseData` |
    | list | `tuple` of `Datum` |
    """

    kind: Kind
    value: Any

    @property
    def is_none(self) -> bool:
        return self.kind == "none"


NONE = Datum("none", None)
