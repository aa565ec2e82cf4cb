"""What the SDK and the worker refuse in a whole app, and what to write instead."""

from __future__ import annotations

import re

from emulator.model import FunctionError

_STEPS = (
    (
        r"InvalidFileNameError: ",
        "PYTHON_SCRIPT_FILE_NAME is the name of a file in the app's folder: letters, digits, _ and "
        "-, then .py.",
    ),
    (
        r"ValueError: Could not find top level function app instances in (?P<script>\S+)\.$",
        "Write app = func.FunctionApp() at the top level of {script}; a Blueprint counts once the "
        "app has registered it.",
    ),
    (
        r"ValueError: More than one \w+ or other top level function app instances are defined",
        "Keep one of them, under one name; let the functions of the others belong to a "
        "func.Blueprint() and write app.register_functions(blueprint).",
    ),
    (
        r"ValueError: Function \S+ does not have a unique function name",
        'Rename one of the two, or give it another name with @app.function_name("…").',
    ),
    (
        r"ValueError: Function \S+ does not have a trigger",
        "Add the decorator of a trigger, such as @app.route().",
    ),
    (
        r"ValueError: A trigger was already registered to this function",
        "Take one of its triggers away, or write a second function for it.",
    ),
    (
        r"KeyError: '(?P<level>anonymous|function|admin)'$",
        "FunctionApp wants http_auth_level in capitals, or func.AuthLevel.{LEVEL}.",
    ),
    (
        r"TypeError: functions can not be type of FunctionRegister!",
        "Register blueprints only: let what is registered be a func.Blueprint().",
    ),
)


def step_after(error: FunctionError) -> str | None:
    """Say what to write instead, if it is known what the SDK did not like."""
    for pattern, step in _STEPS:
        found = re.match(pattern, f"{error.type.rpartition('.')[2]}: {error.message}")
        if found is not None:
            named = found.groupdict()
            return step.format(**named, LEVEL=named.get("level", "").upper())
    return None
