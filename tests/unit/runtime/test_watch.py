"""Which changes call for a reload."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from emulator.config.hostjson import HostConfig
from emulator.runtime.watch import Watcher, WatchRules
from tests.support.patience import PATIENCE


@pytest.mark.parametrize(
    "name",
    [
        "function_app.py",
        "host.json",
        "local.settings.json",
        "requirements.txt",
        ".env",
        ".env.local",
        "app_offline.htm",
        "model-script.yaml",
        "lib/deep/er/module.py",
        "orders/function.json",
        "shared/data.csv",
        "special.cfg",
    ],
)
def test_it_matters(name: str) -> None:
    assert rules().matters(Path("/app") / name)


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "data.json",
        ".venv/lib/python3.11/site-packages/x.py",
        "venv/lib/x.py",
        "node_modules/x/function.json",
        ".git/HEAD.py",
        ".funcemu/chats.db",
        "lib/__pycache__/x.py",
        ".function_app.py.swp",
        ".#function_app.py",
        "function_app.py~",
        "lib/.env",
        "lib/app_offline.htm",
        "../other/function_app.py",
    ],
)
def test_it_does_not_matter(name: str) -> None:
    assert not rules().matters(Path(os.path.normpath(Path("/app") / name)))


def test_folders_of_host_json_never_include_what_is_always_ignored() -> None:
    config = HostConfig(watch_directories=("node_modules", "shared"))
    assert WatchRules.of(Path("/app"), config).extra_folders == {"shared"}


async def test_a_save_before_watching_began_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    watcher, reported = watching(tmp_path)
    (tmp_path / "a.py").write_text("22")
    (tmp_path / "b.py").write_text("3")
    running = asyncio.create_task(watcher.run())
    try:
        async with asyncio.timeout(PATIENCE):
            assert await reported.get() == {tmp_path / "a.py", tmp_path / "b.py"}
    finally:
        watcher.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("polling", "by_linux"),
    [(False, None), (False, False), (True, None)],
    ids=["as here", "watchfiles", "polling"],
)
async def test_saves_deletions_and_new_folders_are_reported(
    tmp_path: Path, polling: bool, by_linux: bool | None
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.py").write_text("1")
    watcher, reported = watching(tmp_path, polling=polling, by_linux=by_linux)
    running = asyncio.create_task(watcher.run())
    try:
        async with asyncio.timeout(PATIENCE):
            (tmp_path / "lib" / "a.py").write_text("22")
            assert await reported.get() == {tmp_path / "lib" / "a.py"}
            (tmp_path / "lib" / "a.py").unlink()
            assert await reported.get() == {tmp_path / "lib" / "a.py"}
            (tmp_path / "new").mkdir()
            (tmp_path / "new" / "b.py").write_text("1")
            assert await reported.get() == {tmp_path / "new" / "b.py"}
    finally:
        watcher.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_look_at_a_file_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    watcher, reported = watching(tmp_path)
    running = asyncio.create_task(watcher.run())
    try:
        (tmp_path / "a.py").chmod(0o600)
        (tmp_path / "a.py").read_text()
        (tmp_path / "b.py").write_text("1")
        async with asyncio.timeout(PATIENCE):
            assert await reported.get() == {tmp_path / "b.py"}
    finally:
        watcher.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_code_of_another_language_has_not_gone_once_the_language_is_known(
    tmp_path: Path,
) -> None:
    (tmp_path / "tool.py").write_text("1")
    (tmp_path / "index.js").write_text("1")
    reported: asyncio.Queue[frozenset[Path]] = asyncio.Queue()
    language = [""]
    watcher = Watcher(
        lambda: WatchRules.of(tmp_path, HostConfig(), language[0]), reported.put, polling=True
    )
    language[0] = "node"
    (tmp_path / "index.js").write_text("22")
    running = asyncio.create_task(watcher.run())
    try:
        async with asyncio.timeout(PATIENCE):
            assert await reported.get() == {tmp_path / "index.js"}
    finally:
        watcher.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def rules() -> WatchRules:
    config = HostConfig(watch_files=("special.cfg",), watch_directories=("shared",))
    return WatchRules.of(Path("/app"), config)


def watching(
    root: Path, *, polling: bool = False, by_linux: bool | None = None
) -> tuple[Watcher, asyncio.Queue[frozenset[Path]]]:
    reported: asyncio.Queue[frozenset[Path]] = asyncio.Queue()

    async def report(paths: frozenset[Path]) -> None:
        reported.put_nowait(paths)

    return Watcher(lambda: WatchRules(root), report, polling=polling, by_linux=by_linux), reported
