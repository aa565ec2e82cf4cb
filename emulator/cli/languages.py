"""In which language `funcemu init` and `funcemu new` write, in the words of Azure's tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from emulator.scaffold.addition import model_of
from emulator.scaffold.catalogue import Model

_RUNTIMES = ("python", "node", "javascript", "typescript")
_PYTHON: Mapping[str, Model] = {"v1": "v1", "v2": "v2"}
_NODE: Mapping[str, Model] = {"javascript": "javascript", "typescript": "typescript"}


def language_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which language is written."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--language",
        "-l",
        type=click.Choice(["python", *_NODE], case_sensitive=False),
        help="The language; the default is that of the files that are there, else Python.",
    ),
    click.option(
        "--worker-runtime",
        type=click.Choice(_RUNTIMES, case_sensitive=False),
        help="The same in other words; node is JavaScript, unless --language typescript.",
    ),
    click.option(
        "--model",
        "-m",
        type=click.Choice(["v2", "v1", "v4"], case_sensitive=False),
        help="How functions are declared in Python: with decorators (v2), or in folders with "
        "function.json (v1); the default is v2, unless there are such folders. JavaScript and "
        "TypeScript have v4.",
    ),
)


def chosen_model(
    root: Path, *, language: str | None, worker_runtime: str | None, model: str | None
) -> Model:
    """Return how functions are written for what was given, else for what is in the folder."""
    wanted = _language(language, worker_runtime)
    if wanted is None and model in _PYTHON:
        wanted = "python"
    if wanted is not None and wanted in _NODE:
        if model in _PYTHON:
            raise click.UsageError(f"--model {model} is for Python; leave it out.")
        return _NODE[wanted]
    if wanted == "python":
        if model == "v4":
            raise click.UsageError("--model v4 is for JavaScript and TypeScript; leave it out.")
        return _PYTHON[model] if model else ("v1" if _has_only_folders(root) else "v2")
    there = model_of(root)
    return "javascript" if model == "v4" and there in _PYTHON else there


def _language(language: str | None, runtime: str | None) -> str | None:
    if runtime is None or (runtime == "node" and language in _NODE):
        return language
    of_runtime = "javascript" if runtime == "node" else runtime
    if language is not None and language != of_runtime:
        raise click.UsageError(f"--worker-runtime {runtime} has no --language {language}.")
    return of_runtime


def _has_only_folders(root: Path) -> bool:
    return not (root / "function_app.py").exists() and any(root.glob("*/function.json"))
