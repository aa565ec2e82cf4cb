"""What a worker says of a failure, as the user's exception."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from emulator.model import FunctionError
from emulator.workers.functionrpc import managedstacks, nodestacks
from emulator.workers.functionrpc.places import Places
from emulator.workers.functionrpc.systemlines import is_system_line

SUCCESS, CANCELLED = 1, 2

_TITLE = re.compile(r"(?P<type>[A-Za-z_$][\w.$]*)(?:: ?(?P<message>.*))?\Z", re.DOTALL)
_EXCEPTION = re.compile(r"[.$][A-Z]\w*$|(?:Error|Exception|Exit|Interrupt|Warning)$")
_REPORT = re.compile(
    r"Result:\s*(?:Failure|Error)\s*\nException:\s*(?P<title>.*?)(?:\nStack:\s?(?P<stack>.*))?\Z",
    re.DOTALL,
)
_PYTHON_FRAME = re.compile(r' *File "(?P<file>[^"]+)", line (?P<line>\d+)')
_SCRIPT_FRAMES = [
    re.compile(pattern)
    for pattern in (
        r"\s*at (?:.*\()?(?:file://)?(?P<file>(?:[A-Za-z]:)?[/\\][^():]+):(?P<line>\d+):\d+\)?$",
        r"at .*, (?P<file>(?:[A-Za-z]:)?[/\\][^:]+): line (?P<line>\d+)$",
        r"(?P<file>(?:[A-Za-z]:)?[/\\][^:\s]+):(?P<line>\d+)$",
    )
]
"""Of JavaScript, of PowerShell, and above a syntax error of JavaScript."""
_WORKER_PACKAGES = (
    "azure_functions_worker",
    "azure_functions_runtime",
    "azure_functions_runtime_v1",
    "proxy_worker",
)


def failure_of(result: Any, places: Places) -> FunctionError | None:
    """Return why something failed; `None` when it did not.

    A worker that fills in nothing has said Failure: that is the protocol's default.
    """
    if result.status == SUCCESS:
        return None
    error = result.exception
    if error.message or error.stack_trace or error.type:
        return error_of(error, places)
    if result.result:
        return _from_text(result.result, "", places)
    if result.status == CANCELLED:
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
        if (_title(error) or nodestacks.is_about_loading(error)) and error not in text:
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
    is_python = _PYTHON_FRAME.search(stack) is not None
    title = _title(message, is_python) or _stack_title(stack, message)
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
    place: tuple[str, int] | None = None
    if _PYTHON_FRAME.search(stack):
        frames = _without_worker(stack.split("\n"), places)
        place = _last(frames, places)
        stack = "\n".join(["Traceback (most recent call last):", *frames, title])
    elif stack:
        lines = managedstacks.shortened(nodestacks.shortened(stack.split("\n"), places))
        place = _first(lines, places) or managedstacks.place_of(lines, places)
        told = message.partition(nodestacks.REQUIRED_BY)[0]
        message = nodestacks.plain(told, places, place)
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


def _without_worker(lines: list[str], places: Places) -> list[str]:
    """Leave out the frames of a Python worker's own code; of what follows one, too."""
    kept: list[str] = []
    skipping = False
    for line in lines:
        frame = _PYTHON_FRAME.match(line)
        if frame is not None:
            skipping = _is_workers(frame["file"], places)
        elif not line.startswith("    "):
            skipping = False
        if not skipping and not line.startswith("Traceback (most recent"):
            kept.append(line)
    return kept


def _is_workers(file: str, places: Places) -> bool:
    parts = file.replace("\\", "/").split("/")
    if any(each in parts for each in _WORKER_PACKAGES) or "concurrent" in parts:
        return True
    return places.is_workers(file)


def _last(lines: list[str], places: Places) -> tuple[str, int] | None:
    """Return the place of the innermost frame, of the app if there is one."""
    frames = [found for line in lines if (found := _PYTHON_FRAME.match(line))]
    return _apps([(each["file"], int(each["line"])) for each in reversed(frames)], places)


def _first(lines: list[str], places: Places) -> tuple[str, int] | None:
    """As `_last`, for scripts: theirs begin with the innermost."""
    frames = [
        (found["file"], int(found["line"]))
        for line in lines
        for pattern in _SCRIPT_FRAMES
        if (found := pattern.match(line))
    ]
    return _apps(frames, places)


def _apps(frames: list[tuple[str, int]], places: Places) -> tuple[str, int] | None:
    apps = (each for each in frames if places.is_apps(each[0]))
    return next(apps, frames[0] if frames else None)
