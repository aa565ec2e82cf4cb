"""Every file and folder that was looked at for functions, and why it counted or not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from emulator.discovery.functionjson import FILE
from emulator.model import AppModel, FunctionModel, Problem, Severity

_NOT_THE_APPS = frozenset({"__pycache__", "node_modules", "site-packages"})


class Candidate(NamedTuple):
    """One file or folder, relative to the app; `taken` when functions come from it."""

    path: str
    taken: bool
    reason: str


def candidates(app: AppModel, problems: Iterable[Problem], script_file: str) -> Iterator[Candidate]:
    """Say of the app's script and of each of its folders what came of it."""
    everything = (*app.functions, *app.excluded)
    found = list(problems)
    decorated = [each for each in everything if each.programming_model == "v2"]
    broken = [each for each in found if each.code == "app-import-failed"]
    if script_file:
        yield _script(app.root, script_file, decorated, broken)
    by_folder = {each.directory.name: each for each in everything if each not in decorated}
    for folder in _folders(app.root):
        yield _folder(folder, by_folder.get(folder.name), found, script_file, bool(decorated))
    others = _python_files(app.root, script_file) if script_file.endswith(".py") else []
    for name in others:
        yield Candidate(
            name, False, f"only {script_file} is read for functions; it may import this file"
        )


def _script(
    root: Path, script_file: str, decorated: list[FunctionModel], broken: list[Problem]
) -> Candidate:
    if not (root / script_file).is_file():
        return Candidate(script_file, False, "there is no such file")
    if broken:
        return Candidate(script_file, False, f"it cannot be imported: {broken[0].message}")
    if not decorated:
        return Candidate(script_file, False, "it declares no functions")
    names = ", ".join(each.name for each in decorated)
    count = f"{len(decorated)} function{'' if len(decorated) == 1 else 's'}"
    return Candidate(script_file, True, f"it declares {count}: {names}")


def _folder(
    folder: Path,
    model: FunctionModel | None,
    problems: list[Problem],
    script_file: str,
    decorated: bool,
) -> Candidate:
    shown = f"{folder.name}/"
    if folder.name.startswith("."):
        return Candidate(shown, False, "its name begins with a dot")
    if folder.name in _NOT_THE_APPS or (folder / "pyvenv.cfg").is_file():
        return Candidate(shown, False, "it holds installed packages or what Python keeps")
    if not (folder / FILE).is_file():
        return Candidate(shown, False, _without_file(folder, script_file))
    if decorated:
        return Candidate(shown, False, f"{script_file} has functions, so folders do not count")
    if model is not None:
        return Candidate(shown, True, f"{FILE} has the trigger {model.trigger.type}")
    wrong = next(
        (
            each
            for each in problems
            if (each.function or "").lower() == folder.name.lower()
            and each.severity is Severity.ERROR
        ),
        None,
    )
    return Candidate(shown, False, wrong.message if wrong else "it declares no sound function")


def _without_file(folder: Path, script_file: str) -> str:
    names = {name.lower(): name for name in _names(folder)}
    if script_file and script_file.lower() in names:
        return f"it has a {script_file}, so it is an app of its own: funcemu start {folder.name}"
    for wrong in ("function.json", "functions.json", "function.jsonc", "function.json.txt"):
        if wrong in names:
            return f"{names[wrong]} has to be called {FILE}"
    deeper = [name for name in names.values() if (folder / name / FILE).is_file()]
    if deeper:
        return f"{deeper[0]}/{FILE} is too deep: functions are direct sub-folders of the app"
    return f"it has no {FILE}"


def _folders(root: Path) -> list[Path]:
    return [root / name for name in _names(root) if (root / name).is_dir()]


def _python_files(root: Path, script_file: str) -> list[str]:
    return [
        name
        for name in _names(root)
        if name.endswith(".py") and name != script_file and (root / name).is_file()
    ]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder), key=str.lower)
    except OSError:
        return []
