"""Apps that are compiled again when their sources change."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from emulator.events import EventBus, ProblemFound
from emulator.model import Problem
from emulator.runtime import builder as module
from emulator.runtime.builder import Builder
from emulator.runtime.building import BuildPlan
from tests.support.patience import PATIENCE


def building(root: Path, script: str) -> tuple[Builder, list[Problem]]:
    events, problems = EventBus(), list[Problem]()
    events.on(ProblemFound, lambda event: problems.append(event.problem))
    plan = BuildPlan(root, ("sh", "-c", script), "npm run build", None, "dist", (".ts",))
    return Builder(plan, os.environ, events), problems


async def test_sources_are_compiled_and_their_mistakes_told(tmp_path: Path) -> None:
    script = "mkdir dist; echo 1 > dist/a.js; echo 'a.ts(3,5): error TS1: Oh.'; cat; exit 2"
    builder, problems = building(tmp_path, script)
    changes = frozenset({tmp_path / "a.ts", tmp_path / "host.json"})
    assert await builder.sift(changes) == {tmp_path / "host.json"}
    assert [(each.message, str(each.where)) for each in problems] == [("TS1: Oh.", "a.ts:3:5")]
    assert await builder.sift(frozenset({tmp_path / "dist/a.js"})) == {tmp_path / "dist/a.js"}
    assert await builder.sift(frozenset({tmp_path / "dist/a.js"})) == frozenset()


async def test_a_build_that_nobody_waits_for_any_more_is_ended(tmp_path: Path) -> None:
    builder, _ = building(tmp_path, "sleep 60 & echo $! > pid.part; mv pid.part pid; wait")
    compiling = asyncio.create_task(builder.sift(frozenset({tmp_path / "a.ts"})))
    async with asyncio.timeout(PATIENCE):
        while not (tmp_path / "pid").exists():  # noqa: ASYNC110 - a file of another process
            await asyncio.sleep(0.01)
        compiling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await compiling
        pid = int((tmp_path / "pid").read_text())
        while Path(f"/proc/{pid}").exists() and not _is_dead(pid):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    await builder.aclose()


async def test_what_cannot_be_built_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = frozenset({tmp_path / "a.ts"})
    builder, problems = building(tmp_path, "echo broken; exit 1")
    await builder.sift(source)
    assert problems[0].message.endswith("npm run build failed (it ended with exit code 1)")
    assert problems[0].detail == "broken"
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    builder, problems = building(tmp_path, "exec sleep 60")
    await builder.sift(source)
    assert "npm run build failed (it took more than" in problems[0].message
    builder, problems = building(tmp_path / "nowhere", "true")
    await builder.sift(frozenset({tmp_path / "nowhere/a.ts"}))
    assert "npm run build failed (No such file" in problems[0].message


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
