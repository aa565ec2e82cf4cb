from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.errors import ConfigError
from emulator.runtime import building
from emulator.runtime.building import (
    BuildPlan,
    Contents,
    build,
    build_plan,
    build_problems,
)
from tests.support.processes import processes_in, until

TSC = {"build": "tsc", "watch": "tsc -w"}


def app(
    root: Path,
    *,
    scripts: Mapping[str, str] | None = None,
    main: str = "dist/src/functions/*.js",
    typescript: bool = True,
) -> Path:
    package = {"main": main, "scripts": dict(TSC if scripts is None else scripts)}
    (root / "package.json").write_text(json.dumps(package), "utf-8")
    if typescript:
        (root / "tsconfig.json").write_text("{}", "utf-8")
    return root


def planned(root: Path, *, asked: bool = False) -> BuildPlan:
    plan = build_plan(root, {"PATH": "/nowhere"}, asked=asked)
    assert plan is not None
    return plan


def write(root: Path, name: str, at: int) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(at), "utf-8")
    os.utime(path, (at, at))
    return path


def test_typescript_is_built_and_watched_by_its_scripts(tmp_path: Path) -> None:
    plan = planned(app(tmp_path))
    assert plan.command[1:] == ("run", "--silent", "build")
    assert plan.watch is not None
    assert plan.watch[1:] == ("run", "--silent", "watch")
    assert plan.output == "dist"


@pytest.mark.parametrize(
    ("scripts", "typescript"), [({}, True), (TSC, False), ({"test": "x"}, True)]
)
def test_nothing_is_built_that_nobody_asked_for(
    tmp_path: Path, scripts: Mapping[str, str], typescript: bool
) -> None:
    root = app(tmp_path, scripts=scripts, typescript=typescript)
    assert build_plan(root, {}, asked=False) is None


def test_javascript_with_a_build_script_is_built_when_asked_for(tmp_path: Path) -> None:
    plan = planned(app(tmp_path, scripts={"build": "esbuild"}, typescript=False), asked=True)
    assert plan.is_source(tmp_path / "src" / "a.js")
    assert not plan.is_source(tmp_path / "dist" / "a.js")


def test_the_compiler_itself_serves_without_a_script(tmp_path: Path) -> None:
    compiler = app(tmp_path, scripts={}) / "node_modules" / ".bin" / "tsc"
    compiler.parent.mkdir(parents=True)
    compiler.write_text("#!/bin/sh\n", "utf-8")
    compiler.chmod(0o755)
    assert planned(tmp_path, asked=True).shown == "tsc"


@pytest.mark.parametrize("typescript", [True, False])
def test_asking_for_the_impossible_is_told(tmp_path: Path, typescript: bool) -> None:
    root = app(tmp_path, scripts={}, typescript=typescript)
    with pytest.raises(ConfigError, match="nothing to build") as raised:
        build_plan(root, {}, asked=True)
    assert '"build": "tsc"' in str(raised.value.hint)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"scripts": 1, "main": []}'])
def test_a_strange_package_json_builds_nothing(tmp_path: Path, content: str) -> None:
    (app(tmp_path) / "package.json").write_text(content, "utf-8")
    assert build_plan(tmp_path, {}, asked=False) is None


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("src/functions/a.ts", True),
        ("src/a.mts", True),
        ("tsconfig.json", True),
        ("tsconfig.base.json", True),
        ("dist/src/a.js", False),
        ("dist/src/a.d.ts", False),
        ("src/a.js", False),
        ("node_modules/x/index.ts", False),
        ("package.json", False),
    ],
)
def test_knows_sources(tmp_path: Path, name: str, source: bool) -> None:
    assert planned(app(tmp_path)).is_source(tmp_path / name) is source


def test_files_of_elsewhere_are_no_sources(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    assert not planned(app(tmp_path / "app")).is_source(tmp_path / "a.ts")


def test_output_is_stale_while_a_source_is_newer(tmp_path: Path) -> None:
    plan = planned(app(tmp_path))
    os.utime(tmp_path / "tsconfig.json", (50, 50))
    write(tmp_path, "src/a.ts", 100)
    assert plan.stale
    write(tmp_path, "dist/src/a.js", 200)
    write(tmp_path, "dist/src/b.js", 50)
    assert not plan.stale
    write(tmp_path, "src/b.ts", 300)
    assert plan.stale


def test_mistakes_are_told_with_their_places(tmp_path: Path) -> None:
    said = "\n".join(
        [
            "src/functions/hello.ts(3,5): error TS2322: Type 'number' is not assignable.",
            "  what follows belongs to it",
            "src/b.ts(10,1): error TS1005: ';' expected.",
        ]
    )
    first, second = build_problems(planned(app(tmp_path)), 2, said)
    assert str(first.where) == "src/functions/hello.ts:3:5"
    assert first.message == "TS2322: Type 'number' is not assignable."
    assert str(second.where) == "src/b.ts:10:1"


def test_what_is_not_understood_is_shown(tmp_path: Path) -> None:
    (problem,) = build_problems(planned(app(tmp_path)), 127, "sh: 1: tsc: not found\n")
    assert "npm run build failed (it ended with exit code 127)" in problem.message
    assert problem.detail == "sh: 1: tsc: not found"
    assert problem.hint == "Install the app's packages: npm install."


def test_a_build_that_went_well_says_nothing(tmp_path: Path) -> None:
    assert build_problems(planned(app(tmp_path)), 0, "1 error was ignored") == []


def test_a_missing_npm_is_told(tmp_path: Path) -> None:
    (problem,) = build(planned(app(tmp_path)), {"PATH": "/nowhere"})
    assert "npm run build failed (No such file or directory)" in problem.message


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_a_build_script_is_run(tmp_path: Path) -> None:
    script = "node -e \"require('fs').mkdirSync('dist')\""
    root = app(tmp_path, scripts={"build": script})
    plan = build_plan(root, os.environ, asked=False)
    assert plan is not None
    assert build(plan, os.environ) == []
    assert (root / "dist").is_dir()


@pytest.mark.skipif(os.name != "posix", reason="process groups")
async def test_a_build_that_takes_too_long_is_ended_with_what_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "PATIENCE", 0.05)
    command = ("/bin/sh", "-c", "sleep 60 & sleep 60")
    (problem,) = build(replace(planned(app(tmp_path)), command=command), os.environ)
    assert "it took more than 0 s" in problem.message
    await until(lambda: processes_in(tmp_path) == [])


def test_output_that_was_only_written_again_is_no_change(tmp_path: Path) -> None:
    plan = planned(app(tmp_path))
    same, other = write(tmp_path, "dist/a.js", 1), write(tmp_path, "dist/b.js", 1)
    contents = Contents(plan)
    write(tmp_path, "dist/a.js", 1)
    write(tmp_path, "dist/b.js", 2)
    new = write(tmp_path, "dist/c.js", 3)
    config = tmp_path / "host.json"
    assert set(contents.differing([same, other, new, config])) == {other, new, config}
    assert list(contents.differing([other])) == []
