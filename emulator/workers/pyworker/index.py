"""Lists the functions of a decorator-model (v2) app: import its script, ask its app object once."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import sys
import types
from typing import Any, Dict, List, NamedTuple, Optional

from .failure import is_app_file, placed
from .imports import import_app_module
from .sdk import CLASSIC, Sdk

DEFAULT_SCRIPT = "function_app.py"
_SCRIPT_NAME = re.compile(r"^[a-zA-Z0-9_][a-zA-Z0-9_\-]*\.py$")


class InvalidFileNameError(Exception):
    """`PYTHON_SCRIPT_FILE_NAME` is not the name of a Python file in the app's folder."""


class Indexed(NamedTuple):
    """A function as found: what the host is told, and what will be called."""

    described: Dict[str, Any]
    call: Any


class Found(NamedTuple):
    """What the script declares: the SDK's app object and its functions."""

    application: Any
    functions: List[Indexed]


def index_app(root: str, script: str, sdk: Sdk) -> Optional[Found]:
    """Return what the app declares; `None` when the folders with `function.json` count."""
    if not _SCRIPT_NAME.match(script):
        raise InvalidFileNameError(f"Invalid file name: {script}")
    if not os.path.isfile(os.path.join(root, script)):
        return None
    module = import_app_module(script[: -len(".py")])
    application = _app_of(module, script, sdk)
    try:
        declared = application.get_functions()
    except Exception as error:
        _place(error, application)
        raise
    functions = [_indexed(each, root) for each in declared]
    if not functions and CLASSIC:
        return None
    return Found(application, functions)


def _app_of(module: types.ModuleType, script: str, sdk: Sdk) -> Any:
    if sdk.app_class is None:
        raise RuntimeError(
            f"azure-functions {sdk.version} has no FunctionApp; update it with"
            f" `{sys.executable} -m pip install --upgrade azure-functions`"
        )
    apps = [each for each in vars(module).values() if isinstance(each, sdk.app_class)]
    if not apps:
        raise ValueError(f"Could not find top level function app instances in {script}.")
    if len(apps) > 1:
        raise ValueError(
            f"More than one {type(apps[0]).__name__} or other top level function app instances"
            " are defined."
        )
    return apps[0]


def _place(error: Exception, application: Any) -> None:
    """The SDK names the function it does not like, and nobody's line is on the stack any more."""
    with contextlib.suppress(Exception):  # how the SDK keeps functions is its own business
        for builder in reversed(application._function_builders):
            function = builder._function
            if f"Function {function.get_function_name()} " in str(error):
                placed(error, *_source_of(function.get_user_function()))
                return


def _indexed(function: Any, root: str) -> Indexed:
    call = function.get_user_function()
    name = function.get_function_name()
    file, line = _source_of(call)
    directory = os.path.dirname(file) if file else root
    if not is_app_file(file, root):
        file, line = _wrapped_source(call, root) or (file, line)
    retry = function.get_settings_dict("retry_policy") or {}
    described = {
        "name": name,
        "bindings": [json.loads(each) for each in function.get_raw_bindings()],
        "directory": directory,
        "script_file": getattr(function, "function_script_file", None) or DEFAULT_SCRIPT,
        "entry_point": name,
        "retry": {key: str(value) for key, value in retry.items() if value is not None} or None,
        "file": file,
        "line": line,
    }
    return Indexed(described, call)


def _source_of(call: Any) -> Any:
    """Return file and line of the `def`; for other callables those of their class are no help."""
    try:
        code = inspect.unwrap(call).__code__
    except (AttributeError, ValueError):
        return None, None
    return os.path.abspath(code.co_filename), code.co_firstlineno


def _wrapped_source(call: Any, root: str) -> Any:
    """Return the place of the app's function that a package has put into one of its own, as the
    one for orchestrations does; `None` where there is none."""
    for cell in getattr(call, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # the cell is empty
            source = _source_of(cell.cell_contents)
            if is_app_file(source[0], root):
                return source
    return None
