from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from emulator.workers.languages import app_language, language_of


@pytest.mark.parametrize(
    ("script", "language"),
    [
        ("__init__.py", "python"),
        ("../x/RUN.PY", "python"),
        ("index.mjs", "node"),
        ("run.ps1", "powershell"),
        ("run.csx", "dotnet"),
        ("x.jar", "java"),
        ("run.sh", None),
    ],
)
def test_knows_the_language_of_a_script(script: str, language: str | None) -> None:
    assert language_of(script) == language


def app(root: Path, *names: str) -> Path:
    for name in ("host.json", *names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", "utf-8")
    return root


@pytest.mark.parametrize(
    ("names", "settings", "language"),
    [
        ([], {}, "python"),
        ([], {"FUNCTIONS_WORKER_RUNTIME": "node"}, "node"),
        (["function_app.py"], {}, "python"),
        (["function_app.py", "package.json"], {}, "python"),
        (["package.json", "function_app.py"], {"FUNCTIONS_WORKER_RUNTIME": "Node"}, "node"),
        (["package.json", "src/functions/hello.ts"], {}, "node"),
        (["hello/function.json", "hello/index.js"], {}, "node"),
        (["hello/function.json", "hello/__init__.py"], {}, "python"),
        (["hello/function.json", "hello/run.ps1"], {}, "powershell"),
        (["hello/function.json", "app.jar"], {}, "java"),
        (["todo.csproj", "Program.cs"], {}, "dotnet-isolated"),
        (["main.py", "package.json"], {"PYTHON_SCRIPT_FILE_NAME": "main.py"}, "python"),
        (["run.sh"], {"FUNCTIONS_WORKER_RUNTIME": "custom"}, "custom"),
        # What is written somewhere cannot make Python of JavaScript.
        (["package.json"], {"FUNCTIONS_WORKER_RUNTIME": "python"}, "node"),
        (["function_app.py"], {"FUNCTIONS_WORKER_RUNTIME": "node"}, "python"),
        (["package.json"], {"FUNCTIONS_WORKER_RUNTIME": "cobol"}, "node"),
        (["node_modules/function.json", "node_modules/x.js"], {}, "python"),
    ],
)
def test_the_setting_says_the_language_else_the_files(
    tmp_path: Path, names: list[str], settings: Mapping[str, str], language: str
) -> None:
    assert app_language(app(tmp_path, *names), settings).name == language


def test_says_how_the_language_is_known(tmp_path: Path) -> None:
    root = app(tmp_path, "package.json")
    assert app_language(root, {}).reason == "the app has package.json"
    given = app_language(root, {"FUNCTIONS_WORKER_RUNTIME": "node"})
    assert given.reason == "set by FUNCTIONS_WORKER_RUNTIME"
