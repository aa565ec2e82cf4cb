"""What `funcemu check` and `funcemu start --strict` say: one tiny app for each finding."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emulator.console.render import Palette
from emulator.model import Problem, Severity
from tests.support.findings import (
    HELLO,
    SETTINGS,
    binding,
    check,
    decorated,
    folders,
    host_json,
    http,
    settings_json,
)
from tests.support.serving import FIXTURES, FUNCEMU, environment, served, write_app

POST = {"id": "a", "userMessage": "{Query.message}", "chatModel": "gpt-4o-mini"}
ASK = {"prompt": "Hi", "chatModel": "gpt-4o-mini"}
EMBED = {"input": "text", "inputType": "RawText", "embeddingsModel": "e"}
SEARCH = {
    "searchConnectionName": "Search",
    "collection": "docs",
    "query": "q",
    "chatModel": "gpt-4o-mini",
    "embeddingsModel": "e",
}
SEARCHING = {
    "settings": settings_json(Search__Endpoint="https://planted.search.windows.net"),
    "host": host_json(extensions={"openai": {"searchProvider": {"type": "azureAISearch"}}}),
}


def skill(**properties: Any) -> list[dict[str, Any]]:
    return [binding("assistantSkillTrigger", functionDescription="Does it", **properties)]


@dataclass(frozen=True)
class Finding:
    """What has to be found; all texts are parts of what is said."""

    code: str
    message: str
    azure: str
    hint: str
    severity: Severity = Severity.INFO


INFO, WARNING, ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR
WHOLE_APP = "None of the app's functions exist"
IN_ERROR = "unction is in error"

TABLE: dict[str, tuple[Mapping[str, str], Finding]] = {
    # the configuration
    "no host.json": (
        {key: text for key, text in decorated().items() if key != "host.json"},
        Finding("host-json-missing", "no host.json", "neither start nor publish", "host.json"),
    ),
    "a slash at the end of the prefix": (
        decorated(host=host_json(extensions={"http": {"routePrefix": "v1/"}})),
        Finding("host-json-route-prefix", "'v1/'", "the whole host fails", '"routePrefix": "v1"'),
    ),
    "IsEncrypted missing": (
        decorated(settings=json.dumps({"Values": dict(SETTINGS)})),
        Finding(
            "settings-is-encrypted-missing",
            "whether it is encrypted",
            "use none of its values",
            '"IsEncrypted": false',
        ),
    ),
    "a nested value": (
        decorated(
            settings=json.dumps({"IsEncrypted": False, "Values": {**SETTINGS, "A": {"B": "1"}}})
        ),
        Finding("settings-nested-value", "'A' is an object", "drop every value", "A__B", WARNING),
    ),
    "a .env file": (
        decorated(env="TOKEN=planted\n"),
        Finding("settings-env-file", "TOKEN", ".env is not read", "app settings on Azure"),
    ),
    "no worker runtime": (
        decorated(settings=settings_json(FUNCTIONS_WORKER_RUNTIME=None)),
        Finding("worker-runtime-missing", "is not set", "is required", '"python"'),
    ),
    "another worker runtime": (
        decorated(settings=settings_json(FUNCTIONS_WORKER_RUNTIME="node")),
        Finding("worker-runtime-mismatch", "[node]", "do not exist", "to be 'python'", WARNING),
    ),
    # the app
    "a mixed app": (
        {**folders(), **decorated()},
        Finding("app-mixed", "mixed function app", "left out as well", "take one", WARNING),
    ),
    "no functions": (
        {key: text for key, text in decorated().items() if not key.endswith(".py")},
        Finding("app-empty", "No job functions", "answers 404", "funcemu start PATH", WARNING),
    ),
    "an import that fails": (
        decorated("import nothing_of_the_kind\n"),
        Finding("app-import-failed", "nothing_of_the_kind", "answers 404", "Install", ERROR),
    ),
    "a signature that does not fit (decorators)": (
        decorated("@app.route(route='x')\ndef f(req: func.HttpRequest, spam) -> str: ...\n"),
        Finding("function-not-loaded", "{'spam'}", WHOLE_APP, "as its bindings: req, or", ERROR),
    ),
    "a dict for a generic input": (
        decorated(
            "@app.route(route='x')\n"
            "@app.text_completion_input(arg_name='t', prompt='p', chat_model='m')\n"
            "def f(req: func.HttpRequest, t: dict) -> str: ...\n"
        ),
        Finding("function-not-loaded", '"dict"', WHOLE_APP, "until this is mended", ERROR),
    ),
    "a retry policy that cannot be read": (
        decorated(
            "@app.route(route='x')\n"
            "@app.retry(strategy='fixed_delay', max_retry_count='many', delay_interval='0:0:1')\n"
            "def f(req: func.HttpRequest) -> str: ...\n"
        ),
        Finding("retry-invalid", "many", WHOLE_APP, "", ERROR),
    ),
    "the name of a function": (
        decorated("@app.function_name('a.b')\n@app.route(route='x')\ndef f(req) -> str: ...\n"),
        Finding("function-name-invalid", "'a.b'", "left out there as well", "letters", ERROR),
    ),
    "the name of a binding": (
        folders([{**http()[0], "name": "my__req"}, http()[1]]),
        Finding("binding-name-invalid", "my__req", "left out there as well", "single", ERROR),
    ),
    "inout": (
        folders(http(binding("textCompletion", "inout", **ASK))),
        Finding("binding-direction-inout", '"inout"', "fails with 500", "with out", ERROR),
    ),
    "disabled in function.json": (
        {**folders(), "old/function.json": json.dumps({"disabled": True, "bindings": http()})},
        Finding(
            "function-json-disabled",
            "has no effect",
            "The function runs there too",
            "AzureWebJobs.old.Disabled",
            WARNING,
        ),
    ),
    # routes
    "a slash before the route": (
        decorated("@app.route(route='/x')\ndef f(req: func.HttpRequest) -> str: ...\n"),
        Finding("route-leading-slash", "'/x'", "The whole host fails", "Write 'x'"),
    ),
    "an ASGI app below a prefix": (
        {
            **decorated(),
            "function_app.py": (
                "import azure.functions as func\n"
                "async def web(scope, receive, send): ...\n"
                "app = func.AsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)\n"
            ),
        },
        Finding("route-leading-slash", "'/{*route}'", "The whole host fails", "routePrefix"),
    ),
    "a malformed route": (
        decorated("@app.route(route='{x')\ndef f(req: func.HttpRequest) -> str: ...\n"),
        Finding("route-invalid", "is not closed", "The whole host fails", "needs its '}'", ERROR),
    ),
    "a route nobody reaches": (
        decorated(
            "@app.route(route='{*rest}')\ndef a(req: func.HttpRequest) -> str: ...\n"
            "@app.route(route='b')\ndef b(req: func.HttpRequest) -> str: ...\n"
        ),
        Finding("route-unreachable", "'b'", "'b' is never called", "Rename", WARNING),
    ),
    "methods that differ in case": (
        {
            **folders(http(route="x", methods=["GET"])),
            "other/__init__.py": "def main(req):\n    return 'hi'\n",
            "other/function.json": json.dumps({"bindings": http(route="x", methods=["get"])}),
        },
        Finding("route-conflict", "'old'", "'other' is never called", "another route", ERROR),
    ),
    # bindings
    "an unknown type": (
        folders(http(binding("nonsense"))),
        Finding("binding-unknown-type", "'nonsense'", "in error there as well", "", ERROR),
    ),
    "a type this host lacks": (
        folders(http(binding("cosmosDB"))),
        Finding("binding-unknown-type", "'cosmosDB'", "extension bundle", "", ERROR),
    ),
    "a misdocumented type": (
        folders(http(binding("postUserQuery", **POST))),
        Finding("binding-type-alias", "'postUserQuery'", IN_ERROR, "'assistantPost'", WARNING),
    ),
    "an old name of a property": (
        folders(http(binding("textCompletion", prompt="p", model="m"))),
        Finding(
            "binding-property-alias", "'model'", "'chatModel' has its default", "Write", WARNING
        ),
    ),
    "an old name of a required property": (
        folders(
            http(
                binding(
                    "semanticSearch",
                    connectionName="Search",
                    **{k: v for k, v in SEARCH.items() if k != "searchConnectionName"},
                )
            ),
            **SEARCHING,
        ),
        Finding("binding-property-alias", "'connectionName'", IN_ERROR, "Write", WARNING),
    ),
    "a setting in an expression that is missing": (
        folders(http(binding("textCompletion", prompt="%NOTHING%", chatModel="m"))),
        Finding(
            "expression-unresolved", "'%NOTHING%' does not resolve", "fails with 500", "", WARNING
        ),
    ),
    "a setting in an expression of a trigger": (
        folders(skill(functionName="%NOTHING%")),
        Finding("expression-unresolved", "'%NOTHING%'", "fails indexing", "", ERROR),
    ),
    # the OpenAI extension
    "no extension bundle": (
        folders(http(binding("textCompletion", **ASK)), host='{"version": "2.0"}'),
        Finding("extension-bundle", "no extension bundle", "are in error", "Preview"),
    ),
    "the bundle that is no preview": (
        folders(
            http(binding("textCompletion", **ASK)),
            host=host_json(
                extensionBundle={
                    "id": "Microsoft.Azure.Functions.ExtensionBundle",
                    "version": "[4.*, 5.0.0)",
                }
            ),
        ),
        Finding("extension-bundle", "which has no OpenAI bindings", "are in error", "Preview"),
    ),
    "a model nobody named": (
        decorated(
            "@app.route(route='x')\n"
            "@app.text_completion_input(arg_name='t', prompt='p')\n"
            "def f(req: func.HttpRequest, t: str) -> str: ...\n"
        ),
        Finding("model-default", "has no chat_model", "'DefaultChatModel'", "chat_model="),
    ),
    "an old model beside the library's placeholder": (
        decorated(
            "@app.route(route='x')\n"
            "@app.text_completion_input(arg_name='t', prompt='p', model='m1')\n"
            "def f(req: func.HttpRequest, t: str) -> str: ...\n"
        ),
        Finding("model-default", "'model' ('m1')", "'DefaultChatModel'", "chat_model="),
    ),
    "embeddings of a model nobody named": (
        decorated(
            "@app.route(route='x')\n"
            "@app.embeddings_input(arg_name='t', input='i', input_type='RawText')\n"
            "def f(req: func.HttpRequest, t: str) -> str: ...\n"
        ),
        Finding(
            "model-default", "has no embeddings_model", "'DefaultEmbeddingsModel'", "EMBEDDING"
        ),
    ),
    "no connection to a model": (
        folders(
            http(binding("textCompletion", aiConnectionName="Nobody", **ASK)),
            settings=settings_json(AZURE_OPENAI_ENDPOINT=None, AZURE_OPENAI_KEY=None),
        ),
        Finding(
            "model-unconnected",
            "'Nobody'",
            "Configuration section 'Nobody' is missing required",
            "Nobody__Endpoint",
        ),
    ),
    "a key of OpenAI beside a connection": (
        folders(
            http(binding("textCompletion", aiConnectionName="Mine", **ASK)),
            settings=settings_json(OPENAI_API_KEY="sk-planted0123"),
        ),
        Finding("model-connection-overridden", "'Mine'", "OpenAI is asked", "OPENAI_API_KEY"),
    ),
    "a key of OpenAI that is sample text": (
        folders(
            http(binding("textCompletion", **ASK)),
            settings=settings_json(OPENAI_API_KEY="<your key>"),
        ),
        Finding("model-key-placeholder", "OPENAI_API_KEY", "fails with 401", "remove it"),
    ),
    "another base URL of OpenAI": (
        folders(
            http(binding("textCompletion", **ASK)),
            settings=settings_json(
                OPENAI_API_KEY="sk-planted0123", OPENAI_BASE_URL="http://localhost:1"
            ),
        ),
        Finding("model-base-url", "OPENAI_BASE_URL", "https://api.openai.com/v1", "Azure OpenAI"),
    ),
    "an identity beside a key": (
        folders(
            http(binding("textCompletion", aiConnectionName="Mine", **ASK)),
            settings=settings_json(
                Mine__Endpoint="https://planted.openai.azure.com",
                Mine__credential="managedidentity",
            ),
        ),
        Finding("model-key-mixed", "'Mine'", "the identity is not used", "Unset"),
    ),
    "a setting for a name that Azure takes as it is": (
        folders(
            http(binding("textCompletion", aiConnectionName="%NAME%", **ASK)),
            settings=settings_json(NAME="Mine"),
        ),
        Finding("setting-expression-local", "'%NAME%'", "itself is taken", "the name itself"),
    ),
    "a post as an output": (
        folders(http(binding("assistantPost", "out", **POST))),
        Finding("assistant-post-out", "posts before", "Can't bind AssistantPost", "'in'"),
    ),
    "a post as an output without a message": (
        folders(http(binding("assistantPost", "out", id="a", chatModel="m"))),
        Finding("assistant-post-out", "what the function sets", IN_ERROR, "'in'"),
    ),
    "a create with the properties of its value": (
        folders(http(binding("assistantCreate", "out", id="a", instructions="Be nice"))),
        Finding("assistant-create-properties", "id, instructions", "ignored", "into the value"),
    ),
    "a query without a time": (
        folders(http(binding("assistantQuery", id="a"))),
        Finding("assistant-query-timestamp", "no timestampUtc", "Every call fails", "Give one"),
    ),
    "no storage for a trigger that needs it": (
        folders(skill(), settings=settings_json(AzureWebJobsStorage=None)),
        Finding(
            "storage-missing",
            "'old' (assistantSkillTrigger)",
            "refuse to start",
            '"AzureWebJobsStorage"',
        ),
    ),
    "no storage for chats": (
        folders(
            http(binding("assistantPost", **POST)),
            settings=settings_json(AzureWebJobsStorage=None),
        ),
        Finding(
            "chat-storage-missing",
            "'AzureWebJobsStorage'",
            "(Parameter 'connectionString')",
            '"AzureWebJobsStorage"',
        ),
    ),
    "storage for chats by an account's name alone": (
        folders(
            http(binding("assistantPost", chatStorageConnectionSetting="Chats", **POST)),
            settings=settings_json(Chats__accountName="planted"),
        ),
        Finding(
            "chat-storage-missing",
            "'Chats__tableServiceUri'",
            "(Parameter 'connectionString')",
            '"Chats"',
        ),
    ),
    "a skill with an empty name": (
        folders(skill(functionName="")),
        Finding("skill-name-empty", "'old'", "every post of the app fails", "Leave"),
    ),
    "a skill with empty parameters": (
        folders(skill(parameterDescriptionJson=" ")),
        Finding("skill-parameters-empty", "'old'", "every post of the app fails", "Leave"),
    ),
    "a skill with parameters that are no schema": (
        folders(skill(parameterDescriptionJson='{"value": {"type": "string"}}')),
        Finding(
            "skill-parameters-wrapped",
            "no schema of an object",
            "every post of the app fails",
            '{"type":"object","properties":{"value":{"type":"string"}}}',
        ),
    ),
    "a skill with other parameters": (
        folders(
            skill(
                parameterDescriptionJson='{"type": "object", "properties": {"x": {"type": "int"}}}'
            )
        ),
        Finding("skill-parameters-whole", "'value'", "gets no value", "'value'"),
    ),
    "a skill with parameters that are no JSON": (
        folders(skill(parameterDescriptionJson="{")),
        Finding("skill-parameters-invalid", "not valid JSON", "Every post", "schema", ERROR),
    ),
    "a skill with a name no service takes": (
        folders(skill(functionName="do it")),
        Finding("skill-name-invalid", "'do it'", "every post", "functionName", ERROR),
    ),
    "two skills of one name": (
        {
            **folders(skill(functionName="same")),
            "other/__init__.py": "def main(value): ...\n",
            "other/function.json": json.dumps({"bindings": skill(functionName="Same")}),
        },
        Finding("skill-duplicate", "Same", "again and again", "functionName", ERROR),
    ),
    "an input type spelled as in Python": (
        folders(http(binding("embeddings", **{**EMBED, "inputType": "raw_text"}))),
        Finding("embeddings-input-type", "'raw_text'", IN_ERROR, "'RawText'"),
    ),
    "an address without https": (
        folders(
            http(
                binding("embeddings", **{**EMBED, "inputType": "Url", "input": "http://localhost/"})
            )
        ),
        Finding("embeddings-url", "http://localhost/", "Invalid Url", "https"),
    ),
    "no search provider": (
        folders(http(binding("semanticSearch", **SEARCH)), settings=SEARCHING["settings"]),
        Finding("search-provider-missing", "No search provider", "The same", "searchProvider"),
    ),
    "the local search provider": (
        folders(
            http(binding("semanticSearch", **SEARCH)),
            settings=SEARCHING["settings"],
            host=host_json(extensions={"openai": {"searchProvider": {"type": "local"}}}),
        ),
        Finding("search-provider-local", "'local'", "no such provider", "provider of Azure"),
    ),
    "a search service without a connection": (
        folders(http(binding("semanticSearch", **SEARCH)), host=SEARCHING["host"]),
        Finding("search-connection-missing", "'Search'", "does not exist", "Search__Endpoint"),
    ),
    "two models over one connection": (
        {
            **folders(http(binding("textCompletion", **ASK))),
            "other/__init__.py": "def main(req, value):\n    return 'hi'\n",
            "other/function.json": json.dumps(
                {"bindings": http(binding("assistantPost", **{**POST, "chatModel": "%MODEL%"}))}
            ),
            "local.settings.json": settings_json(MODEL="gpt-4.1"),
        },
        Finding("model-first-wins", "'gpt-4.1'", "is called first decides", "one connection"),
    ),
    "two models of embeddings over one connection": (
        {
            **folders(http(binding("embeddings", **EMBED))),
            "other/__init__.py": "def main(req, value):\n    return 'hi'\n",
            "other/function.json": json.dumps(
                {"bindings": http(binding("embeddings", **{**EMBED, "embeddingsModel": "e2"}))}
            ),
        },
        Finding("model-first-wins", "'e2'", "is called first decides", "one connection"),
    ),
    "two tables for chats": (
        {
            **folders(http(binding("assistantPost", **POST))),
            "other/__init__.py": "def main(req, value):\n    return 'hi'\n",
            "other/function.json": json.dumps(
                {
                    "bindings": http(
                        binding(
                            "assistantQuery", id="a", timestampUtc="2023", collectionName="Others"
                        )
                    )
                }
            ),
        },
        Finding("place-first-wins", "Others", "is called first decides", "one place"),
    ),
    "a query beside a post": (
        folders(
            http(
                {**binding("assistantPost", **POST), "name": "post"},
                binding("assistantQuery", id="a", timestampUtc="2023-01-01"),
            )
        ),
        Finding("assistant-query-beside-post", "'value'", "at the same time", "of its own"),
    ),
    "a file to embed": (
        folders(
            http(binding("embeddings", **{**EMBED, "inputType": "FilePath", "input": "a.txt"}))
        ),
        Finding("embeddings-file-path", "'a.txt'", "the host's own folder", "RawText"),
    ),
    "a search as an output": (
        folders(http(binding("semanticSearch", "out", **SEARCH)), **SEARCHING),
        Finding("semantic-search-out", "'out'", "only searches", "'embeddingsStore'"),
    ),
}


@pytest.mark.parametrize(("files", "wanted"), TABLE.values(), ids=TABLE)
async def test_is_found(tmp_path: Path, files: Mapping[str, str], wanted: Finding) -> None:
    result = await check(tmp_path, files)
    (problem,) = [each for each in result.problems if each.is_finding]
    assert (problem.code, problem.severity) == (wanted.code, wanted.severity)
    assert wanted.message in problem.message
    assert problem.azure is not None
    assert wanted.azure in problem.azure
    assert problem.azure[0].isupper() or problem.azure.startswith((".env", "'"))
    assert wanted.hint in (problem.hint or "")
    assert not result.good


FILLED_IN_LATER: dict[str, tuple[Mapping[str, str], Finding]] = {
    "a connection that is still sample text": (
        folders(
            http(binding("textCompletion", **ASK)),
            settings=settings_json(AZURE_OPENAI_ENDPOINT="https://<name>.openai.azure.com"),
        ),
        Finding(
            "model-unconnected",
            "AZURE_OPENAI_ENDPOINT is not a service address yet",
            "is used as it is",
            "AZURE_OPENAI_KEY",
        ),
    ),
    "a search service whose connection is sample text": (
        folders(
            http(binding("semanticSearch", **SEARCH)),
            host=SEARCHING["host"],
            settings=settings_json(Search__Endpoint="https://<name>.search.windows.net"),
        ),
        Finding("search-connection-missing", "'Search'", "used as it is", "Search__Endpoint"),
    ),
}


@pytest.mark.parametrize(("files", "wanted"), FILLED_IN_LATER.values(), ids=FILLED_IN_LATER)
async def test_a_placeholder_is_told_and_no_finding(
    tmp_path: Path, files: Mapping[str, str], wanted: Finding
) -> None:
    result = await check(tmp_path, files)
    (problem,) = result.problems
    assert (problem.code, problem.severity) == (wanted.code, wanted.severity)
    assert wanted.message in problem.message
    assert wanted.azure in (problem.azure or "")
    assert wanted.hint in (problem.hint or "")
    assert result.good
    assert list(result.lines(Palette(colour=False)))[-2:] == [
        "1 function: 1 thing to fill in.",
        "Exit code 0: settings are to be filled in.",
    ]


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
    assert (problem.code, problem.severity) == ("route-unreachable", INFO)
    assert "--route-precedence" in problem.message


async def test_no_secret_is_in_what_is_found(tmp_path: Path) -> None:
    for number, (files, _) in enumerate(TABLE.values()):
        result = await check(tmp_path / str(number), {**files, ".env": "TOKEN=planted-token\n"})
        text = json.dumps(result.record())
        for secret in ("planted-token", SETTINGS["AZURE_OPENAI_KEY"], "sk-planted0123"):
            assert secret not in text


# The commands, as typed.


def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FUNCEMU, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env=environment(settings),
    )


def test_check_tells_what_where_azure_and_what_to_do(tmp_path: Path) -> None:
    app = write_app(tmp_path, decorated("@app.route(route='/x')\ndef f(req) -> str: ...\n"))
    before = sorted(tmp_path.rglob("*"))
    done = run("check", app)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "info: The route '/x' of function 'f' is taken as 'x' [route-leading-slash]",
        "  at function_app.py:3",
        "  On Azure: The whole host fails to start, with every function of the app, and keeps "
        "trying.",
        "  → Write 'x', or set routePrefix in host.json to an empty text.",
        "1 function: 1 difference from Azure.",
        "Exit code 1: one thing is otherwise on Azure.",
    ]
    left = {path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts}
    assert left == set(before)


def test_check_says_that_there_is_nothing_to_mend(tmp_path: Path) -> None:
    done = run("check", write_app(tmp_path, decorated()))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 function: nothing to mend, here or on Azure.\n"


def test_check_answers_machines(tmp_path: Path) -> None:
    done = run("check", write_app(tmp_path, folders(http(route="/x"))), "--output", "json")
    assert done.returncode == 1
    record = json.loads(done.stdout)
    assert (record["event"], record["good"], record["functions"]) == ("checked", False, ["old"])
    (problem,) = record["problems"]
    assert (problem["code"], problem["severity"]) == ("route-leading-slash", "info")
    assert problem["azure"].startswith("The whole host fails")
    assert problem["where"] == "old/function.json"


def test_check_tells_all_of_a_broken_host_json(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"host.json": "{", "local.settings.json": '{"Values": {"A": "1"}}'})
    done = run("check", app, "--output", "json")
    codes = [problem["code"] for problem in json.loads(done.stdout)["problems"]]
    assert codes == ["host-json-invalid", "settings-is-encrypted-missing"]


def test_check_tells_that_no_interpreter_can_run_the_app(tmp_path: Path) -> None:
    app = write_app(tmp_path, decorated())
    done = run("check", app, "--python", "/nowhere/python", "--output", "json")
    assert done.returncode == 1
    (problem,) = json.loads(done.stdout)["problems"]
    assert "/nowhere/python" in problem["message"]


def test_what_the_code_prints_while_it_is_imported_is_no_part_of_the_answer(
    tmp_path: Path,
) -> None:
    app = write_app(tmp_path, decorated("print('imported')\n" + HELLO))
    done = run("check", app, "--output", "json")
    assert json.loads(done.stdout)["good"]
    assert "imported" in done.stderr


def test_check_leaves_no_process_behind(tmp_path: Path) -> None:
    marker = tmp_path / "worker.pid"
    code = f"import os\nopen({str(marker)!r}, 'w').write(str(os.getpid()))\n" + HELLO
    assert run("check", write_app(tmp_path / "app", decorated(code))).returncode == 0
    assert not Path(f"/proc/{marker.read_text()}").exists()


@pytest.mark.parametrize("output", ["plain", "json"])
def test_a_strict_start_refuses_to_serve(tmp_path: Path, output: str) -> None:
    app = write_app(tmp_path, folders(http(route="/x")))
    done = run("start", app, "--port", "0", "--ephemeral", "--strict", "--output", output)
    assert done.returncode == 1
    assert "http://localhost" not in done.stdout
    if output == "json":
        record = json.loads(done.stdout.splitlines()[-1])
        assert record["event"] == "generation-failed"
        assert record["problems"][0]["azure"].startswith("The whole host fails")
    else:
        assert "  On Azure: The whole host fails to start" in done.stdout
        assert done.stdout.splitlines()[-1] == "Not started: 1 difference from Azure."


async def test_a_strict_start_serves_a_sound_app(tmp_path: Path) -> None:
    app = write_app(tmp_path, decorated())
    async with served(app, "--strict") as host:
        assert (await host.get("/api/hello")).text == "hi"


async def test_a_strict_host_keeps_what_serves_when_a_save_brings_a_finding(
    tmp_path: Path,
) -> None:
    app = write_app(tmp_path, decorated())
    async with served(app, "--strict", "--watch") as host:
        assert (await host.get("/api/hello")).text == "hi"
        text = (app / "function_app.py").read_text().replace("'hello'", "'/hello'")
        (app / "function_app.py").write_text(text.replace("'hi'", "'changed'"))
        await host.until_printed("Not reloaded; generation 1 still answers")
        assert "On Azure: The whole host fails" in host.printed
        assert (await host.get("/api/hello")).text == "hi"


async def test_without_strict_what_matters_on_azure_only_is_not_shown(channel: str) -> None:
    app = FIXTURES / "apps/bench_hello"
    async with served(app, channel=channel) as host:
        assert "worker-runtime-missing" not in host.printed
        status = (await host.get("/admin/host/status")).json
        assert "problems" not in status
        assert "FUNCTIONS_WORKER_RUNTIME" not in (await host.get("/")).text


def test_a_python_that_azure_does_not_offer(tmp_path: Path) -> None:
    from emulator.runtime.findings import version_problems
    from emulator.workers.channel import WorkerInfo

    def problems(version: str) -> list[Problem]:
        return list(version_problems(WorkerInfo("python", version, "/bin/py", None, 1)))

    (problem,) = problems("3.9.18")
    assert (problem.code, problem.severity) == ("python-version", INFO)
    assert problem.azure == "Python 3.10.x to 3.14.x is required, and no other is offered."
    assert [len(problems(each)) for each in ("3.10.0", "3.14.1", "3.15.0a1", "")] == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("version", "settings", "found"),
    [
        ("3.12.1", {}, True),
        ("3.12.1", {"PYTHON_ENABLE_INIT_INDEXING": ""}, True),
        ("3.12.1", {"PYTHON_ENABLE_INIT_INDEXING": "1"}, False),
        ("3.13.0", {}, False),
    ],
)
def test_streaming_without_its_setting(
    version: str, settings: Mapping[str, str], found: bool
) -> None:
    from emulator.config.settings import Settings
    from emulator.runtime.findings import streaming_problems
    from emulator.workers.channel import WorkerInfo

    worker = WorkerInfo("python", version, "/bin/py", None, 1)
    given = Settings.of(settings)
    assert bool(list(streaming_problems(worker, given, streams=True))) is found
    assert list(streaming_problems(worker, given, streams=False)) == []


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
