"""The spare: a worker process that has imported what the app's packages need, and waits.

It never imports anything of the app, so the next load of the app starts as from nothing, only
without the seconds its packages take. It also takes over after a crash.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from emulator.config.stamps import Stamp, stamp_of
from emulator.workers.channel import AppSpec, Interpreter, LogSink
from emulator.workers.subprocess import SubprocessChannel

_INSTALLED = (
    "node_modules/.package-lock.json",
    "node_modules/.modules.yaml",
    "node_modules/.yarn-integrity",
    "node_modules/.yarn-state.yml",
)


class Standby:
    """Holds at most one spare."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink
        self._spare: SubprocessChannel | None = None
        self._for: tuple[AppSpec, Interpreter] | None = None
        self._modules: tuple[str, ...] = ()
        self._files: tuple[Path, ...] = ()
        """By which it is seen that packages are others than those the spare has loaded."""
        self._stamps: list[Stamp | None] = []
        self._closed = False

    def take(self, spec: AppSpec, interpreter: Interpreter) -> SubprocessChannel:
        """Return a worker that starts on the app now: the spare where it fits, else a new one.

        It does not fit when the environment is another one, because packages may have read it,
        nor when a package is.
        """
        spare, self._spare = self._spare, None
        fits = self._for == (spec, interpreter) and self._stamps == self._look()
        if spare is not None and fits and not spare.ended:
            spare.begin()
            return spare
        if spare is not None:
            spare.discard()
        return SubprocessChannel.spawn(spec, interpreter, self._sink)

    def prepare(
        self, spec: AppSpec, interpreter: Interpreter, modules: Sequence[str] | None = None
    ) -> None:
        """Have a spare for the next time, with the modules of this or the last time."""
        if modules is not None:
            self._modules = tuple(modules)
        if self._closed:
            return
        if self._spare is not None:
            if self._for == (spec, interpreter) and not self._spare.ended:
                return
            self._spare.discard()
        self._for = (spec, interpreter)
        self._files = _files(spec.root, self._modules)
        self._stamps = self._look()
        self._spare = SubprocessChannel.spawn(spec, interpreter, self._sink, warm=self._modules)

    def discard(self) -> None:
        """Let go of the spare: what it has imported may no longer be what is installed."""
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.discard()

    def _look(self) -> list[Stamp | None]:
        return [stamp_of(each) for each in self._files]

    async def aclose(self) -> None:
        self._closed = True
        spare, self._spare = self._spare, None
        if spare is not None:
            await spare.aclose(0)


def _files(root: Path, modules: Sequence[str]) -> tuple[Path, ...]:
    """Return the files of modules that are named by them, and what installers of Node.js write."""
    named = [Path(name) for name in modules if os.path.isabs(name)]
    return (*named, *(root / name for name in _INSTALLED))
