"""HTTP functions of workers that serve HTTP themselves: the request goes there, the answer back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from emulator.errors import WorkerProtocolError
from emulator.model import HttpRequestData, HttpResponseData
from emulator.workers.channel import ResponseStream

CALL_HEADER = "x-ms-invocation-id"
_CHUNK = 64 << 10
_NOT_FORWARDED = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class HttpProxy:
    """Speaks with the HTTP server of one worker."""

    def __init__(self, uri: str) -> None:
        self._uri = uri.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._closing: asyncio.Future[None] | None = None

    async def forward(
        self,
        call_id: str,
        request: HttpRequestData,
        *,
        body: AsyncIterator[bytes],
        respond: ResponseStream,
    ) -> None:
        """Send the request with its body as it comes, and the response as it comes."""
        at = urlsplit(request.url)
        path = f"{at.path or '/'}?{at.query}" if at.query else at.path or "/"
        try:
            response = await self._opened().request(
                request.method,
                URL(f"{self._uri}{path}", encoded=True),
                headers=_headers(call_id, request),
                data=body if _has_body(request.headers) else None,
                allow_redirects=False,
            )
        except aiohttp.ClientError as error:
            raise _no_answer(error) from error
        async with response:
            headers = tuple(
                (name, value)
                for name, value in response.headers.items()
                if name.lower() not in _NOT_FORWARDED
            )
            await respond.start(response.status, headers)
            while chunk := await _next_of(response):
                await respond.write(chunk)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                auto_decompress=False,
                connector=aiohttp.TCPConnector(limit=0),
                read_bufsize=_CHUNK,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session

    def shut(self) -> None:
        """Forward nothing more. Idempotent."""
        session, self._session = self._session, None
        if session is not None:
            self._closing = asyncio.ensure_future(session.close())

    async def close(self) -> None:
        self.shut()
        if self._closing is not None:
            await self._closing


async def _next_of(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.content.readany()
    except aiohttp.ClientError as error:
        raise _no_answer(error) from error


def _no_answer(error: Exception) -> WorkerProtocolError:
    return WorkerProtocolError(f"the worker did not answer the HTTP request to the end: {error}")


class WholeResponse:
    """A response taken up in memory, for who cannot take it in pieces."""

    def __init__(self) -> None:
        self._status = 200
        self._headers: tuple[tuple[str, str], ...] = ()
        self._body = bytearray()
        self.began = False

    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        self.began = True
        self._status, self._headers = status, headers

    async def write(self, chunk: bytes) -> None:
        self._body += chunk

    def data(self) -> HttpResponseData:
        return HttpResponseData(self._status, self._headers, bytes(self._body))


async def in_one_piece(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body


def _headers(call_id: str, request: HttpRequestData) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict(
        (name, value)
        for name, value in request.headers.items()
        if name.lower() not in _NOT_FORWARDED or name.lower() == "content-length"
    )
    headers[CALL_HEADER] = call_id
    at = urlsplit(request.url)
    headers.setdefault("x-forwarded-host", request.headers.get("host", at.netloc))
    headers.setdefault("x-forwarded-proto", at.scheme or "http")
    return headers


def _has_body(headers: Mapping[str, Any]) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
