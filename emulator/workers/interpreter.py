"""The app's Python: find it, check it, explain why it does not do. Nothing is run here."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from emulator.config.settings import value_of
from emulator.errors import WorkerStartError
from emulator.workers.channel import Interpreter
from emulator.workers.languages import PYTHON
from emulator.workers.programs import PROGRAMS

_EXECUTABLE_SETTING = "languageWorkers__python__defaultExecutablePath"
_VENV_FOLDERS = (".venv", "venv")


def find_interpreter(
    root: Path, explicit: str | None, environment: Mapping[str, str]
) -> Interpreter:
    """Choose the Python for the app at `root`.

    In this order: what was asked for, the app's settings, a virtual environment in the app's
    folder, the active one, the one that runs us. A folder of an environment will do for a Python.
    """
    arguments = interpreter_arguments(environment)
    if explicit:
        return Interpreter(_named(explicit, root, "--python"), "given with --python", arguments)
    setting = value_of(environment, _EXECUTABLE_SETTING)
    if setting:
        path = _named(setting, root, _EXECUTABLE_SETTING)
        return Interpreter(path, f"set by {_EXECUTABLE_SETTING}", arguments)
    for folder in _VENV_FOLDERS:
        found = _python_in(root / folder)
        if found is not None:
            return Interpreter(found, f"the app's {folder}", arguments)
    active = environment.get("VIRTUAL_ENV")
    if active:
        found = _python_in(Path(active))
        if found is not None:
            return Interpreter(found, "the active virtual environment", arguments)
    return Interpreter(Path(sys.executable), "the one funcemu runs on", arguments)


def arguments_setting(language: str) -> str:
    """Return the name of the setting with what stands between an interpreter and its script."""
    return f"languageWorkers__{language}__arguments"


def interpreter_arguments(
    environment: Mapping[str, str], language: str = PYTHON
) -> tuple[str, ...]:
    """Return what the app's settings want between the interpreter and our script."""
    setting = arguments_setting(language)
    text = value_of(environment, setting) or ""
    posix = os.name == "posix"
    try:
        parts = shlex.split(text, posix=posix)
        # On Windows a backslash is no escape, and `shlex` then leaves the quotes where they are.
        return tuple(parts if posix else (part.strip("\"'") for part in parts))
    except ValueError as error:
        raise WorkerStartError(
            f"{setting} is not a list of arguments ({error}): {text}",
            hint="check its quotes",
        ) from error


def _named(text: str, root: Path, origin: str) -> Path:
    path = Path(text).expanduser()
    if len(path.parts) == 1 and not (root / path).exists():
        on_path = shutil.which(text)
        if on_path is None:
            raise WorkerStartError(
                f"there is no Python called {text!r} on the PATH ({origin})",
                hint=f"write ./{text} for what is here"
                if path.exists()
                else "give the path of an interpreter",
            )
        return Path(on_path)
    path = path if path.is_absolute() else root / path
    if path.is_dir():
        found = _python_in(path)
        if found is None:
            raise WorkerStartError(
                f"the folder {path} is not a virtual environment ({origin})",
                hint=f"create one with `{sys.executable} -m venv {path}`, or name a Python",
            )
        return found
    PROGRAMS[PYTHON].check(path, origin)
    return path


def _python_in(folder: Path) -> Path | None:
    """Return the interpreter of a virtual environment; a broken link counts as one, to be told."""
    path = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return path if path.exists() or path.is_symlink() else None
