"""The HTTP server: where each request goes, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from time import perf_counter
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from emulator.errors import EmulatorError, FunctionFailed
from emulator.events import EventBus, LogLine, RequestServed
from emulator.model import HttpResponseData, TraceContext
from emulator.runtime.generation import Endpoint, Generation
from emulator.runtime.host import Host
from emulator.server.admin import Admin
from emulator.server.home import home_page
from emulator.server.policy import SitePolicy, extra_headers
from emulator.server.replies import html_reply
from emulator.server.requests import read_request, split_target, write_response
from emulator.server.throttle import Throttle

_log = logging.getLogger(__name__)


class Site:
    """Serves one host on one socket until closed."""

    def __init__(self, host: Host, events: EventBus, policy: SitePolicy) -> None:
        self._host = host
        self._events = events
        self._policy = policy
        self._admin = Admin(host, policy)
        self._runner: web.ServerRunner | None = None
        self._throttle = (0, Throttle())

    async def start(self, listening: socket.socket) -> None:
        limit = self._policy.body_limit
        loop = asyncio.get_running_loop()

        def make_request(
            message: Any, payload: Any, protocol: Any, writer: Any, task: Any
        ) -> web.BaseRequest:
            return web.BaseRequest(
                message, payload, protocol, writer, task, loop, client_max_size=limit
            )

        server = web.Server(self._handle, request_factory=make_request, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=_FINISH)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()

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
            function, response = await self._answer(request, target, path, query)
        except web.HTTPException as answer:
            response = web.Response(status=answer.status)
        except asyncio.CancelledError:
            raise
        except Exception:  # the server must go on whatever happens; it says that it is ours
            _log.exception("internal error while answering %s %s", request.method, path)
            response = web.Response(status=500)
        self._decorate(request, response)
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

    async def _answer(
        self, request: web.BaseRequest, target: str, path: str, query: str
    ) -> tuple[str, web.Response]:
        """Return the name of the function that answered, if any, and the answer."""
        if self._policy.cors is not None:
            preflight = self._policy.cors.preflight(request.method, request.headers)
            if preflight is not None:
                return "", web.Response(status=204, headers=preflight)
        lowered = path[:9].lower()
        if lowered.startswith(("/admin/", "/runtime/")):
            return "", await self._admin.handle(request, path, query)
        generation = self._host.current
        if generation is None or self._host.offline is not None:
            return "", self._unavailable(path)
        match = generation.routes.match(request.method, path)
        if match is None:
            return "", self._unmatched(generation, path)
        endpoint = match.target
        response = await self._function(generation, endpoint, request, target, query, match.values)
        return endpoint.function.model.name, response

    async def _function(
        self,
        generation: Generation,
        endpoint: Endpoint,
        request: web.BaseRequest,
        target: str,
        query: str,
        values: Mapping[str, str | None],
    ) -> web.Response:
        throttle = self._throttled(generation)
        if throttle.unlimited:
            return await self._call(generation, endpoint, request, target, query, values)
        if throttle.refuses():
            self._events.publish(_queue_full(generation))
            return web.Response(status=429, headers={"X-FUNCTION-SCALEOUT": "1"})
        async with throttle:
            return await self._call(generation, endpoint, request, target, query, values)

    async def _call(
        self,
        generation: Generation,
        endpoint: Endpoint,
        request: web.BaseRequest,
        target: str,
        query: str,
        values: Mapping[str, str | None],
    ) -> web.Response:
        function = endpoint.function
        name = function.model.name
        if not self._policy.allows(endpoint.route.auth_level, request, query, name):
            return web.Response(status=401)
        if function.model.disabled:
            return web.Response(status=404)
        params = {key: value for key, value in values.items() if value is not None}
        data = await read_request(request, target=target, query=query, params=params)
        trace = TraceContext(
            data.headers.get("traceparent", ""), data.headers.get("tracestate", "")
        )
        try:
            fired = function.trigger.fired(data)
            result = await generation.invoker.run(function, fired, trace=trace)
            answer = function.trigger.answer(result)
        except FunctionFailed:
            answer = _FAILED  # told by the invocation's own events
        except EmulatorError as error:
            _log.debug("%s: %s", name, error)
            answer = _FAILED
        return write_response(answer)

    def _throttled(self, generation: Generation) -> Throttle:
        number, throttle = self._throttle
        if number != generation.number:
            http = generation.host_config.http
            throttle = Throttle(
                concurrent=http.max_concurrent_requests, outstanding=http.max_outstanding_requests
            )
            self._throttle = (generation.number, throttle)
        return throttle

    def _unmatched(self, generation: Generation, path: str) -> web.Response:
        if path != "/":
            return web.Response(status=404)
        hidden = generation.settings.get("AzureWebJobsDisableHomepage") or ""
        if hidden.lower() in {"true", "1"}:
            return web.Response(status=204)
        return html_reply(home_page(self._host))

    def _unavailable(self, path: str) -> web.Response:
        if self._host.offline is not None:
            return html_reply(self._host.offline, 503)
        if path == "/":
            return html_reply(home_page(self._host))
        reasons = "\n".join(
            f"{problem.message}{f' ({problem.where})' if problem.where else ''}"
            for problem in self._host.failure
        )
        text = f"Function host is not running.\n{reasons}\n"
        return web.Response(status=503, text=text)

    def _decorate(self, request: web.BaseRequest, response: web.Response) -> None:
        """Add what every answer carries: CORS, custom headers, HSTS."""
        cors = self._policy.cors
        if cors is not None:
            response.headers.update(cors.headers(request.headers.get("Origin")))
        generation = self._host.current
        if generation is None:
            return
        http = generation.host_config.http
        if http.custom_headers or http.hsts.enabled:
            for name, value in extra_headers(http, request).items():
                response.headers.setdefault(name, value)


_FINISH = 5.0
"""Seconds that requests under way may still take when the site closes."""

_FAILED = HttpResponseData(500)


def _queue_full(generation: Generation) -> LogLine:
    limit = generation.host_config.http.max_outstanding_requests
    return LogLine(
        "Information",
        f"Http request queue limit of {limit} has been exceeded.",
        "Host.Http",
    )
