"""Errors as the workers for Java and .NET tell them, without what is the worker's own."""

from __future__ import annotations

import re

from emulator.workers.functionrpc.places import Place, Places

_FRAME = re.compile(r"\s+at \S")
_WORKERS = ("com.microsoft.azure.functions.worker.", "Microsoft.Azure.Functions.Worker.")
_ON_THE_WAY = ("java.base/jdk.internal.reflect.", "java.base/java.lang.reflect.Method.invoke(")
"""What stands between the worker's frames and the app's."""
_LEFT_OUT = re.compile(r"\s*(?:\.\.\. \d+ more|--- End of stack trace from previous location ---)$")
_WRAPPED = "java.lang.reflect.InvocationTargetException"
_CAUSE = "Caused by: "
_JAVA = re.compile(r"\s+at (?:\S+/)?(?P<name>[\w.$]+)\((?P<file>\w+\.(?:java|kt)):(?P<line>\d+)\)$")
_DOTNET = re.compile(r"\s+at .+ in (?P<file>.+):line (?P<line>\d+)$")
_SOURCES = ("src/main/java", "src/main/kotlin")


def parted(message: str, stack: str) -> tuple[str, str]:
    """Take the stack out of a message: .NET's worker sends what an exception writes of itself,
    causes included."""
    at = min(
        (found for each in ("\n   at ", "\n ---> ") if (found := message.find(each)) >= 0),
        default=-1,
    )
    return (message, stack) if at < 0 else (message[:at], message)


def shortened(lines: list[str]) -> list[str]:
    """Keep what is told of the app and what it called.

    Java's worker calls functions by reflection: the exception is the cause of another.
    """
    if lines[0].startswith(_WRAPPED):
        causes = [at for at, line in enumerate(lines) if line.startswith(_CAUSE)]
        if causes:
            lines = [lines[causes[0]].removeprefix(_CAUSE), *lines[causes[0] + 1 :]]
    kept: list[str] = []
    skipping = False
    for line in lines:
        if _FRAME.match(line) is None:
            skipping = False
        elif line.strip().removeprefix("at ").startswith(_WORKERS):
            skipping = True
            while kept and kept[-1].strip().removeprefix("at ").startswith(_ON_THE_WAY):
                kept.pop()
        if not skipping and _LEFT_OUT.match(line) is None:
            kept.append(line)
    return kept


def place_of(lines: list[str], places: Places) -> Place | None:
    """Return where the error arose in the app's sources, if those are here."""
    for line in lines:
        if found := _DOTNET.match(line):
            return found["file"], int(found["line"])
        if found := _JAVA.match(line):
            source = _source(found["name"], found["file"], places)
            if source is not None:
                return source, int(found["line"])
    return None


def _source(name: str, file: str, places: Places) -> str | None:
    """Find a class's file in the project: the app was put together below its folder `target`."""
    package = "/".join(name.split(".")[:-2])
    for folder in (places.app, *places.app.parents[:3]):
        for sources in _SOURCES:
            path = folder / sources / package / file
            if path.is_file():
                return str(path)
    return None
