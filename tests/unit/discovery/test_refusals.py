"""What to write instead of what the SDK refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.discovery.decorated import import_problem
from emulator.discovery.refusals import step_after
from emulator.model import FunctionError

STEPS = {
    "InvalidFileNameError: Invalid file name: main": "PYTHON_SCRIPT_FILE_NAME is the name of a",
    "ValueError: Could not find top level function app instances in main.py.": (
        "Write app = func.FunctionApp() at the top level of main.py;"
    ),
    "ValueError: More than one FunctionApp or other top level function app instances are defined"
    ".": "Keep one of them, under one name;",
    "ValueError: Function f does not have a unique function name. Please …": "Rename one of the",
    "ValueError: Function f does not have a trigger. A valid …": "Add the decorator of a trigger",
    "ValueError: A trigger was already registered to this function. Adding …": "Take one of its",
    "KeyError: 'anonymous'": "FunctionApp wants http_auth_level in capitals, or"
    " func.AuthLevel.ANONYMOUS.",
    "TypeError: functions can not be type of FunctionRegister!": "Register blueprints only",
}


@pytest.mark.parametrize("title", STEPS)
def test_what_is_refused_has_a_next_step(title: str) -> None:
    kind, _, message = title.partition(": ")
    hint = import_problem(Path("/app"), FunctionError(kind, message), "function_app.py").hint
    assert hint is not None
    assert hint.startswith(STEPS[title])
    assert hint.endswith(" All functions wait for it.")


@pytest.mark.parametrize("title", ["KeyError: 'other'", "ValueError: More than one", "X: "])
def test_what_apps_raise_themselves_has_none(title: str) -> None:
    kind, _, message = title.partition(": ")
    assert step_after(FunctionError(kind, message)) is None
