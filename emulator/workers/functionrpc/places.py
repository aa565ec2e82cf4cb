"""Whose files are whose: frames of the worker are left out, those of the app are pointed at."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

Place = tuple[str, int]
"""A file and a line in it."""

_PACKAGES = frozenset({"node_modules", "site-packages", "lib64"})


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of the worker and of the app."""

    worker: Path
    app: Path

    def is_workers(self, file: str) -> bool:
        """Node.js names files by where links lead, others as they are found."""
        folders = (str(self.worker), os.path.realpath(self.worker))
        return file.startswith(tuple(f"{folder}{os.sep}" for folder in folders))

    def is_apps(self, file: str) -> bool:
        """Whether the app's own people wrote it: its packages are not theirs."""
        path = Path(file)
        return path.is_relative_to(self.app) and not _PACKAGES & {*path.relative_to(self.app).parts}

    def nearest(self, frames: list[Place]) -> Place | None:
        """Return the first place in the app, or of all if there is none."""
        apps = (each for each in frames if self.is_apps(each[0]))
        return next(apps, frames[0] if frames else None)
