"""Small app folders for tests of discovery."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HTTP: tuple[Mapping[str, Any], ...] = (
    {"name": "req", "type": "httpTrigger", "direction": "in", "methods": ["get"]},
    {"name": "$return", "type": "http", "direction": "out"},
)


def write_function(
    root: Path,
    name: str,
    content: Mapping[str, Any] | str | None = None,
    *,
    files: tuple[str, ...] = ("__init__.py",),
) -> None:
    """Write a folder with a function.json; without `content` an HTTP function."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, str):
        content = json.dumps({"bindings": HTTP} if content is None else content)
    (folder / "function.json").write_text(content, encoding="utf-8")
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("def main(req): ...\n", encoding="utf-8")
