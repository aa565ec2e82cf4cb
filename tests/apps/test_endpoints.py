"""What a binding package answers over HTTP itself, and tells the app's process."""

from __future__ import annotations

import aiohttp
import pytest

from tests.support.hosted import HEAD, hosted
from tests.support.serving import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = {
    "function_app.py": HEAD
    + """
import os

@app.route("environment")
def environment(req: func.HttpRequest) -> str:
    return os.environ.get("PROBE_URL", "")

@app.route("{*rest}")
def rest(req: func.HttpRequest) -> str:
    return "function"
""",
    "host.json": """{
  "version": "2.0",
  "extensions": {"http": {"routePrefix": "", "customHeaders": {"x-custom": "1"}}}
}""",
}
host = hosted(APP, "--cors", "https://friend.test")


async def test_a_request_reaches_the_package(host: Served) -> None:
    answer = await host.post("/_probe/a/b%20c?x=1", data=b"body")
    assert answer.json == {"path": "a/b c", "method": "POST", "query": {"x": "1"}, "body": "body"}


async def test_the_package_decides_status_and_headers(host: Served) -> None:
    answer = await host.get("/_probe/status")
    assert (answer.status, answer.text, answer.headers["x-probe"]) == (418, "tea", "1")


async def test_a_stream_arrives_whole(host: Served) -> None:
    answer = await host.get("/_probe/stream")
    assert (answer.status, answer.headers["x-probe"]) == (201, "1")
    assert answer.text == "part 0\npart 1\npart 2\n"


async def test_a_stream_that_breaks_is_no_whole_answer(host: Served) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await host.get("/_probe/cut")
    assert (await host.get("/_probe/status")).status == 418


async def test_a_broken_connection_is_played(host: Served) -> None:
    with pytest.raises(aiohttp.ClientConnectionError):
        await host.get("/_probe/broken")
    await host.until_printed("GET /_probe/broken → 499")


async def test_a_crash_of_the_package_is_an_error_of_ours(host: Served) -> None:
    assert (await host.get("/_probe/crash")).status == 500
    await host.until_printed("RuntimeError: on purpose")


@pytest.mark.parametrize(
    ("path", "told"),
    [("/_gone/x", "'/_gone' of package"), ("/_text/x", "should be a class")],
)
async def test_a_broken_package_is_told(host: Served, path: str, told: str) -> None:
    assert (await host.get(path)).status == 500
    await host.until_printed(told)


async def test_other_machines_and_sites_do_not_get_there(host: Served) -> None:
    for headers in (
        {"Host": "evil.test"},
        {"Origin": "https://evil.test"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert (await host.get("/_probe/status", headers=headers)).status == 403


async def test_a_site_that_was_named_does_and_may_read_streams(host: Served) -> None:
    answer = await host.get("/_probe/stream", headers={"Origin": "https://friend.test"})
    assert answer.status == 201
    assert answer.headers["Access-Control-Allow-Origin"] == "https://friend.test"


@pytest.mark.parametrize("path", ["/unmarked/x", "/_other", "/__probe/x", "/probe"])
async def test_every_other_path_is_the_app_s(host: Served, path: str) -> None:
    assert (await host.get(path)).text == "function"


async def test_the_app_finds_what_the_package_told(host: Served) -> None:
    port = host.url.rpartition(":")[2]
    assert (await host.get("/environment")).text == f"http://127.0.0.1:{port}/_probe"
    await host.until_printed("The probe is set.")
