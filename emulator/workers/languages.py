"""Which language an app is written in: the setting says so, else its files.

Imports little: it is asked before the worker is started.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from emulator.config.settings import value_of

RUNTIME_SETTING = "FUNCTIONS_WORKER_RUNTIME"
PYTHON, NODE = "python", "node"
TITLES: Mapping[str, str] = {
    PYTHON: "Python",
    NODE: "JavaScript",
    "java": "Java",
    "powershell": "PowerShell",
    "dotnet-isolated": ".NET isolated",
    "dotnet": ".NET",
    "custom": "custom handler",
}
"""By the names that the setting has."""

BUILT = frozenset({"java", "dotnet", "dotnet-isolated"})
"""Languages of which people build an app before it is run."""

LIBRARIES: Mapping[str, str] = {PYTHON: "azure-functions", NODE: "@azure/functions"}
"""What an app's code imports to declare its functions, by the package's name."""

_BY_NAME: Mapping[str, str] = {
    "function_app.py": PYTHON,
    "package.json": NODE,
    "requirements.psd1": "powershell",
    "profile.ps1": "powershell",
    "pom.xml": "java",
    "build.gradle": "java",
    "build.gradle.kts": "java",
    "functions.metadata": "dotnet-isolated",
}
_BY_SUFFIX: Mapping[str, str] = {
    ".py": PYTHON,
    ".js": NODE,
    ".mjs": NODE,
    ".cjs": NODE,
    ".ts": NODE,
    ".ps1": "powershell",
    ".jar": "java",
    ".java": "java",
    ".cs": "dotnet-isolated",
    ".csx": "dotnet",
    ".fsx": "dotnet",
    ".dll": "dotnet-isolated",
    ".csproj": "dotnet-isolated",
    ".fsproj": "dotnet-isolated",
}
_NO_PART = frozenset({"node_modules", "venv", "env", "__pycache__"})


def language_of(script_file: str) -> str | None:
    """Return the language of a script by its name; `None` when no name of a language ends so."""
    return _BY_SUFFIX.get(os.path.splitext(script_file)[1].lower())


def runtime_title(language: str) -> str:
    """Return what runs apps of a language, as people call it."""
    return "Node.js" if language == NODE else TITLES.get(language, language)


class AppLanguage(NamedTuple):
    """A language by its name in the setting, and how it is known."""

    name: str
    reason: str


def app_language(root: Path, environment: Mapping[str, str]) -> AppLanguage:
    """Return the language of the app at `root`.

    The setting counts, unless the app has files of other languages only. Without any sign it is
    Python.
    """
    given = (value_of(environment, RUNTIME_SETTING) or "").strip().lower()
    found = _found(root, environment)
    if given == "custom" or (given in TITLES and (given in found or not found)):
        return AppLanguage(given, f"set by {RUNTIME_SETTING}")
    for language, file in found.items():
        return AppLanguage(language, f"the app has {file}")
    return AppLanguage(PYTHON, "nothing says otherwise")


def _found(root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the languages there are files of, and one such file each; the surest first."""
    names = _names(root)
    script = value_of(environment, "PYTHON_SCRIPT_FILE_NAME")
    sure = {**({script: PYTHON} if script else {}), **_BY_NAME}
    found: dict[str, str] = {}
    for name, language in sure.items():
        if name in names:
            found.setdefault(language, name)
    _add(found, names)
    for folder in names:
        if folder in _NO_PART or folder.startswith("."):
            continue
        inside = _names(root / folder)
        if "function.json" in inside:
            _add(found, (f"{folder}/{name}" for name in inside))
    return found


def _add(found: dict[str, str], names: Iterable[str]) -> None:
    for name in names:
        language = language_of(name)
        if language is not None:
            found.setdefault(language, name)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:  # no folder, or one that lets nobody in
        return []
