"""What an app for Node.js has besides its functions, and where an existing one has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from emulator.config.jsonc import parse, read_text
from emulator.scaffold.catalogue import Model

PACKAGE_FILE = "package.json"
FUNCTIONS_FOLDER = "src/functions"

_LIBRARY = {"@azure/functions": "^4.0.0"}
_TYPESCRIPT = {"@types/node": "^20.0.0", "typescript": "^7.0.0"}
_TEST = "node --test"
SCRIPTS = (".js", ".ts")


def node_files(model: Model) -> Mapping[str, str]:
    """Return the files of a new app by their path."""
    if model == "javascript":
        return {PACKAGE_FILE: _json(_package({"start": "funcemu start", "test": _TEST}))}
    scripts = {
        "build": "tsc",
        "watch": "tsc --watch --preserveWatchOutput",
        "start": "funcemu start",
        "test": _TEST,
    }
    package = _package(scripts) | {
        "main": f"dist/{FUNCTIONS_FOLDER}/*.js",
        "devDependencies": _TYPESCRIPT,
    }
    options = {
        "module": "node16",
        "target": "es2022",
        "outDir": "dist",
        "rootDir": ".",
        "sourceMap": True,
        "strict": True,
        "types": ["node"],
    }
    config = {"compilerOptions": options, "include": ["src"]}
    return {PACKAGE_FILE: _json(package), "tsconfig.json": _json(config)}


def needed(model: Model) -> Mapping[str, Any]:
    """Return what package.json has to have for functions that are added."""
    needs = {"dependencies": _LIBRARY}
    return needs if model == "javascript" else {**needs, "devDependencies": _TYPESCRIPT}


def fitted(folder: Path, files: Mapping[str, str]) -> Mapping[str, str]:
    """Return files of a template as an existing app wants them: where it has its functions, and
    as ECMAScript modules when it has those."""
    package = _read(folder)
    where = functions_folder(folder, package)
    modules = package.get("type") == "module"
    return {
        re.sub(rf"^{FUNCTIONS_FOLDER}/", f"{where}/" if where else "", path): (
            as_module(text) if modules and path.endswith(".js") else text
        )
        for path, text in files.items()
    }


def functions_folder(folder: Path, package: Mapping[str, Any]) -> str:
    """Return where an app has its functions, as `main` of its package.json tells it."""
    main = package.get("main")
    pattern = re.fullmatch(r"(?:\./)?((?:[\w.@-]+/)*)\*\.[cm]?js", str(main))
    if pattern is None:
        return FUNCTIONS_FOLDER
    named = pattern[1].rstrip("/")
    if not (folder / "tsconfig.json").is_file():
        return named
    # What is compiled lies below a folder of its own; the sources may lie below one as well.
    source = named.partition("/")[2]
    inside = (each for each in (source, f"src/{source}") if each and (folder / each).is_dir())
    return next(inside, FUNCTIONS_FOLDER)


def unreached(folder: Path, written: Iterable[str]) -> str | None:
    """Return the `main` of an app when it names none of the files with functions that were
    written, so that another file has to import them."""
    main = str(_read(folder).get("main") or "")
    new = [each for each in written if each.endswith(SCRIPTS)]
    if not main or not new:
        return None
    names = [re.sub(r"\.ts$", ".js", each) for each in new]
    patterns = [each.removeprefix("./") for each in _alternatives(main)]
    # Where the compiler writes is a folder of its own in front, and may leave one out.
    reached = any(
        fnmatchcase(each, pattern) or fnmatchcase(each.split("/")[-1], pattern.split("/")[-1])
        for each in names
        for pattern in patterns
        if "*" in pattern
    )
    return None if reached else main


def _alternatives(pattern: str) -> list[str]:
    """Return what a pattern with `{a,b}` stands for."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if found is None:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [each for part in found[1].split(",") for each in _alternatives(before + part + after)]


def as_module(text: str) -> str:
    """Return CommonJS of a template as an ECMAScript module."""
    return re.sub(
        r"^const (\{[^}]*\}) = require\(('[^']*')\);$", r"import \1 from \2;", text, flags=re.M
    )


def _package(scripts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "private": True,
        "main": f"{FUNCTIONS_FOLDER}/*.js",
        "scripts": scripts,
        "dependencies": _LIBRARY,
        "engines": {"node": ">=20"},
    }


def _read(folder: Path) -> Mapping[str, Any]:
    text = read_text(folder / PACKAGE_FILE, PACKAGE_FILE) or ""
    value = parse(text, PACKAGE_FILE).value if text.strip() else {}
    return value if isinstance(value, dict) else {}


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
