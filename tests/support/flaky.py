"""Something between a client and a service that answers for it, or loses what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL


@dataclass(frozen=True)
class Fault:
    """What happens to a request. `answers` are a status and headers sent in place of asking; with
    `reaches` the service does what it is asked; otherwise the connection just ends."""

    answers: tuple[int, Mapping[str, str]] | None = None
    reaches: bool = False


LOST_ANSWER = Fault(reaches=True)
LOST_REQUEST = Fault()


def busy(status: int = 503, **headers: str) -> Fault:
    """A refusal that passes; header names are given with `_` for `-`."""
    return Fault((status, {name.replace("_", "-"): value for name, value in headers.items()}))


@dataclass
class Flaky:
    """`faults` befall the requests `selects` picks, in turn; `None` lets one pass.

    `before` is awaited ahead of each picked request.
    """

    target: str
    faults: list[Fault | None] = field(default_factory=list)
    selects: Callable[[web.Request], bool] = lambda request: True
    before: Callable[[], Awaitable[None]] | None = None
    seen: list[tuple[str, str, bytes]] = field(default_factory=list)
    port: int = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Flaky]:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._pass)
        runner = web.AppRunner(app)
        await runner.setup()
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            try:
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                self.port = runner.addresses[0][1]
                yield self
            finally:
                await runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append((request.method, request.raw_path, body))
        fault = None
        if self.selects(request):
            if self.before is not None:
                await self.before()
            fault = self.faults.pop(0) if self.faults else None
        if fault is not None and fault.answers is not None:
            return web.Response(status=fault.answers[0], headers=fault.answers[1])
        answer = None
        if fault is None or fault.reaches:
            answer = await self._forward(request, body)
        if fault is None and answer is not None:
            return answer
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
        async with self._session.request(
            request.method,
            URL(self.target + request.raw_path, encoded=True),
            data=body or None,
            headers=headers,
            skip_auto_headers=["Content-Type"],  # it is signed
        ) as answer:
            kept = {
                name: value
                for name, value in answer.headers.items()
                if name.lower() not in {"transfer-encoding", "content-length", "connection"}
            }
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


def transactions(request: web.Request) -> bool:
    return request.path.endswith("$batch")
