"""Says where the import of an app is that takes long."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any, Callable, Iterator, List

from .debug import not_the_apps
from .failure import is_app_file

AFTER = 3.0
"""Seconds until the first word; the next ones come after twice the time."""


@contextlib.contextmanager
def told(root: str, tell: Callable[[str], None], after: float = AFTER) -> Iterator[None]:
    """While this is open, `tell` where in the app the calling thread is, whenever it takes long.

    Code that never lets another thread run cannot be told of.
    """
    done = threading.Event()
    importer = threading.get_ident()

    def look() -> None:
        waited, pause = 0.0, after
        while not done.wait(pause):
            waited += pause
            places = _places(sys._current_frames().get(importer), root)
            if places:
                where = ", imported at ".join(places)
                tell(f"The app is still being imported after {waited:.0f} s, at {where}.")
            pause = waited

    not_the_apps(threading.Thread(target=look, daemon=True, name="slowness")).start()
    try:
        yield
    finally:
        done.set()


def _places(frame: Any, root: str) -> List[str]:
    """Return the lines of the app that run, the innermost first, one for each file."""
    places: List[str] = []
    files: List[str] = []
    while frame is not None:
        file = frame.f_code.co_filename
        if is_app_file(file, root) and file not in files:
            files.append(file)
            places.append(f"{os.path.relpath(file, root)}:{frame.f_lineno}")
        frame = frame.f_back
    return places
