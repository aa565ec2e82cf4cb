"""Which language a script file is written in."""

from __future__ import annotations

from pathlib import PurePosixPath

_BY_EXTENSION = {
    ".py": "python",
    ".js": "node",
    ".mjs": "node",
    ".cjs": "node",
    ".ts": "node",
    ".ps1": "powershell",
    ".cs": "dotnet",
    ".csx": "dotnet",
    ".fsx": "dotnet",
    ".dll": "dotnet",
    ".java": "java",
    ".jar": "java",
}
_TITLES = {"node": "JavaScript", "powershell": "PowerShell", "dotnet": ".NET", "java": "Java"}


def language_of(script_file: str) -> str | None:
    """Return the name of a language as `FUNCTIONS_WORKER_RUNTIME` has it."""
    return _BY_EXTENSION.get(PurePosixPath(script_file).suffix.lower())


def title_of(language: str) -> str:
    return _TITLES.get(language, language)
