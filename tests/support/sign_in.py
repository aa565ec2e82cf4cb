"""A credential that gives tokens without asking anybody."""

from __future__ import annotations

import time
from typing import Any

from azure.core.credentials import AccessToken


class StubCredential:
    """Gives `token-1`, `token-2` …, each good for `lifetime` seconds, or raises `error`."""

    def __init__(self, *, lifetime: int = 3600, error: Exception | None = None) -> None:
        self.lifetime = lifetime
        self.error = error
        self.scopes: list[tuple[str, ...]] = []
        self.closed = 0

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.scopes.append(scopes)
        if self.error is not None:
            raise self.error
        return AccessToken(f"token-{len(self.scopes)}", int(time.time()) + self.lifetime)

    async def close(self) -> None:
        self.closed += 1

    async def __aenter__(self) -> StubCredential:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
