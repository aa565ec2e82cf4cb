from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bindings.openai.embeddings import pages
from bindings.openai.embeddings.hosts import LOCALHOST, Hosts
from bindings.openai.embeddings.inputs import InputType, read_input
from bindings.openai.embeddings.pages import check_url, read_page
from bindings.openai.embeddings.rules import InputRules
from emulator.sdk import BindingError

_LIMITS: dict[str, Any] = {"max_bytes": 1000, "timeout": 5.0}


class Site:
    """A small web site on this machine."""

    def __init__(self) -> None:
        self.requests: list[web.BaseRequest] = []
        self.server = TestServer(web.Application())
        self.hold = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        match request.path:
            case "/page":
                return web.Response(body="<p>Grüße</p>".encode(), content_type="text/html")
            case "/long":
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(20):
                    await response.write(b"x" * 100)
                return response
            case "/slow":
                await self.hold.wait()
                return web.Response()
            case "/moved":
                return web.Response(status=302, headers={"Location": "/page"})
            case "/out":
                return web.Response(status=301, headers={"Location": "http://example.test/a"})
            case "/round":
                return web.Response(status=307, headers={"Location": "/round"})
            case "/nowhere":
                return web.Response(status=302)
            case "/inside":
                return web.Response(status=302, headers={"Location": "https://169.254.169.254/"})
            case "/bomb":
                body = gzip.compress(bytes(50_000_000))
                return web.Response(body=body, headers={"Content-Encoding": "gzip"})
            case "/cookie":
                response = web.Response(status=302, headers={"Location": "/page"})
                response.set_cookie("a", "b")
                return response
        return web.Response(status=404, reason="Not Found")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    site.server.app.router.add_get("/{path:.*}", site.handle)
    await site.server.start_server()
    yield site
    site.hold.set()
    await site.server.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.test/a.txt",
        "ftp://example.test/a.txt",
        "file:///etc/passwd",
        "example.test/a.txt",
        "https://",
        "http://localhost.example.test/",
        "http://[::1",
        "https://user:password@example.test/",
        "https://exa\nmple.test/",
        "https://example.test\\@localhost/",
        "http://127.0.0.1.nip.io/",
        "http://2130706433/",
        "http://0x7f.1/",
        "not a url",
    ],
)
def test_only_absolute_https_urls_are_taken(url: str) -> None:
    with pytest.raises(BindingError) as caught:
        check_url(url)
    assert caught.value.message == f"Invalid Url: {url}. Ensure it is a valid https Url."


@pytest.mark.parametrize(
    "url", ["https://example.test/a", "http://localhost:1/a", "http://127.0.0.1/", "http://[::1]/"]
)
def test_https_and_this_machine_are_fine(url: str) -> None:
    check_url(url)


async def test_a_page_is_read_as_it_is_with_the_extensions_user_agent(site: Site) -> None:
    rules = InputRules(())
    assert await read_input(InputType.URL, f"{site.url}/page", rules) == "<p>Grüße</p>"
    agent = site.requests[0].headers["User-Agent"]
    assert agent.startswith("Microsoft.Azure.WebJobs.Extensions.OpenAI/")
    assert "Authorization" not in site.requests[0].headers


async def test_redirects_are_followed(site: Site) -> None:
    assert b"<p>" in await read_page(f"{site.url}/moved", **_LIMITS)


async def test_a_redirect_to_plain_http_elsewhere_is_refused(site: Site) -> None:
    with pytest.raises(BindingError, match="Invalid Url: http://example.test/a"):
        await read_page(f"{site.url}/out", **_LIMITS)


async def test_a_redirect_to_the_addresses_of_clouds_is_refused(site: Site) -> None:
    with pytest.raises(BindingError, match="169.254.169.254 is an address of this machine") as told:
        await read_page(f"{site.url}/inside", **_LIMITS)
    assert told.value.code == "embeddings-url-inside"


async def test_a_small_answer_that_unfolds_without_end_is_cut(site: Site) -> None:
    with pytest.raises(BindingError, match=r"/bomb is larger than 1,000 bytes"):
        await read_page(f"{site.url}/bomb", **_LIMITS)


async def test_a_name_counts_by_its_addresses() -> None:
    with pytest.raises(
        BindingError, match=r"^localhost \(.*\) is an address of this machine"
    ) as told:
        await read_page("https://localhost:1/", hosts=Hosts.of(""), **_LIMITS)
    assert "FUNCEMU_EMBEDDINGS_URL_HOSTS" in (told.value.hint or "")


async def test_a_request_is_none_of_the_hosts_user(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    await read_page(f"{site.url}/cookie", **_LIMITS)
    for request in site.requests:
        assert request.headers["Sec-Fetch-Site"] == "cross-site"
        assert not {"Authorization", "Cookie"} & set(request.headers)


async def test_a_proxy_of_the_environment_is_asked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", site.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    hosts = Hosts.of("wiki.test")
    assert b"<p>" in await read_page("http://wiki.test/page", hosts=hosts, **_LIMITS)
    assert site.requests[0].headers["Host"] == "wiki.test"


async def test_a_circle_of_redirects_ends(site: Site) -> None:
    with pytest.raises(BindingError, match="redirects more than 10 times"):
        await read_page(f"{site.url}/round", **_LIMITS)
    assert len(site.requests) == 11


@pytest.mark.parametrize(("path", "status"), [("/missing", "404 (Not Found)"), ("/nowhere", "302")])
async def test_an_answer_without_success_fails(site: Site, path: str, status: str) -> None:
    with pytest.raises(BindingError) as caught:
        await read_page(site.url + path, **_LIMITS)
    expected = f"Response status code does not indicate success: {status}"
    assert caught.value.message.startswith(expected)


async def test_a_long_page_is_not_read_to_its_end(site: Site) -> None:
    with pytest.raises(BindingError, match=r"/long is larger than 1,000 bytes"):
        await read_page(f"{site.url}/long", **_LIMITS)


async def test_a_page_that_takes_too_long_is_given_up(site: Site) -> None:
    with pytest.raises(BindingError, match=r"/slow did not answer within 0\.05 seconds") as caught:
        await read_page(f"{site.url}/slow", max_bytes=10, timeout=0.05)
    assert "FUNCEMU_EMBEDDINGS_TIMEOUT" in (caught.value.hint or "")


async def test_a_server_that_is_not_there_is_told(unused_tcp_port: int) -> None:
    url = f"http://localhost:{unused_tcp_port}/"
    with pytest.raises(BindingError, match=f"{url} could not be read: "):
        await read_page(url, **_LIMITS)


async def test_a_redirect_from_outside_to_this_machine_is_refused() -> None:
    asked: list[str] = []

    class Outside:
        """Stands for a site that is not on this machine, which a test cannot have."""

        @asynccontextmanager
        async def get(self, url: str, **_: Any) -> AsyncIterator[Any]:
            asked.append(url)
            yield SimpleNamespace(status=302, headers={"Location": "http://localhost:6379/"})

    session: Any = Outside()
    with pytest.raises(BindingError, match="on this machine, which is not followed"):
        async with pages._followed(session, "https://example.test/a", LOCALHOST, lambda host: None):
            pass
    assert asked == ["https://example.test/a"]
