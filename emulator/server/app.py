"""The HTTP server: where each request goes, and what every answer carries."""

from __future__ import annotations

import asyncio
import socket
import traceback
from functools import partial
from time import perf_counter
from urllib.parse import unquote

from aiohttp import web

from emulator.errors import EmulatorError, RouteError
from emulator.events import EventBus, LogLine, RequestServed
from emulator.runtime.generation import Generation
from emulator.runtime.host import Host
from emulator.server.admin import Admin
from emulator.server.connections import Server
from emulator.server.endpoints import Endpoints
from emulator.server.functions import Functions
from emulator.server.home import home_page
from emulator.server.policy import SitePolicy
from emulator.server.replies import html_reply
from emulator.server.requests import origin_form
from emulator.server.unanswered import why_unanswered

_FINISH = 5.0
"""Seconds that requests under way may still take when the site closes."""

_CLIENT_GONE = 499
"""What is told of a request whose sender went away before it had sent everything."""


_NOTED = frozenset({401, 404, 413})


class Site:
    """Serves one host on one socket until closed."""

    def __init__(self, host: Host, events: EventBus, policy: SitePolicy) -> None:
        self._host = host
        self._events = events
        self._policy = policy
        self._admin = Admin(host, policy)
        self._endpoints = Endpoints(host, policy)
        self._runner: web.ServerRunner | None = None
        self._functions: Functions | None = None

    def server(self) -> Server:
        """Make what answers clients, however they are connected; call it in the loop."""
        loop, limit = asyncio.get_running_loop(), self._policy.body_limit
        make_request = partial(web.BaseRequest, loop=loop, client_max_size=limit)
        return Server(self._handle, make_request)

    async def start(self, listening: socket.socket) -> None:
        # aiohttp waits that long twice: for the end of a handler, then once more for its task.
        self._runner = web.ServerRunner(self.server(), shutdown_timeout=_FINISH / 2)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()

    async def aclose(self) -> None:
        """Stop listening and let requests under way finish (bounded)."""
        await self._admin.aclose()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        began = perf_counter()
        target = origin_form(request.raw_path)
        path, _, query = target.partition("?")
        function = ""
        calls: list[str] = []
        response: web.StreamResponse
        try:
            function, response = await self._answer(request, target, path, query, calls)
        except web.HTTPException as answer:
            response = web.Response(status=answer.status)
            if answer.status != 413:  # its body may still be taken in
                response.force_close()
        except (ConnectionError, web.RequestPayloadError) as error:
            gone = isinstance(error, ConnectionError)
            response = web.Response(status=_CLIENT_GONE if gone else 400)
        except asyncio.CancelledError:
            raise
        except EmulatorError as error:
            told = f"{error.message} {error.hint or ''}".rstrip()
            self._events.publish(LogLine("Error", told, "Host"))
            response = web.Response(status=500)
        except Exception:  # the server must go on whatever happens; it says that it is ours
            self._events.publish(_internal(request.method, path))
            response = web.Response(status=500)
        if self._policy.cors is not None and not response.prepared:
            self._policy.cors.add(response.headers, request.headers.get("Origin"))
        if self._host.failure and self._host.current is not None:
            response.headers["x-funcemu-generation"] = f"{self._host.current.number}; stale"
        self._events.publish(
            RequestServed(
                request.method,
                unquote(path) if "%" in path else path,
                response.status,
                perf_counter() - began,
                function,
                calls[-1] if calls else "",
                note=self._note(response.status, request.method, path, function)
                if response.status in _NOTED
                else "",
            )
        )
        return response

    def _note(self, status: int, method: str, path: str, function: str) -> str:
        """Say on the console what the answer itself must not, or cannot, tell."""
        generation = self._host.current
        if status == 413:
            return f"the body is over {self._policy.body_limit:,} bytes"
        if status == 401:
            return f"without a key that opens it; {self._policy.where_keys_are()}"
        if generation is None or _is_reserved(path) or self._endpoints.has(path):
            return ""
        if function:
            known = generation.functions.get(function)
            return "disabled" if known is not None and known.model.disabled else ""
        try:
            return why_unanswered(generation, method, path)
        except RouteError:  # an expression of another route takes too long for this path
            return ""

    async def _answer(
        self, request: web.BaseRequest, target: str, path: str, query: str, calls: list[str]
    ) -> tuple[str, web.StreamResponse]:
        """Return the name of the function that answered, if any, and the answer."""
        if self._policy.cors is not None:
            preflight = self._policy.cors.preflight(request.method, request.headers)
            if preflight is not None:
                return "", web.Response(status=204, headers=preflight)
        major, minor = request.version
        if major != 1:  # what a first line without a version or with 2.0 gives
            raise web.HTTPVersionNotSupported if major else web.HTTPBadRequest
        if minor == 0 and "Transfer-Encoding" in request.headers:
            raise web.HTTPBadRequest  # where such a body ends, others may see otherwise
        generation = self._host.current
        if _is_reserved(path):
            answer = await self._admin.handle(request, path, query)
            if generation is not None:
                self._functions_of(generation).dressed(request, answer)
            return "", answer
        if self._endpoints.has(path):
            return "", await self._endpoints.handle(request, target=target, path=path, query=query)
        if generation is None or self._host.offline is not None:
            return "", self._unavailable(path, detailed=self._policy.refusal(request) is None)
        functions = self._functions_of(generation)
        match = generation.routes.match(request.method, path) if path[0] == "/" else None
        if match is None:
            if path == "/":
                return "", self._home(generation, detailed=self._policy.refusal(request) is None)
            return "", functions.dressed(request, web.Response(status=404))
        endpoint = match.target
        response = await functions.answer(
            endpoint, request, target=target, query=query, values=match.values, calls=calls
        )
        return endpoint.function.model.name, response

    def _functions_of(self, generation: Generation) -> Functions:
        functions = self._functions
        if functions is None or functions.generation is not generation:
            functions = self._functions = Functions(generation, self._events, self._policy)
        return functions

    def _home(self, generation: Generation, *, detailed: bool) -> web.Response:
        hidden = generation.settings.get("AzureWebJobsDisableHomepage") or ""
        if hidden.strip().lower() in {"true", "1"}:
            return web.Response(status=204)
        return html_reply(home_page(self._host, detailed=detailed))

    def _unavailable(self, path: str, *, detailed: bool) -> web.Response:
        """Answer while no app is there; why is told to this machine's own tools."""
        if self._host.offline is not None:
            return html_reply(self._host.offline, 503)
        if path == "/":
            return html_reply(home_page(self._host, detailed=detailed))
        if not detailed:
            return web.Response(status=503, text="Function host is not running.\n")
        reasons = "\n".join(
            f"{problem.message}{f' ({problem.where})' if problem.where else ''}"
            for problem in self._host.failure
        )
        text = f"Function host is not running.\n{reasons}\n"
        return web.Response(status=503, text=text)


def _is_reserved(path: str) -> bool:
    """Whether the path belongs to the host, also when its letters are percent-encoded."""
    if "%" in path:
        path = unquote(path)
    return path[:9].lower().startswith(("/admin/", "/runtime/"))


def _internal(method: str, path: str) -> LogLine:
    return LogLine(
        "Error",
        f"funcemu itself failed while it answered {method} {path}; please report this:\n"
        f"{traceback.format_exc()}",
        "Host",
    )
