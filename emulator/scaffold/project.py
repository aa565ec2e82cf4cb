"""A whole new app: the files of a template, and those every app has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from emulator.errors import ConfigError
from emulator.scaffold.catalogue import NODE_MODELS, Model, template_files
from emulator.scaffold.node import node_files
from emulator.sdk import Template

_REQUIREMENTS = "azure-functions>=1.21\n"
_IGNORED = """\
local.settings.json
.env
.funcemu/
"""
_PYTHON_IGNORED = """\
.venv/
venv/
.python_packages/
__pycache__/
*.pyc
"""
_NODE_IGNORED = """\
node_modules/
dist/
"""
_NOT_DEPLOYED = """\
.git*
.vscode/
.funcemu/
local.settings.json
.env
*.http
"""
_PYTHON_NOT_DEPLOYED = """\
.venv/
venv/
__pycache__/
tests/
"""
_NODE_NOT_DEPLOYED = """\
test/
*.ts
*.js.map
tsconfig.json
"""


class Written(NamedTuple):
    """What was written, and what was there and stayed; paths relative to the app."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def project_files(template: Template, model: Model, name: str) -> Mapping[str, str]:
    """Return every file of a new app by its path."""
    settings = {"IsEncrypted": False, "Values": {**base_settings(model), **template.settings}}
    node = model in NODE_MODELS
    return {
        "host.json": _json({"version": "2.0", **template.host}),
        "local.settings.json": _json(settings),
        **(node_files(model) if node else {"requirements.txt": _REQUIREMENTS}),
        ".gitignore": _IGNORED + (_NODE_IGNORED if node else _PYTHON_IGNORED),
        ".funcignore": _NOT_DEPLOYED + (_NODE_NOT_DEPLOYED if node else _PYTHON_NOT_DEPLOYED),
        **template_files(template, model, name),
    }


def base_settings(model: Model) -> Mapping[str, str]:
    """Return the settings every app has."""
    return {
        "FUNCTIONS_WORKER_RUNTIME": "node" if model in NODE_MODELS else "python",
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
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
