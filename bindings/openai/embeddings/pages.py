"""Fetching a web page to embed: `https` only, a few redirects, bounded in size and time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from bindings.openai.embeddings.rules import TIMEOUT_SETTING, too_large
from emulator.sdk import BindingError

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MAX_REDIRECTS = 10

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


async def read_page(url: str, *, max_bytes: int, timeout: float) -> bytes:  # noqa: ASYNC109 - one limit for the whole exchange, told in the error
    """Return the body of the page, whatever its type says; raise `BindingError` if that fails."""
    url = url.strip()
    check_url(url)
    # Imported by need: a client is not part of starting the host.
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(
                # Environments that have a proxy have it in the environment.
                trust_env=True,
                timeout=aiohttp.ClientTimeout(total=timeout),
                headers={"User-Agent": _user_agent()},
            ) as session,
            _followed(session, url) as response,
        ):
            return await _body(response, url, max_bytes)
    except TimeoutError:
        raise BindingError(
            f"{url} did not answer within {timeout:g} seconds.",
            hint=f"Raise the setting {TIMEOUT_SETTING} for slow pages.",
            code="embeddings-url-timeout",
        ) from None
    except aiohttp.ClientError as error:
        raise BindingError(
            f"{url} could not be read: {error or type(error).__name__}.",
            code="embeddings-url-unreachable",
        ) from error


def check_url(url: str) -> None:
    """Raise unless the URL is absolute and https, or http on this machine."""
    try:
        parts = urlsplit(url)
        allowed = bool(parts.hostname) and (parts.scheme == "https" or _is_local(url))
    except ValueError:
        allowed = False
    if not allowed:
        raise BindingError(
            f"Invalid Url: {url}. Ensure it is a valid https Url.",
            code="embeddings-url-invalid",
        )


@asynccontextmanager
async def _followed(session: ClientSession, url: str) -> AsyncIterator[ClientResponse]:
    """Open the page behind the redirects; each stop must be a URL that is allowed."""
    here = url
    for _ in range(MAX_REDIRECTS + 1):
        async with session.get(here, allow_redirects=False) as response:
            target = response.headers.get("Location")
            if response.status not in _REDIRECTS or target is None:
                if not 200 <= response.status < 300:
                    raise BindingError(
                        f"Response status code does not indicate success: {response.status} "
                        f"({response.reason}). Url: {here}",
                        code="embeddings-url-refused",
                    )
                yield response
                return
        there = urljoin(here, target)
        check_url(there)
        # A page out there must not send us to services of this machine.
        if _is_local(there) and not _is_local(here):
            raise BindingError(
                f"{here} redirects to {there} on this machine, which is not followed.",
                code="embeddings-url-refused",
            )
        here = there
    raise BindingError(
        f"{url} redirects more than {MAX_REDIRECTS} times.", code="embeddings-url-refused"
    )


async def _body(response: ClientResponse, url: str, max_bytes: int) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > max_bytes:
            raise too_large(f"The page {url}", max_bytes)
    return bytes(body)


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and (parts.hostname or "") in _LOCAL_HOSTS


def _user_agent() -> str:
    """Begin as the official extension does: some sites let only agents they know pass."""
    return f"Microsoft.Azure.WebJobs.Extensions.OpenAI/0.19.0 funcemu/{version('funcemu')}"
