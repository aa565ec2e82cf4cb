"""Authorization by keys, off by default; making, reading and deleting keys."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosted import HEAD, hosted, raw
from tests.support.serving import Answer, Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = HEAD + "".join(
    f"@app.route(route='{name}', auth_level=func.AuthLevel.{level})\n"
    f"def {level.lower()}_level(req: func.HttpRequest) -> str:\n"
    "    return req.params.get('code', '-')\n"
    for name, level in (("anonymous", "ANONYMOUS"), ("function", "FUNCTION"), ("mastered", "ADMIN"))
) + (
    "@app.route(route='other', auth_level=func.AuthLevel.FUNCTION)\n"
    "def other(req: func.HttpRequest) -> str:\n    return 'other'\n"
    "@app.route(route='resting', auth_level=func.AuthLevel.FUNCTION)\n"
    "def resting(req: func.HttpRequest) -> str:\n    return 'resting'\n"
)  # fmt: skip


def level(name: str, value: str | None) -> dict[str, str]:
    trigger = {"type": "httpTrigger", "direction": "in", "name": "req"}
    if value is not None:
        trigger["authLevel"] = value
    bindings = [trigger, {"type": "http", "direction": "out", "name": "$return"}]
    return {
        f"{name}/function.json": json.dumps({"bindings": bindings}),
        f"{name}/__init__.py": "def main(req):\n    return 'in'\n",
    }


open_host = hosted({"function_app.py": CODE})
host = hosted(
    {"function_app.py": CODE},
    "--enable-auth",
    settings={"AzureWebJobs.resting.Disabled": "true"},
)
folders = hosted(
    level("anonymous", "Anonymous")
    | level("upper", "FUNCTION")
    | level("absent", None)
    | level("user", "user")
    | level("system", "system")
    | level("mastered", "Admin")
    | level("wrong", "everyone"),
    "--enableAuth",
)


async def master(host: Served) -> str:
    await host.until_printed("kept in memory; master ")
    found = re.search(r"kept in memory; master (\S+)", host.printed)
    assert found
    return found[1]


async def ask(host: Served, method: str, path: str, key: str = "", **more: Any) -> Answer:
    headers = {"x-functions-key": key or await master(host)}
    return await host.request(method, path, headers=headers, **more)


async def key_of(host: Served, scope: str, name: str = "default") -> str:
    answer = await ask(host, "GET", f"/admin/{scope}/{name}")
    assert answer.status == 200
    return str(answer.json["value"])


# without the option


async def test_without_the_option_no_key_is_asked_for(open_host: Served) -> None:
    for name in ("anonymous", "function", "mastered"):
        for headers in ({}, {"x-functions-key": "wrong"}):
            assert (await open_host.get(f"/api/{name}", headers=headers)).status == 200
    assert (await open_host.get("/api/function?code=anything")).text == "anything"
    assert (await open_host.get("/admin/functions")).status == 200


async def test_without_the_option_keys_can_be_managed_all_the_same(open_host: Served) -> None:
    answer = await open_host.get("/admin/functions/function_level/keys")
    assert [each["name"] for each in answer.json["keys"]] == ["default"]
    assert "Keys:" not in open_host.printed


# levels


async def test_without_a_key_only_anonymous_functions_answer(host: Served) -> None:
    for name, status in (("anonymous", 200), ("function", 401), ("mastered", 401), ("other", 401)):
        answer = await host.get(f"/api/{name}")
        assert answer.status == status, name
        if status == 401:
            assert answer.body == b""
            assert "Content-Type" not in answer.headers


async def test_a_function_key_opens_its_own_function(host: Served) -> None:
    key = await key_of(host, "functions/function_level/keys")
    for path, status in (("function", 200), ("other", 401), ("mastered", 401)):
        assert (await ask(host, "GET", f"/api/{path}", key)).status == status
        assert (await host.get(f"/api/{path}", params={"code": key})).status == status


async def test_a_host_key_opens_every_function(host: Served) -> None:
    key = await key_of(host, "host/functionkeys")
    for path, status in (("function", 200), ("other", 200), ("mastered", 401)):
        assert (await ask(host, "GET", f"/api/{path}", key)).status == status


async def test_the_master_key_opens_everything(host: Served) -> None:
    for path in ("anonymous", "function", "other", "mastered"):
        assert (await ask(host, "GET", f"/api/{path}")).status == 200
        assert (await host.get(f"/api/{path}", params={"code": await master(host)})).status == 200


@pytest.mark.parametrize("key", ["wrong", "", " ", "AzFu", "ü", "default", "None"])
async def test_wrong_keys_open_nothing_but_what_is_open(host: Served, key: str) -> None:
    headers = {"x-functions-key": key}
    assert (await host.get("/api/function", headers=headers)).status == 401
    assert (await host.get("/api/function", params={"code": key})).status == 401
    assert (await host.get("/api/anonymous", headers=headers)).status == 200


async def test_a_key_of_any_bytes_is_only_wrong(host: Served) -> None:
    answer = await raw(
        host,
        b"GET /api/function HTTP/1.1\r\nHost: a\r\nx-functions-key: \xff\xfe\r\n"
        b"Connection: close\r\n\r\n",
    )
    assert b" 401 " in answer.split(b"\r\n")[0]
    assert "itself failed" not in host.printed


async def test_the_header_is_looked_at_before_the_query(host: Served) -> None:
    key = await key_of(host, "host/functionkeys")
    headers = {"x-functions-key": "wrong"}
    assert (await host.get("/api/function", params={"code": key}, headers=headers)).status == 401
    headers = {"X-Functions-Key": key}
    assert (await host.get("/api/function?code=wrong", headers=headers)).status == 200


async def test_a_key_in_the_body_counts_for_nothing(host: Served) -> None:
    assert (await host.post("/api/function", data={"code": await master(host)})).status == 401


async def test_the_key_of_the_query_reaches_the_function(host: Served) -> None:
    key = await key_of(host, "host/functionkeys")
    assert (await host.get("/api/function", params={"code": key})).text == key


async def test_identity_headers_open_nothing(host: Served) -> None:
    headers = {"x-ms-client-principal": "eyJhdXRoX3R5cCI6ImFhZCJ9", "x-ms-client-principal-id": "a"}
    assert (await host.get("/api/function", headers=headers)).status == 401
    assert (await host.get("/api/anonymous", headers=headers)).status == 200


async def test_a_disabled_function_runs_for_the_master_key_alone(host: Served) -> None:
    key = await key_of(host, "functions/resting/keys")
    assert (await host.get("/api/resting")).status == 401
    assert (await ask(host, "GET", "/api/resting", key)).status == 404
    assert (await ask(host, "GET", "/api/resting")).text == "resting"


async def test_a_method_nobody_takes_is_404_before_any_key(host: Served) -> None:
    assert (await host.get("/api/none")).status == 404


@pytest.mark.parametrize(
    ("name", "without", "function_key", "system_key"),
    [
        ("anonymous", 200, 200, 200),
        ("upper", 401, 200, 401),
        ("absent", 401, 200, 401),
        ("user", 401, 401, 401),
        ("system", 401, 401, 200),
        ("mastered", 401, 401, 401),
    ],
)
async def test_levels_are_read_without_case(
    folders: Served, name: str, without: int, function_key: int, system_key: int
) -> None:
    assert (await folders.get(f"/api/{name}")).status == without
    key = await key_of(folders, "host/functionkeys")
    assert (await ask(folders, "GET", f"/api/{name}", key)).status == function_key
    await ask(folders, "PUT", "/admin/host/systemkeys/sys", json={"value": "system-secret"})
    assert (await ask(folders, "GET", f"/api/{name}", "system-secret")).status == system_key
    assert (await ask(folders, "GET", f"/api/{name}")).status == 200


async def test_a_level_that_does_not_exist_takes_its_function_down(folders: Served) -> None:
    assert (await ask(folders, "GET", "/api/wrong")).status == 404
    errors = (await ask(folders, "GET", "/admin/functions/wrong/status")).json["errors"]
    assert "Invalid value specified for binding property 'authLevel'" in errors[0]


# the admin API


async def test_the_admin_api_wants_the_master_key_but_for_the_ping(host: Served) -> None:
    key = await key_of(host, "host/functionkeys")
    for path in ("host/status", "functions", "functions/other/keys", "host/keys", "nothing"):
        assert (await host.get(f"/admin/{path}")).status == 401
        assert (await ask(host, "GET", f"/admin/{path}", key)).status == 401
    assert (await host.post("/admin/functions/other", json={})).status == 401
    assert (await host.get("/admin/host/ping")).status == 200
    assert (await host.get("/admin/host/status", params={"code": await master(host)})).status == 200


async def test_keys_are_listed_with_a_link(host: Served) -> None:
    answer = await ask(host, "GET", "/admin/functions/OTHER/keys")
    assert answer.status == 200
    (key,) = answer.json["keys"]
    assert key["name"] == "default"
    assert re.fullmatch(r"[A-Za-z0-9_=-]{40,}", key["value"])
    assert "AzFu" in key["value"]
    assert answer.json["links"] == [
        {"rel": "self", "href": f"{host.url}/admin/functions/OTHER/keys"}
    ]


async def test_a_key_is_generated_renewed_and_deleted(host: Served) -> None:
    path = "/admin/functions/other/keys/made"
    first = await ask(host, "POST", path)
    assert first.status == 201
    assert first.json["name"] == "made"
    assert first.json["links"][0]["href"] == host.url + path
    assert (await ask(host, "GET", "/api/other", first.json["value"])).status == 200
    second = await ask(host, "POST", path)
    assert second.status == 200
    assert second.json["value"] != first.json["value"]
    assert (await ask(host, "GET", "/api/other", first.json["value"])).status == 401
    assert (await ask(host, "GET", path.upper())).json["value"] == second.json["value"]
    assert (await ask(host, "DELETE", path)).status == 204
    assert (await ask(host, "GET", "/api/other", second.json["value"])).status == 401
    assert (await ask(host, "DELETE", path)).status == 404
    assert (await ask(host, "GET", path)).status == 404


@pytest.mark.parametrize("scope", ["functions/other/keys", "host/functionkeys", "host/systemkeys"])
async def test_a_key_is_set_to_a_value(host: Served, scope: str) -> None:
    path = f"/admin/{scope}/own"
    answer = await ask(host, "PUT", path, json={"name": "own", "value": "my-secret"})
    assert (answer.status, answer.json["value"]) == (201, "my-secret")
    again = await ask(host, "PUT", path, json={"name": "own", "value": "changed"})
    assert (again.status, again.json["value"]) == (200, "changed")
    assert (await ask(host, "DELETE", path)).status == 204


@pytest.mark.parametrize("body", [b"", b"{}", b'{"value": ""}', b"[]", b"x", b'{"value": 5}'])
async def test_a_key_without_value_is_refused(host: Served, body: bytes) -> None:
    for path in ("functions/other/keys/k", "host/systemkeys/_master"):
        answer = await ask(host, "PUT", f"/admin/{path}", data=body)
        assert (answer.status, answer.text) == (400, "Invalid key value")


async def test_keys_and_functionkeys_are_the_same(host: Served) -> None:
    assert (await ask(host, "GET", "/admin/host/keys")).json["keys"] == (
        (await ask(host, "GET", "/admin/host/functionkeys")).json["keys"]
    )


async def test_the_master_key_is_a_system_key_that_cannot_be_deleted(host: Served) -> None:
    path = "/admin/host/systemkeys/_master"
    assert (await ask(host, "GET", path)).json["value"] == await master(host)
    answer = await ask(host, "DELETE", path)
    assert (answer.status, answer.text) == (400, "Cannot delete System Key.")
    for listed in ("host/keys", "host/systemkeys"):
        names = [each["name"] for each in (await ask(host, "GET", f"/admin/{listed}")).json["keys"]]
        assert "_master" not in names


@pytest.mark.parametrize("path", ["functions/none/keys", "functions/none/keys/k", "host/otherkeys"])
async def test_keys_of_what_does_not_exist_are_404(host: Served, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert (await ask(host, method, f"/admin/{path}", json={"value": "x"})).status == 404


async def test_the_master_key_can_be_changed(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE})
    async with served(app, "--enable-auth", channel=channel) as host:
        path = "/admin/host/systemkeys/_master"
        made = await ask(host, "POST", path)
        assert made.status == 201
        assert (await ask(host, "GET", "/admin/host/status")).status == 401
        put = await ask(host, "PUT", path, made.json["value"], json={"value": "chosen"})
        assert (put.status, put.json["value"]) == (200, "chosen")
        assert (await ask(host, "GET", "/admin/host/status", "chosen")).status == 200


# where keys are kept


async def test_keys_are_kept_in_files_only_their_owner_reads(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": CODE})
    state = tmp_path / "state"
    async with served(app, "--enable-auth", channel=channel, state=state) as host:
        await host.until_printed(f"Keys: asked for (--enable-auth), kept in {state / 'keys'}")
        assert (await host.get("/api/function?code=wrong")).status == 401
        stored = json.loads((state / "keys/host.json").read_text())
        assert stored["masterKey"]["name"] == "master"
        assert [each["name"] for each in stored["functionKeys"]] == ["default"]
        assert stored["systemKeys"] == []
        for file in (state / "keys").rglob("*.json"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        key = stored["functionKeys"][0]["value"]
        assert (await ask(host, "GET", "/api/function", key)).status == 200
    async with served(app, "--enable-auth", channel=channel, state=state) as host:
        assert (await ask(host, "GET", "/api/function", key)).status == 200
        own = json.loads((state / "keys/functions/function_level.json").read_text())
        own["keys"].append({"name": "by hand", "value": "typed", "encrypted": False})
        (state / "keys/functions/function_level.json").write_text(json.dumps(own))
        assert (await ask(host, "GET", "/api/function", "typed")).status == 200


@pytest.mark.parametrize("text", ["{", "[]", '{"masterKey": 5, "functionKeys": {}}', '{"a": [1]}'])
async def test_damaged_key_files_are_told_and_open_nothing(tmp_path: Path, text: str) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": CODE})
    keys = tmp_path / "state/keys"
    keys.mkdir(parents=True)
    (keys / "host.json").write_text(text)
    state = tmp_path / "state"
    async with served(app, "--enable-auth", channel="inprocess", state=state) as host:
        answer = await host.get("/api/function?code=wrong")
        assert answer.status == (500 if text == "{" else 401)
        if answer.status == 500:
            await host.until_printed(f"The keys in {keys / 'host.json'} cannot be read")
        assert (await host.get("/api/anonymous")).status == 200
        assert "itself failed" not in host.printed
