"""HTTP functions of workers that serve HTTP themselves: the request goes there, the answer back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from emulator.errors import WorkerProtocolError
from emulator.model import (
    Datum,
    HttpRequestData,
    HttpResponseData,
    Invocation,
    InvocationResult,
)
from emulator.workers.calls import Answer
from emulator.workers.channel import ResponseStream
from emulator.workers.functionrpc.http import speakable_request

CALL_HEADER = "x-ms-invocation-id"
_CHUNK = 64 << 10
_WORD_OF_FAILURE = 5.0
"""Seconds a worker may take to say how a call went whose response it has not finished."""
_RESPONSE = 2.0
"""Seconds after which a call that went well has no response: its function has returned nothing."""

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
        self._shut = False

    async def forward(
        self,
        call_id: str,
        request: HttpRequestData,
        *,
        body: AsyncIterator[bytes],
        respond: ResponseStream,
    ) -> None:
        """Send the request with its body as it comes, and the response as it comes.

        Raises what `respond` raises when the client is gone, and `body` when it breaks off.
        """
        if self._shut:  # it would open what nobody closes any more
            raise _no_answer("it has ended")
        request = speakable_request(request)
        at = urlsplit(request.url)
        path = f"{at.path or '/'}?{at.query}" if at.query else at.path or "/"
        sent = _Sent(body)
        with _told_as_ours(sent):
            response = await self._opened().request(
                request.method,
                URL(f"{self._uri}{path}", encoded=True),
                headers=_headers(call_id, request),
                data=sent.parts() if _has_body(request.headers) else None,
                allow_redirects=False,
            )
        async with response:
            headers = tuple(
                (name, value)
                for name, value in response.headers.items()
                if name.lower() not in _NOT_FORWARDED
            )
            await respond.start(response.status, headers)
            while chunk := await _next_of(response, sent):
                await respond.write(chunk)
            respond.complete()

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
        self._shut = True
        session, self._session = self._session, None
        if session is not None:
            self._closing = asyncio.ensure_future(session.close())

    async def close(self) -> None:
        self.shut()
        if self._closing is not None:
            await self._closing


class _Sent:
    """The body of a request on its way, and what broke it off."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self.error: Exception | None = None

    async def parts(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._body:
                yield part
        except Exception as error:  # of whoever reads it: aiohttp would tell of a connection
            self.error = error
            raise


async def _next_of(response: aiohttp.ClientResponse, sent: _Sent) -> bytes:
    with _told_as_ours(sent):
        return await response.content.readany()


@contextlib.contextmanager
def _told_as_ours(sent: _Sent) -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientError as error:
        raise (sent.error or _no_answer(error)) from error


def _no_answer(error: object) -> WorkerProtocolError:
    return WorkerProtocolError(f"the worker did not answer the HTTP request to the end: {error}")


class Begun:
    """Passes a response on, and tells when it has begun."""

    def __init__(self, respond: ResponseStream) -> None:
        self._respond = respond
        self.told: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        if not self.told.done():
            self.told.set_result(None)
        await self._respond.start(status, headers)

    async def write(self, chunk: bytes) -> None:
        await self._respond.write(chunk)

    def complete(self) -> None:
        self._respond.complete()


class WholeResponse:
    """A response taken up in memory, for who cannot take it in pieces."""

    def __init__(self) -> None:
        self._status = 200
        self._headers: tuple[tuple[str, str], ...] = ()
        self._body = bytearray()
        self._began = False

    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        self._began = True
        self._status, self._headers = status, headers

    async def write(self, chunk: bytes) -> None:
        self._body += chunk

    def complete(self) -> None: ...

    def given_with(self, result: InvocationResult) -> InvocationResult:
        """Return the result of the call with this response, if there is one."""
        if result.error is not None or not self._began:
            return result
        response = HttpResponseData(self._status, self._headers, bytes(self._body))
        return InvocationResult(Datum("http", response), result.outputs)


def http_request(invocation: Invocation) -> HttpRequestData | None:
    return next((each.value for each in invocation.inputs.values() if each.kind == "http"), None)


def taken_apart(invocation: Invocation) -> tuple[Invocation, AsyncIterator[bytes]]:
    """Return a call whose request comes whole as one whose body comes in pieces."""
    name, datum = next((n, d) for n, d in invocation.inputs.items() if d.kind == "http")
    body: bytes = datum.value.body
    headers = {**datum.value.headers, "content-length": str(len(body))}
    headers.pop("transfer-encoding", None)
    request = msgspec.structs.replace(datum.value, headers=headers)
    inputs = {**invocation.inputs, name: Datum("http", request)}
    return msgspec.structs.replace(invocation, inputs=inputs), _in_one_piece(body)


async def _in_one_piece(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body


async def outcome(
    answer: Answer,
    forwarding: asyncio.Task[None],
    *,
    begun: asyncio.Future[None],
    patience: float = _RESPONSE,
) -> InvocationResult:
    """Wait for the response and for how the call went; it need not have a response.

    A worker that has one says so in its answer at the latest: what has not `begun` soon after does
    not come, and the worker would keep the connection open for ever.
    """
    waited: list[asyncio.Future[Any]] = [answer, forwarding]
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done() and isinstance(forwarding.exception(), WorkerProtocolError):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WORD_OF_FAILURE):
                return await asyncio.shield(answer)
    failed = answer.done() and (answer.exception() or answer.result().error)
    if not failed:
        awaited: list[asyncio.Future[Any]] = [begun, forwarding]
        await asyncio.wait(awaited, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if begun.done() or forwarding.done():
            await forwarding
    return await answer


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
