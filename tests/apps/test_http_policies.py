"""What host.json, settings and options decide about requests: CORS, throttles, headers, offline."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.support.hosted import HEAD, channel_of, hosted, kept_by, probed, send
from tests.support.processes import until
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = (
    HEAD
    + """
import asyncio, logging, os
calls = []


@app.route(route="hello")
def hello(req: func.HttpRequest) -> func.HttpResponse:
    calls.append(req.method)
    return func.HttpResponse("hello")


@app.route(route="calls")
def told(req: func.HttpRequest) -> str:
    return " ".join(calls)


@app.route(route="own")
def own(req: func.HttpRequest) -> func.HttpResponse:
    headers = {"X-House": "mine", "Vary": "Accept", "Access-Control-Allow-Origin": "mine"}
    return func.HttpResponse("own", headers=headers)


@app.route(route="boom")
def boom(req: func.HttpRequest) -> str:
    raise ValueError("boom")


@app.route(route="options", methods=["OPTIONS"])
def options(req: func.HttpRequest) -> str:
    return "options"


@app.route(route="slow")
async def slow(req: func.HttpRequest) -> str:
    logging.warning("slow begins")
    await asyncio.sleep(float(req.params.get("for", "0.3")))
    return "slow"


@app.route(route="held")
async def held(req: func.HttpRequest) -> str:
    while not os.path.exists(os.path.join(os.path.dirname(__file__), "gate")):
        await asyncio.sleep(0.01)
    return "held"
"""
)
GOOD = "http://localhost:4200"
ASK = {"Origin": GOOD, "Access-Control-Request-Method": "POST"}


def host_json(**http: object) -> str:
    return json.dumps({"version": "2.0", "extensions": {"http": http}})


cors = hosted({"function_app.py": CODE}, "--cors", GOOD)
several = hosted(
    {"function_app.py": CODE}, "--cors", f"{GOOD}/,https://Example.com", "--cors-credentials"
)
everyone = hosted({"function_app.py": CODE}, "--cors", "*")
nobody = hosted({"function_app.py": CODE})


def cors_headers(answer: object) -> dict[str, str]:
    headers = answer.headers  # type: ignore[attr-defined]
    return {
        name.lower(): value
        for name, value in headers.items()
        if name.lower().startswith("access-control") or name.lower() == "vary"
    }


async def test_a_preflight_is_answered_without_the_function(cors: Served) -> None:
    answer = await cors.request("OPTIONS", "/api/hello", headers=ASK)
    assert (answer.status, answer.body) == (204, b"")
    assert cors_headers(answer) == {
        "access-control-allow-origin": GOOD,
        "access-control-allow-methods": "POST",
    }
    assert "OPTIONS" not in (await cors.get("/api/calls")).text


async def test_a_preflight_gets_the_headers_it_asks_for(cors: Served) -> None:
    headers = {**ASK, "Access-Control-Request-Headers": "content-type,x-own"}
    answer = await cors.request("OPTIONS", "/api/hello", headers=headers)
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type,x-own"


async def test_a_preflight_is_answered_whatever_its_path(cors: Served) -> None:
    for path in ("/", "/api/none", "/admin/host/status", "/api/options"):
        answer = await cors.request("OPTIONS", path, headers=ASK)
        assert (answer.status, answer.headers["Access-Control-Allow-Methods"]) == (204, "POST")


async def test_a_preflight_of_another_origin_gets_no_permission(cors: Served) -> None:
    headers = {**ASK, "Origin": "http://evil"}
    answer = await cors.request("OPTIONS", "/api/hello", headers=headers)
    assert (answer.status, cors_headers(answer)) == (204, {})


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:4201",
        "https://localhost:4200",
        "http://localhost",
        "http://localhost:4200/",
        "null",
        "http://localhost:4200.evil",
        "",
    ],
)
async def test_origins_are_compared_whole(cors: Served, origin: str) -> None:
    answer = await cors.get("/api/hello", headers={"Origin": origin})
    assert (answer.status, answer.text) == (200, "hello")
    assert cors_headers(answer) == {}


@pytest.mark.parametrize("path", ["/api/hello", "/api/none", "/api/boom", "/", "/admin/host/ping"])
async def test_every_answer_to_an_allowed_origin_says_so(cors: Served, path: str) -> None:
    answer = await cors.get(path, headers={"Origin": GOOD})
    assert cors_headers(answer) == {"access-control-allow-origin": GOOD}


async def test_options_without_the_question_is_an_ordinary_request(cors: Served) -> None:
    answer = await cors.request("OPTIONS", "/api/options", headers={"Origin": GOOD})
    assert (answer.status, answer.text) == (200, "options")
    assert cors_headers(answer) == {"access-control-allow-origin": GOOD}
    assert (await cors.request("OPTIONS", "/api/options")).text == "options"


async def test_the_function_s_own_permission_is_replaced_and_vary_kept(several: Served) -> None:
    answer = await several.get("/api/own", headers={"Origin": GOOD})
    assert cors_headers(answer) == {
        "access-control-allow-origin": GOOD,
        "access-control-allow-credentials": "true",
        "vary": "Accept, Origin",
    }


async def test_several_origins_vary_and_may_send_credentials(several: Served) -> None:
    answer = await several.request(
        "OPTIONS", "/api/hello", headers={**ASK, "Origin": "https://example.com"}
    )
    assert cors_headers(answer) == {
        "access-control-allow-origin": "https://example.com",
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "POST",
        "vary": "Origin",
    }
    refused = await several.get("/api/hello", headers={"Origin": "http://evil"})
    assert (refused.status, cors_headers(refused)) == (200, {"vary": "Origin"})


async def test_a_star_allows_everybody(everyone: Served) -> None:
    answer = await everyone.get("/api/hello", headers={"Origin": "http://anyone"})
    assert cors_headers(answer) == {"access-control-allow-origin": "*"}
    asked = await everyone.request(
        "OPTIONS", "/api/hello", headers={**ASK, "Origin": "http://anyone"}
    )
    assert cors_headers(asked) == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "POST",
    }


async def test_without_configured_origins_nothing_is_different(nobody: Served) -> None:
    answer = await nobody.get("/api/hello", headers={"Origin": GOOD})
    assert cors_headers(answer) == {}
    assert (await nobody.request("OPTIONS", "/api/options", headers=ASK)).text == "options"
    assert (await nobody.request("OPTIONS", "/api/none", headers=ASK)).status == 404


async def test_local_settings_may_configure_cors(tmp_path: Path, channel: str) -> None:
    settings = json.dumps(
        {"IsEncrypted": False, "Host": {"CORS": f"http://a,{GOOD}", "CORSCredentials": True}}
    )
    app = write_app(tmp_path, {"function_app.py": CODE, "local.settings.json": settings})
    async with served(app, channel=channel) as host:
        answer = await host.get("/api/hello", headers={"Origin": GOOD})
        assert answer.headers["Access-Control-Allow-Origin"] == GOOD
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"


# custom headers

dressed = hosted(
    {
        "function_app.py": CODE,
        "host.json": host_json(
            customHeaders={"X-House": "ours", "Content-Security-Policy": "default-src 'none'"},
            hsts={"isEnabled": True, "maxAge": "10"},
        ),
    }
)


@pytest.mark.parametrize("path", ["/api/hello", "/api/none", "/api/boom", "/admin/host/status"])
async def test_custom_headers_are_added_to_answers(dressed: Served, path: str) -> None:
    headers = (await dressed.get(path)).headers
    assert headers["X-House"] == "ours"
    assert headers["Content-Security-Policy"] == "default-src 'none'"


async def test_a_function_s_own_header_wins(dressed: Served) -> None:
    assert (await dressed.get("/api/own")).headers["X-House"] == "mine"


async def test_the_home_page_has_no_custom_headers(dressed: Served) -> None:
    answer = await dressed.get("/")
    assert answer.status == 200
    assert "X-House" not in answer.headers


async def test_hsts_is_never_sent_over_plain_http(dressed: Served) -> None:
    for name in ("localhost", "example.com"):
        headers = (await dressed.get("/api/hello", headers={"Host": name})).headers
        assert "Strict-Transport-Security" not in headers


# throttles


async def test_requests_beyond_the_queue_are_refused(tmp_path: Path, channel: str) -> None:
    limits = host_json(maxConcurrentRequests=1, maxOutstandingRequests=2)
    app = write_app(tmp_path, {"function_app.py": CODE, "host.json": limits})
    async with served(app, channel=channel) as host:
        calls = [asyncio.create_task(host.get("/api/held")) for _ in range(5)]
        await until(lambda: sum(each.done() for each in calls) >= 3)
        assert (await host.get("/admin/host/status")).status == 200
        (app / "gate").touch()
        answers = await asyncio.gather(*calls)
        assert sorted(each.status for each in answers) == [200, 200, 429, 429, 429]
        for answer in answers:
            if answer.status == 429:
                assert answer.body == b""
                assert answer.headers["X-FUNCTION-SCALEOUT"] == "1"
        assert (await host.get("/api/slow?for=0")).status == 200


async def test_requests_beyond_the_concurrent_ones_wait(tmp_path: Path, channel: str) -> None:
    app = write_app(
        tmp_path, {"function_app.py": CODE, "host.json": host_json(maxConcurrentRequests=1)}
    )
    async with served(app, channel=channel) as host:
        calls = [asyncio.create_task(host.get("/api/slow?for=0.05")) for _ in range(4)]
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert [each.status for each in await asyncio.gather(*calls)] == [200] * 4
        assert loop.time() - began >= 0.19


async def test_a_caller_that_leaves_frees_its_place(tmp_path: Path, channel: str) -> None:
    limits = host_json(maxConcurrentRequests=1, maxOutstandingRequests=1)
    app = write_app(tmp_path, {"function_app.py": CODE, "host.json": limits})
    async with served(app, channel=channel) as host:
        call = asyncio.create_task(host.get("/api/slow?for=0.05"))
        await host.until_printed("slow begins")
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await host.until_printed("GET /api/slow → 200")
        assert (await host.get("/api/slow?for=0")).status == 200


# home page, offline, disabled


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_the_home_page_says_that_the_app_runs(nobody: Served, method: str) -> None:
    answer = await nobody.request(method, "/")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<title>Your Azure Function App is up and running.</title>" in answer.text
    assert (await nobody.get("/?a=b")).status == 200


@pytest.mark.parametrize("value", ["true", "True", "1"])
async def test_the_home_page_can_be_turned_off(tmp_path: Path, value: str) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE})
    settings = {"AzureWebJobsDisableHomepage": value}
    async with served(app, channel="inprocess", settings=settings) as host:
        answer = await host.get("/")
        assert (answer.status, answer.body) == (204, b"")


async def test_an_app_that_is_offline_shows_its_page(tmp_path: Path, channel: str) -> None:
    page = "<h1>Back soon ✓</h1>"
    app = write_app(tmp_path, {"function_app.py": CODE, "app_offline.htm": page})
    async with served(app, channel=channel) as host:
        for path in ("/api/hello", "/", "/anything"):
            answer = await host.get(path)
            assert (answer.status, answer.text) == (503, page)
            assert answer.headers["Content-Type"].startswith("text/html")
        assert (await host.get("/admin/host/status")).json["state"] == "Offline"


DISABLED = (
    HEAD
    + """
import logging


@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    logging.warning("hello ran")
    return "hello"


@app.route(route="keyed", auth_level=func.AuthLevel.FUNCTION)
def keyed(req: func.HttpRequest) -> str:
    return "keyed"


@app.route(route="other")
def other(req: func.HttpRequest) -> str:
    return "other"
"""
)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("AzureWebJobs.hello.Disabled", "true"),
        ("AzureWebJobs_hello_Disabled", "1"),
        ("azurewebjobs.HELLO.disabled", "True"),
    ],
)
async def test_a_setting_disables_a_function(tmp_path: Path, setting: str, value: str) -> None:
    app = write_app(
        tmp_path,
        {
            "function_app.py": DISABLED,
            "local.settings.json": json.dumps({"Values": {setting: value}}),
        },
    )
    async with served(app) as host:
        answer = await host.get("/api/hello")
        assert (answer.status, answer.body) == (404, b"")
        assert (await host.get("/api/other")).status == 200
        await host.until_printed("Function hello is disabled.")
        assert "\thello:" not in host.printed
        assert (await host.get("/admin/functions/hello")).json["isDisabled"] is True
        assert (await host.get("/admin/functions/other")).json["isDisabled"] is False
        assert (await host.post("/admin/functions/hello", json={})).status == 202
        await host.until_printed("hello ran")


async def test_a_function_with_a_key_is_disabled_too(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path, {"function_app.py": DISABLED})
    settings = {"AzureWebJobs.keyed.Disabled": "true", "AzureWebJobs.other.Disabled": "no"}
    async with served(app, channel=channel, settings=settings) as host:
        assert (await host.get("/api/keyed")).status == 404
        assert (await host.get("/api/other")).status == 200


async def test_an_allow_list_leaves_the_others_out(tmp_path: Path, channel: str) -> None:
    text = json.dumps({"version": "2.0", "functions": ["HELLO", "unknown"]})
    app = write_app(tmp_path, {"function_app.py": DISABLED, "host.json": text})
    async with served(app, "--verbose", channel=channel) as host:
        assert (await host.get("/api/hello")).status == 200
        assert (await host.get("/api/other")).status == 404
        names = [each["name"] for each in (await host.get("/admin/functions")).json]
        assert names == ["hello", "keyed", "other"]
        assert (await host.get("/admin/functions/other")).json["name"] == "other"
        await host.until_printed("excluding all but the following functions: [HELLO, unknown]")
        await host.until_printed("The allow list names 'unknown', but there is no such function")
        assert "\tother:" not in host.printed
        assert (await host.post("/admin/functions/other", json={})).status == 404


async def test_warming_up_without_such_a_function_does_nothing(nobody: Served) -> None:
    for method in ("GET", "POST"):
        answer = await nobody.request(method, "/admin/warmup")
        assert (answer.status, answer.body) == (200, b"")


async def test_values_of_a_second_start_are_its_own(tmp_path: Path, channel: str) -> None:
    """Nothing of one host is left for the next one in the same process."""
    app = write_app(tmp_path / "a", {"function_app.py": CODE, "host.json": host_json(
        customHeaders={"X-House": "a"})})  # fmt: skip
    async with served(app, channel=channel) as host:
        assert (await host.get("/api/hello")).headers["X-House"] == "a"
    app = write_app(tmp_path / "b", {"function_app.py": CODE})
    async with served(app, channel=channel) as host:
        assert "X-House" not in (await host.get("/api/hello")).headers
        assert (await host.get("/api/calls")).text == "GET"


async def test_two_apps_side_by_side_do_not_mix(tmp_path: Path) -> None:
    one = write_app(tmp_path / "one", {"function_app.py": CODE})
    two = write_app(tmp_path / "two", {"function_app.py": CODE.replace('"hello")', '"two")')})
    async with (
        probed(one, channel="inprocess", kept=tmp_path / "k1") as first,
        probed(two, channel="inprocess", kept=tmp_path / "k2") as second,
    ):
        assert (await first.get("/api/hello")).text == "hello"
        assert (await second.get("/api/two")).text == "two"
        assert (await send(second, "GET", "/api/hello")).status == 404
        assert channel_of(first) == channel_of(second) == "inprocess"


HELLO = "@app.route(route='hello')\ndef hello(req: func.HttpRequest) -> str:\n    return 'hello'\n"
WARM = (
    HEAD
    + """
import logging


@app.warm_up_trigger("warm")
def warmup(warm) -> None:
    logging.warning("warming up")


@app.generic_trigger(arg_name="text", type="manualTrigger")
@app.generic_output_binding(arg_name="sink", type="kept", path="{who}")
def by_hand(text: str, sink: func.Out[str]) -> None:
    sink.set(text)
"""
)


async def test_a_warm_up_function_runs_once_by_its_address(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path, {"function_app.py": WARM + HELLO})
    async with served(app, channel=channel) as host:
        for method in ("GET", "POST", "GET"):
            answer = await host.request(method, "/admin/warmup")
            assert (answer.status, answer.body) == (200, b"")
        await host.until_printed("warming up")
        assert host.printed.count("Warning: warming up") == 1
        assert (await host.post("/admin/functions/warmup", json={})).status == 202
        await host.until_printed("Warning: warming up")


async def test_a_manual_function_gets_its_input_and_its_members(
    tmp_path: Path, channel: str
) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": WARM + HELLO})
    async with probed(app, channel=channel, kept=tmp_path / "kept") as host:
        text = '{"who": "Ada", "n": [1]}'
        await host.post("/admin/functions/by_hand", json={"input": text})
        await host.post("/admin/functions/by_hand", json={"input": "no object"})
        await host.until_printed("No value for named parameter 'who'.")
        assert kept_by(host, "by_hand") == [("Ada", "text", text)]
        assert (await host.get("/api/by_hand")).status == 404
