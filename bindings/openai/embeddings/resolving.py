"""Names to addresses that may be asked; the client connects to these and to no others."""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from bindings.openai.embeddings.hosts import check_address


class CheckedResolver(AbstractResolver):
    """Raises `BindingError` for a name behind which this machine or its network stands."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()
        self._trusted: set[str] = set()

    def trust(self, host: str) -> None:
        """Take whatever addresses a host has."""
        self._trusted.add(host.lower())

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if host.lower() not in self._trusted:
            for each in found:
                check_address(each["host"], host)
        return found

    async def close(self) -> None:
        await self._resolver.close()
