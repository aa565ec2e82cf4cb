"""Names from outside that could lead somewhere else: of functions, folders, templates, chats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest

from emulator.errors import ConfigError
from emulator.scaffold.addition import add
from emulator.scaffold.catalogue import find_template
from tests.support.serving import FIXTURES, served, write_app

ODD_NAMES = [
    "../x", "..", "a/b", "a\\b", "/tmp/x", "C:\\x", "a\0b", "CON", "a b", "a\nb", "", "-x", "é", "a" * 300, "__init__",
    "import", "{NAME}", "a'; import os #",
]  # fmt: skip
ODD_IDS = [
    "..%2F..%2Fx",
    "%00",
    "CON",
    "a%0d%0aX:%20y",
    "%F0%9F%98%80",
    "a" * 600,
    "'%20OR%20'1'='1",
    "%ff",
    "%1B[2J",
]


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("model", ["v1", "v2"])
def test_no_name_of_a_new_function_leads_out_of_the_app(
    tmp_path: Path, name: str, model: Literal["v1", "v2"]
) -> None:
    app = write_app(tmp_path / "app", {})
    before = sorted(tmp_path.rglob("*"))
    try:
        add(app, find_template("http"), model, name, force=False)
    except ConfigError as error:
        assert error.code == "function-name-invalid"  # noqa: PT017 - other names are fine
        assert sorted(tmp_path.rglob("*")) == before
    assert [each for each in tmp_path.rglob("*") if app not in (each, *each.parents)] == []


@pytest.mark.parametrize(
    "script",
    ["../../outside.py", "/etc/hosts", "a\0b.py", "x" * 5000 + ".py", "..", "", ".", "CON.py"],
)
async def test_a_script_file_that_is_none_takes_down_its_function_only(
    tmp_path: Path, script: str
) -> None:
    trigger = {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"}
    bindings = [trigger, {"type": "http", "direction": "out", "name": "$return"}]
    good = "def main(req): return 'good'\n"
    write_app(
        tmp_path,
        {
            "Bad/function.json": json.dumps({"scriptFile": script, "bindings": bindings}),
            "Good/function.json": json.dumps({"bindings": bindings}),
            "Good/__init__.py": good,
        },
    )
    async with served(tmp_path, channel="inprocess") as host:
        assert (await host.get("/api/Good")).text == "good"
        assert (await host.get("/api/Bad")).status == 404
        await host.until_printed("Bad/function.json")


@pytest.mark.parametrize("folder", ["a\x1b[2Jb", "a\nGET", "\u202eab", "é", "host"])
async def test_a_folder_whose_name_is_odd_is_named_and_left_out(
    tmp_path: Path, folder: str
) -> None:
    bindings = [{"type": "httpTrigger", "name": "req"}]
    write_app(
        tmp_path, {f"{folder}/function.json": json.dumps({"bindings": bindings}),
                   f"{folder}/__init__.py": "def main(req): ...\n"},
    )  # fmt: skip
    async with served(tmp_path, channel="inprocess") as host:
        await host.until_printed("is not a valid function name")
        for line in host.printed.splitlines():
            assert line.replace("\t", "").isprintable(), ascii(line)


async def test_an_id_of_a_request_names_one_chat_or_is_refused() -> None:
    async with served(FIXTURES / "assistant", channel="inprocess") as host:
        for name in ODD_IDS:
            path = f"/api/assistants/{name}"
            created = await host.request("PUT", path, encoded=True)
            assert created.status in {202, 500, 404, 414}, name
            shown = await host.request(
                "GET", f"{path}?timestampUTC=2023-01-01T00:00:00Z", encoded=True
            )
            if created.status == 202:
                assert shown.json["exists"] is True
        assert "funcemu itself failed" not in host.printed
        for line in host.printed.splitlines():
            assert line.replace("\t", "").isprintable(), ascii(line)


async def test_half_a_surrogate_pair_of_a_request_is_stored_and_answered(tmp_path: Path) -> None:
    settings = {"TODO_FILE": str(tmp_path / "todos.json")}
    async with served(FIXTURES / "assistant", channel="inprocess", settings=settings) as host:
        await host.put("/api/assistants/a1")
        said = quote(b"call \xed\xa0\x80 dad")
        answer = await host.request(
            "POST", f"/api/assistants/a1?message=Remind+me+to+{said}", encoded=True
        )
        assert answer.status == 200
    async with served(FIXTURES / "completion", channel="inprocess") as host:
        answer = await host.post("/api/complete", data=b'{"prompt": "Who is \\ud800?"}')
        assert answer.status in {200, 404}
        assert "UnicodeEncodeError" not in host.printed
