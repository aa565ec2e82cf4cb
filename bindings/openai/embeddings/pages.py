"""Fetching a web page to embed: from hosts that may be asked, a few redirects, bounded in size and
time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from bindings.openai.embeddings.hosts import LOCALHOST, Hosts, check_address
from bindings.openai.embeddings.rules import TIMEOUT_SETTING, too_large
from emulator.sdk import BindingError

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MAX_REDIRECTS = 10

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def read_page(
    url: str,
    *,
    max_bytes: int,
    timeout: float,  # noqa: ASYNC109 - one limit for the whole exchange, told in the error
    hosts: Hosts = LOCALHOST,
) -> bytes:
    """Return the body of the page, whatever its type says; raise `BindingError` if that fails."""
    url = url.strip()
    check_url(url, hosts)
    # Imported by need: a client is not part of starting the host.
    import aiohttp

    from bindings.openai.embeddings.resolving import CheckedResolver

    resolver = CheckedResolver()
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver),
                # Not `trust_env`: that sends passwords of ~/.netrc to whoever a request names.
                timeout=aiohttp.ClientTimeout(total=timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                # The last one tells servers of this machine, ours included, that this is no
                # request of its user: the host's own tools are not served to it.
                headers={"User-Agent": _user_agent(), "Sec-Fetch-Site": "cross-site"},
            ) as session,
            _followed(session, url, hosts, resolver.trust) as response,
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


def check_url(url: str, hosts: Hosts = LOCALHOST) -> None:
    """Raise unless the URL is absolute and https, or http on a host that is listed."""
    try:
        parts = urlsplit(url)
        listed = hosts.lists(parts)
        host = parts.hostname or ""
        plain = url.isprintable() and not parts.username and "\\" not in url
        allowed = (
            bool(host) and plain and parts.scheme in ({"http", "https"} if listed else {"https"})
        )
    except ValueError:
        allowed = listed = False
    if not allowed:
        raise BindingError(
            f"Invalid Url: {url}. Ensure it is a valid https Url.",
            code="embeddings-url-invalid",
        )
    if not listed:
        check_address(host, host)


@asynccontextmanager
async def _followed(
    session: ClientSession,
    url: str,
    hosts: Hosts,
    trust: Callable[[str], None],
) -> AsyncIterator[ClientResponse]:
    """Open the page behind the redirects; each stop must be a URL that is allowed. `trust` is told
    the hosts whose addresses need no look."""
    here = url
    for _ in range(MAX_REDIRECTS + 1):
        proxy = _proxy(here)
        for each in (proxy, here if hosts.lists(urlsplit(here)) else None):
            if each is not None:
                trust(urlsplit(each).hostname or "")
        async with session.get(here, allow_redirects=False, proxy=proxy) as response:
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
        check_url(there, hosts)
        # A page out there must not send us to services of this machine.
        if hosts.lists(urlsplit(there)) and not hosts.lists(urlsplit(here)):
            raise BindingError(
                f"{here} redirects to {there} on this machine, which is not followed.",
                code="embeddings-url-refused",
            )
        here = there
    raise BindingError(
        f"{url} redirects more than {MAX_REDIRECTS} times.", code="embeddings-url-refused"
    )


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if not proxy or (parts.hostname and proxy_bypass(parts.hostname)):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


async def _body(response: ClientResponse, url: str, max_bytes: int) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > max_bytes:
            raise too_large(f"The page {url}", max_bytes)
    return bytes(body)


def _user_agent() -> str:
    """Begin as the official extension does: some sites let only agents they know pass."""
    return f"Microsoft.Azure.WebJobs.Extensions.OpenAI/0.19.0 funcemu/{version('funcemu')}"
