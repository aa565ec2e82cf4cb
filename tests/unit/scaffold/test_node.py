"""Functions for apps in JavaScript and TypeScript."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from emulator.errors import ConfigError
from emulator.scaffold.addition import add, model_of
from emulator.scaffold.catalogue import Model, find_template
from emulator.scaffold.node import as_module, functions_folder, unreached
from tests.support.serving import write_app

PACKAGE = '{"main": "src/functions/*.js", "dependencies": {"@azure/functions": "^4.5.0"}}'


def test_a_function_gets_a_file_of_its_own(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"package.json": PACKAGE, "local.settings.json": '{"Values": {}}'})
    done = add(app, find_template("http"), "javascript", "greet", force=False)
    assert set(done.written) == {
        "src/functions/greet.js",
        "test/greet.test.mjs",
        "greet.http",
        "host.json",
        "local.settings.json",
    }
    assert (app / "package.json").read_text("utf-8") == PACKAGE
    settings = json.loads((app / "local.settings.json").read_text("utf-8"))
    assert settings["Values"]["FUNCTIONS_WORKER_RUNTIME"] == "node"


@pytest.mark.parametrize(
    ("main", "file"), [("src/functions/*.js", "src/functions/greet.js"), ("*.js", "greet.js")]
)
def test_a_file_that_is_there_is_refused_unless_forced(
    tmp_path: Path, main: str, file: str
) -> None:
    app = write_app(tmp_path, {"package.json": json.dumps({"main": main}), file: "// mine"})
    with pytest.raises(ConfigError, match=f"{re.escape(file)} exists already"):
        add(app, find_template("http"), "javascript", "greet", force=False)
    assert (app / file).read_text("utf-8") == "// mine"
    add(app, find_template("http"), "javascript", "greet", force=True)
    assert "app.http('greet'" in (app / file).read_text("utf-8")


def test_packages_that_are_needed_are_named(tmp_path: Path) -> None:
    text = '{\n  "name": "mine", // really\n  "main": "functions/*.js"\n}\n'
    app = write_app(tmp_path, {"package.json": text, "tsconfig.json": "{}"})
    done = add(app, find_template("http"), "typescript", "greet", force=False)
    assert "package.json" in done.written
    changed = (app / "package.json").read_text("utf-8")
    assert "// really" in changed
    assert '"@azure/functions": "^4.0.0"' in changed
    assert '"typescript"' in changed


@pytest.mark.parametrize(
    ("package", "files", "wanted"),
    [
        ({}, (), "src/functions"),
        ({"main": "src/index.js"}, (), "src/functions"),
        ({"main": "src/{index,functions/*}.js"}, (), "src/functions"),
        ({"main": "src/functions/*.js"}, (), "src/functions"),
        ({"main": "./functions/*.cjs"}, (), "functions"),
        ({"main": "*.js"}, (), ""),
        ({"main": "dist/src/functions/*.js"}, ("tsconfig.json", "src/functions/a.ts"), None),
        ({"main": "dist/functions/*.js"}, ("tsconfig.json", "src/functions/a.ts"), None),
        ({"main": "dist/api/*.js"}, ("tsconfig.json", "src/api/a.ts"), "src/api"),
        ({"main": "out/api/*.js"}, ("tsconfig.json", "api/a.ts"), "api"),
        ({"main": "dist/*.js"}, ("tsconfig.json",), "src/functions"),
    ],
)
def test_functions_go_where_the_others_are(
    tmp_path: Path, package: dict[str, str], files: tuple[str, ...], wanted: str | None
) -> None:
    app = write_app(tmp_path, dict.fromkeys(files, ""))
    found = functions_folder(app, package)
    assert found == ("src/functions" if wanted is None else wanted)


@pytest.mark.parametrize(
    ("main", "written", "told"),
    [
        ("src/functions/*.js", "src/functions/a.js", False),
        ("./src/functions/*.js", "src/functions/a.js", False),
        ("src/{index,functions/*}.js", "src/functions/a.js", False),
        ("src/{index.js,functions/*.js}", "src/functions/a.js", False),
        ("dist/src/functions/*.js", "src/functions/a.ts", False),
        ("dist/functions/*.js", "src/functions/a.ts", False),
        ("src/index.js", "src/functions/a.js", True),
        ("dist/index.js", "src/functions/a.ts", True),
        ("src/index.js", "greet.http", False),
        ("", "src/functions/a.js", False),
    ],
)
def test_a_file_that_nothing_loads_is_noticed(
    tmp_path: Path, main: str, written: str, told: bool
) -> None:
    app = write_app(tmp_path, {"package.json": json.dumps({"main": main} if main else {})})
    assert unreached(app, [written, "host.json"]) == (main if told else None)


def test_an_app_of_modules_gets_modules(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"package.json": '{"type": "module", "main": "*.js"}'})
    add(app, find_template("assistant"), "javascript", "helper", force=False)
    code = (app / "helper.js").read_text("utf-8")
    assert "import { app, input, output, trigger } from '@azure/functions';" in code
    assert "require" not in code


def test_only_the_import_becomes_another() -> None:
    code = "const { app } = require('x');\nconst y = require('y').z;\n"
    assert as_module(code) == "import { app } from 'x';\nconst y = require('y').z;\n"


@pytest.mark.parametrize(
    ("files", "model"),
    [
        (("package.json",), "javascript"),
        (("package.json", "tsconfig.json"), "typescript"),
        (("package.json", "function_app.py"), "v2"),
        (("hello/function.json", "hello/__init__.py"), "v1"),
        ((), "v2"),
    ],
)
def test_the_language_is_seen_in_the_files(
    tmp_path: Path, files: tuple[str, ...], model: Model
) -> None:
    assert model_of(write_app(tmp_path, dict.fromkeys(files, ""))) == model


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("hello/function.json", "hello/run.ps1"), "an app in PowerShell"),
        (("pom.xml",), "an app in Java"),
        (("My.csproj",), r"an app in \.NET"),
        (("package.json", "hello/function.json"), r"with folders of function\.json"),
        (("hello/index.js", "hello/function.json"), r"with folders of function\.json"),
    ],
)
def test_a_language_without_templates_is_told(
    tmp_path: Path, files: tuple[str, ...], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        model_of(write_app(tmp_path, dict.fromkeys(files, "")))
