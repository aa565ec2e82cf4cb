"""An aiohttp request to plain data."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web

from emulator.model import HttpRequestData


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


def read_request(
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


async def read_body(request: web.BaseRequest) -> bytes:
    """Read the whole body. Raises `web.HTTPRequestEntityTooLarge` beyond the body limit."""
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
