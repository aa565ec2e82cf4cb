"""Settled sets of changes in the app's folder that call for a reload."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.config.hostjson import HostConfig
from emulator.config.stamps import Stamp, stamp_of
from emulator.runtime.inotify import FolderWatch, folders_below, reported_by_linux
from emulator.workers.languages import NODE, PYTHON

STEP = 10
"""Milliseconds between two looks at what the system reported. At 10 a save is seen after 16 ms
and a burst of 20 files in 100 ms stays one change; at 5 it falls apart."""

DEBOUNCE = 200
"""Milliseconds after which a burst that never ends is reported anyway."""

POLL_EVERY = 0.25
"""Seconds between two looks where the system reports nothing; 200 files take 2 ms."""

IGNORED_FOLDERS = frozenset(
    {
        "__pycache__",
        "node_modules",
        "venv",
        "env",
        "site-packages",
    }
)
"""Beside these, every folder whose name begins with a dot is ignored: `.venv`, `.git`, caches and
the host's own state."""

_NAMES = frozenset(
    {"host.json", "function.json", "local.settings.json", "requirements.txt", "package.json"}
)
_TOP_NAMES = frozenset({".env", "app_offline.htm"})
"""Names that count in the app's own folder only."""

_CODE: Mapping[str, frozenset[str]] = {
    PYTHON: frozenset({".py"}),
    NODE: frozenset({".js", ".mjs", ".cjs"}),
    "powershell": frozenset({".ps1", ".psm1", ".psd1"}),
    "java": frozenset({".jar"}),
    "dotnet-isolated": frozenset({".dll"}),
}
_ANY_CODE = frozenset().union(*_CODE.values())


@dataclass(frozen=True, slots=True)
class WatchRules:
    """What counts as a change; `extra_files` are names, `extra_folders` first path segments."""

    root: Path
    extra_files: frozenset[str] = frozenset()
    extra_folders: frozenset[str] = frozenset()
    scripts: frozenset[str] = frozenset({"model-script.yaml", "model-script.yml"})
    code: frozenset[str] = _ANY_CODE
    """How the names of the app's code end."""
    is_source: Callable[[Path], bool] = lambda path: False
    """Whether code is made of a file."""

    @classmethod
    def of(cls, root: Path, config: HostConfig, language: str = "") -> WatchRules:
        """Return the rules of an app; all code counts while its `language` is not known."""
        return cls(
            root=root,
            code=_CODE.get(language, _ANY_CODE),
            extra_files=frozenset(config.watch_files),
            extra_folders=frozenset(config.watch_directories) - IGNORED_FOLDERS,
        )

    def ignores_folder(self, name: str) -> bool:
        return name.startswith(".") or name in IGNORED_FOLDERS

    def matters(self, path: Path) -> bool:
        """Whether a change of `path` calls for a reload."""
        try:
            parts = path.relative_to(self.root).parts
        except ValueError:
            return False
        if not parts or any(self.ignores_folder(part) for part in parts[:-1]):
            return False
        name = parts[-1]
        if name in _NAMES or name in self.extra_files or name in self.scripts:
            return True
        if len(parts) == 1 and (name in _TOP_NAMES or name.startswith(".env.")):
            return True
        if name.startswith((".", "~")) or name.endswith("~"):
            return False  # what editors write beside the file
        if self.is_source(path):
            return True
        return path.suffix in self.code or (len(parts) > 1 and parts[0] in self.extra_folders)


class Watcher:
    """Calls `on_change` with each settled set of paths, one at a time, until closed."""

    def __init__(
        self,
        rules: Callable[[], WatchRules],
        on_change: Callable[[frozenset[Path]], Awaitable[None]],
        *,
        polling: bool = False,
        by_linux: bool | None = None,
    ) -> None:
        self._rules = rules
        self._on_change = on_change
        self._polling = polling
        self._by_linux = reported_by_linux() if by_linux is None else by_linux
        self._stop = asyncio.Event()
        self._told = asyncio.Event()
        self._seen: dict[Path, Stamp | None] = {}
        self._seen = self._snapshot()
        """Files as they were when they were last reported, from before the first load on: a save
        while nobody watched yet is noticed once somebody does."""

    async def run(self) -> None:
        """Watch the top folder by itself and each of its folders that is not ignored as a tree.

        So a virtual environment inside the app costs no watches at all.
        """
        if self._polling:
            await self._poll()
            return
        if self._by_linux and await self._listen():
            return
        # 50 ms to import, needed only once the app is served
        watch = await asyncio.to_thread(_import_awatch)
        root = self._rules().root
        while not self._stop.is_set():
            folders = self._folders(root)
            round_over = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                queue: asyncio.Queue[frozenset[Path]] = asyncio.Queue()
                for paths, deep in (([root], False), (folders, True)):
                    if paths:
                        tasks.create_task(self._feed(watch, paths, deep, round_over, queue))
                tasks.create_task(self._serve(root, folders, queue, round_over))

    def close(self) -> None:
        self._stop.set()
        self._told.set()

    async def _listen(self) -> bool:
        """Let Linux tell of saves; begin anew, with a look at everything, when folders change.

        Returns false when Linux has no watches left.
        """
        pending: set[Path] = set()
        now = asyncio.get_running_loop().time
        while not self._stop.is_set():
            root, ignores = self._rules().root, self._rules().ignores_folder
            folders = await asyncio.to_thread(folders_below, root, ignores)
            if not folders:  # the app's folder itself is gone, and may come back
                await self._stopped_within(POLL_EVERY)
                continue
            try:
                watch = FolderWatch(folders, ignores_folder=ignores, told=self._told.set)
            except OSError:
                return False
            began = now()
            try:
                await self._report(self._changed(self._snapshot() | self._stamps(pending)))
                while not self._stop.is_set():
                    await self._settled(watch)
                    pending, watch.changed = watch.changed, set()
                    if watch.outdated:
                        # An app that keeps making folders must not make us look all the time.
                        if now() < began + POLL_EVERY:
                            await self._stopped_within(POLL_EVERY)
                        break
                    await self._report(self._changed(self._stamps(pending)))
            finally:
                watch.close()
        return True

    async def _settled(self, watch: FolderWatch) -> None:
        """Wait for a change, and then until none joins it for a moment."""
        if not (watch.changed or watch.outdated):
            self._told.clear()
            if not self._stop.is_set():
                await self._told.wait()
        for _ in range(DEBOUNCE // STEP):
            seen = len(watch.changed)
            await asyncio.sleep(STEP / 1000)
            if len(watch.changed) == seen:
                break

    def _stamps(self, paths: Iterable[Path]) -> dict[Path, Stamp | None]:
        rules = self._rules()
        return {path: stamp_of(path) for path in paths if rules.matters(path)}

    async def _stopped_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _poll(self) -> None:
        """Look at every file again and again, to the nanosecond: two saves a second are two."""
        while not self._stop.is_set():
            await self._report(self._changed(self._snapshot()))
            await self._stopped_within(POLL_EVERY)

    async def _feed(
        self,
        watch: Callable[..., AsyncIterator[set[tuple[Any, str]]]],
        paths: Iterable[Path],
        deep: bool,
        over: asyncio.Event,
        queue: asyncio.Queue[frozenset[Path]],
    ) -> None:
        found = watch(
            *paths,
            watch_filter=None,
            debounce=DEBOUNCE,
            step=STEP,
            stop_event=over,
            rust_timeout=500,
            recursive=deep,
            ignore_permission_denied=True,
        )
        async for changes in found:
            queue.put_nowait(frozenset(Path(path) for _, path in changes))

    async def _serve(
        self,
        root: Path,
        folders: list[Path],
        queue: asyncio.Queue[frozenset[Path]],
        over: asyncio.Event,
    ) -> None:
        """Hand changes on until closed, or until the folders to watch are others."""
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.sleep(0)  # the feeding tasks begin to watch in their first step
            await self._report(self._changed(self._snapshot()))
            while not self._stop.is_set() and self._folders(root) == folders:
                changed = asyncio.create_task(queue.get())
                await asyncio.wait({changed, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not changed.done():
                    changed.cancel()
                    break
                await self._report(self._changed(self._stamps(changed.result())))
        finally:
            stopped.cancel()
            over.set()

    async def _report(self, changes: frozenset[Path]) -> None:
        if changes:
            await self._on_change(changes)

    def _changed(self, now: dict[Path, Stamp | None]) -> frozenset[Path]:
        """Return what is not as it was last seen: an event alone may be a mere look at a file."""
        changes = frozenset(path for path, stamp in now.items() if self._seen.get(path) != stamp)
        for path in changes:
            self._seen[path] = now[path]
        return changes

    def _snapshot(self) -> dict[Path, Stamp | None]:
        """Look at every file that matters; what has gone since the last look is `None`."""
        rules = self._rules()
        # What is code depends on the language, which is not known before the first load.
        found: dict[Path, Stamp | None] = {path: None for path in self._seen if rules.matters(path)}
        for folder, folders, files in os.walk(rules.root):
            folders[:] = [name for name in folders if not rules.ignores_folder(name)]
            for name in files:
                path = Path(folder, name)
                if rules.matters(path):
                    found[path] = stamp_of(path)
        return found

    def _folders(self, root: Path) -> list[Path]:
        rules = self._rules()
        try:
            return sorted(
                each
                for each in root.iterdir()
                if each.is_dir() and not rules.ignores_folder(each.name)
            )
        except OSError:
            return []


def _import_awatch() -> Callable[..., AsyncIterator[set[tuple[Any, str]]]]:
    from watchfiles import awatch

    return awatch
