"""What binding packages add to the environment of the app's code: found by entry point."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from emulator.config.settings import Settings
from emulator.events import EventBus, LogLine
from emulator.sdk.serving import WorkerEnvironment

GROUP = "emulator.environment"


def contributed_environment(
    *,
    settings: Settings,
    app_root: Path,
    url: str,
    flags: Mapping[str, str],
    events: EventBus,
    points: tuple[EntryPoint, ...] | None = None,
) -> WorkerEnvironment:
    """Ask every package; one that fails adds nothing and is told about."""
    variables: dict[str, str] = {}
    notes: list[str] = []
    for point in _points(tuple(sys.path)) if points is None else points:
        try:
            added: WorkerEnvironment = point.load()(
                settings=settings, app_root=app_root, url=url, flags=flags
            )
            variables |= {str(name): str(value) for name, value in added.variables.items()}
            notes += added.notes
        except Exception as error:  # a plugin may fail in any way; the app runs without it
            package = point.dist.name if point.dist is not None else "unknown"
            message = (
                f"The package '{package}' could not prepare the environment of the app "
                f"({point.value}): {type(error).__name__}: {error}. The app runs without."
            )
            events.publish(LogLine("Error", message, "Host"))
    return WorkerEnvironment(variables, tuple(notes))


@lru_cache(maxsize=1)
def _points(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Look into the installed packages once while `sys.path` is the same: it takes milliseconds,
    and every load of an app asks."""
    return tuple(entry_points(group=GROUP))
