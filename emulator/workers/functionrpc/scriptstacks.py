"""Errors as the workers for Node.js and PowerShell tell them, without what is the worker's own."""

from __future__ import annotations

import re
from collections.abc import Iterable

from emulator.workers.functionrpc.logs import is_system_line, without_mark
from emulator.workers.functionrpc.places import Place, Places

REQUIRED_BY = "\nRequire stack:"
"""What follows is in the stack, too."""

_FRAME = re.compile(r"\s*at (?:.*\()?(?P<place>[^()\s]+:\d+:\d+)\)?$")
_PLACES = [
    re.compile(pattern)
    for pattern in (
        r"\s*at (?:.*\()?(?:file://)?(?P<file>(?:[A-Za-z]:)?[/\\][^():]+):(?P<line>\d+):\d+\)?$",
        r"at .*, (?P<file>(?:[A-Za-z]:)?[/\\][^:]+): line (?P<line>\d+)$",
        r"(?P<file>(?:[A-Za-z]:)?[/\\][^:\s]+):(?P<line>\d+)$",
    )
]
"""Of JavaScript, of PowerShell, and above a syntax error of JavaScript."""
_IN_ONE_LINE = re.compile(r" +(?=at (?:[^()]{1,200} \()?[^()\s]+:\d+:\d+\)?)")
_LOADING = re.compile(
    r'Worker was unable to load (?:entry point "[^"\n]*": (?P<entry>.*)'
    r"|function [^\n]*?: '(?P<function>.*)')\Z",
    re.DOTALL,
)
_UNCAUGHT = re.compile(r"Worker uncaught exception(?: \(learn more: [^)]*\))?: ")


def shortened(lines: list[str], places: Places) -> list[str]:
    """Keep the app's frames, and the first one wherever it is: there the error arose.

    Stacks of other languages stay as they are.
    """
    found = [_FRAME.match(line) for line in lines]
    if not any(found):
        return lines
    kept: list[str] = []
    is_first = True
    for line, frame in zip(lines, found, strict=True):
        if frame is not None:
            file = _file(frame["place"])
            if file.startswith("node:") or places.is_workers(file):
                continue
            if is_first or places.is_apps(file):
                kept.append(line)
            is_first = False
        elif not line.startswith("    at ") and not _is_required_by_worker(line, places):
            kept.append(line)
    return kept


def _file(place: str) -> str:
    return place.rsplit(":", 2)[0].removeprefix("file://")


def _is_required_by_worker(line: str, places: Places) -> bool:
    return line.startswith("- ") and places.is_workers(line[2:])


def place_of(lines: list[str], places: Places) -> Place | None:
    """Return where the error arose; the innermost frame is the first."""
    found = [each for line in lines for pattern in _PLACES if (each := pattern.match(line))]
    return places.nearest([(each["file"], int(each["line"])) for each in found])


def is_about_loading(message: str) -> bool:
    """Whether a message says that the app's code cannot be loaded."""
    return _LOADING.match(message) is not None


def plain(message: str, places: Places, place: Place | None) -> str:
    """Return a message without what the worker has put around it, where the rest says enough."""
    found = _LOADING.match(message)
    if found is None:
        return message
    if found["function"]:
        return found["function"]
    return found["entry"] if place is not None and places.is_apps(place[0]) else message


def last_words(lines: Iterable[str], places: Places) -> list[str]:
    """Return what a worker printed before it ended.

    An exception that nobody has caught the worker says on one line, for the host; what is older
    has nothing to do with it.
    """
    words = list(lines)
    for at, line in enumerate(words):
        text = without_mark(line)
        found = _UNCAUGHT.match(text) if is_system_line(line) else None
        if found is not None:
            stack = _IN_ONE_LINE.sub("\n    ", text[found.end() :]).split("\n")
            return [*shortened(stack, places), *map(without_mark, words[at + 1 :])]
    return [without_mark(line) for line in words]
