from __future__ import annotations

import os
from pathlib import Path

import pytest

from emulator.errors import WorkerStartError
from emulator.workers.channel import RpcWorker
from emulator.workers.node import find_node, inspector_arguments, parse_error, with_inspector
from emulator.workers.programs import inspects
from tests.support import npm

pytestmark = pytest.mark.skipif(os.name != "posix", reason="programs on POSIX")

SETTING = "languageWorkers__node__defaultExecutablePath"
ARGUMENTS = "languageWorkers__node__arguments"


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_path_of_the_apps_environment_counts(tmp_path: Path) -> None:
    wanted = program(tmp_path / "bin/node")
    found = find_node(tmp_path, {"PATH": str(wanted.parent), ARGUMENTS: "--inspect=9229 -r 'a b'"})
    assert (found.executable, found.reason) == (wanted, "the one on the PATH")
    assert (found.arguments, found.language) == (("--inspect=9229", "-r", "a b"), "node")


@pytest.mark.parametrize("written", ["{}/my/node", "my/node"])
def test_a_setting_comes_before_it(tmp_path: Path, written: str) -> None:
    wanted, other = program(tmp_path / "my/node"), program(tmp_path / "bin/node")
    setting = written.format(tmp_path)
    found = find_node(tmp_path, {"PATH": str(other.parent), SETTING: setting})
    assert (found.executable, found.reason) == (wanted, f"set by {SETTING}")


def test_a_setting_may_be_a_name(tmp_path: Path) -> None:
    wanted = program(tmp_path / "bin/node22")
    found = find_node(tmp_path, {"PATH": str(wanted.parent), SETTING: "node22"})
    assert (found.executable, found.reason) == (wanted, f"set by {SETTING}")


def test_no_node_is_told_with_the_way_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartError) as raised:
        find_node(tmp_path, {"PATH": str(tmp_path)})
    assert raised.value.message == "the app is in JavaScript, and there is no Node.js on the PATH"
    assert raised.value.hint == (
        "install Node.js 20 or newer (https://nodejs.org), or name one with"
        f" {SETTING} in local.settings.json"
    )


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("nowhere", f"there is no Node.js called 'nowhere' on the PATH ({SETTING})"),
        ("/nowhere/node", f"there is no Node.js at /nowhere/node ({SETTING})"),
    ],
)
def test_a_setting_that_names_nothing_is_told(tmp_path: Path, setting: str, told: str) -> None:
    with pytest.raises(WorkerStartError) as raised:
        find_node(tmp_path, {"PATH": str(tmp_path), SETTING: setting})
    assert raised.value.message == told


@pytest.mark.parametrize(
    ("arguments", "port", "wait", "told"),
    [
        (("-r", "a"), None, False, ("-r", "a")),
        (("-r", "a"), 9230, False, ("-r", "a", "--inspect=9230")),
        ((), None, True, ("--inspect-wait=9091",)),
        (("--inspect=9229",), 9230, True, ("--inspect=9229",)),
    ],
)
def test_a_debugger_is_offered_as_wanted(
    arguments: tuple[str, ...], port: int | None, wait: bool, told: tuple[str, ...]
) -> None:
    assert inspector_arguments(arguments, port, wait=wait, offered=True) == told
    assert not inspects(inspector_arguments(arguments, port, wait=wait, offered=False))


def test_an_official_worker_gets_the_debugger_from_us() -> None:
    worker = RpcWorker("node", Path("/w"), "node", "/w/w.js", "set", worker_arguments=("x",))
    asked = ("-r", "a", "--inspect-wait=9229")
    debugged = with_inspector(worker, asked, first=True)
    assert debugged.arguments[:3] == ("-r", "a", "--require")
    assert Path(debugged.arguments[3]).is_file()
    assert debugged.worker_arguments == ("x", "--inspect-wait=9229")
    # Those that take over begin while people work.
    assert with_inspector(worker, asked, first=False).worker_arguments == ("x", "--inspect=9229")
    assert with_inspector(worker, ("-r", "a"), first=True).arguments == ("-r", "a")


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        ("a.js", "const a = 1;\n\nconst = 2;\n", 3),
        ("a.mjs", "export const a = 1;\nexport cons;\n", 2),
        ("a.cjs", "function f() {\n", 2),
    ],
)
async def test_what_cannot_be_parsed_is_told_with_its_line(
    tmp_path: Path, name: str, code: str, line: int
) -> None:
    npm.require("a look at JavaScript")
    node = find_node(tmp_path, os.environ).executable
    file = tmp_path / name
    file.write_text(code)
    error = await parse_error(node, file)
    assert error is not None
    assert (error.type, error.file, error.line) == ("SyntaxError", str(file), line)
    assert ("^" in error.stack) is (name != "a.cjs")  # where it ends there is nothing to show
    file.write_text("")
    assert await parse_error(node, file) is None
