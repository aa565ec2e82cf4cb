"""Apps in PowerShell, Java and C#: the samples, and folders as the tools of Java and .NET make."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from emulator.config.hostjson import HostConfig
from emulator.config.settings import Settings
from emulator.discovery.assemble import assemble
from emulator.model import AppModel, FunctionModel
from emulator.workers.channel import Index
from emulator.workers.functionrpc.indexing import Found, index_of
from emulator.workers.functionrpc.places import Places
from emulator.workers.languages import app_language
from tests.support.samples import MAVEN, csharp_output, maven_output
from tests.support.serving import FIXTURES, write_app

FUNCTIONS = ["AddTodo", "CreateAssistant", "GetChatState", "GetTodos", "PostUserQuery"]


def discovered(app: Path, language: str, index: Index | None = None) -> AppModel:
    settings = Settings.of({"FUNCTIONS_WORKER_RUNTIME": language, "AzureWebJobsStorage": "x"})
    model, problems = assemble(app, index or Index(), HostConfig(), settings, (), language)
    assert problems == []
    assert [each.name for each in model.functions] == FUNCTIONS
    assert {each.language for each in model.functions} == {language}
    return model


def binding(function: FunctionModel | None, type_name: str) -> dict[str, Any]:
    assert function is not None
    found = next(each for each in function.bindings if each.type.lower() == type_name.lower())
    return {key.lower(): value for key, value in found.properties.items()}


def check_assistant(app: AppModel) -> None:
    """Every language declares the same: what the sample in Python does."""
    post = binding(app.function("PostUserQuery"), "assistantPost")
    assert post["id"] == "{assistantId}"
    assert post["usermessage"] == "{Query.message}"
    assert post["aiconnectionname"] == "AzureOpenAI"
    assert post["chatmodel"] == "%CHAT_MODEL_DEPLOYMENT_NAME%"
    query = binding(app.function("GetChatState"), "assistantQuery")
    assert (query["id"], query["timestamputc"]) == ("{assistantId}", "{Query.timestampUTC}")
    assert binding(app.function("CreateAssistant"), "assistantCreate")["name"]
    for name, described in (
        ("AddTodo", "Create a new todo task"),
        ("GetTodos", "Fetch the list of previously created todo tasks"),
    ):
        trigger = binding(app.function(name), "assistantSkillTrigger")
        assert trigger["functiondescription"] == described
    for name, method in (("CreateAssistant", "put"), ("PostUserQuery", "post")):
        http = binding(app.function(name), "httpTrigger")
        assert [each.lower() for each in http["methods"]] == [method]
        assert http["authlevel"].lower() == "anonymous"
        assert http["route"] == "assistants/{assistantId}"


def test_the_folders_of_powershell() -> None:
    app = discovered(FIXTURES / "assistant_powershell", "powershell")
    check_assistant(app)
    assert {each.script_file for each in app.functions} == {"run.ps1"}
    assert {each.entry_point for each in app.functions} == {""}
    trigger = binding(app.function("AddTodo"), "assistantSkillTrigger")
    assert trigger["name"] == "TaskDescription"


def test_scripts_of_powershell_take_what_their_folders_name() -> None:
    for file in sorted((FIXTURES / "assistant_powershell").glob("*/function.json")):
        bindings = json.loads(file.read_text("utf-8"))["bindings"]
        script = (file.parent / "run.ps1").read_text("utf-8")
        taken = re.search(r"param\(([^)]*)\)", script)
        assert taken is not None
        inputs = [f"${each['name']}" for each in bindings if each["direction"] == "in"]
        wanted = [inputs[0], "$TriggerMetadata", *inputs[1:]]
        assert taken[1].split(", ") == wanted
        for output in (each["name"] for each in bindings if each["direction"] == "out"):
            assert f"Push-OutputBinding -Name {output} " in script


def test_what_the_plugin_for_maven_writes(tmp_path: Path) -> None:
    app = discovered(maven_output(tmp_path), "java")
    check_assistant(app)
    post = app.function("PostUserQuery")
    assert post is not None
    assert post.entry_point == "org.example.assistant.Assistant.post"
    assert post.script_file == "../assistant-1.0.jar"
    assert [each.name for each in post.bindings] == ["request", "state", "$return"]


def test_the_sources_in_java_declare_what_the_plugin_writes() -> None:
    sources = (FIXTURES / "assistant_java").glob("src/main/java/**/*.java")
    declared: dict[str, str] = {}
    for source in sources:
        text = source.read_text("utf-8")
        [package] = re.findall(r"^package ([\w.]+);", text, re.MULTILINE)
        pattern = r'@FunctionName\("(\w+)"\)\s+public [\w<>]+ (\w+)\('
        declared |= {
            name: f"{package}.{source.stem}.{method}" for name, method in re.findall(pattern, text)
        }
    assert declared == {name: each["entryPoint"] for name, each in MAVEN.items()}


def test_skills_in_java_with_a_result_have_a_trigger_that_is_an_output() -> None:
    """Azure's worker drops what others return: their function.json names no output for it."""
    package = (
        FIXTURES / "assistant_java" / "src" / "main" / "java" / "org" / "example" / "assistant"
    )
    skills = re.findall(
        r"public ([\w<>]+) \w+\(\s+@(\w+)\(", (package / "Skills.java").read_text("utf-8")
    )
    assert sorted(result == "void" for result, _ in skills) == [False, True]
    for result, annotation in skills:
        own = package / f"{annotation}.java"
        text = own.read_text("utf-8") if own.exists() else ""
        assert ("@HasImplicitOutput\n" in text) is (result != "void"), annotation
        assert not text or 'type = "assistantSkillTrigger"' in text


def test_what_the_build_of_a_worker_project_writes(tmp_path: Path) -> None:
    folder = csharp_output(tmp_path)
    places = Places(folder, folder)
    index = index_of(Found(), None, places=places, printed=(), reported=(), streams=False)
    app = discovered(folder, "dotnet-isolated", index)
    check_assistant(app)
    trigger = app.function("AddTodo")
    assert trigger is not None
    assert trigger.entry_point == "Assistant.Skills.Add"


@pytest.mark.parametrize(
    ("sample", "language"),
    [
        ("assistant_js", "node"),
        ("assistant_ts", "node"),
        ("assistant_powershell", "powershell"),
        ("assistant_java", "java"),
        ("assistant_csharp", "dotnet-isolated"),
    ],
)
def test_the_language_of_a_sample_is_known_with_and_without_its_setting(
    sample: str, language: str
) -> None:
    for settings in ({}, {"FUNCTIONS_WORKER_RUNTIME": language}):
        assert app_language(FIXTURES / sample, settings).name == language


def test_a_folder_of_mavens_is_known_by_its_jar(tmp_path: Path) -> None:
    assert app_language(maven_output(tmp_path), {}).name == "java"
    assert app_language(write_app(tmp_path / "x", {"functions.metadata": "[]"}), {}).name == (
        "dotnet-isolated"
    )
