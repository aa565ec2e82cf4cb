"""Why a folder has no functions: what was looked for, and what nearly was it."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from emulator.model import Problem, Severity, SourceSpan
from emulator.workers.languages import BUILT, NODE, PYTHON

_SKIPPED = {"__pycache__", "node_modules", "venv", "env", "site-packages"}
_MOST_FOLDERS = 200
"""Looking for near misses must not become a walk through a whole disk."""

_MOST_HINTS = 4

_USUAL_NAMES = ("functions_app.py", "functionapp.py", "function-app.py", "app.py", "main.py")


def nothing_found(
    root: Path, script_file: str, *, indexed: bool, language: str = PYTHON
) -> Problem:
    """Say that `root` has no functions. `indexed`: its script was read and declares none."""
    if language == NODE:
        return _no_node_functions(root)
    if not script_file:
        reason = "no sub-folder has a function.json"
    elif indexed:
        reason = f"{script_file} declares none, and no sub-folder has a function.json"
    else:
        reason = f"it has no {script_file}, and no sub-folder has a function.json"
    hints = list(_near_misses(root, script_file, indexed=indexed)) if script_file else []
    if language in BUILT:
        hints = ["Build the app; where that writes a folder with host.json, start there."]
    where = script_file if script_file and indexed else str(root)
    return _empty(root, reason, hints, SourceSpan(where))


def _empty(root: Path, reason: str, hints: Sequence[str], where: SourceSpan) -> Problem:
    return Problem(
        "app-empty",
        f"No job functions found in {root}: {reason}",
        severity=Severity.WARNING,
        where=where,
        hint=_first(hints)
        or "Start in the folder that has host.json, or name it: funcemu start PATH.",
        azure="The host runs without functions, and every address answers 404.",
    )


def _no_node_functions(root: Path) -> Problem:
    main = _main_of(root)
    if main is None:
        reason = 'package.json has no "main" that names the files which declare functions'
        hint = 'Add it to package.json, such as "main": "src/functions/*.js".'
    else:
        reason = f'the files of "main" ({main}) declare none'
        hint = "Declare them with app.http() and the like of @azure/functions."
    return _empty(
        root,
        f"{reason}, and no sub-folder has a function.json",
        [hint],
        SourceSpan("package.json"),
    )


def _main_of(root: Path) -> str | None:
    try:
        main = json.loads((root / "package.json").read_text("utf-8-sig"))["main"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return main if isinstance(main, str) and main else None


def _first(hints: Sequence[str]) -> str:
    more = len(hints) - _MOST_HINTS
    return " ".join([*hints[:_MOST_HINTS], *([f"And {more} more like these."] if more > 0 else [])])


def _near_misses(root: Path, script_file: str, *, indexed: bool) -> Iterator[str]:
    if indexed:
        yield "Decorate a function (@app.route()); a Blueprint counts once it is registered."
    files = _files(root)
    if not indexed:
        for name in files:
            if _looks_like_script(root, name, script_file):
                yield f"Is {name} your app? Rename it to {script_file}, or set " + (
                    "PYTHON_SCRIPT_FILE_NAME."
                )
    if "function.json" in files:
        yield "function.json lies beside host.json; it belongs into a folder named as the function."
    for folder in _folders(root):
        below = _files(folder)
        name = folder.relative_to(root).as_posix()
        if script_file in below:
            yield f"There is a {name}/{script_file}: funcemu start {shlex.quote(name)}."
        elif "function.json" in below and "/" in name:
            yield f"{name}/function.json is too deep: move {name} up to the app's folder."
        elif wrong := next((each for each in below if _is_misspelt(each)), None):
            yield f"{name}/{wrong} has to be called function.json."


def _looks_like_script(root: Path, name: str, script_file: str) -> bool:
    if name == script_file or name.lower() not in {script_file.lower(), *_USUAL_NAMES}:
        return False
    try:
        return b"azure.functions" in (root / name).read_bytes()[:100_000]
    except OSError:
        return False


def _is_misspelt(name: str) -> bool:
    return name != "function.json" and name.lower() in {
        "function.json",
        "functions.json",
        "function.jsonc",
        "function.json.txt",
    }


def _folders(root: Path) -> list[Path]:
    """Return the folders one and two levels down, without those that are no part of the app."""
    first = _below(root)
    return [*first, *(deeper for folder in first for deeper in _below(folder))][:_MOST_FOLDERS]


def _below(folder: Path) -> list[Path]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except OSError:
        return []
    return [folder / name for name in names if name not in _SKIPPED and not name.startswith(".")]


def _files(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        return []
