"""Errors as the worker for Python tells them, without what is the worker's own."""

from __future__ import annotations

import re

from emulator.workers.functionrpc.places import Place, Places

_FRAME = re.compile(r' *File "(?P<file>[^"]+)", line (?P<line>\d+)')
_HEAD = "Traceback (most recent call last):"
_WORKERS = frozenset(
    {
        "azure_functions_worker",
        "azure_functions_runtime",
        "azure_functions_runtime_v1",
        "proxy_worker",
    }
)
_ON_THE_WAY = "concurrent"
"""What stands between the worker's frames and the app's."""


def is_python(stack: str) -> bool:
    return _FRAME.search(stack) is not None


def shortened(lines: list[str], places: Places) -> list[str]:
    """Leave out the frames of the worker's own code, and what belongs to them."""
    kept: list[str] = []
    skipping = False
    for line in lines:
        frame = _FRAME.match(line)
        if frame is not None:
            skipping = _is_workers(frame["file"], places)
        elif not line.startswith("    "):
            skipping = False
        if not skipping and not line.startswith(_HEAD):
            kept.append(line)
    return [_HEAD, *kept]


def _is_workers(file: str, places: Places) -> bool:
    parts = {*file.replace("\\", "/").split("/")}
    return bool(parts & _WORKERS) or _ON_THE_WAY in parts or places.is_workers(file)


def place_of(lines: list[str], places: Places) -> Place | None:
    """Return where the error arose; the innermost frame is the last."""
    frames = [found for line in lines if (found := _FRAME.match(line))]
    return places.nearest([(each["file"], int(each["line"])) for each in reversed(frames)])
