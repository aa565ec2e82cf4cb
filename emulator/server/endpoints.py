"""What binding packages answer over HTTP themselves, below a path of their own.

A package names its `Extension` in the entry-point group `emulator.endpoints`; the name is the
first part of the path and begins with `_`, so that no route of an app is lost by chance.
"""

from __future__ import annotations

from contextlib import aclosing
from importlib.metadata import EntryPoint, entry_points
from urllib.parse import unquote

from aiohttp import web

from emulator.errors import BindingPluginError
from emulator.runtime.host import Host
from emulator.sdk import Extension, HttpResponseData, StreamedResponse
from emulator.server.answers import write_response
from emulator.server.policy import SitePolicy
from emulator.server.replies import error_reply
from emulator.server.requests import read_body, read_request
from emulator.server.streaming import ClientStream

GROUP = "emulator.endpoints"

_BROKEN = 499
"""What is told of a request whose connection was broken off."""


class Endpoints:
    """Answers what belongs to packages."""

    def __init__(self, host: Host, policy: SitePolicy) -> None:
        self._host = host
        self._policy = policy
        self._points: dict[str, EntryPoint] | None = None

    def has(self, path: str) -> bool:
        """Whether a path belongs to a package."""
        return path.startswith("/_") and path[1:].partition("/")[0] in self._found()

    async def handle(
        self, request: web.BaseRequest, *, target: str, path: str, query: str
    ) -> web.StreamResponse:
        refusal = self._policy.refusal(request)
        if refusal is not None:
            return error_reply(403, refusal, "Only this machine's own tools may use this address.")
        name, _, below = path[1:].partition("/")
        extension = self._host.context.extension(_kind(self._found()[name]))
        body = await read_body(request) if request.can_read_body else b""
        data = read_request(request, target=target, query=query, params={}, body=body)
        try:
            answer = await extension.serve(unquote(below), data)
        except ConnectionAbortedError:  # a package may play a connection that breaks
            if request.transport is not None:
                request.transport.close()
            return web.Response(status=_BROKEN)
        if isinstance(answer, HttpResponseData):
            return write_response(answer)
        return await self._stream(request, answer)

    async def _stream(
        self, request: web.BaseRequest, answer: StreamedResponse
    ) -> web.StreamResponse:
        stream = ClientStream(request, lambda response: self._dress(request, response))
        await stream.start(answer.status, answer.headers)
        async with aclosing(answer.chunks) as chunks:  # type: ignore[type-var]  # generators, as a rule
            try:
                async for chunk in chunks:
                    await stream.write(chunk)
            except ConnectionError:  # the client is gone, or shall think that we are
                cut = stream.cut()
                assert cut is not None, "it began"
                return cut
        ended = await stream.finish()
        assert ended is not None, "it began"
        return ended

    def _dress(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        if self._policy.cors is not None:
            self._policy.cors.add(response.headers, request.headers.get("Origin"))

    def _found(self) -> dict[str, EntryPoint]:
        if self._points is None:
            found = {point.name: point for point in entry_points(group=GROUP)}
            self._points = {name: found[name] for name in found if name.startswith("_")}
        return self._points


def _kind(point: EntryPoint) -> type[Extension]:
    package = point.dist.name if point.dist is not None else "unknown"
    try:
        kind = point.load()
    except Exception as error:  # a plugin may fail in any way; it takes down its address only
        raise BindingPluginError(
            f"'/{point.name}' of package '{package}' cannot be loaded from {point.value}: "
            f"{type(error).__name__}: {error}.",
            hint=f"Reinstall or update '{package}'.",
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, Extension)):
        raise BindingPluginError(
            f"'/{point.name}' of package '{package}' is broken: {point.value} should be a class "
            "that subclasses Extension of emulator.sdk.",
            hint=f"Report this to the authors of '{package}'.",
        )
    return kind
