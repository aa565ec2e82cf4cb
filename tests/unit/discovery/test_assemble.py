from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from emulator.config.hostjson import HostConfig
from emulator.config.settings import Settings
from emulator.discovery.assemble import assemble
from emulator.model import AppModel, FunctionError, Problem, Severity, SourceSpan
from emulator.workers.channel import Index, IndexedFunction
from tests.support.appfolder import HTTP, write_function

FOLDERS = Index()


def code(*names: str) -> Index:
    return Index(tuple(IndexedFunction(name, HTTP, "", "function_app.py", name) for name in names))


def run(
    root: Path,
    index: Index = FOLDERS,
    *,
    host: HostConfig | None = None,
    functions: Sequence[str] = (),
    **settings: str,
) -> tuple[AppModel, list[Problem]]:
    given = Settings.of({"FUNCTIONS_WORKER_RUNTIME": "python", **settings})
    return assemble(root, index, host or HostConfig(), given, functions)


def names(app: AppModel) -> list[str]:
    return [function.name for function in app.functions]


def test_functions_in_code_are_sorted_by_name_without_case(tmp_path: Path) -> None:
    app, problems = run(tmp_path, code("b", "A", "c"))
    assert problems == []
    assert names(app) == ["A", "b", "c"]
    assert app.root == tmp_path
    assert app.functions[0].directory == tmp_path


@pytest.mark.parametrize("index", [Index(None), Index(())], ids=["no script", "no functions"])
def test_without_functions_in_code_the_folders_count(tmp_path: Path, index: Index) -> None:
    write_function(tmp_path, "b")
    write_function(tmp_path, "A")
    app, problems = run(tmp_path, index)
    assert [each for each in problems if each.severity is not Severity.INFO] == []
    assert names(app) == ["A", "b"]


def test_folders_beside_a_script_without_functions_count_here_only(tmp_path: Path) -> None:
    write_function(tmp_path, "old")
    (problem,) = run(tmp_path, Index(()))[1]
    assert (problem.code, problem.severity) == ("app-script-without-functions", Severity.INFO)
    assert str(problem.where) == "function_app.py"
    assert problem.azure == "The folders are not looked at, and there are no functions."


def test_a_mixed_app_is_told_at_once_with_the_folders(tmp_path: Path) -> None:
    write_function(tmp_path, "old")
    write_function(tmp_path, "Older")
    app, (problem,) = run(tmp_path, code("new"))
    assert names(app) == ["new"]
    assert problem.code == "app-mixed"
    assert problem.severity is Severity.WARNING
    assert problem.message == (
        "Detected mixed function app. Some functions may not be indexed - old, Older"
    )


def test_a_bad_function_takes_down_itself_only(tmp_path: Path) -> None:
    write_function(tmp_path, "good")
    write_function(tmp_path, "1bad")
    write_function(tmp_path, "two", {"bindings": [*HTTP, {"name": "t", "type": "timerTrigger"}]})
    write_function(tmp_path, "js", files=("index.js",))
    app, problems = run(tmp_path)
    assert names(app) == ["good"]
    assert [(problem.function, problem.message) for problem in problems] == [
        ("1bad", "'1bad' is not a valid function name."),
        ("js", "'js' is a JavaScript function (index.js); this app runs as Python"),
        (
            "two",
            "Multiple trigger bindings defined. A function can only have a single trigger binding.",
        ),
    ]


def test_names_that_differ_only_in_case_are_one_too_many(tmp_path: Path) -> None:
    app, (problem,) = run(tmp_path, code("hello", "Hello"))
    assert names(app) == ["Hello"]
    assert problem.message == (
        "The function or proxy name 'hello' must be unique within the function app."
    )
    assert problem.function == "hello"


def test_a_failed_import_is_one_problem_and_no_function(tmp_path: Path) -> None:
    write_function(tmp_path, "old")
    error = FunctionError("NameError", "name 'x' is not defined", "Traceback", "function_app.py", 3)
    app, (problem,) = run(tmp_path, Index((), error))
    assert app.functions == ()
    assert problem.code == "app-import-failed"
    assert problem.where == SourceSpan("function_app.py", 3)


def test_a_failed_import_without_a_place_names_the_script_of_the_setting(tmp_path: Path) -> None:
    _, (problem,) = run(
        tmp_path, Index(error=FunctionError("E", "x")), PYTHON_SCRIPT_FILE_NAME="main.py"
    )
    assert problem.where == SourceSpan("main.py")


def test_no_functions_at_all_is_told_with_the_folder(tmp_path: Path) -> None:
    app, (problem,) = run(tmp_path)
    assert app == AppModel(tmp_path)
    assert problem.code == "app-empty"
    assert str(tmp_path) in problem.message


def test_functions_that_are_all_in_error_are_not_called_absent(tmp_path: Path) -> None:
    write_function(tmp_path, "1bad")
    assert [problem.code for problem in run(tmp_path)[1]] == ["function-name-invalid"]


@pytest.mark.parametrize(
    ("name", "value", "disabled"),
    [
        ("AzureWebJobs.hello.Disabled", "true", True),
        ("AzureWebJobs_hello_Disabled", "1", True),
        ("AZUREWEBJOBS.HELLO.DISABLED", "TRUE", True),
        ("AzureWebJobs.hello.Disabled", "0", False),
        ("AzureWebJobs.hello.Disabled", "yes", False),
        ("AzureWebJobs.other.Disabled", "true", False),
    ],
)
def test_a_setting_disables_a_function(
    tmp_path: Path, name: str, value: str, disabled: bool
) -> None:
    app, problems = run(tmp_path, code("hello"), **{name: value})
    assert problems == []
    assert app.functions[0].disabled is disabled


@pytest.mark.parametrize(
    ("host", "functions"),
    [
        (HostConfig(functions=("A",)), ()),
        (HostConfig(), ("a",)),
        (HostConfig(functions=("b",)), ("A",)),
    ],
    ids=["host.json", "command line", "command line first"],
)
def test_the_allow_list_leaves_out_the_others(
    tmp_path: Path, host: HostConfig, functions: tuple[str, ...]
) -> None:
    app, (problem,) = run(tmp_path, code("a", "b"), host=host, functions=functions)
    assert names(app) == ["a"]
    assert [function.name for function in app.excluded] == ["b"]
    assert problem.severity is Severity.INFO
    assert problem.message.startswith(
        "A function allow list has been specified, excluding all but the following functions: ["
    )


def test_an_empty_allow_list_is_none(tmp_path: Path) -> None:
    app, problems = run(tmp_path, code("a", "b"), host=HostConfig(functions=()))
    assert problems == []
    assert names(app) == ["a", "b"]


def test_an_unknown_name_in_the_allow_list_is_told(tmp_path: Path) -> None:
    _, problems = run(tmp_path, code("hello", "other"), functions=("helo", "other"))
    assert problems[-1].severity is Severity.WARNING
    assert problems[-1].message == "The allow list names 'helo', but there is no such function"
    assert problems[-1].hint == "Did you mean 'hello'?"


def test_mistakes_of_functions_nobody_asked_for_are_no_news(tmp_path: Path) -> None:
    write_function(tmp_path, "good")
    write_function(tmp_path, "bad", {})
    _, problems = run(tmp_path, functions=("good",))
    assert [problem.code for problem in problems] == ["functions-allow-list"]


def test_a_function_in_error_in_the_allow_list_is_not_called_unknown(tmp_path: Path) -> None:
    write_function(tmp_path, "bad", {})
    _, problems = run(tmp_path, functions=("BAD",))
    assert [problem.code for problem in problems] == ["bindings-missing", "functions-allow-list"]


@pytest.mark.parametrize("value", ["python", "Python"])
def test_the_runtime_python_is_fine(tmp_path: Path, value: str) -> None:
    assert run(tmp_path, code("a"), FUNCTIONS_WORKER_RUNTIME=value)[1] == []


@pytest.mark.parametrize("value", ["", " "])
def test_without_a_runtime_the_functions_run_here(tmp_path: Path, value: str) -> None:
    app, (problem,) = run(tmp_path, code("a"), FUNCTIONS_WORKER_RUNTIME=value)
    assert names(app) == ["a"]
    assert (problem.code, problem.severity) == ("worker-runtime-missing", Severity.INFO)
    assert problem.hint is not None
    assert '"FUNCTIONS_WORKER_RUNTIME": "python"' in problem.hint
    assert problem.azure is not None


def test_another_runtime_is_told_and_the_functions_run(tmp_path: Path) -> None:
    app, (problem,) = run(tmp_path, code("a"), FUNCTIONS_WORKER_RUNTIME="node")
    assert names(app) == ["a"]
    assert problem.message == "Did not find functions with language [node]."
    assert problem.severity is Severity.WARNING
    assert str(problem.where) == "environment"


def test_equal_apps_make_equal_models(tmp_path: Path) -> None:
    assert run(tmp_path, code("a"))[0] == run(tmp_path, code("a"))[0]
    assert run(tmp_path, code("a"))[0] != run(tmp_path, code("b"))[0]


def test_a_script_that_declares_nothing_is_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("app = 1\n")
    (problem,) = run(tmp_path, FOLDERS)[1]
    assert problem.code == "app-empty"
    assert "function_app.py declares none" in problem.message
