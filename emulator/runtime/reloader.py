"""From saved files to the next generation: one candidate at a time, the newest save wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.errors import EmulatorError
from emulator.events import EventBus, LogLine
from emulator.runtime.host import OFFLINE_FILE, Host
from emulator.runtime.selfwrites import SelfWrites
from emulator.runtime.watch import Watcher, WatchRules

if TYPE_CHECKING:
    from emulator.runtime.builder import Builder

_PACKAGES = frozenset({"requirements.txt", "package.json"})

_QUIET = 1.0
"""Seconds without a load before a suspected file is given its trial."""


class Reloader:
    """Reloads a host whenever its app changes, until closed.

    `requirements_changed` is called when what is installed may be about to change.
    """

    def __init__(
        self,
        host: Host,
        events: EventBus,
        *,
        polling: bool = False,
        requirements_changed: Callable[[], None] = lambda: None,
        builder: Builder | None = None,
    ) -> None:
        self._host = host
        self._events = events
        self._requirements_changed = requirements_changed
        self._builder = builder
        self._watcher = Watcher(self._rules, self._changed, polling=polling)
        self._pending: frozenset[Path] = frozenset()
        self._candidate: asyncio.Task[bool] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._self_writes = SelfWrites()
        self._trial: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch; the first load is over."""
        self._self_writes.ended()
        if self._builder is not None:
            self._builder.start()
        self._watching = asyncio.create_task(self._watcher.run())
        self._watching.add_done_callback(self._stopped_watching)

    async def aclose(self) -> None:
        self._watcher.close()
        tasks = [self._watching, self._trial, self._candidate]
        begun = [task for task in tasks if task is not None]
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
        if self._builder is not None:
            await self._builder.aclose()

    async def reload(self) -> None:
        """Reload now, whatever has changed; a candidate that is being built is abandoned."""
        await self._begin(frozenset())
        assert self._candidate is not None
        await asyncio.wait([self._candidate])

    def _rules(self) -> WatchRules:
        current = self._host.current
        language = "" if current is None else current.worker.language
        rules = WatchRules.of(self._host.context.app_root, self._host.host_config, language)
        builder = self._builder
        return rules if builder is None else replace(rules, is_source=builder.plan.is_source)

    async def _changed(self, paths: frozenset[Path]) -> None:
        if not self._host.host_config.file_watching_enabled:
            return
        offline = self._host.context.app_root / OFFLINE_FILE
        if offline in paths:
            self._host.look_for_offline()
            paths -= {offline}
        if any(path.name in _PACKAGES for path in paths):
            self._requirements_changed()
        if self._builder is not None:
            paths = await self._builder.sift(paths)
        wanted, convicted = self._self_writes.sift(paths)
        for path in sorted(convicted):
            self._tell_self_write(path)
        if wanted:
            await self._begin(wanted)
        elif self._self_writes.suspects and (self._trial is None or self._trial.done()):
            self._trial = asyncio.create_task(self._try())

    async def _begin(self, paths: frozenset[Path], *, trial: bool = False) -> None:
        if self._candidate is not None and not self._candidate.done():
            self._candidate.cancel()
            await asyncio.gather(self._candidate, return_exceptions=True)
        else:
            self._pending = frozenset()
        # What an abandoned candidate was built for is still to be looked at.
        self._pending |= paths
        self._candidate = asyncio.create_task(self._reload(self._pending, trial=trial))

    async def _try(self) -> None:
        """Load once more when all is quiet: does the app write that file, or somebody else?"""
        if self._candidate is not None:
            await asyncio.wait([self._candidate])
        await asyncio.sleep(_QUIET)
        if self._self_writes.suspects:
            await self._begin(frozenset(), trial=True)

    async def _reload(self, paths: frozenset[Path], *, trial: bool) -> bool:
        self._self_writes.began(trial=trial)
        try:
            return await self._host.reload(paths)
        except EmulatorError as error:
            self._events.publish(LogLine("Error", f"{error.message} {error.hint or ''}", "Host"))
            return False
        finally:
            self._self_writes.ended()

    def _tell_self_write(self, path: Path) -> None:
        root = self._host.context.app_root
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        self._events.publish(
            LogLine(
                "Warning",
                f"The app writes {shown} itself whenever it is loaded, so that no longer reloads "
                "it. Let it write such files outside of its own folder.",
                "Host",
            )
        )

    def _stopped_watching(self, task: asyncio.Task[None]) -> None:
        """Say so when files cannot be watched any longer; the host goes on."""
        if task.cancelled() or task.exception() is None:
            return
        self._events.publish(
            LogLine(
                "Warning",
                f"Files are no longer watched ({task.exception()}). Reload by restarting the host.",
                "Host",
            )
        )
