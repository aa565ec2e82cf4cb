"""What `funcemu check` and `funcemu start --strict` say: one tiny app for each finding."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.console.render import Palette
from emulator.model import Problem, Severity
from tests.support.findings import (
    ASK,
    EMBED,
    POST,
    SEARCH,
    SEARCHING,
    SETTINGS,
    binding,
    check,
    decorated,
    folders,
    host_json,
    http,
    settings_json,
    skill,
)


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


async def test_no_secret_is_in_what_is_found(tmp_path: Path) -> None:
    for number, (files, _) in enumerate(TABLE.values()):
        result = await check(tmp_path / str(number), {**files, ".env": "TOKEN=planted-token\n"})
        text = json.dumps(result.record())
        for secret in ("planted-token", SETTINGS["AZURE_OPENAI_KEY"], "sk-planted0123"):
            assert secret not in text


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
