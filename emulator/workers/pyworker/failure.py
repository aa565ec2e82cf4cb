"""Exceptions as data: type, message and the traceback cut to the app's own frames."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, Dict, List, Optional, Set

_HERE = os.path.dirname(os.path.abspath(__file__))
_LONGEST = 1 << 20
_PLACE = "_funcemu_place"
_UNPRINTABLE = "Unhandled exception in function. Could not serialize original exception message."
_FOREIGN = (
    os.sep + "site-packages" + os.sep,
    os.sep + "dist-packages" + os.sep,
    os.sep + ".python_packages" + os.sep,
)


def placed(error: BaseException, file: str, line: int) -> None:
    """Say what place in the app an error is about that no frame of the app is part of."""
    object.__setattr__(error, _PLACE, (file, line))  # past whatever its class does with them


def describe(error: BaseException, root: str) -> Dict[str, Any]:
    """Return `error` as the fields of a failure."""
    file, line = _place(error, root)
    return {
        "type": type(error).__name__,
        "message": message_of(error),
        "stack": _stack(error, root),
        "file": file,
        "line": line,
    }


def message_of(error: BaseException) -> str:
    try:
        return _bounded(str(error))
    except Exception:
        return _UNPRINTABLE


def is_app_file(file: Optional[str], root: str) -> bool:
    if not file or not file.startswith(root + os.sep):
        return False
    return not any(part in file for part in _FOREIGN)


def _place(error: BaseException, root: str) -> Any:
    if isinstance(error, SyntaxError) and is_app_file(error.filename, root):
        return error.filename, error.lineno
    told = object.__getattribute__(error, "__dict__").get(_PLACE)
    if told is not None:
        return told
    for each in _chain(error):
        found = None
        for frame, line in traceback.walk_tb(each.__traceback__):
            if is_app_file(frame.f_code.co_filename, root):
                found = (frame.f_code.co_filename, line)
        if found is not None:
            return found
    return None, None


def _chain(error: BaseException) -> List[BaseException]:
    """Return the error and its causes, outermost first."""
    chain: List[BaseException] = []
    seen: Set[int] = set()
    current: Optional[BaseException] = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        chain.append(current)
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return chain


def _stack(error: BaseException, root: str) -> str:
    try:
        described = traceback.TracebackException.from_exception(error)
        _cut(described, root)
        return _bounded("".join(described.format()).rstrip("\n"))
    except Exception:  # an exception class may break even its own printing
        return ""


def _bounded(text: str) -> str:
    """Cut what nobody reads to the end, and no message could carry."""
    more = len(text) - _LONGEST
    return f"{text[:_LONGEST]} … ({more} more characters)" if more > 0 else text


def _cut(described: traceback.TracebackException, root: str) -> None:
    seen: Set[int] = set()
    waiting: List[Any] = [described]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        each.stack = _kept(each.stack, root)
        waiting += [each.__cause__, each.__context__, *(getattr(each, "exceptions", None) or ())]


def _kept(stack: traceback.StackSummary, root: str) -> traceback.StackSummary:
    """Keep the app's frames, and the last one wherever it is: there the exception was raised."""
    frames = [frame for frame in stack if not _is_machinery(frame.filename)]
    kept = [
        frame
        for at, frame in enumerate(frames)
        if is_app_file(frame.filename, root) or at == len(frames) - 1
    ]
    return traceback.StackSummary.from_list(kept)


def _is_machinery(file: str) -> bool:
    if file.startswith(_HERE) or file.startswith("<frozen "):
        return True
    return file.startswith(os.path.join(sys.prefix, "")) and file.endswith(
        (
            os.path.join("importlib", "__init__.py"),
            os.path.join("concurrent", "futures", "thread.py"),
        )
    )
