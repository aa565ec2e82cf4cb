"""Requests to an app, through the host's own HTTP server but without a socket."""

from __future__ import annotations

from typing import Any

import aiohttp

from emulator.server.app import Site
from emulator.testing.memory import URL_OF_APP, MemoryConnector
from emulator.testing.values import Answer


class Client:
    """One client with its cookies. Made and closed on the loop the app lives on."""

    def __init__(self, site: Site) -> None:
        self._server = site.server()
        self._session = aiohttp.ClientSession(
            base_url=URL_OF_APP,
            connector=MemoryConnector(self._server),
            cookie_jar=aiohttp.CookieJar(unsafe=True),
        )

    async def request(self, method: str, path: str, options: dict[str, Any]) -> Answer:
        if "://" in path.partition("?")[0]:
            raise ValueError(
                f"'{path}' is an address; give the path only: /api/… The test reaches no other "
                "server than its app."
            )
        path = path if path.startswith("/") else f"/{path}"
        async with self._session.request(method, path, **options) as response:
            body = await response.read()
            headers = response.headers.items()
            return Answer(response.status, headers, body, reason=response.reason or "")

    async def aclose(self) -> None:
        await self._session.close()
        await self._server.shutdown(1.0)
