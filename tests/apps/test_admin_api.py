"""The admin API as editors and scripts use it: state, functions, runs, processes, restart."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.support.hosted import HEAD, channel_of, hosted, kept_by, probed, raw, send
from tests.support.patience import PATIENCE
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = (
    HEAD
    + """
import asyncio, logging


@app.route(route="hello", methods=["GET", "POST"])
def hello(req: func.HttpRequest) -> str:
    logging.warning("hello got %s %r", req.method, req.get_body())
    return "hello"


@app.route()
def Named(req: func.HttpRequest) -> str:
    return "named"


@app.route(route="node/products/{category:alpha?}/{id:int?}")
def products(req: func.HttpRequest) -> str:
    return "products"


@app.generic_trigger(arg_name="text", type="probeTrigger", extra="kept")
@app.generic_output_binding(arg_name="sink", type="kept", path="probe")
def probe(text: str, sink: func.Out[str]) -> None:
    sink.set(text)


@app.generic_trigger(arg_name="text", type="probeTrigger")
def boom(text: str) -> None:
    raise ValueError(f"boom {text}")


@app.generic_trigger(arg_name="text", type="probeTrigger")
async def slow(text: str) -> None:
    await asyncio.sleep(30)
"""
)
ONE = "@app.route(route='x')\ndef x(req: func.HttpRequest) -> str:\n    return 'x'\n"

host = hosted({"function_app.py": CODE})


async def test_the_status_says_who_serves_and_that_it_runs(host: Served) -> None:
    answer = await host.get("/admin/host/status")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    status = answer.json
    assert status["state"] == "Running"
    assert status["version"].startswith("4.")
    assert {"id", "versionDetails", "instanceId", "computerName"} <= status.keys()
    assert status["processUptime"] >= 0
    assert status["functionAppContentEditingState"] == "Unknown"
    assert "errors" not in status
    assert (await host.get("/ADMIN/Host/Status/")).json["instanceId"] == status["instanceId"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_ping_is_answered_and_never_stored(host: Served, method: str) -> None:
    answer = await host.request(method, "/admin/host/ping")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Cache-Control"].startswith("no-store")


async def test_functions_are_listed_by_name_with_their_declarations(host: Served) -> None:
    listed = (await host.get("/admin/functions")).json
    names = [each["name"] for each in listed]
    assert names == ["boom", "hello", "Named", "probe", "products", "slow"]
    probe = next(each for each in listed if each["name"] == "probe")
    assert probe["invoke_url_template"] is None
    assert probe["language"] == "python"
    assert probe["isDisabled"] is False
    assert probe["isDirect"] is False
    assert probe["isProxy"] is False
    assert probe["href"] == f"{host.url}/admin/functions/probe"
    config = probe["config"]
    assert config["name"] == "probe"
    assert config["scriptFile"] == "function_app.py"
    assert config["entryPoint"] == "probe"
    assert config["language"] == "python"
    assert Path(config["functionDirectory"]).is_absolute()
    kinds = {each["name"]: each["type"] for each in config["bindings"]}
    assert kinds == {"text": "probeTrigger", "sink": "kept"}
    trigger = next(each for each in config["bindings"] if each["name"] == "text")
    assert trigger["extra"] == "kept"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("hello", "api/hello"),
        ("Named", "api/named"),
        ("products", "api/node/products/{category:alpha?}/{id:int?}"),
    ],
)
async def test_one_function_has_the_address_to_call(host: Served, name: str, path: str) -> None:
    shown = (await host.get(f"/admin/functions/{name.upper()}")).json
    assert shown["name"] == name
    assert shown["invoke_url_template"] == f"{host.url}/{path}"


async def test_addresses_are_those_of_the_caller(host: Served) -> None:
    answer = await host.get("/admin/functions/hello", headers={"Host": "localhost:1234"})
    assert answer.json["invoke_url_template"] == "http://localhost:1234/api/hello"


@pytest.mark.parametrize("path", ["none", "none/status", "hello/files", "hello/status/more"])
async def test_unknown_functions_and_parts_are_404(host: Served, path: str) -> None:
    assert (await host.get(f"/admin/functions/{path}")).status == 404


async def test_a_sound_function_has_an_empty_status(host: Served) -> None:
    for name in ("hello", "HELLO", "probe"):
        assert (await host.get(f"/admin/functions/{name}/status")).json == {}


async def kept(host: Served, function: str, count: int) -> list[tuple[str, str, object]]:
    async with asyncio.timeout(PATIENCE):
        while len(kept_by(host, function)) < count:  # noqa: ASYNC110 - a file, written elsewhere
            await asyncio.sleep(0.01)
    return kept_by(host, function)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"input": "given"}', "given"),
        ('{"Input": "case"}', "case"),
        ('{"input": ""}', ""),
        ("{}", ""),
        ("", ""),
        ('{"input": null}', ""),
        ('{"input": {"a": 1}}', '{"a": 1}'),
        ('{"input": 5}', "5"),
        ('{"other": 1}', ""),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", None])
async def test_a_post_runs_a_function_with_its_input(
    host: Served, body: str, text: str, content_type: str | None
) -> None:
    before = len(kept_by(host, "probe"))
    more = (
        {"headers": {"Content-Type": content_type}}
        if content_type
        else {"skip_auto_headers": ["Content-Type"]}
    )
    answer = await host.post("/admin/functions/PROBE", data=body.encode(), **more)
    assert (answer.status, answer.body) == (202, b"")
    assert (await kept(host, "probe", before + 1))[-1] == ("probe", "text", text)


@pytest.mark.parametrize("body", ["null", "[1]", '"text"', "{", "no json", "\xff"])
async def test_a_body_that_is_no_object_is_refused(host: Served, body: str) -> None:
    answer = await host.post("/admin/functions/probe", data=body.encode("latin-1"))
    assert answer.status == 400
    assert {"error", "hint"} <= answer.json.keys()


async def test_a_run_is_not_waited_for(host: Served) -> None:
    async with asyncio.timeout(PATIENCE):
        assert (await host.post("/admin/functions/slow", json={})).status == 202


async def test_running_an_unknown_function_is_404(host: Served) -> None:
    assert (await host.post("/admin/functions/none", json={})).status == 404


async def test_a_run_that_fails_is_told_on_the_console(host: Served) -> None:
    assert (await host.post("/admin/functions/boom", json={"input": "now"})).status == 202
    await host.until_printed("Executed 'Functions.boom' (Failed, Id=")
    await host.until_printed("Exception: ValueError: boom now")


async def test_an_http_function_gets_its_input_as_the_body_of_a_post(host: Served) -> None:
    assert (await host.post("/admin/functions/hello", json={"input": "hi"})).status == 202
    await host.until_printed("hello got POST b'hi'")


async def test_a_run_has_azure_s_reason(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": CODE})
    async with probed(app, "--verbose", channel=channel, kept=tmp_path / "kept") as host:
        await host.post("/admin/functions/probe", json={"input": "x"})
        await host.until_printed(
            "Executing 'Functions.probe' (Reason='This function was programmatically called via "
            "the host APIs.', Id="
        )
        await host.until_printed("Executed 'Functions.probe' (Succeeded, Id=")


async def test_processes_are_the_host_and_its_workers(host: Served) -> None:
    processes = (await host.get("/admin/host/processes")).json["processes"]
    kinds = [each["type"] for each in processes]
    if channel_of(host) == "subprocess":
        assert kinds == ["host", "worker"]
        assert processes[0]["processId"] == host.process.pid
        assert Path(f"/proc/{processes[1]['processId']}").exists()
    else:
        assert kinds == ["host"]
        assert processes[0]["processId"] == os.getpid()


async def test_the_configuration_is_shown(host: Served) -> None:
    assert (await host.get("/admin/host/config")).json == {"version": "2.0"}


@pytest.mark.parametrize("path", ["log", "debug"])
async def test_what_azure_sends_its_hosts_is_taken(host: Served, path: str) -> None:
    assert (await host.post(f"/admin/host/{path}", json=[])).status == 200


async def test_triggers_are_said_to_be_synchronised(host: Served) -> None:
    assert (await host.post("/admin/host/synctriggers")).json == {"status": "success"}


@pytest.mark.parametrize(
    "path",
    [
        "/admin",
        "/admin/",
        "/admin/vfs/",
        "/admin/vfs/etc/passwd",
        "/admin/functions/download",
        "/admin/host",
        "/admin/host/none",
        "/admin/extensions",
        "/runtime/webhooks/durabletask",
        "/runtime/",
    ],
)
async def test_everything_else_is_404(host: Served, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        answer = await host.request(method, path)
        assert (answer.status, answer.body) == (404, b"")


async def test_the_file_system_stays_closed(host: Served) -> None:
    for path in ("/admin/vfs/../../etc/passwd", "/admin/vfs/%2e%2e/%2e%2e/etc/passwd"):
        answer = await send(host, "GET", path)
        assert answer.status == 404
        assert b"root:" not in answer.body


# who may ask


@pytest.mark.parametrize(
    "name",
    ["localhost", "localhost:7071", "LOCALHOST", "127.0.0.1:80", "127.8.9.1", "[::1]:7071",
     "app.localhost", "localhost."],
)  # fmt: skip
async def test_names_of_this_machine_may_ask(host: Served, name: str) -> None:
    assert (await host.get("/admin/host/status", headers={"Host": name})).status == 200


@pytest.mark.parametrize(
    "name",
    ["evil.example", "evil.example:7071", "localhost.evil.example", "127.0.0.1.evil.example",
     "192.168.1.5", "10.0.0.1:7071", "[fe80::1]", "0.0.0.0", "", "a b", "[", "::1:x"],
)  # fmt: skip
async def test_a_foreign_host_name_is_refused(host: Served, name: str) -> None:
    for path in ("/admin/host/status", "/admin/functions/probe", "/admin/host/ping"):
        method = "POST" if path.endswith("probe") else "GET"
        answer = await host.request(method, path, headers={"Host": name})
        assert answer.status == 403
        assert "is not a name of this machine" in answer.json["error"]


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:1", "http://x.localhost"]
)
async def test_pages_of_this_machine_may_ask(host: Served, origin: str) -> None:
    assert (await host.get("/admin/functions", headers={"Origin": origin})).status == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://localhost.evil.example", "null", "file://", "http://[", "x",
     "http://192.168.1.5:3000"],
)  # fmt: skip
async def test_pages_of_other_sites_are_refused(host: Served, origin: str) -> None:
    before = len(kept_by(host, "probe"))
    for path in ("/admin/functions/probe", "/admin/host/restart", "/admin/host/keys/x"):
        answer = await host.post(path, json={}, headers={"Origin": origin})
        assert answer.status == 403
        assert "refused" in answer.json["error"]
    assert len(kept_by(host, "probe")) == before


async def test_a_cross_site_request_without_origin_is_refused(host: Served) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (await host.get("/admin/host/status", headers=headers)).status == 403
    for site in ("same-origin", "same-site", "none"):
        answer = await host.get("/admin/host/status", headers={"Sec-Fetch-Site": site})
        assert answer.status == 200


async def test_a_request_without_host_name_is_refused(host: Served) -> None:
    answer = await raw(host, b"GET /admin/host/status HTTP/1.0\r\n\r\n")
    assert b" 403 " in answer.split(b"\r\n")[0]


async def test_functions_answer_under_any_name(host: Served) -> None:
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert (await host.get("/api/hello", headers=headers)).status == 200


async def test_an_origin_named_for_cors_may_ask_but_a_star_opens_nothing(
    tmp_path: Path, channel: str
) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": CODE})
    for cors, status in (("https://portal.example", 200), ("*", 403)):
        kept = tmp_path / "kept"
        async with probed(app, "--cors", cors, channel=channel, kept=kept) as host:
            headers = {"Origin": "https://portal.example"}
            assert (await host.get("/admin/functions", headers=headers)).status == status


async def test_served_to_all_machines_any_address_but_no_foreign_name_may_ask(
    tmp_path: Path,
) -> None:
    app = write_app(tmp_path, {"function_app.py": HEAD + ONE})
    async with served(app, "--address", "0.0.0.0") as host:
        for name, status in (
            ("192.168.1.5:7071", 200),
            ("[fe80::1]:7071", 200),
            ("localhost", 200),
            ("evil.example", 403),
        ):
            answer = await host.get("/admin/host/status", headers={"Host": name})
            assert answer.status == status, name
        headers = {"Host": "192.168.1.5", "Origin": "http://192.168.1.5:7071"}
        assert (await host.get("/admin/host/status", headers=headers)).status == 200
        headers = {"Host": "192.168.1.5", "Origin": "http://192.168.1.6:7071"}
        assert (await host.get("/admin/host/status", headers=headers)).status == 403


# state and restart


async def test_an_app_is_taken_offline_and_back(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path, {"function_app.py": HEAD + ONE})
    async with served(app, channel=channel) as host:
        put = "/admin/host/state"
        assert (await host.put(put, json="running")).status == 200
        assert (await host.put(put, json="Offline")).status == 202
        assert (tmp_path / "app_offline.htm").exists()
        assert (await host.get("/api/x")).status == 503
        assert (await host.get("/admin/host/status")).json["state"] == "Offline"
        assert (await host.put(put, json="offline")).status == 200
        assert (await host.put(put, json="RUNNING")).status == 202
        assert not (tmp_path / "app_offline.htm").exists()
        assert (await host.get("/api/x")).text == "x"
        for body in ('"paused"', "offline", "", "{}", "5"):
            assert (await host.put(put, data=body.encode())).status == 400


async def test_a_restart_is_begun_at_once_and_picks_up_changes(
    tmp_path: Path, channel: str
) -> None:
    code = HEAD + ONE
    app = write_app(tmp_path, {"function_app.py": code})
    async with served(app, channel=channel) as host:
        assert (await host.get("/api/x")).text == "x"
        (app / "function_app.py").write_text(code.replace("'x'\n", "'TWO'\n"))
        answer = await host.post("/admin/host/restart")
        assert answer.status == 200
        assert answer.json["scriptPath"] == str(tmp_path)
        async with asyncio.timeout(PATIENCE):
            while (await host.get("/api/x")).text != "TWO":  # noqa: ASYNC110 - asks anew
                await asyncio.sleep(0.01)
        assert (await host.get("/admin/host/status")).json["state"] == "Running"


HELD = """
import asyncio
import logging

gate = asyncio.Event()


@app.route()
async def held(req: func.HttpRequest) -> str:
    logging.info("held begun")
    await gate.wait()
    return "held"


@app.route()
async def release(req: func.HttpRequest) -> str:
    gate.set()
    return "released"


@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def tick(timer: func.TimerRequest) -> None:
    logging.info("tock")
"""


async def drained(host: Served, state: str) -> dict[str, object]:
    async with asyncio.timeout(PATIENCE):
        while True:
            shown: dict[str, object] = (await host.get("/admin/host/drain/status")).json
            if shown["state"] == state:
                return shown
            await asyncio.sleep(0.01)


async def test_a_host_is_drained_and_goes_on(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path, {"function_app.py": HEAD + HELD})
    async with served(app, channel=channel) as host:
        await host.until_printed("tock")
        assert (await host.get("/admin/host/drain/status")).json["state"] == "Disabled"
        assert (await host.post("/admin/host/resume")).json == {"State": "Running"}
        assert (await host.get("/admin/host/status")).json["generation"] == 1
        held = asyncio.create_task(host.get("/api/held"))
        await host.until_printed("held begun")
        answer = await host.post("/admin/host/drain")
        assert (answer.status, answer.body) == (202, b"")
        shown = await drained(host, "InProgress")
        assert shown["outstandingInvocations"] in {1, 2}  # a tick may be under way
        assert (await host.get("/api/release")).text == "released"
        assert (await held).text == "held"
        assert await drained(host, "Completed") == {
            "state": "Completed", "outstandingInvocations": 0, "outstandingRetries": 0,
        }  # fmt: skip
        before = host.printed.count("tock")
        assert (await host.post("/admin/host/resume")).json == {"State": "Running"}
        assert (await host.get("/admin/host/drain/status")).json["state"] == "Disabled"
        async with asyncio.timeout(PATIENCE):
            while host.printed.count("tock") == before:  # noqa: ASYNC110 - printed elsewhere
                await asyncio.sleep(0.01)


async def test_an_app_that_is_broken_is_neither_drained_nor_resumed(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": "import nothing_of_this_name\n"})
    async with served(app, channel="inprocess") as host:
        assert (await host.post("/admin/host/drain")).status == 503
        assert (await host.get("/admin/host/drain/status")).status == 503
        assert (await host.post("/admin/host/resume")).status == 409


async def test_a_host_has_an_id_of_its_own(tmp_path: Path) -> None:
    ids = []
    for name, settings in (
        ("one", {}),
        ("two", {}),
        ("two", {"AzureFunctionsWebHost__hostid": "x-1"}),
    ):
        app = write_app(tmp_path / name, {"function_app.py": HEAD})
        async with served(app, channel="inprocess", settings=settings) as host:
            ids.append((await host.get("/admin/host/status")).json["id"])
    assert ids[2] == "x-1"
    assert len(set(ids)) == 3
    assert all(len(each) <= 32 and each == each.lower() for each in ids)


async def test_an_app_without_functions_runs_all_the_same(tmp_path: Path) -> None:
    app = write_app(tmp_path, {})
    async with served(app, channel="inprocess") as host:
        assert (await host.get("/admin/host/status")).json["state"] == "Running"
        assert (await host.get("/admin/functions")).json == []
        assert (await host.get("/api/x")).status == 404
        assert (await host.get("/")).status == 200
        await host.until_printed("No job functions found")
        await host.until_printed(str(tmp_path))
        assert "Functions:" not in host.output


async def test_the_v1_model_shows_its_function_json(tmp_path: Path, channel: str) -> None:
    declared = {
        "bindings": [
            {"type": "httpTrigger", "direction": "in", "name": "req", "route": "A/{b}"},
            {"type": "http", "direction": "out", "name": "$return"},
        ],
        "generatedBy": "hand",
    }
    files = {"f/function.json": json.dumps(declared), "f/__init__.py": "def main(req): ...\n"}
    async with served(write_app(tmp_path, files), channel=channel) as host:
        shown = (await host.get("/admin/functions/f")).json
        assert shown["config"] == declared
        assert shown["invoke_url_template"] == f"{host.url}/api/A/{{b}}"
