from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from emulator.errors import WorkerStartError
from emulator.workers.interpreter import find_interpreter, interpreter_arguments
from emulator.workers.programs import PROGRAMS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="places of interpreters on POSIX")

SETTING = "languageWorkers__python__defaultExecutablePath"
ARGUMENTS = "languageWorkers__python__arguments"


def venv(folder: Path) -> Path:
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return python


def test_what_is_asked_for_wins(tmp_path: Path) -> None:
    wanted, other = venv(tmp_path / "mine"), venv(tmp_path / "other")
    venv(tmp_path / ".venv")
    found = find_interpreter(tmp_path, str(wanted), {SETTING: str(other)})
    assert (found.executable, found.reason) == (wanted, "given with --python")


def test_a_setting_comes_before_the_apps_environment(tmp_path: Path) -> None:
    wanted = venv(tmp_path / "other")
    venv(tmp_path / ".venv")
    found = find_interpreter(tmp_path, None, {SETTING: str(wanted)})
    assert (found.executable, found.reason) == (wanted, f"set by {SETTING}")


@pytest.mark.parametrize("folder", [".venv", "venv"])
def test_an_environment_in_the_apps_folder_is_used(tmp_path: Path, folder: str) -> None:
    wanted = venv(tmp_path / folder)
    active = venv(tmp_path / "active")
    found = find_interpreter(tmp_path, None, {"VIRTUAL_ENV": str(active.parent.parent)})
    assert (found.executable, found.reason) == (wanted, f"the app's {folder}")


def test_then_the_active_environment(tmp_path: Path) -> None:
    wanted = venv(tmp_path / "active")
    found = find_interpreter(tmp_path, None, {"VIRTUAL_ENV": str(tmp_path / "active")})
    assert (found.executable, found.reason) == (wanted, "the active virtual environment")


@pytest.mark.parametrize("environment", [{}, {"VIRTUAL_ENV": "/nowhere"}])
def test_then_our_own(tmp_path: Path, environment: dict[str, str]) -> None:
    found = find_interpreter(tmp_path, None, environment)
    assert found.executable == Path(sys.executable)
    assert found.reason == "the one funcemu runs on"


def test_a_folder_of_an_environment_will_do(tmp_path: Path) -> None:
    wanted = venv(tmp_path / "envs" / "app")
    assert find_interpreter(tmp_path, "envs/app", {}).executable == wanted


def test_a_name_is_looked_up_on_the_path(tmp_path: Path) -> None:
    found = find_interpreter(tmp_path, "sh", {})
    assert found.executable.name == "sh"
    assert found.executable.is_absolute()


def test_a_broken_environment_is_not_passed_over(tmp_path: Path) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/nowhere/python")
    assert find_interpreter(tmp_path, None, {}).executable == python


@pytest.mark.parametrize(
    "name",
    [
        "languageWorkers__python__arguments",
        "LANGUAGEWORKERS__PYTHON__ARGUMENTS",
        "languageWorkers:python:arguments",
    ],
)
def test_settings_are_found_whatever_their_case(name: str) -> None:
    """Windows hands variables over in capitals."""
    assert interpreter_arguments({"A": "1", name: "-X dev"}) == ("-X", "dev")


def test_arguments_are_split_as_in_a_shell(tmp_path: Path) -> None:
    text = "-m debugpy --listen '127.0.0.1:9091'"
    found = find_interpreter(tmp_path, None, {ARGUMENTS: text})
    assert found.arguments == ("-m", "debugpy", "--listen", "127.0.0.1:9091")


@pytest.mark.parametrize(
    ("explicit", "told"),
    [
        ("no-such-python", "there is no Python called 'no-such-python' on the PATH (--python)"),
        ("sub/python", "there is no Python at {root}/sub/python (--python)"),
        ("empty", "the folder {root}/empty is not a virtual environment (--python)"),
        ("text", "{root}/text is not executable (--python)"),
    ],
)
def test_a_wrong_choice_is_told_with_what_to_do(tmp_path: Path, explicit: str, told: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("")
    with pytest.raises(WorkerStartError) as raised:
        find_interpreter(tmp_path, explicit, {})
    assert raised.value.message == told.format(root=tmp_path)
    assert raised.value.hint


def test_a_folder_that_is_here_is_told_from_a_name_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "v39").mkdir()
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkerStartError) as caught:
        find_interpreter(tmp_path / "app", "v39", {})
    assert caught.value.hint == "write ./v39 for what is here"


def test_an_interpreter_behind_a_closed_folder_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(WorkerStartError, match="cannot be looked at: Permission denied"):
        PROGRAMS["python"].check(tmp_path / "python", "--python")


def test_arguments_with_open_quotes_are_told(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartError) as raised:
        find_interpreter(tmp_path, None, {ARGUMENTS: "-c 'x"})
    assert (
        raised.value.message
        == f"{ARGUMENTS} is not a list of arguments (No closing quotation): -c 'x"
    )
