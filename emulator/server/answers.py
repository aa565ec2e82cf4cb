"""The answer of a function on its way out: head and body leave in one write."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from time import time

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE
from multidict import CIMultiDict

from emulator.errors import BindingError
from emulator.model import HttpResponseData

_NO_BODY = frozenset({204, 304})
_SERVER = f"Server: {SERVER_SOFTWARE}"
_BY_ITSELF = 1 << 16
"""Bytes of a body from which on it is not copied behind the head, but written by itself."""


class Answer(web.StreamResponse):
    """Says the same as `web.Response` in a quarter of the steps: what a function gave is bytes,
    never compressed nor in chunks, and its headers are known to be sound."""

    def __init__(self, status: int, headers: CIMultiDict[str], body: bytes) -> None:
        super().__init__(status=status, headers=headers)
        self.body = body
        self._keeps: bool | None = None

    @property
    def keep_alive(self) -> bool | None:
        return self._keeps

    def force_close(self) -> None:
        self._keeps = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Send everything; nothing is left to do for `write_eof`."""
        if self._keeps is None:
            self._keeps = request.keep_alive
        transport, writer = request.transport, request.writer
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client went away")
        head, body = self._parts(request.method, minor=request.version.minor)
        if len(body) < _BY_ITSELF:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        writer.output_size += len(head) + len(body)
        await writer.drain()
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        assert not data, "the answer is complete"

    def _parts(self, method: str, *, minor: int) -> tuple[bytes, bytes]:
        headers, body, status = self.headers, self.body, self.status
        lines = [f"HTTP/1.{minor} {status} {self.reason}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if status in _NO_BODY or (method == "CONNECT" and status < 300):
            body = b""
        elif body or method != "HEAD":
            lines.append(f"Content-Length: {len(body)}")
        if method == "HEAD":
            body = b""
        if body and hdrs.CONTENT_TYPE not in headers:
            lines.append("Content-Type: application/octet-stream")
        if hdrs.DATE not in headers:
            lines.append(_date(int(time())))
        if hdrs.SERVER not in headers:
            lines.append(_SERVER)
        # What its version of HTTP does by itself needs no words.
        if self._keeps is not bool(minor) and hdrs.CONNECTION not in headers:
            lines.append("Connection: keep-alive" if self._keeps else "Connection: close")
        lines.append("\r\n")
        return "\r\n".join(lines).encode(), body


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}"


def write_response(answer: HttpResponseData) -> Answer:
    """Make the answer for the wire; raise `BindingError` for what cannot be sent."""
    if not 200 <= answer.status <= 999:
        raise BindingError(
            f"the status {answer.status} is none that can end a request",
            hint="Give a status_code from 200 to 999.",
        )
    return Answer(answer.status, checked_headers(answer.headers), answer.body)


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
