"""Watching by what Linux reports."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from emulator.runtime.inotify import FolderWatch, folders_below
from emulator.runtime.watch import Watcher, WatchRules
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells")

Reported = asyncio.Queue[frozenset[Path]]


async def test_files_of_one_burst_are_one_change(tmp_path: Path) -> None:
    async with watching(tmp_path) as reported:
        for number in range(20):
            (tmp_path / f"m{number}.py").write_text("1")
        assert len(await soon(reported)) == 20


async def test_a_save_by_renaming_is_a_change(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    async with watching(tmp_path) as reported:
        (tmp_path / "a.py.tmp").write_text("2")
        os.replace(tmp_path / "a.py.tmp", tmp_path / "a.py")
        assert await soon(reported) == {tmp_path / "a.py"}


async def test_a_folder_with_files_that_comes_or_goes_is_a_change(tmp_path: Path) -> None:
    app, beside = tmp_path / "app", tmp_path / "beside"
    (beside / "deep").mkdir(parents=True)
    (beside / "deep" / "a.py").write_text("1")
    app.mkdir()
    async with watching(app) as reported:
        beside.rename(app / "lib")
        assert await soon(reported) == {app / "lib" / "deep" / "a.py"}
        (app / "lib" / "deep" / "a.py").write_text("22")
        assert await soon(reported) == {app / "lib" / "deep" / "a.py"}
        (app / "lib").rename(beside)
        assert await soon(reported) == {app / "lib" / "deep" / "a.py"}


async def test_what_is_linked_into_the_app_is_watched(tmp_path: Path) -> None:
    app, shared = tmp_path / "app", tmp_path / "shared"
    app.mkdir()
    shared.mkdir()
    (shared / "a.py").write_text("1")
    (app / "lib").symlink_to(shared)
    async with watching(app) as reported:
        (shared / "a.py").write_text("22")
        assert await soon(reported) == {app / "lib" / "a.py"}


async def test_an_app_that_was_replaced_is_watched_again(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "a.py").write_text("1")
    async with watching(app) as reported:
        shutil.rmtree(app)
        await asyncio.sleep(0.03)
        assert reported.empty()  # there is nothing to load
        app.mkdir()
        (app / "a.py").write_text("22")
        assert await soon(reported) == {app / "a.py"}
        (app / "a.py").write_text("333")
        assert await soon(reported) == {app / "a.py"}


async def test_when_more_happened_than_is_told_everything_is_looked_at(tmp_path: Path) -> None:
    told = asyncio.Event()
    watch = FolderWatch([tmp_path], ignores_folder=lambda name: False, told=told.set)
    try:
        overflow = 0x4000
        watch._take(-1, overflow, "")
        assert watch.outdated
    finally:
        watch.close()


async def test_ignored_folders_and_mere_looks_wake_nobody(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    told = asyncio.Event()
    ignores = WatchRules(tmp_path).ignores_folder
    watch = FolderWatch(folders_below(tmp_path, ignores), ignores_folder=ignores, told=told.set)
    try:
        (tmp_path / "a.py").read_text()
        (tmp_path / "__pycache__").mkdir()
        (tmp_path / "__pycache__" / "a.pyc").write_text("1")
        os.listdir(tmp_path)
        await asyncio.sleep(0.02)
        assert not told.is_set()
    finally:
        watch.close()


async def test_without_watches_left_the_other_way_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*arguments: object, **more: object) -> FolderWatch:
        raise OSError(28, "inotify_add_watch")

    # How many watches a user may have is the machine's; using them up would hurt others.
    monkeypatch.setattr("emulator.runtime.watch.FolderWatch", none_left)
    async with watching(tmp_path) as reported:
        (tmp_path / "a.py").write_text("1")
        assert await soon(reported) == {tmp_path / "a.py"}


def test_folders_are_found_once_and_ignored_ones_not_at_all(tmp_path: Path) -> None:
    for name in ("a/b", ".venv/lib", "a/node_modules/x", "__pycache__"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "b" / "round").symlink_to(tmp_path)
    found = folders_below(tmp_path, WatchRules(tmp_path).ignores_folder)
    assert sorted(found) == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    assert folders_below(tmp_path / "gone", WatchRules(tmp_path).ignores_folder) == []


@asynccontextmanager
async def watching(root: Path) -> AsyncIterator[Reported]:
    reported: Reported = asyncio.Queue()

    async def report(paths: frozenset[Path]) -> None:
        reported.put_nowait(paths)

    watcher = Watcher(lambda: WatchRules(root), report, by_linux=True)
    running = asyncio.create_task(watcher.run())
    await asyncio.sleep(0.03)  # until the folders are watched
    try:
        yield reported
    finally:
        watcher.close()
        await asyncio.wait_for(running, PATIENCE)


async def soon(reported: Reported) -> frozenset[Path]:
    return await asyncio.wait_for(reported.get(), PATIENCE)
