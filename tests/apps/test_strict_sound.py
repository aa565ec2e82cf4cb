"""What `funcemu check` says of apps with which nothing is wrong, or nothing that counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from emulator.model import Severity
from tests.support.findings import (
    ASK,
    EMBED,
    POST,
    SEARCH,
    SEARCHING,
    binding,
    check,
    decorated,
    folders,
    host_json,
    http,
    settings_json,
    skill,
)

SOUND: dict[str, Mapping[str, str]] = {
    "decorators": decorated(),
    "folders": folders(),
    "comments, trailing slashes, a blueprint of methods": decorated(
        "@app.route(route='x/', methods=['GET'])\ndef a(req: func.HttpRequest) -> str: ...\n"
        "@app.route(route='x', methods=['POST'])\ndef b(req: func.HttpRequest) -> str: ...\n"
    ),
    "an ASGI app without a prefix": {
        **decorated(host=host_json(extensions={"http": {"routePrefix": ""}})),
        "function_app.py": (
            "import azure.functions as func\n"
            "async def web(scope, receive, send): ...\n"
            "app = func.AsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        ),
    },
    "every OpenAI binding": {
        **folders(
            http(
                {**binding("assistantPost", **POST), "name": "post"},
                {**binding("assistantCreate", "out"), "name": "create"},
                {**binding("textCompletion", **ASK), "name": "completion"},
                {**binding("embeddings", **EMBED), "name": "embedded"},
                {**binding("semanticSearch", **SEARCH), "name": "found"},
                {
                    **binding(
                        "embeddingsStore",
                        "out",
                        storeConnectionName="Search",
                        collection="docs",
                        **EMBED,
                    ),
                    "name": "store",
                },
            ),
            **SEARCHING,
        ),
        "other/__init__.py": "def main(value): ...\n",
        "other/function.json": json.dumps({"bindings": skill()}),
        "third/__init__.py": "def main(req, value):\n    return 'hi'\n",
        "third/function.json": json.dumps(
            {"bindings": http(binding("assistantQuery", id="a", timestampUtc="2023-01-01"))}
        ),
    },
    "one model by two names, and another over another connection": {
        **folders(http(binding("textCompletion", **ASK))),
        "other/__init__.py": "def main(req, value):\n    return 'hi'\n",
        "other/function.json": json.dumps(
            {"bindings": http(binding("textCompletion", prompt="p", chatModel="%MODEL%"))}
        ),
        "third/__init__.py": "def main(req, value):\n    return 'hi'\n",
        "third/function.json": json.dumps(
            {
                "bindings": http(
                    binding("textCompletion", prompt="p", chatModel="x", aiConnectionName="Second")
                )
            }
        ),
        "local.settings.json": settings_json(
            MODEL="gpt-4o-mini",
            Second__Endpoint="https://planted.openai.azure.com",
            Second__Key="fedcba9876543210",
        ),
    },
}


@pytest.mark.parametrize("files", SOUND.values(), ids=SOUND)
async def test_a_sound_app_has_no_findings(tmp_path: Path, files: Mapping[str, str]) -> None:
    result = await check(tmp_path, files)
    assert result.problems == []
    assert result.good
    assert result.functions


async def test_each_matter_of_the_whole_app_is_told_once(tmp_path: Path) -> None:
    one = {**binding("textCompletion", **ASK), "name": "one"}
    two = {**binding("textCompletion", **ASK), "name": "two"}
    result = await check(tmp_path, folders(http(one, two), host='{"version": "2.0"}'))
    assert [problem.code for problem in result.problems] == ["extension-bundle"]


async def test_a_mere_warning_is_told_and_the_app_is_good(tmp_path: Path) -> None:
    result = await check(tmp_path, decorated(host=host_json(routePrefix="x")))
    assert [problem.code for problem in result.problems] == ["host-json-unknown-key"]
    assert result.good


async def test_the_specific_route_is_a_choice_of_this_host(tmp_path: Path) -> None:
    app = decorated(
        "@app.route(route='{*rest}')\ndef a(req: func.HttpRequest) -> str: ...\n"
        "@app.route(route='b')\ndef b(req: func.HttpRequest) -> str: ...\n"
    )
    result = await check(tmp_path, app, route_precedence="specificity")
    (problem,) = result.problems
    assert (problem.code, problem.severity) == ("route-unreachable", Severity.INFO)
    assert "--route-precedence" in problem.message
