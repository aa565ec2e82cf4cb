"""An aiohttp request to plain data, and plain data to an aiohttp response."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import CIMultiDict

from emulator.errors import BindingError
from emulator.model import HttpRequestData, HttpResponseData


def origin_form(target: str) -> str:
    """Return the request target as path and query; what has no path stays as it is."""
    if target.startswith("/"):
        return target
    _, scheme, rest = target.partition("://")  # absolute form: GET http://host/path
    if not scheme:
        return target  # OPTIONS * and CONNECT host:443
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    rest = rest[cut:]
    return rest if rest.startswith("/") else f"/{rest}"


async def read_request(
    request: web.BaseRequest, *, target: str, query: str, params: dict[str, str]
) -> HttpRequestData:
    """Read the whole request. Raises `web.HTTPRequestEntityTooLarge` beyond the body limit."""
    body = await _body(request) if request.can_read_body else b""
    return read_head(request, target=target, query=query, params=params, body=body)


def read_head(
    request: web.BaseRequest,
    *,
    target: str,
    query: str,
    params: dict[str, str],
    body: bytes = b"",
) -> HttpRequestData:
    """Return the request with `body`, whatever its own body is."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    return HttpRequestData(
        method=request.method,
        url=f"{request.scheme}://{headers.get('host', 'localhost')}{target}",
        headers=headers,
        query=_query_values(query) if query else {},
        params=params,
        body=body,
    )


def _query_values(query: str) -> dict[str, str]:
    """Return what the official worker shows: empty values dropped, repeated names joined. Names
    that differ only by case are one name, written as it came first."""
    values: dict[str, str] = {}
    written: dict[str, str] = {}
    for key, value in parse_qsl(query):
        name = written.setdefault(key.lower(), key)
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


async def _body(request: web.BaseRequest) -> bytes:
    await ready_for_body(request)
    return await request.read()


async def ready_for_body(request: web.BaseRequest) -> None:
    """Refuse a body that says it is too large, and let a client that waits send it."""
    length, limit = request.content_length, request.client_max_size
    if length is not None and 0 < limit < length:
        raise web.HTTPRequestEntityTooLarge(limit, length)
    if request.headers.get("Expect", "").lower() == "100-continue":
        # aiohttp does this for its own applications only; curl waits a second without it.
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def write_response(answer: HttpResponseData) -> web.Response:
    """Make the answer for the wire; raise `BindingError` for what cannot be sent."""
    if not 200 <= answer.status <= 999:
        raise BindingError(
            f"the status {answer.status} is none that can end a request",
            hint="Give a status_code from 200 to 999.",
        )
    return web.Response(
        status=answer.status, headers=checked_headers(answer.headers), body=answer.body
    )


def checked_headers(given: Iterable[tuple[str, str]]) -> CIMultiDict[str]:
    """Return what can be sent; raise `BindingError` for what cannot."""
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in given:
        if not _is_name(name):
            raise BindingError(f"{ascii(name)} is not a name for an HTTP header")
        if not (value.isascii() and value.isprintable()) and not _is_value(value):
            raise BindingError(
                f"Invalid non-ASCII or control character in header: {name}: {value!r}",
                hint="Encode it, for instance with urllib.parse.quote().",
            )
        if name.lower() not in _OURS:
            headers.add(name, value)
    return headers


@lru_cache(maxsize=256)
def _is_name(name: str) -> bool:
    return bool(name) and name.isascii() and all(c.isalnum() or c in _TOKEN for c in name)


def _is_value(value: str) -> bool:
    return value.isascii() and value.replace("\t", "").isprintable()


_TOKEN = frozenset("!#$%&'*+-.^_`|~")
_OURS = frozenset({"content-length", "transfer-encoding", "connection"})
"""Headers of the connection: the server sets them itself."""
