"""HTTP bodies in pieces, between the client and a function that streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from aiohttp import web

from emulator.server.answers import checked_headers
from emulator.server.requests import ready_for_body


async def body_of(request: web.BaseRequest) -> AsyncIterator[bytes]:
    """Yield the body as it arrives; raise 413 once it is more than the body limit."""
    if not request.can_read_body:
        return
    await ready_for_body(request)
    limit, taken = request.client_max_size, 0
    async for chunk in request.content.iter_any():
        taken += len(chunk)
        if 0 < limit < taken:
            raise web.HTTPRequestEntityTooLarge(limit, taken)
        yield chunk


class ClientStream:
    """The response on its way to the client, begun by the function's first words."""

    def __init__(
        self, request: web.BaseRequest, dress: Callable[[web.StreamResponse], None]
    ) -> None:
        self._request = request
        self._dress = dress
        self.response: web.StreamResponse | None = None
        self._complete = False

    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        response = web.StreamResponse(status=status, headers=checked_headers(headers))
        self._dress(response)
        await response.prepare(self._request)
        self.response = response

    async def write(self, chunk: bytes) -> None:
        assert self.response is not None
        await self.response.write(chunk)

    def complete(self) -> None:
        self._complete = True

    async def fail(self) -> web.StreamResponse | None:
        """End a response whose call failed: what is complete arrives, the rest is broken off."""
        return await self.finish() if self._complete else self.cut()

    async def finish(self) -> web.StreamResponse | None:
        """End the response, if one began."""
        if self.response is not None:
            await self.response.write_eof()
        return self.response

    def cut(self) -> web.StreamResponse | None:
        """Break off a response that began: its end must not look like a proper one."""
        if self.response is not None:
            self.response.force_close()
            transport = self._request.transport
            if transport is not None:
                transport.close()
        return self.response
