"""The decorator model: what the worker says the app's code declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulator.config.retry import parse_retry
from emulator.discovery.misspelt import misspelt_argument, misspelt_decorator
from emulator.discovery.refusals import step_after
from emulator.discovery.validate import Declared, name_problem, read_bindings
from emulator.errors import ConfigError
from emulator.model import FunctionError, FunctionModel, Problem, RetryPolicy, SourceSpan
from emulator.workers.channel import IndexedFunction
from emulator.workers.languages import BUILT, NODE, PYTHON

WHOLE_APP = "None of the app's functions exist: the worker refuses to index the app."
"""What a mistake that Azure's worker finds in one decorated function does to all of them."""


def read_indexed(
    root: Path, function: IndexedFunction, language: str = PYTHON
) -> tuple[FunctionModel | None, list[Problem]]:
    """Turn one indexed function into a model; without one the problems say why."""
    where = SourceSpan(_shown(root, function.file or function.script_file), function.line)
    if function.error is not None:
        return None, [_unreadable(function.name, function.error, where)]
    declared = Declared(function.name, function.bindings, lambda _path: where)
    invalid = name_problem(function.name, where)
    problems = [invalid] if invalid else []
    bindings, found = read_bindings(declared)
    problems += found
    retry = _retry(function, declared, problems)
    if problems:
        return None, problems
    model = FunctionModel(
        name=function.name,
        bindings=bindings,
        directory=Path(function.directory or root),
        script_file=function.script_file,
        entry_point=function.entry_point,
        programming_model="v2",
        language=language,
        retry=retry,
        source=where,
        config=_config(function, language),
    )
    return model, []


def _unreadable(name: str, error: FunctionError, where: SourceSpan) -> Problem:
    return Problem(
        "function-not-loaded",
        f"Worker failed to load function: '{name}'. Exception: {error.title}",
        where=where if where.file else None,
        hint="Mend it; the other functions run.",
        detail=error.shown_stack or None,
        function=name,
    )


def import_problem(
    root: Path, error: FunctionError, script_file: str, language: str = PYTHON
) -> Problem:
    """Say why the app's code could not be indexed; the traceback is the detail."""
    file = error.file or script_file
    return Problem(
        "app-import-failed",
        f"Worker failed to index functions. Exception: {error.title}",
        where=SourceSpan(_shown(root, file), error.line) if file else None,
        hint=_next_step(root, error, language),
        detail=error.shown_stack or None,
        azure="The host runs without functions, and every address answers 404.",
    )


def _shown(root: Path, file: str) -> str:
    """Return a file of the app relative to its folder, as its other files are named."""
    for folder in (root, root.resolve()):
        if Path(file).is_relative_to(folder):
            return Path(file).relative_to(folder).as_posix()
    return file


def _next_step(root: Path, error: FunctionError, language: str) -> str:
    if language == PYTHON:
        return _hint(root, error)
    if language == NODE:
        return _node_hint(root, error)
    if language in BUILT:
        return "All functions wait for it: mend it, and build the app."
    return "All functions wait for it: mend the line and save."


def _hint(root: Path, error: FunctionError) -> str:
    if step := step_after(error):
        return f"{step} All functions wait for it."
    match error.type.rpartition(".")[2]:
        case "ModuleNotFoundError" | "ImportError":
            install = "Install what is missing into the app's environment"
            if _is_required(root, error.message):
                install += " (pip install -r requirements.txt)"
            else:
                install += " with pip, and name it in requirements.txt"
            return f"{install}; all functions wait for it."
        case "TypeError" if near := misspelt_argument(error):
            return f"{near} All functions wait for it."
        case "AttributeError" if near := misspelt_decorator(error):
            return f"{near} All functions wait for it."
        case "WorkerLost":
            return "Look at what the app does while it is imported; all functions wait for it."
        case _:
            return "All functions wait for it: mend the line and save."


def _node_hint(root: Path, error: FunctionError) -> str:
    if "Cannot find module" in error.message or "Cannot find package" in error.message:
        if (root / "node_modules").is_dir():
            return "Install what is missing with npm install PACKAGE; all functions wait for it."
        return "Install the app's packages (npm install); all functions wait for them."
    return "All functions wait for it: mend the line and save."


def _is_required(root: Path, message: str) -> bool:
    """Whether requirements.txt seems to name the module; packages are often called otherwise."""
    try:
        required = (root / "requirements.txt").read_text("utf-8", "replace")
    except OSError:
        return False
    missing = re.search(r"No module named '([^']+)'", message)
    if missing is None:
        return True
    *_, last = missing[1].split(".")
    return any(_plain(name) in _plain(required) for name in (missing[1], last))


def _plain(text: str) -> str:
    return re.sub(r"[-_.]", "", text).lower()


def _retry(
    function: IndexedFunction, declared: Declared, problems: list[Problem]
) -> RetryPolicy | None:
    if not function.retry:
        return None
    try:
        return parse_retry(function.retry, lenient=True)
    except ConfigError as error:
        problems.append(
            declared.problem(error.code, error.message, hint=error.hint, azure=WHOLE_APP)
        )
        return None


def _config(function: IndexedFunction, language: str) -> Mapping[str, Any]:
    return {
        "name": function.name,
        "entryPoint": function.entry_point,
        "scriptFile": function.script_file,
        "language": language,
        "functionDirectory": function.directory,
        "bindings": [dict(binding) for binding in function.bindings],
    }
