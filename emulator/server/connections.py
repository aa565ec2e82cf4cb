"""Client connections: what Azure's server accepts, and what it says to what is no HTTP."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

_log = logging.getLogger(__name__)

_LINE = 8192
_HEADERS = 32_768
_HEADER_COUNT = 100
_LINGER = 5.0
"""Seconds an unread body is still taken in, so that the client gets to read its answer."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Server(web.Server):
    """Makes a `Connection` for every client; sizes are those of Azure's server."""

    def __init__(self, handler: Handler, make_request: Any) -> None:
        super().__init__(handler, request_factory=make_request)

    def __call__(self) -> Connection:
        return Connection(
            self,
            loop=self._loop,
            access_log=None,  # type: ignore[arg-type]  # None is how aiohttp turns it off
            auto_decompress=False,  # a function gets the body as it was sent
            lingering_time=_LINGER,
            max_line_size=_LINE,
            max_field_size=_HEADERS,
            max_headers=_HEADER_COUNT,
        )


class Connection(web.RequestHandler):
    """Answers malformed requests with a status alone, and keeps quiet about clients that go."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer is already on its way")
        response = web.Response(status=_status_of(exc) if status == 400 else status)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **more: Any) -> None:
        """Tell of a failure only if no client caused it; those of handlers are told already."""
        error = more.get("exc_info")
        if not isinstance(error, (ConnectionError, HttpProcessingError, web.RequestPayloadError)):
            _log.error(*args, **more)


def _status_of(error: BaseException | None) -> int:
    """Return the status for a request that could not be parsed."""
    if isinstance(error, LineTooLong):
        return 431 if str(_HEADERS) in map(str, error.args) else 414
    return 431 if "Too many headers" in str(error) else 400
