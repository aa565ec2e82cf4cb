"""The assistant as the tools of Java and .NET put it together, without these tools.

The shapes are those of `azure-functions-maven-plugin` 1.36 (`type`, `direction`, `name`, then the
values of an annotation that are not its defaults) and of the .NET worker's SDK 2.0.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.serving import FIXTURES, write_app

_ROUTE = "assistants/{assistantId}"


def _java_http(method: str) -> dict[str, Any]:
    return {
        "type": "httpTrigger",
        "direction": "in",
        "name": "request",
        "route": _ROUTE,
        "methods": [method],
        "authLevel": "ANONYMOUS",
    }


def _java(entry_point: str, *bindings: dict[str, Any], answers: bool = False) -> dict[str, Any]:
    response = [{"type": "http", "direction": "out", "name": "$return"}] if answers else []
    return {
        "scriptFile": "../assistant-1.0.jar",
        "entryPoint": f"org.example.assistant.{entry_point}",
        "bindings": [*bindings, *response],
    }


def _java_skill(name: str, description: str) -> dict[str, Any]:
    return {
        "type": "assistantSkillTrigger",
        "direction": "in",
        "name": name,
        "functionDescription": description,
    }


MAVEN: dict[str, dict[str, Any]] = {
    "CreateAssistant": _java(
        "Assistant.create",
        _java_http("PUT"),
        {"type": "assistantCreate", "direction": "out", "name": "assistant"},
        answers=True,
    ),
    "PostUserQuery": _java(
        "Assistant.post",
        _java_http("POST"),
        {
            "type": "assistantPost",
            "direction": "in",
            "name": "state",
            "aiConnectionName": "AzureOpenAI",
            "chatModel": "%CHAT_MODEL_DEPLOYMENT_NAME%",
            "userMessage": "{Query.message}",
            "id": "{assistantId}",
        },
        answers=True,
    ),
    "GetChatState": _java(
        "Assistant.state",
        _java_http("GET"),
        {
            "type": "assistantQuery",
            "direction": "in",
            "name": "state",
            "timestampUtc": "{Query.timestampUTC}",
            "id": "{assistantId}",
        },
        answers=True,
    ),
    "AddTodo": _java("Skills.add", _java_skill("taskDescription", "Create a new todo task")),
    "GetTodos": _java(
        "Skills.all",
        _java_skill("inputIgnored", "Fetch the list of previously created todo tasks"),
    ),
}
"""The function.json of each function."""


def maven_output(folder: Path) -> Path:
    """Write `target/azure-functions/assistant-java` of the sample, but for what is in its jars."""
    app = folder / "assistant-java"
    sample = FIXTURES / "assistant_java"
    files = {name: (sample / name).read_text("utf-8") for name in _SETTINGS}
    # The plugin puts a space before each colon.
    functions = {
        f"{name}/function.json": json.dumps(each, indent=2, separators=(",", " : "))
        for name, each in MAVEN.items()
    }
    jars = {"assistant-1.0.jar": "", "lib/azure-functions-java-library-3.1.0.jar": ""}
    return write_app(app, {**files, **functions, **jars})


def _net(name: str, entry_point: str, *bindings: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "scriptFile": "Assistant.dll",
        "entryPoint": f"Assistant.{entry_point}",
        "language": "dotnet-isolated",
        "properties": {"IsCodeless": False},
        "bindings": list(bindings),
    }


def _net_http(method: str) -> dict[str, Any]:
    return {
        "name": "request",
        "direction": "In",
        "type": "httpTrigger",
        "authLevel": "Anonymous",
        "methods": [method],
        "route": _ROUTE,
        "properties": {},
    }


def _net_skill(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "direction": "In",
        "type": "assistantSkillTrigger",
        "dataType": "String",
        "functionDescription": description,
        "properties": {},
    }


METADATA = [
    _net(
        "CreateAssistant",
        "AssistantFunctions.Create",
        _net_http("put"),
        {"name": "Assistant", "direction": "Out", "type": "assistantCreate", "properties": {}},
        {"name": "Response", "type": "http", "direction": "Out"},
    ),
    _net(
        "PostUserQuery",
        "AssistantFunctions.Post",
        _net_http("post"),
        {
            "name": "state",
            "direction": "In",
            "type": "assistantPost",
            "id": "{assistantId}",
            "userMessage": "{Query.message}",
            "aIConnectionName": "AzureOpenAI",
            "chatModel": "%CHAT_MODEL_DEPLOYMENT_NAME%",
            "properties": {},
        },
        {"name": "$return", "type": "http", "direction": "Out"},
    ),
    _net(
        "GetChatState",
        "AssistantFunctions.State",
        _net_http("get"),
        {
            "name": "state",
            "direction": "In",
            "type": "assistantQuery",
            "id": "{assistantId}",
            "timestampUtc": "{Query.timestampUTC}",
            "properties": {},
        },
        {"name": "$return", "type": "http", "direction": "Out"},
    ),
    _net("AddTodo", "Skills.Add", _net_skill("taskDescription", "Create a new todo task")),
    _net(
        "GetTodos",
        "Skills.All",
        _net_skill("inputIgnored", "Fetch the list of previously created todo tasks"),
    ),
]
"""What the build leaves in functions.metadata."""


def csharp_output(folder: Path) -> Path:
    """Write `bin/Debug/net8.0` of the sample, but for its assemblies."""
    sample = FIXTURES / "assistant_csharp"
    files = {name: (sample / name).read_text("utf-8") for name in _SETTINGS}
    metadata = json.dumps(METADATA, indent=2)
    return write_app(folder / "net8.0", {**files, "functions.metadata": metadata})


_SETTINGS = ("host.json", "local.settings.json")
