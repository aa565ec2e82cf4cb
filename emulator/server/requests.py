"""An aiohttp request to plain data, and plain data to an aiohttp response."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web
from multidict import CIMultiDict

from emulator.model import HttpRequestData, HttpResponseData


def split_target(raw_path: str) -> tuple[str, str]:
    """Split the request target into its path, still encoded, and its query."""
    path, _, query = raw_path.partition("?")
    if not path.startswith("/"):  # absolute form: GET http://host/path
        _, _, rest = path.partition("://")
        path = "/" + rest.partition("/")[2]
    return path, query


async def read_request(
    request: web.BaseRequest, *, target: str, query: str, params: dict[str, str]
) -> HttpRequestData:
    """Read the whole request. Raises `web.HTTPRequestEntityTooLarge` beyond the body limit."""
    body = await request.read() if request.can_read_body else b""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    values: dict[str, str] = {}
    if query:
        # Empty values are dropped, repeated names joined: what the official worker shows.
        for key, value in parse_qsl(query):
            values[key] = f"{values[key]},{value}" if key in values else value
    return HttpRequestData(
        method=request.method,
        url=f"{request.scheme}://{headers.get('host', 'localhost')}{target}",
        headers=headers,
        query=values,
        params=params,
        body=body,
    )


def write_response(answer: HttpResponseData) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict(
        (name, value) for name, value in answer.headers if name.lower() not in _OURS
    )
    return web.Response(status=answer.status, headers=headers, body=answer.body)


_OURS = frozenset({"content-length", "transfer-encoding", "connection"})
"""Headers of the connection: the server sets them itself."""
