from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.discovery.functionjson import Folder, find_folders, read_folder
from emulator.model import FunctionModel, Problem, RetryPolicy, Severity, SourceSpan
from tests.support.appfolder import HTTP, write_function


def read(root: Path, name: str = "hello") -> tuple[FunctionModel | None, list[Problem]]:
    return read_folder(Folder(name, root / name))


def sound(root: Path, name: str = "hello") -> FunctionModel:
    model, problems = read(root, name)
    assert problems == []
    assert model is not None
    return model


def test_finds_direct_sub_folders_with_the_file_sorted_without_case(tmp_path: Path) -> None:
    for name in ("b", "A", "c"):
        write_function(tmp_path, name)
    write_function(tmp_path, "deep/er")
    (tmp_path / "empty").mkdir()
    (tmp_path / "Wrong").mkdir()
    (tmp_path / "Wrong" / "Function.json").write_text("{}")
    (tmp_path / "folder" / "function.json").mkdir(parents=True)
    (tmp_path / "function.json").write_text("{}")
    assert [folder.name for folder in find_folders(tmp_path)] == ["A", "b", "c"]


def test_a_root_that_is_not_there_has_no_folders(tmp_path: Path) -> None:
    assert find_folders(tmp_path / "nowhere") == []


def test_reads_a_function(tmp_path: Path) -> None:
    write_function(tmp_path, "hello", {"bindings": HTTP, "generatedBy": "x"})
    model = sound(tmp_path)
    assert model.name == "hello"
    assert model.directory == tmp_path / "hello"
    assert (model.script_file, model.entry_point) == ("__init__.py", "main")
    assert model.programming_model == "v1"
    assert model.trigger.name == "req"
    assert model.trigger.properties["methods"] == ["get"]
    assert model.source == SourceSpan("hello/function.json")
    assert model.config == {"bindings": [dict(each) for each in HTTP], "generatedBy": "x"}


def test_keys_are_found_without_case_and_comments_are_fine(tmp_path: Path) -> None:
    write_function(
        tmp_path,
        "hello",
        """{ // a function
        "ScriptFile": "Code.py", "EntryPoint": "run",
        "Bindings": [{"Name": "t", "Type": "TIMERTRIGGER", "Direction": "In"},],
        "Retry": {"Strategy": "fixedDelay", "MaxRetryCount": 1, "DelayInterval": "00:00:01"}
        }""",
        files=("Code.py",),
    )
    model = sound(tmp_path)
    assert (model.script_file, model.entry_point) == ("Code.py", "run")
    assert model.retry == RetryPolicy("fixedDelay", 1, delay=1)


@pytest.mark.parametrize(
    ("files", "script"),
    [
        (("main.py",), "main.py"),
        (("__init__.py", "helper.py"), "__init__.py"),
        (("__INIT__.py", "helper.py"), "__INIT__.py"),
        (("run.py", "__init__.py"), "run.py"),
        (("Run.py", "x.txt"), "Run.py"),
    ],
)
def test_chooses_the_primary_script(tmp_path: Path, files: tuple[str, ...], script: str) -> None:
    write_function(tmp_path, "hello", files=files)
    assert sound(tmp_path).script_file == script


@pytest.mark.parametrize("files", [(), ("a.py", "b.py"), ("runner.py", "x.py")])
def test_says_when_no_script_can_be_chosen(tmp_path: Path, files: tuple[str, ...]) -> None:
    write_function(tmp_path, "hello", files=files)
    model, (problem,) = read(tmp_path)
    assert model is None
    assert problem.code == "script-undetermined"
    assert problem.message.startswith("Unable to determine the primary function script.")
    assert problem.hint == 'Name it: "scriptFile": "__init__.py".'


@pytest.mark.parametrize(
    ("language", "script"),
    [("node", "index.js"), ("powershell", "run.ps1"), ("custom", "__init__.py")],
)
def test_the_script_that_is_suggested_is_of_the_apps_language(
    tmp_path: Path, language: str, script: str
) -> None:
    write_function(tmp_path, "hello", files=())
    _, (problem,) = read_folder(Folder("hello", tmp_path / "hello"), language)
    assert problem.hint == f'Name it: "scriptFile": "{script}".'


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sub/code.py", "sub/code.py"),
        ("sub\\code.py", "sub/code.py"),
        ("../shared/code.py", "../shared/code.py"),
        ("../shared/./code.py", "../shared/./code.py"),
    ],
)
def test_a_script_may_lie_elsewhere(tmp_path: Path, given: str, expected: str) -> None:
    write_function(tmp_path, "hello", {"bindings": HTTP, "scriptFile": given})
    for folder in (tmp_path / "hello" / "sub", tmp_path / "shared"):
        folder.mkdir()
        (folder / "code.py").write_text("")
    assert sound(tmp_path).script_file == expected


@pytest.mark.parametrize("given", ["gone.py", "../gone.py", "sub", "a\0b.py", "x" * 5000])
def test_says_when_the_script_does_not_exist(tmp_path: Path, given: str) -> None:
    write_function(tmp_path, "hello", {"bindings": HTTP, "scriptFile": given})
    (tmp_path / "hello" / "sub").mkdir()
    model, (problem,) = read(tmp_path)
    assert model is None
    assert problem.code == "script-missing"
    assert problem.message == (
        "Invalid script file name configuration. The 'scriptFile' property is set to a file that "
        "does not exist."
    )


def test_a_function_in_another_language_is_named(tmp_path: Path) -> None:
    write_function(tmp_path, "hello", files=("index.js",))
    _, (problem,) = read(tmp_path)
    assert problem.code == "function-language"
    assert problem.message == (
        "'hello' is a JavaScript function (index.js); this app runs as Python"
    )


def test_a_script_in_no_known_language_is_told(tmp_path: Path) -> None:
    write_function(tmp_path, "hello", files=("run.sh",))
    _, (problem,) = read(tmp_path)
    assert problem.message.startswith("'hello' is written in an unknown language (run.sh)")
    assert (
        problem.hint
        == "Its script file has to end as those of its language do, such as .py or .js."
    )


def test_a_mistake_is_told_with_file_and_line(tmp_path: Path) -> None:
    write_function(
        tmp_path,
        "hello",
        '{"bindings": [\n{"name": "req", "type": "httpTrigger"},\n{"name": "a__b",\n"type": "x"}]}',
    )
    _, (problem,) = read(tmp_path)
    assert problem.where == SourceSpan("hello/function.json", 3)
    assert problem.function == "hello"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"bindings": [',
            "hello/function.json is not valid JSON: the '[' of line 1 is not closed "
            "(line 1, column 15)",
        ),
        ("[]", "hello/function.json is not an object"),
        ("", "hello/function.json is not valid JSON: the file is empty (line 1, column 1)"),
    ],
)
def test_a_file_that_cannot_be_read_takes_down_its_function(
    tmp_path: Path, text: str, message: str
) -> None:
    write_function(tmp_path, "hello", text)
    model, (problem,) = read(tmp_path)
    assert model is None
    assert (problem.code, problem.message) == ("function-json-invalid", message)
    assert problem.function == "hello"


def test_a_file_that_went_away_meanwhile_is_told(tmp_path: Path) -> None:
    _, (problem,) = read(tmp_path)
    assert problem.message == "hello/function.json went away while it was read"


@pytest.mark.parametrize("bindings", [None, [], {}, "x"])
def test_bindings_have_to_be_there(tmp_path: Path, bindings: Any) -> None:
    write_function(tmp_path, "hello", {"bindings": bindings})
    _, (problem,) = read(tmp_path)
    assert problem.message == "At least one binding must be declared."


def test_a_bad_folder_name_is_told_beside_what_else_is_wrong(tmp_path: Path) -> None:
    write_function(tmp_path, "1bad", "{")
    _, problems = read(tmp_path, "1bad")
    assert [problem.code for problem in problems] == [
        "function-name-invalid",
        "function-json-invalid",
    ]


@pytest.mark.parametrize(
    ("extra", "code", "message"),
    [
        (
            {"configurationSource": "Magic"},
            "function-json-configuration-source",
            "Illegal value 'Magic' for 'configurationSource' property in hello.",
        ),
        (
            {"retry": {"strategy": "fixedDelay", "maxRetryCount": 1}},
            "retry-invalid",
            "Value cannot be null. (Parameter 'delayInterval')",
        ),
    ],
)
def test_other_members_are_checked(
    tmp_path: Path, extra: dict[str, Any], code: str, message: str
) -> None:
    write_function(tmp_path, "hello", {"bindings": HTTP, **extra})
    model, (problem,) = read(tmp_path)
    assert model is None
    assert (problem.code, problem.message) == (code, message)


@pytest.mark.parametrize(
    "extra", [{"configurationSource": "Config"}, {"disabled": False}, {"excluded": True}]
)
def test_members_without_effect_are_no_news(tmp_path: Path, extra: dict[str, Any]) -> None:
    write_function(tmp_path, "hello", {"bindings": HTTP, **extra})
    sound(tmp_path)


@pytest.mark.parametrize("value", [True, "true", "%OFF%"])
def test_disabled_has_no_effect_and_says_what_has(tmp_path: Path, value: object) -> None:
    write_function(tmp_path, "hello", {"bindings": HTTP, "disabled": value})
    model, (problem,) = read(tmp_path)
    assert model is not None
    assert not model.disabled
    assert problem.severity is Severity.WARNING
    assert problem.hint == (
        'Set "AzureWebJobs.hello.Disabled": "true" in Values of local.settings.json.'
    )


def test_equal_folders_make_equal_models(tmp_path: Path) -> None:
    write_function(tmp_path, "hello")
    assert sound(tmp_path) == sound(tmp_path)


@given(st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_no_content_makes_it_fail(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.getbasetemp()
    write_function(root, "hello", text.encode("utf-8", "replace").decode())
    model, problems = read(root)
    assert (model is None) == bool(problems)
