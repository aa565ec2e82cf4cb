"""Options to a running emulator: the only place that knows all the parts."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from emulator.clock import Clock, SystemClock
from emulator.config.hostjson import HostConfig
from emulator.config.options import Options
from emulator.config.settings import Settings
from emulator.errors import ConfigError
from emulator.events import EventBus, LogLine
from emulator.runtime.launch import Launch, OpenChannel, launch
from emulator.workers.channel import AppSpec, LogSink, WorkerChannel, WorkerLog
from emulator.workers.interpreter import find_interpreter, worker_environment


class Starter:
    """Begins loads of one app. Light: what the rest needs is imported in `Emulator`."""

    def __init__(
        self,
        options: Options,
        *,
        environ: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        events: EventBus | None = None,
    ) -> None:
        self.options = options
        self.root = _app_root(options.path)
        self.events = events or EventBus()
        self._environ = dict(os.environ if environ is None else environ)
        self._overrides = dict(settings or {})

    def begin(self) -> Launch:
        return launch(
            self.root,
            environ=self._environ,
            overrides=self._overrides,
            open_channel=self._open_channel(),
        )

    def _open_channel(self) -> OpenChannel:
        in_process = self.options.channel == "inprocess"

        def open_channel(settings: Settings, host_config: HostConfig) -> WorkerChannel:
            spec = AppSpec(
                root=self.root,
                environment=worker_environment(settings, self.root),
                script_file=settings.get("PYTHON_SCRIPT_FILE_NAME") or "function_app.py",
            )
            sink = _log_sink(self.events)
            if in_process:
                return _in_process(spec, sink)
            return self._subprocess(spec, settings, sink)

        return open_channel

    def _subprocess(self, spec: AppSpec, settings: Settings, sink: LogSink) -> WorkerChannel:
        raise ConfigError("not there yet")


def _in_process(spec: AppSpec, sink: LogSink) -> WorkerChannel:
    raise ConfigError("not there yet")
