"""Decorators and arguments that an app gave the SDK under a name that is nearly right."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from emulator.config.suggest import did_you_mean
from emulator.model import FunctionError

_UNEXPECTED = r"(?:(\w+)\.)?(\w+)\(\) got an unexpected keyword argument '(\w+)'"
_MISSING = (
    r"(?:(\w+)\.)?(\w+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.+)"
)


def misspelt_argument(error: FunctionError) -> str | None:
    """Say which argument was probably meant, if a call of the SDK failed for one.

    Decorators take further arguments than those they name, so a slip in a required one shows as
    that one missing; what was written instead is found in the code.
    """
    found = re.search(_UNEXPECTED, error.message)
    if found is not None:
        owner, called, given = found.groups()
        return did_you_mean(given, _parameters(owner, called))
    found = re.search(_MISSING, error.message)
    if found is None or error.file is None or error.line is None:
        return None
    owner, called, listed = found.groups()
    known = set(_parameters(owner, called))
    strange = [each for each in _given(Path(error.file), error.line, called) if each not in known]
    for missing in re.findall(r"'(\w+)'", listed):
        for each in strange:
            if known and did_you_mean(each, [missing]):
                return f"Did you mean '{missing}' where '{each}' is written?"
    return None


def misspelt_decorator(error: FunctionError) -> str | None:
    """Say which decorator was probably meant, or that the app's SDK is too old to have it."""
    found = re.fullmatch(
        r"'(FunctionApp|Blueprint)' object has no attribute '(\w+)'", error.message
    )
    if found is None:
        return None
    import azure.functions as sdk  # as below

    known = [name for name in dir(getattr(sdk, found[1])) if not name.startswith("_")]
    if found[2] in known:
        return (
            "The app's azure-functions has no such decorator yet: pip install --upgrade "
            "azure-functions."
        )
    return did_you_mean(found[2], known)


def _parameters(owner: str | None, called: str) -> list[str]:
    """Return the names of what a function of the SDK takes; none for functions of others."""
    import azure.functions as sdk  # only for an app that does not load

    kind: Any = getattr(sdk, owner or "", None)
    # Before Python 3.10 the class is not said.
    own = owner is None or owner in {each.__name__ for each in sdk.FunctionApp.__mro__}
    call = getattr(sdk.FunctionApp if own and called != "__init__" else kind, called, None)
    if call is None:
        return []
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return []
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [each.name for each in parameters if each.kind in named and each.name != "self"]


def _given(file: Path, line: int, called: str) -> Iterable[str]:
    """Return the names of the arguments that a call at a line gives."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    return [
        keyword.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == called
        for keyword in node.keywords
        if keyword.arg is not None
    ]
