"""The tagged value that crosses every border: host, bindings, worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["none", "text", "json", "bytes", "int", "float", "http", "list"]


@dataclass(frozen=True, slots=True)
class HttpRequestData:
    """One HTTP request as a function sees it.

    `url` is absolute and keeps its percent-encoding; header names are lower-case, repeated headers
    and query values are joined with a comma; `params` holds the route values as text.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponseData:
    """One HTTP response; `headers` keeps order and repeats (`set-cookie`)."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Datum:
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
