"""What a worker says of a failure, as the user's exception."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from emulator.model import FunctionError
from emulator.workers.functionrpc import managedstacks, pythonstacks, scriptstacks
from emulator.workers.functionrpc.logs import is_system_line
from emulator.workers.functionrpc.places import Places

_SUCCESS, _CANCELLED = 1, 2

_TITLE = re.compile(r"(?P<type>[A-Za-z_$][\w.$]*)(?:: ?(?P<message>.*))?\Z", re.DOTALL)
_EXCEPTION = re.compile(r"[.$][A-Z]\w*$|(?:Error|Exception|Exit|Interrupt|Warning)$")
_REPORT = re.compile(
    r"Result:\s*(?:Failure|Error)\s*\nException:\s*(?P<title>.*?)(?:\nStack:\s?(?P<stack>.*))?\Z",
    re.DOTALL,
)


def failure_of(result: Any, places: Places) -> FunctionError | None:
    """Return why something failed; `None` when it did not.

    A worker that fills in nothing has said Failure: that is the protocol's default.
    """
    if result.status == _SUCCESS:
        return None
    error = result.exception
    if error.message or error.stack_trace or error.type:
        return error_of(error, places)
    if result.result:
        return _from_text(result.result, "", places)
    if result.status == _CANCELLED:
        return FunctionError("Cancelled", "The call was cancelled.")
    return FunctionError("Exception", "the worker reports a failure and gives no reason")


def error_of(error: Any, places: Places) -> FunctionError:
    """Read an `RpcException`."""
    if error.type:
        return _made(error.type, error.message, error.stack_trace, places)
    return _from_text(error.message, error.stack_trace, places)


def printed_failure(
    lines: Iterable[str], places: Places, reported: Iterable[str] = ()
) -> FunctionError | None:
    """Find an exception in what a worker printed, or in the errors it reported.

    What it says of itself, such as that its language is too old, is no reason not to load an app.
    """
    text = "\n".join(line for line in lines if not is_system_line(line)).strip()
    for error in reported:
        if (_title(error) or scriptstacks.is_about_loading(error)) and error not in text:
            text = f"{text}\n{error}".strip()
    if not text:
        return None
    for line in text.split("\n"):
        title = _title(line.strip())
        if title is not None:
            return _made(*title, text, places)
    return FunctionError("Exception", text.rpartition("\n")[2], text)


def _from_text(message: str, stack: str, places: Places) -> FunctionError:
    report = _REPORT.search(message)
    if report is not None:
        message = report["title"].strip()
        stack = stack or (report["stack"] or "")
    message, stack = managedstacks.parted(message, stack)
    title = _title(message, pythonstacks.is_python(stack)) or _stack_title(stack, message)
    if title is None:
        return _made("Exception", message, stack, places)
    kind, said = title
    return _made(kind, said if message.startswith(kind) else message, stack, places)


def _stack_title(stack: str, message: str) -> tuple[str, str] | None:
    """Find the type on the stack: on its first line, or below the line where a syntax error is."""
    lines = stack.strip().split("\n")
    titles = [found for line in lines if (found := _title(line.strip()))]
    beside = _title(lines[0])
    return beside or next((each for each in titles if each[1] and message.endswith(each[1])), None)


def _title(text: str, surely: bool = False) -> tuple[str, str] | None:
    """Split `Type: message`; unless it is one `surely`, the type has to look like one."""
    found = _TITLE.match(text)
    if found is None or not (surely or _EXCEPTION.search(found["type"])):
        return None
    return found["type"], found["message"] or ""


def _made(kind: str, message: str, stack: str, places: Places) -> FunctionError:
    message = message.strip()
    stack = stack.rstrip()
    title = _titled(kind, message)
    place = None
    if pythonstacks.is_python(stack):
        lines = pythonstacks.shortened(stack.split("\n"), places)
        place = pythonstacks.place_of(lines, places)
        stack = "\n".join([*lines, title])
    elif stack:
        lines = managedstacks.shortened(scriptstacks.shortened(stack.split("\n"), places))
        place = scriptstacks.place_of(lines, places) or managedstacks.place_of(lines, places)
        told = message.partition(scriptstacks.REQUIRED_BY)[0]
        message = scriptstacks.plain(told, places, place)
        stack = "\n".join(lines)
        if message != told:
            stack = stack.replace(told, message)
        title = _titled(kind, message)
        if title not in stack:
            stack = f"{title}\n{stack}"
    file, line = place or (None, None)
    return FunctionError(kind, message, stack, file, line)


def _titled(kind: str, message: str) -> str:
    return f"{kind}: {message}" if message else kind
