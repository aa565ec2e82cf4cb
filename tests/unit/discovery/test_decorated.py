from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.discovery.decorated import import_problem, read_indexed
from emulator.model import Direction, FunctionError, RetryPolicy, SourceSpan
from emulator.workers.channel import IndexedFunction

ROUTE: tuple[Mapping[str, object], ...] = (
    {
        "direction": "IN",
        "type": "httpTrigger",
        "name": "req",
        "methods": ["GET"],
        "authLevel": "FUNCTION",
        "route": "items/{id}",
    },
    {"direction": "OUT", "type": "http", "name": "$return"},
)


def indexed(
    name: str = "items",
    *bindings: Mapping[str, object],
    retry: Mapping[str, str] | None = None,
    line: int | None = 7,
) -> IndexedFunction:
    return IndexedFunction(
        name, bindings or ROUTE, "/app", "function_app.py", name, retry, "blueprint.py", line
    )


def test_reads_a_function(tmp_path: Path) -> None:
    model, problems = read_indexed(tmp_path, indexed())
    assert problems == []
    assert model is not None
    assert model.programming_model == "v2"
    assert (model.script_file, model.entry_point) == ("function_app.py", "items")
    assert model.directory == Path("/app")
    assert model.source == SourceSpan("blueprint.py", 7)
    assert model.trigger.direction is Direction.IN
    assert model.trigger.properties["authLevel"] == "FUNCTION"
    assert model.bindings[1].direction is Direction.OUT
    assert model.config == {
        "name": "items",
        "entryPoint": "items",
        "scriptFile": "function_app.py",
        "language": "python",
        "functionDirectory": "/app",
        "bindings": [dict(binding) for binding in ROUTE],
    }


def test_a_function_that_its_worker_could_not_read_is_told_with_the_reason(tmp_path: Path) -> None:
    failed = replace(indexed(line=None), bindings=(), error=FunctionError("E", "no such trigger"))
    model, (problem,) = read_indexed(tmp_path, failed)
    assert model is None
    assert (problem.code, problem.function) == ("function-not-loaded", "items")
    assert problem.message == (
        "Worker failed to load function: 'items'. Exception: E: no such trigger"
    )
    assert problem.where == SourceSpan("blueprint.py")


def test_reads_the_retry_of_the_decorator(tmp_path: Path) -> None:
    retry = {
        "setting_name": "retry_policy",
        "strategy": "exponential_backoff",
        "max_retry_count": "3",
        "minimum_interval": "00:00:01",
    }
    model, _ = read_indexed(tmp_path, indexed(retry=retry))
    assert model is not None
    assert model.retry == RetryPolicy("exponentialBackoff", 3, minimum=1, maximum=2147483647)


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (indexed("a.b"), "function-name-invalid"),
        (indexed("f", {"name": "x__y", "type": "timerTrigger"}), "binding-name-invalid"),
        (indexed("f", {"name": "x", "type": "queue", "direction": "OUT"}), "trigger-missing"),
        (indexed("f", retry={"strategy": "sometimes"}), "retry-invalid"),
    ],
)
def test_a_mistake_is_told_with_the_line_of_the_function(
    tmp_path: Path, function: IndexedFunction, code: str
) -> None:
    model, (problem,) = read_indexed(tmp_path, function)
    assert model is None
    assert problem.code == code
    assert problem.function == function.name
    assert problem.where == SourceSpan("blueprint.py", 7)


@pytest.mark.parametrize(
    ("type_name", "hint"),
    [
        ("ModuleNotFoundError", "Install what is missing"),
        ("builtins.ImportError", "Install what is missing"),
        ("SyntaxError", "All functions wait for it"),
    ],
)
def test_a_failed_import_is_told_with_its_traceback(type_name: str, hint: str) -> None:
    error = FunctionError(type_name, "no", "Traceback …", "blueprint.py", 3)
    problem = import_problem(Path("/app"), error, "function_app.py")
    assert problem.code == "app-import-failed"
    assert problem.message == f"Worker failed to index functions. Exception: {type_name}: no"
    assert problem.where == SourceSpan("blueprint.py", 3)
    assert problem.detail == "Traceback …"
    assert problem.hint is not None
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize(
    ("requirements", "module", "told"),
    [
        (None, "flask", "with pip, and name it in requirements.txt"),
        ("azure-functions\n", "flask", "with pip, and name it in requirements.txt"),
        ("Flask>=3\n", "flask", "(pip install -r requirements.txt)"),
        ("PyYAML\n", "yaml", "(pip install -r requirements.txt)"),
        (
            "azure-functions-durable\n",
            "azure.durable_functions",
            "with pip, and name it in requirements.txt",
        ),
        ("azure-storage-blob\n", "azure.storage.blob", "(pip install -r requirements.txt)"),
    ],
)
def test_a_missing_module_is_looked_up_in_the_requirements(
    tmp_path: Path, requirements: str | None, module: str, told: str
) -> None:
    if requirements is not None:
        (tmp_path / "requirements.txt").write_text(requirements)
    error = FunctionError("ModuleNotFoundError", f"No module named '{module}'. More.")
    hint = import_problem(tmp_path, error, "function_app.py").hint
    assert hint == (
        f"Install what is missing into the app's environment {told}; all functions wait for it."
    )


def test_an_error_without_a_place_is_that_of_the_script() -> None:
    problem = import_problem(Path("/app"), FunctionError("ValueError", "no app"), "main.py")
    assert (problem.where, problem.detail) == (SourceSpan("main.py"), None)


def test_files_of_the_app_are_named_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for root, file, shown in [
        (tmp_path, str(tmp_path / "sub" / "x.py"), "sub/x.py"),
        (tmp_path / "link", str(tmp_path / "real" / "x.py"), "x.py"),
        (tmp_path, "/elsewhere/x.py", "/elsewhere/x.py"),
        (tmp_path, "<string>", "<string>"),
    ]:
        error = FunctionError("ValueError", "no", "", file, 1)
        assert import_problem(root, error, "f.py").where == SourceSpan(shown, 1)


@pytest.mark.parametrize(
    ("language", "step"), [("java", "build the app"), ("powershell", "mend the line and save")]
)
def test_a_language_without_a_file_of_declarations_has_no_place(language: str, step: str) -> None:
    error = FunctionError("Exception", "no luck")
    problem = import_problem(Path("/app"), error, "", language)
    assert problem.where is None
    assert step in str(problem.hint)
