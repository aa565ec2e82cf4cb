"""The first step of every load: the configuration read and the worker spawned.

Imports little, so that the worker starts while the rest of the host is still being imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.config.hostjson import HostConfig, load_host_config
from emulator.config.settings import Settings, load_settings
from emulator.model import Problem
from emulator.workers.channel import WorkerChannel

OpenChannel = Callable[[Settings, HostConfig], WorkerChannel]
"""Spawns the worker of one load."""


@dataclass(frozen=True, slots=True)
class Launch:
    settings: Settings
    host_config: HostConfig
    problems: tuple[Problem, ...]
    channel: WorkerChannel


def launch(
    root: Path,
    *,
    environ: Mapping[str, str],
    overrides: Mapping[str, str],
    open_channel: OpenChannel,
) -> Launch:
    """Read what the app folder and the environment say and spawn the worker.

    `overrides` are settings given by the person or test that started the host; they win. Raises
    `ConfigError` when host.json cannot be used and `WorkerStartError` when no worker can be made.
    """
    settings, problems = load_settings(root, {**environ, **overrides})
    host_config, found = load_host_config(root, settings)
    channel = open_channel(settings, host_config)
    return Launch(settings, host_config, (*problems, *found), channel)
