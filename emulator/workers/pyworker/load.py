"""Finds the callable of a folder-model (v1) function: its script as a module below `__app__`."""

from __future__ import annotations

import os
from typing import Any

from .imports import NAMESPACE, import_app_module


def load_entry_point(root: str, *, name: str, directory: str, script: str, entry_point: str) -> Any:
    """Import the script and return its entry point."""
    path = os.path.normpath(os.path.join(directory, script.replace("\\", "/")))
    if path != root and not path.startswith(root + os.sep):
        raise RuntimeError(f"script path {path} is not relative to the specified directory {root}")
    relative = os.path.relpath(path, root)
    stem, extension = os.path.splitext(relative)
    if extension != ".py":
        raise RuntimeError(f"cannot load function {name}: invalid Python filename {path}")
    parts = stem.split(os.sep)
    if parts[-1] == "__init__":
        parts.pop()
    module = import_app_module(".".join([NAMESPACE, *parts]))
    call = getattr(module, entry_point, None)
    if not callable(call):
        raise RuntimeError(
            f"cannot load function {name}: function {entry_point}() is not present in {relative}"
        )
    return call
