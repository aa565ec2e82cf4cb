"""The first steps of every load: read the configuration, spawn the worker.

Imports little, so that the worker starts while the rest of the host is still being imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.config.hostjson import HostConfig, load_host_config
from emulator.config.settings import Settings, load_settings
from emulator.errors import EmulatorError
from emulator.model import Problem, Severity
from emulator.workers.channel import WorkerChannel


class AppUnusable(EmulatorError):
    """A load of the app cannot serve; `problems` say why."""

    code = "app-unusable"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the app's folder and the environment say."""

    settings: Settings
    host_config: HostConfig
    problems: tuple[Problem, ...]

    def check(self) -> None:
        """Raise `AppUnusable` when host.json has errors: nothing can be served by guesses."""
        errors = tuple(
            problem
            for problem in self.problems
            if problem.severity is Severity.ERROR and problem.code.startswith("host-json")
        )
        if errors:
            raise AppUnusable(errors)


@dataclass(frozen=True, slots=True)
class Launch:
    """A configuration and the worker that was spawned for it."""

    configuration: Configuration
    channel: WorkerChannel


def configure(root: Path, environ: Mapping[str, str]) -> Configuration:
    settings, problems = load_settings(root, environ)
    host_config, found = load_host_config(root, settings)
    return Configuration(settings, host_config, (*problems, *found))
