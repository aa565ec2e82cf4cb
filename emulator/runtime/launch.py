"""The first steps of every load: read the configuration, spawn the worker.

Imports little, so that the worker starts while the rest of the host is still being imported.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from emulator.config.hostjson import HostConfig, load_host_config
from emulator.config.settings import Settings, load_settings
from emulator.errors import ConfigError, EmulatorError
from emulator.model import Problem, Severity
from emulator.secrets import SecretFilter, texts_of
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

    def named_texts(self) -> list[tuple[str, str]]:
        """Return every value with its name; some are secrets that must not be shown."""
        return named_texts(self.settings, self.host_config.raw)

    def cleaned(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Take secrets out of problems, which may quote what the app's code raised."""
        found = tuple(problems)
        if not found:
            return found  # most apps have none, and the filter takes 2 ms
        clean = SecretFilter(self.named_texts()).without_values
        return tuple(
            replace(
                each,
                message=clean(each.message),
                hint=each.hint and clean(each.hint),
                detail=each.detail and clean(each.detail),
                azure=each.azure and clean(each.azure),
            )
            for each in found
        )

    def clean(self, error: EmulatorError) -> None:
        """Take secrets out of what an error tells a person, in place."""
        clean = SecretFilter(self.named_texts()).without_values
        error.message, error.hint = clean(error.message), error.hint and clean(error.hint)

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


def app_root(path: Path) -> Path:
    """Return the folder of the app, which has to be one."""
    root = path.expanduser().resolve()
    if root.is_file():
        raise ConfigError(
            f"'{path}' is a file.",
            hint=f"Give the folder of the app: {shlex.quote(str(path.parent))}",
            code="app-missing",
        )
    if not root.is_dir():
        raise ConfigError(
            f"There is no folder '{path}'.",
            hint="Give the folder of the app: the one with host.json and function_app.py.",
            code="app-missing",
        )
    return root


def configure(root: Path, environ: Mapping[str, str]) -> Configuration:
    settings, problems = load_settings(root, environ)
    host_config, found = load_host_config(root, settings)
    read = Configuration(settings, host_config, ())
    return replace(read, problems=read.cleaned((*problems, *found)))


def named_texts(settings: Settings, host_json: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return each setting, also where another hides it, and each text of host.json."""
    values = ((each.name, each.value) for own in settings for each in (own, *own.shadows))
    return [*values, *texts_of(host_json)]
