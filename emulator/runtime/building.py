"""Compiles an app before it is loaded: TypeScript by the scripts of its package.json.

Run once before the first load, where the output is older than the sources, and again on changes:
by the app's `watch` script, which goes on running, else by its `build` script.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.errors import ConfigError
from emulator.model import Problem, SourceSpan
from emulator.workers.groups import kill_group, own_group
from emulator.workers.guard import Guard

_PACKAGE = "package.json"
_TYPESCRIPT = (".ts", ".mts", ".cts", ".tsx")
_SCRIPT = (".js", ".mjs", ".cjs", ".jsx")
_NOT_SOURCES = frozenset({"node_modules"})
PATIENCE = 300.0
"""Seconds a build may take."""

_MOST_PROBLEMS = 20
_ERROR = re.compile(
    r"^(?P<file>[^\s(][^(]*)\((?P<line>\d+),(?P<column>\d+)\): error (?P<text>TS\d+: .*)$"
)
"""How the TypeScript compiler names a mistake where it does not write to a terminal."""

_WITHOUT_COLOUR = {"NO_COLOR": "1", "FORCE_COLOR": "0", "npm_config_update_notifier": "false"}


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """How an app is compiled. `output` is the folder that is written, relative to the app."""

    root: Path
    command: tuple[str, ...]
    shown: str
    watch: tuple[str, ...] | None
    output: str
    sources: tuple[str, ...]
    """How the names of the sources end."""

    def is_source(self, path: Path) -> bool:
        try:
            parts = path.relative_to(self.root).parts
        except ValueError:
            return False
        if not parts or parts[0] == self.output or _NOT_SOURCES & set(parts):
            return False
        name = parts[-1]
        return name.endswith(self.sources) or (
            name.startswith("tsconfig") and name.endswith(".json")
        )

    def is_output(self, path: Path) -> bool:
        return bool(self.output) and path.is_relative_to(self.root / self.output)

    @property
    def stale(self) -> bool:
        """Whether a source is newer than everything that was compiled."""
        newest = max(map(_changed, self.outputs()), default=0)
        return any(_changed(path) > newest for path in _files(self.root) if self.is_source(path))

    def outputs(self) -> Iterator[Path]:
        """Return what was compiled, as far as Node.js runs it."""
        folder = self.root / self.output
        return (path for path in _files(folder) if path.suffix in _SCRIPT)


def build_plan(root: Path, environment: Mapping[str, str], *, asked: bool) -> BuildPlan | None:
    """Return how the app at `root` is compiled; `None` when there is nothing to compile.

    Unless somebody `asked` for it only TypeScript is compiled, by a script of the app. Raises
    `ConfigError` when what was asked for cannot be done.
    """
    package = _package(root)
    scripts = package.get("scripts")
    scripts = scripts if isinstance(scripts, dict) else {}
    typescript = (root / "tsconfig.json").is_file()
    if not asked and not (typescript and ("build" in scripts or "watch" in scripts)):
        return None
    command: tuple[str, ...]
    compiler = shutil.which("tsc", path=str(root / "node_modules" / ".bin"))
    npm = shutil.which("npm", path=environment.get("PATH")) or "npm"
    if "build" in scripts:
        command, shown = (npm, "run", "--silent", "build"), "npm run build"
    elif typescript and compiler is not None:
        command, shown = (compiler,), "tsc"
    elif "watch" in scripts and not asked:
        return None  # what it needs is not installed, which the load tells
    else:
        raise ConfigError(
            "There is nothing to build the app with.",
            hint='Add a script to package.json, such as "build": "tsc", or leave --build out.',
            where=SourceSpan(_PACKAGE),
            code="build-impossible",
        )
    output = _first_folder(package.get("main"))
    return BuildPlan(
        root=root,
        command=command,
        shown=shown,
        watch=(npm, "run", "--silent", "watch") if "watch" in scripts else None,
        output=output,
        sources=_TYPESCRIPT if typescript or not output else (*_TYPESCRIPT, *_SCRIPT),
    )


def build(plan: BuildPlan, environment: Mapping[str, str]) -> list[Problem]:
    """Compile the app, whatever that takes; return what is wrong with it."""
    try:
        process = subprocess.Popen(
            plan.command,
            cwd=plan.root,
            env=build_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **own_group(),
        )
    except OSError as error:
        return [build_failed(plan, error.strerror or str(error))]
    with process:
        guard = Guard(process.pid)
        try:
            text, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return [took_too_long(plan)]
        finally:
            if process.returncode is None:
                kill_group(process)  # which Ctrl+C does not reach, nor what it has started
            guard.release()
    return build_problems(plan, process.returncode, text.decode("utf-8", "replace"))


def build_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, **_WITHOUT_COLOUR}


def build_problems(plan: BuildPlan, code: int, text: str) -> list[Problem]:
    """Read what the compiler said. Its own words are the detail where they are not understood."""
    found = [problem for line in text.splitlines() if (problem := compile_problem(line))]
    if code and not found:
        return [build_failed(plan, f"it ended with exit code {code}", text.strip())]
    return found[:_MOST_PROBLEMS]


def compile_problem(line: str) -> Problem | None:
    """Return the mistake that a line of the compiler tells of."""
    match = _ERROR.match(line.strip())
    if match is None:
        return None
    return Problem(
        "build-error",
        match["text"],
        where=SourceSpan(match["file"], int(match["line"]), int(match["column"])),
        hint="Mend it and save. What the compiler wrote all the same is what runs.",
    )


def took_too_long(plan: BuildPlan) -> Problem:
    return build_failed(plan, f"it took more than {PATIENCE:.0f} s")


def build_failed(plan: BuildPlan, why: str, text: str = "") -> Problem:
    missing = not (plan.root / "node_modules").is_dir()
    return Problem(
        "build-failed",
        f"The app cannot be built: {plan.shown} failed ({why})",
        where=SourceSpan(_PACKAGE),
        hint="Install the app's packages: npm install."
        if missing
        else f"Try it in the app's folder: {plan.shown}.",
        detail=text[-4000:] or None,
    )


class Contents:
    """Tells compiled files that say something new from those that were only written again."""

    def __init__(self, plan: BuildPlan) -> None:
        self._plan = plan
        self._digests = {path: _digest(path) for path in plan.outputs()}

    def differing(self, paths: Iterable[Path]) -> Iterator[Path]:
        for path in paths:
            if not self._plan.is_output(path):
                yield path
                continue
            digest = _digest(path)
            if self._digests.get(path) != digest:
                self._digests[path] = digest
                yield path


def _package(root: Path) -> Mapping[str, Any]:
    try:
        content = json.loads((root / _PACKAGE).read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):  # the worker tells what is wrong with it
        return {}
    return content if isinstance(content, dict) else {}


def _first_folder(main: object) -> str:
    """Return the folder that `main` of package.json begins with; empty when it has none."""
    text = main if isinstance(main, str) else ""
    folder, separator, _ = text.removeprefix("./").partition("/")
    return folder if separator and "*" not in folder else ""


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name for name in folders if name not in _NOT_SOURCES and not name.startswith(".")
        ]
        yield from (Path(folder, name) for name in names)


def _changed(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime_ns
    return 0


def _digest(path: Path) -> bytes:
    try:
        return hashlib.blake2b(path.read_bytes()).digest()
    except OSError:
        return b""
