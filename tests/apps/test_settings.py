"""Settings and host.json of a running host, from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.serving import Served, served, write_app

ENVIRON = (
    "import os, json\n"
    "import azure.functions as func\n"
    "app = func.FunctionApp(http_auth_level='ANONYMOUS')\n"
    "AT_IMPORT = os.environ.get('AT_IMPORT')\n"
    "@app.route(route='environ')\n"
    "def environ(req: func.HttpRequest) -> str:\n"
    "    return json.dumps({**os.environ, 'seen at import': AT_IMPORT or ''})\n"
)


def app(folder: Path, local: str | Mapping[str, object] | None = None, **files: str) -> Path:
    """Write an app that tells its environment; `local` is local.settings.json."""
    written = {"function_app.py": ENVIRON, **{f".{k}": v for k, v in files.items() if k == "env"}}
    written |= {f"{key}.json": text for key, text in files.items() if key == "host"}
    if local is not None:
        written["local.settings.json"] = local if isinstance(local, str) else json.dumps(local)
    return write_app(folder, written)


async def environ(host: Served) -> dict[str, str]:
    answer: dict[str, str] = (await host.get("/api/environ")).json
    return answer


def values(**settings: object) -> dict[str, object]:
    return {"IsEncrypted": False, "Values": settings}


async def test_the_code_sees_the_settings_of_every_layer(channel: str, tmp_path: Path) -> None:
    local = values(
        FROM_FILE="file", IN_BOTH="file", IN_ALL="file", AT_IMPORT="yes", NUMBER=5, FLAG=True,
        EMPTY="", Section__Key="k", FUNCTIONS_WORKER_RUNTIME="python",
    )  # fmt: skip
    folder = app(tmp_path, local, env="FROM_ENV=env\nIN_BOTH=env\nIN_ALL=env\nQUOTED='a b'\n")
    async with served(folder, channel=channel, settings={"IN_ALL": "shell"}) as host:
        seen = await environ(host)
    wanted = {
        "FROM_FILE": "file", "FROM_ENV": "env", "IN_BOTH": "env", "IN_ALL": "shell",
        "QUOTED": "a b", "NUMBER": "5", "FLAG": "true", "EMPTY": "", "Section__Key": "k",
        "seen at import": "yes",
    }  # fmt: skip
    assert {name: seen.get(name) for name in wanted} == wanted


async def test_the_code_sees_what_azures_host_adds(channel: str, tmp_path: Path) -> None:
    folder = app(tmp_path)
    async with served(folder, channel=channel) as host:
        seen = await environ(host)
        port = host.url.rpartition(":")[2]
    wanted = {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "WEBSITE_HOSTNAME": f"localhost:{port}",
        "AzureWebJobsScriptRoot": str(folder),
        "FUNCTIONS_CORETOOLS_ENVIRONMENT": "true",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "FUNCTIONS_APPLICATION_DIRECTORY": str(folder),
    }
    assert {name: seen.get(name) for name in wanted} == wanted


async def test_a_value_the_shell_hides_is_told_with_its_place(channel: str, tmp_path: Path) -> None:
    folder = app(tmp_path, '{\n"IsEncrypted": false,\n"Values": {\n"HIDDEN": "file"}}')
    async with served(folder, channel=channel, settings={"HIDDEN": "shell"}) as host:
        await host.until_printed("Ready")
        assert (
            "warning: Skipping 'HIDDEN' from local settings as it's already defined in current "
            "environment variables. [settings-shadowed]\n  at local.settings.json:4"
        ) in host.printed
        assert (await environ(host))["HIDDEN"] == "shell"


async def test_the_environment_is_development_whatever_was_said(
    channel: str, tmp_path: Path
) -> None:
    given = {"AZURE_FUNCTIONS_ENVIRONMENT": "Production"}
    async with served(app(tmp_path), channel=channel, settings=given) as host:
        await host.until_printed("Ready")
        assert (
            "AZURE_FUNCTIONS_ENVIRONMENT already exists with value 'Production', overriding to "
            "'Development'."
        ) in host.printed
        assert (await environ(host))["AZURE_FUNCTIONS_ENVIRONMENT"] == "Development"


async def test_a_broken_settings_file_is_told_with_its_line_and_the_rest_counts(
    channel: str, tmp_path: Path
) -> None:
    folder = app(tmp_path, '{\n"Values": {\n"A": "1"\n"B": "2"}}', env="C=3\n")
    async with served(folder, channel=channel, settings={"D": "4"}) as host:
        await host.until_printed("Ready")
        assert f"Failed to read app settings file at '{folder / 'local.settings.json'}'." in (
            host.printed
        )
        await host.until_printed("local.settings.json:4")
        seen = await environ(host)
    assert [seen.get(name) for name in "ABCD"] == [None, None, "3", "4"]


async def test_one_bad_value_is_named_and_the_others_are_kept(channel: str, tmp_path: Path) -> None:
    text = '{\n"Values": {\n"A": "1",\n"Logging": {\n"Level": "Debug"},\n"N": null,\n"B": "2"}}'
    async with served(app(tmp_path, text), channel=channel) as host:
        await host.until_printed("Ready")
        await host.until_printed("The value of 'Logging' is an object")
        await host.until_printed("local.settings.json:4")
        await host.until_printed("Skipping 'N' because value is null")
        await host.until_printed("local.settings.json:6")
        seen = await environ(host)
    assert [seen.get(name) for name in ("A", "Logging__Level", "N", "B")] == [
        "1", "Debug", None, "2",
    ]  # fmt: skip


async def test_encrypted_settings_are_refused_with_the_way_out(
    channel: str, tmp_path: Path
) -> None:
    folder = app(tmp_path, {"IsEncrypted": True, "Values": {"A": "CfDJ8planted"}}, env="B=2\n")
    async with served(folder, channel=channel) as host:
        await host.until_printed("Ready")
        await host.until_printed("Failed to decrypt settings.")
        await host.until_printed("func settings decrypt")
        assert "CfDJ8planted" not in host.printed
        seen = await environ(host)
    assert [seen.get(name) for name in "AB"] == [None, "2"]


async def test_settings_that_do_not_say_whether_they_are_encrypted_are_read(
    channel: str, tmp_path: Path
) -> None:
    async with served(app(tmp_path, {"Values": {"A": "1"}}), channel=channel) as host:
        assert (await environ(host))["A"] == "1"


async def test_connection_strings_are_settings_too(channel: str, tmp_path: Path) -> None:
    local = {
        "IsEncrypted": False,
        "ConnectionStrings": {"Sql": "Server=a", "Other": {"ConnectionString": "Server=b"}},
    }
    async with served(app(tmp_path, local), channel=channel) as host:
        seen = await environ(host)
    assert seen["ConnectionStrings:Sql"] == "Server=a"
    assert seen["ConnectionStrings:Other"] == "Server=b"


async def test_the_host_section_says_where_to_listen(tmp_path: Path) -> None:
    from emulator.config.options import apply_host_section, resolve_options
    from emulator.config.settings import load_settings

    folder = app(tmp_path, {"Host": {"LocalHttpPort": 7999, "CORS": "http://a/,http://b"}})
    host = load_settings(folder, {})[0].host
    assert apply_host_section(resolve_options({}, {}, folder), host).port == 7999
    chosen = apply_host_section(resolve_options({"port": 1}, {}, folder), host)
    assert (chosen.port, chosen.cors) == (1, ("http://a", "http://b"))


async def test_an_unknown_key_is_told_with_the_one_that_was_meant(
    channel: str, tmp_path: Path
) -> None:
    folder = app(
        tmp_path,
        {"IsEncrypted": False, "Vaules": {"A": "1"}},
        host='{"version": "2.0", "functionTimeot": "00:00:05", '
        '"extensions": {"http": {"routePrefx": "v1"}}}',
    )
    async with served(folder, channel=channel) as host:
        await host.until_printed("Ready")
        for key, meant in (
            ("Vaules", "Values"),
            ("functionTimeot", "functionTimeout"),
            ("routePrefx", "routePrefix"),
        ):
            await host.until_printed(f"'{key}' means nothing in")
            await host.until_printed(f"Did you mean '{meant}'?")


BROKEN = {
    "no JSON": ('{\n"version": "2.0",\n"functions": [}', "Unable to parse host configuration file"),
    "no version": ('{"functionTimeout": "00:00:30"}', "is missing the required 'version' property"),
    "wrong version": ('{"version": "3.0"}', "'3.0' is an invalid value for host.json 'version'"),
    "timeout": ('{"version": "2.0", "functionTimeout": "00:00:00"}', "FunctionTimeout must be"),
    "log level": ('{"version": "2.0", "logging": {"logLevel": {"default": "Loud"}}}', "'Loud'"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
async def test_with_a_broken_host_json_the_host_is_up_and_says_why(
    channel: str, tmp_path: Path, text: str, message: str
) -> None:
    async with served(app(tmp_path, host=text), channel=channel) as host:
        await host.until_printed("Nothing is served")
        await host.until_printed(message)
        await host.until_printed("host.json")
        answer = await host.get("/api/environ")
        assert answer.status == 503
        assert answer.text.startswith("Function host is not running.")
        assert message in answer.text
        status = (await host.get("/admin/host/status")).json
        assert status["state"] == "Error"
        assert message in status["errors"][0]


async def test_a_mended_host_json_is_picked_up(tmp_path: Path) -> None:
    folder = app(tmp_path, host='{"functionTimeout": "00:00:30"}')
    async with served(folder, "--watch") as host:
        assert (await host.get("/api/environ")).status == 503
        (folder / "host.json").write_text('{"version": "2.0"}')
        await host.until_printed("Ready: 1 function")
        assert (await host.get("/api/environ")).status == 200
        status = (await host.get("/admin/host/status")).json
        assert status["state"] == "Running"
        assert "errors" not in status


async def test_without_host_json_the_defaults_count(channel: str, tmp_path: Path) -> None:
    folder = app(tmp_path)
    (folder / "host.json").unlink()
    async with served(folder, channel=channel) as host:
        assert (await host.get("/api/environ")).status == 200
    assert not (folder / "host.json").exists()


@pytest.mark.parametrize("where", ["environment", "local.settings.json", ".env"])
async def test_settings_override_host_json(channel: str, tmp_path: Path, where: str) -> None:
    name, value = "AzureFunctionsJobHost__extensions__http__routePrefix", "v9"
    folder = app(
        tmp_path,
        values(**{name: value}) if where == "local.settings.json" else None,
        host='{"version": "2.0", "extensions": {"http": {"routePrefix": "v1"}}}',
        **({"env": f"{name}={value}\n"} if where == ".env" else {}),
    )
    shell = {name: value} if where == "environment" else {}
    async with served(folder, channel=channel, settings=shell) as host:
        assert (await host.get("/v9/environ")).status == 200
        assert (await host.get("/v1/environ")).status == 404
        assert (await host.get("/api/environ")).status == 404


async def test_a_bad_override_is_told_with_the_name_of_the_setting(
    channel: str, tmp_path: Path
) -> None:
    shell = {"AzureFunctionsJobHost__functionTimeout": "soon"}
    async with served(app(tmp_path), channel=channel, settings=shell) as host:
        await host.until_printed("Nothing is served")
        await host.until_printed("at AzureFunctionsJobHost__functionTimeout (environment)")
        assert (await host.get("/api/environ")).status == 503


async def test_changed_settings_reach_the_code_on_save(tmp_path: Path) -> None:
    folder = app(tmp_path, values(A="1"))
    async with served(folder, "--watch") as host:
        assert (await environ(host))["A"] == "1"
        (folder / "local.settings.json").write_text(json.dumps(values(A="2")))
        await host.until_printed("Reloaded 1 function")
        assert (await environ(host))["A"] == "2"
