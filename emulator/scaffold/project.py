"""A whole new app: the files of a template, and those every app has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from emulator.errors import ConfigError
from emulator.scaffold.catalogue import Model, template_files
from emulator.sdk import Template

BASE_SETTINGS = {
    "FUNCTIONS_WORKER_RUNTIME": "python",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
}
_REQUIREMENTS = "azure-functions>=1.21\n"
_GITIGNORE = """\
local.settings.json
.env
.funcemu/
.venv/
venv/
.python_packages/
__pycache__/
*.pyc
"""
_FUNCIGNORE = """\
.git*
.vscode/
.funcemu/
.venv/
venv/
__pycache__/
local.settings.json
.env
*.http
tests/
"""


class Written(NamedTuple):
    """What was written, and what was there and stayed; paths relative to the app."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def project_files(template: Template, model: Model, name: str) -> Mapping[str, str]:
    """Return every file of a new app by its path."""
    settings = {"IsEncrypted": False, "Values": {**BASE_SETTINGS, **template.settings}}
    return {
        "host.json": _json({"version": "2.0", **template.host}),
        "local.settings.json": _json(settings),
        "requirements.txt": _REQUIREMENTS,
        ".gitignore": _GITIGNORE,
        ".funcignore": _FUNCIGNORE,
        **template_files(template, model, name),
    }


def write_files(folder: Path, files: Mapping[str, str], *, force: bool = False) -> Written:
    """Write files that are not there yet, or all of them with `force`."""
    written: list[str] = []
    kept: list[str] = []
    for name, text in files.items():
        path = folder / name
        if path.exists() and not force:
            kept.append(name)
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be written: {error.strerror or error}.",
                hint="Check the folder and its rights.",
            ) from error
        written.append(name)
    return Written(tuple(written), tuple(kept))


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
