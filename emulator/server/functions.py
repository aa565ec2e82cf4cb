"""A request to a function and its result back to the client."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from contextlib import closing
from typing import Any, TypeVar

from aiohttp import web

from emulator.errors import BindingError, EmulatorError
from emulator.events import EventBus, LogLine
from emulator.invocation.bound import BoundFunction
from emulator.invocation.pipeline import HttpStream
from emulator.model import NO_TRACE, HttpRequestData, HttpResponseData, TraceContext
from emulator.runtime.generation import Endpoint, Generation
from emulator.server.answers import Answer, write_response
from emulator.server.policy import SitePolicy, extra_headers
from emulator.server.requests import read_body, read_request
from emulator.server.streaming import ClientStream, body_of
from emulator.server.throttle import Throttle
from emulator.workers.channel import StreamingChannel

Response = TypeVar("Response", bound=web.StreamResponse)


class Functions:
    """Answers the requests for the functions of one generation."""

    def __init__(self, generation: Generation, events: EventBus, policy: SitePolicy) -> None:
        http = generation.host_config.http
        self.generation = generation
        self._http = http
        self._events = events
        self._policy = policy
        self._adds_headers = bool(http.custom_headers) or http.hsts.enabled
        throttle = Throttle(
            concurrent=http.max_concurrent_requests, outstanding=http.max_outstanding_requests
        )
        self._throttle = None if throttle.unlimited else throttle

    def answer(
        self,
        endpoint: Endpoint,
        request: web.BaseRequest,
        *,
        target: str,
        query: str,
        values: Mapping[str, str | None],
        calls: list[str],
    ) -> Coroutine[Any, Any, web.StreamResponse]:
        """Run the function of an endpoint; the ids of its calls are added to `calls`."""
        call = self._call(endpoint, request, target, query, values, calls)
        return call if self._throttle is None else self._in_turn(self._throttle, call)

    async def _in_turn(
        self, throttle: Throttle, call: Coroutine[Any, Any, web.StreamResponse]
    ) -> web.StreamResponse:
        with closing(call):
            if throttle.refuses():
                limit = self._http.max_outstanding_requests
                told = f"Http request queue limit of {limit} has been exceeded."
                self._events.publish(LogLine("Information", told, "Host.Http"))
                return web.Response(status=429, headers={"X-FUNCTION-SCALEOUT": "1"})
            async with throttle:
                return await call

    def dressed(self, request: web.BaseRequest, response: Response) -> Response:
        """Add what host.json adds to every answer: custom headers and HSTS."""
        if self._adds_headers:
            for name, value in extra_headers(self._http, request).items():
                response.headers.setdefault(name, value)
        return response

    async def _call(
        self,
        endpoint: Endpoint,
        request: web.BaseRequest,
        target: str,
        query: str,
        values: Mapping[str, str | None],
        calls: list[str],
    ) -> web.StreamResponse:
        function = endpoint.function
        name = function.model.name
        policy = self._policy
        if not policy.allows(endpoint.route.auth_level, request, query, name):
            return self.dressed(request, web.Response(status=401))
        if function.model.disabled and not policy.is_admin(request, query):
            return self.dressed(request, web.Response(status=404))
        params = {key: value for key, value in values.items() if value is not None}
        in_flight = self.generation.invoker.in_flight
        in_flight.begin()  # a reload must not take the worker away while the body arrives
        try:
            streaming = self.generation.streaming
            body = b""
            if streaming is None and request.can_read_body:
                body = await read_body(request)
            data = read_request(request, target=target, query=query, params=params, body=body)
            answered = (
                self._fire(function, data, calls)
                if streaming is None
                else self._stream(function, data, request, streaming, calls)
            )
            return self.dressed(request, await answered)
        finally:
            in_flight.end()

    async def _stream(
        self,
        function: BoundFunction,
        head: HttpRequestData,
        request: web.BaseRequest,
        channel: StreamingChannel,
        calls: list[str],
    ) -> web.StreamResponse:
        """Run a function of an app that streams: it answers by itself, in its own time."""

        def dress(response: web.StreamResponse) -> None:
            self.dressed(request, response)
            if self._policy.cors is not None:
                self._policy.cors.add(response.headers, request.headers.get("Origin"))

        client = ClientStream(request, dress)
        stream = HttpStream(channel, body_of(request), client)
        try:
            await self.generation.invoker.run(
                function,
                function.trigger.fired(head),
                trace=_trace(head),
                stream=stream,
                begun=calls.append,
            )
        except EmulatorError:  # told by the invocation's own events
            return await client.fail() or write_response(_FAILED)
        return await client.finish() or write_response(_FAILED)

    async def _fire(
        self, function: BoundFunction, data: HttpRequestData, calls: list[str]
    ) -> web.StreamResponse:
        try:
            fired = function.trigger.fired(data)
        except Exception as error:  # a binding package may raise anything; only the call fails
            return self._failed(function, "read its request", error)
        try:
            result = await self.generation.invoker.run(
                function, fired, trace=_trace(data), begun=calls.append
            )
        except EmulatorError:
            return write_response(_FAILED)  # told by the invocation's own events
        try:
            return write_response(function.trigger.answer(result))
        except Exception as error:  # as above
            return self._failed(function, "send its response", error)

    def _failed(self, function: BoundFunction, what: str, error: Exception) -> Answer:
        """Say why there is no proper answer: the invocation itself went well."""
        if isinstance(error, BindingError):
            told = f"{error.message}. {error.hint or ''}".rstrip()
        else:
            kind = function.trigger.declared.type
            told = f"the binding of type '{kind}' failed: {type(error).__name__}: {error}"
        name = function.model.name
        message = f"Function '{name}' could not {what}: {told}"
        self._events.publish(LogLine("Error", message, f"Function.{name}"))
        return write_response(_FAILED)


def _trace(request: HttpRequestData) -> TraceContext:
    parent = request.headers.get("traceparent")
    if parent is None:
        return NO_TRACE
    return TraceContext(parent, request.headers.get("tracestate", ""))


_FAILED = HttpResponseData(500)
