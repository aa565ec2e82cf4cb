"""The debugger in a worker's arguments, as editors put it there, read as a wish of ours.

Passed on as it is, `-m debugpy --listen 127.0.0.1:9091` would be a port for one process only, and
while an app is reloaded two of them run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from emulator.config.optionvalues import DEBUG_PORT
from emulator.config.settings import value_of
from emulator.errors import WorkerStartError
from emulator.model import Problem, Severity
from emulator.workers.channel import Debugging
from emulator.workers.interpreter import arguments_setting
from emulator.workers.languages import PYTHON, runtime_title

_SETTING = arguments_setting(PYTHON)
_OTHER_WAYS = frozenset({"--connect", "--pid"})
_NO_FROZEN_MODULES = "-Xfrozen_modules=off"
"""Without it the debugger cannot see the standard library of Python 3.11 and newer, and says so."""
_BY_THEMSELVES: Mapping[str, str] = {
    PYTHON: f"-m debugpy --listen 127.0.0.1:{DEBUG_PORT}",
    "java": "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:5005",
}
"""Arguments with which what runs official workers begins a debugger."""


@dataclass(frozen=True, slots=True)
class DebugRequest:
    """Where a debugger is offered, and how the workers let it attach."""

    port: int = DEBUG_PORT
    host: str = "127.0.0.1"
    debugging: Debugging = Debugging()


def requested_debugging(
    arguments: tuple[str, ...], port: int | None, *, wait: bool
) -> tuple[tuple[str, ...], DebugRequest | None]:
    """Take the debugger out of an interpreter's arguments; `port` and `wait` are our options.

    A debugger that is to call the editor (`--connect`) stays an argument: it needs no port here.
    """
    others, asked = _split(arguments)
    if port is not None or wait:
        asked = asked or DebugRequest()
        asked = replace(
            asked,
            port=asked.port if port is None else port,
            debugging=replace(asked.debugging, wait=wait or asked.debugging.wait),
        )
    if asked is None:
        return arguments, None
    return (*others, _NO_FROZEN_MODULES), asked


def begins_debugger(language: str, environment: Mapping[str, str]) -> bool:
    """Whether what runs an official worker begins a debugger by its arguments."""
    given = value_of(environment, arguments_setting(language)) or ""
    return any(each in given for each in ("debugpy", "jdwp"))


def debugger_impossible(language: str) -> Problem:
    """Return what to tell people who want to attach to an official worker by our options."""
    arguments = _BY_THEMSELVES.get(language)
    return Problem(
        "debugger-impossible",
        f"--debug does nothing for the official worker for {runtime_title(language)}",
        Severity.WARNING,
        hint=f"set {arguments_setting(language)} to {arguments}"
        if arguments
        else "attach your debugger to the worker's process",
    )


def _split(arguments: tuple[str, ...]) -> tuple[tuple[str, ...], DebugRequest | None]:
    begin = _place_of_debugpy(arguments)
    if begin is None:
        return arguments, None
    as_module = arguments[begin] == "-m"
    own = arguments[begin + 2 :] if as_module else arguments[begin + 1 :]
    if any(each.partition("=")[0] in _OTHER_WAYS for each in own):
        return arguments, None
    package = None if as_module else arguments[begin]
    return arguments[:begin], _read(own, package)


def _place_of_debugpy(arguments: Sequence[str]) -> int | None:
    for index, argument in enumerate(arguments):
        if argument == "-m":
            return index if arguments[index + 1 : index + 2] == ("debugpy",) else None
        # Editors bring their own: the path of its folder.
        if PurePath(argument.replace("\\", "/")).name == "debugpy":
            return index
    return None


def _read(own: Sequence[str], package: str | None) -> DebugRequest:
    host, port = "127.0.0.1", DEBUG_PORT
    wait = False
    settings: list[tuple[str, str]] = []
    log_folder: str | None = None
    rest = iter(own)
    for argument in rest:
        if argument == "--listen":
            host, port = _address(next(rest, ""))
        elif argument == "--wait-for-client":
            wait = True
        elif argument == "--log-to":
            log_folder = next(rest, None)
        elif argument.startswith("--configure-"):
            settings.append((argument.removeprefix("--configure-"), next(rest, "")))
        elif argument != "--log-to-stderr":
            raise WorkerStartError(
                f"debugpy knows no argument {argument!r} ({_SETTING})",
                hint="use `-m debugpy --listen 127.0.0.1:9091`, or the option --debug",
            )
    return DebugRequest(port, host, Debugging(wait, package, tuple(settings), log_folder))


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise WorkerStartError(
            f"debugpy cannot listen on {text!r} ({_SETTING})",
            hint="give a port, or an address and a port: --listen 127.0.0.1:9091",
        )
    return host.strip("[]") or "127.0.0.1", int(port)
