"""Why each file and folder counts or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.config.hostjson import HostConfig
from emulator.config.settings import Settings
from emulator.discovery.assemble import assemble
from emulator.discovery.candidates import Candidate, candidates
from emulator.model import FunctionError
from emulator.workers.channel import Index, IndexedFunction
from tests.support.appfolder import HTTP, write_function

SCRIPT_FILE = "function_app.py"


def look(root: Path, index: Index | None = None) -> dict[str, Candidate]:
    app, problems = assemble(root, index or Index(), HostConfig(), Settings.empty())
    return {each.path: each for each in candidates(app, problems, SCRIPT_FILE)}


def test_folders_of_the_first_model_are_told_apart(tmp_path: Path) -> None:
    write_function(tmp_path, "good")
    write_function(tmp_path, "broken", "{")
    write_function(tmp_path, "deep/inner")
    (tmp_path / "lib").mkdir()
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "Function.json").write_text("{}", "utf-8")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").write_text("", "utf-8")
    found = look(tmp_path)
    assert found[SCRIPT_FILE] == (SCRIPT_FILE, False, "there is no such file")
    assert found["good/"].taken
    assert "httpTrigger" in found["good/"].reason
    reasons = {path: each.reason for path, each in found.items() if not each.taken}
    assert "is not valid JSON" in reasons["broken/"]
    assert "inner/function.json is too deep" in reasons["deep/"]
    assert reasons["lib/"] == "it has no function.json"
    assert reasons["near/"] == "Function.json has to be called function.json"
    assert "dot" in reasons[".hidden/"]
    assert "installed packages" in reasons["env/"]


def test_a_script_with_functions_leaves_folders_out(tmp_path: Path) -> None:
    write_function(tmp_path, "left")
    (tmp_path / SCRIPT_FILE).write_text("", "utf-8")
    (tmp_path / "todos.py").write_text("", "utf-8")
    function = IndexedFunction("hello", HTTP, str(tmp_path), SCRIPT_FILE, "hello")
    found = look(tmp_path, Index((function,)))
    assert found[SCRIPT_FILE].taken
    assert found[SCRIPT_FILE].reason == "it declares 1 function: hello"
    assert found["left/"].reason == "function_app.py has functions, so folders do not count"
    assert "only function_app.py is read" in found["todos.py"].reason


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        (Index(()), "it declares no functions"),
        (Index(error=FunctionError("ValueError", "no")), "it cannot be imported"),
    ],
)
def test_a_script_without_functions_says_why(tmp_path: Path, index: Index, reason: str) -> None:
    (tmp_path / SCRIPT_FILE).write_text("", "utf-8")
    assert reason in look(tmp_path, index)[SCRIPT_FILE].reason


def test_an_app_inside_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / SCRIPT_FILE).write_text("", "utf-8")
    assert "funcemu start demo" in look(tmp_path)["demo/"].reason


def test_nothing_is_said_twice(tmp_path: Path) -> None:
    write_function(tmp_path, "one")
    app, problems = assemble(tmp_path, Index(), HostConfig(), Settings.empty())
    paths = [each.path for each in candidates(app, problems, SCRIPT_FILE)]
    assert len(paths) == len(set(paths))
