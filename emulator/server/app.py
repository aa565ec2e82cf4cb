"""The HTTP server: the listening socket, and where each request goes."""

from __future__ import annotations

import asyncio
import logging
import socket
from time import perf_counter
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from emulator.errors import EmulatorError, FunctionFailed
from emulator.events import EventBus, RequestServed
from emulator.model import HttpResponseData, TraceContext
from emulator.runtime.generation import Endpoint, Generation
from emulator.runtime.host import Host
from emulator.server.admin import Admin
from emulator.server.home import home_page
from emulator.server.requests import read_request, split_target, write_response

_log = logging.getLogger(__name__)

BODY_LIMIT = 104_857_600
"""Bytes of a request body (100 MiB, as the official host); above it the answer is 413."""


class Site:
    """Serves one host on one socket until closed."""

    def __init__(self, host: Host, events: EventBus, *, body_limit: int = BODY_LIMIT) -> None:
        self._host = host
        self._events = events
        self._body_limit = body_limit
        self._admin = Admin(host)
        self._runner: web.ServerRunner | None = None

    async def start(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()

        def make_request(*parts: Any) -> web.BaseRequest:
            return web.BaseRequest(*parts, loop, client_max_size=self._body_limit)

        server = web.Server(self._handle, request_factory=make_request, access_log=None)
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        await web.SockSite(self._runner, listening, shutdown_timeout=5.0).start()

    async def aclose(self) -> None:
        """Stop listening and let requests under way finish (bounded)."""
        await self._admin.aclose()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        began = perf_counter()
        target = request.raw_path
        path, query = split_target(target)
        function = ""
        try:
            generation = self._host.current
            lowered = path[:9].lower()
            if lowered.startswith(("/admin/", "/runtime/")):
                response = await self._admin.handle(request, path)
            elif generation is None:
                response = self._unavailable(path)
            else:
                match = generation.routes.match(request.method, path)
                if match is not None:
                    function = match.target.function.model.name
                    response = await self._call(
                        generation, match.target, request, target, query, match.values
                    )
                elif path == "/":
                    response = _page(home_page(self._host))
                else:
                    response = web.Response(status=404)
        except web.HTTPException as answer:
            response = web.Response(status=answer.status)
        except asyncio.CancelledError:
            raise
        except Exception:  # the server must go on whatever happens; it says that it is ours
            _log.exception("internal error while answering %s %s", request.method, path)
            response = web.Response(status=500)
        self._events.publish(
            RequestServed(
                request.method,
                unquote(path),
                response.status,
                perf_counter() - began,
                function,
            )
        )
        return response

    async def _call(
        self,
        generation: Generation,
        endpoint: Endpoint,
        request: web.BaseRequest,
        target: str,
        query: str,
        values: dict[str, str],
    ) -> web.Response:
        function = endpoint.function
        if function.model.disabled:
            return web.Response(status=404)
        data = await read_request(request, target=target, query=query, params=values)
        trace = TraceContext(
            data.headers.get("traceparent", ""), data.headers.get("tracestate", "")
        )
        try:
            result = await generation.invoker.run(
                function, function.trigger.fired(data), trace=trace
            )
            answer = function.trigger.answer(result)
        except FunctionFailed:
            answer = _FAILED  # told by the invocation's own events
        except EmulatorError as error:
            _log.debug("%s: %s", function.model.name, error)
            answer = _FAILED
        return write_response(answer)

    def _unavailable(self, path: str) -> web.Response:
        if path == "/":
            return _page(home_page(self._host))
        reasons = "\n".join(
            f"{problem.message}{f' ({problem.where})' if problem.where else ''}"
            for problem in self._host.failure
        )
        text = f"Function host is not running.\n{reasons}\n"
        return web.Response(status=503, text=text)


_FAILED = HttpResponseData(500)


def _page(html: str) -> web.Response:
    return web.Response(text=html, content_type="text/html")
