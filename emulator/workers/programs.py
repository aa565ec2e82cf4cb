"""The programs that run workers of ours: which script, since when, what people call them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.errors import WorkerStartError
from emulator.workers.channel import Interpreter
from emulator.workers.languages import NODE, PYTHON

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Program:
    """One of them."""

    title: str
    oldest: str
    script: Path
    chosen: str
    """How another one is chosen, to follow "choose another"."""
    not_the_apps: tuple[str, ...]
    """Parts of the lines by which it dumps what is not the app's."""
    inherits: bool = True
    """Whether it takes an open connection, and keeps it from what the app starts. Node.js looks
    after descriptors up to a gap above 15 only."""

    def check(self, path: Path, origin: str) -> None:
        """Raise `WorkerStartError` when `path` cannot be one."""
        try:
            there = path.exists()
        except OSError as error:  # a folder on the way to it lets nobody in
            raise WorkerStartError(
                f"the {self.title} at {path} cannot be looked at: {error.strerror} ({origin})",
                hint=f"choose another {self.chosen}",
            ) from error
        if not there:
            raise WorkerStartError(
                f"there is no {self.title} at {path} ({origin})",
                hint=f"install it there, or choose another {self.chosen}",
            )
        if not os.access(path, os.X_OK):
            raise WorkerStartError(
                f"{path} is not executable ({origin})",
                hint=f"choose a {self.title} interpreter {self.chosen}",
            )

    def is_noise(self, line: str) -> bool:
        """Frames of ours and of its own machinery in the dump of a crash."""
        if not line or line.startswith("Extension modules: "):
            return True
        is_frame = line.lstrip().startswith(("File ", "at ", "node:internal"))
        return is_frame and any(place in line for place in self.not_the_apps)


PROGRAMS: Mapping[str, Program] = {
    PYTHON: Program(
        "Python",
        "3.9",
        _HERE / "pyworker" / "__main__.py",
        "with --python",
        (
            str(_HERE / "pyworker"),
            "/asyncio/",
            "/concurrent/futures/",
            '/threading.py"',
            '"<frozen ',
        ),
    ),
    NODE: Program(
        "Node.js",
        "18",
        _HERE / "nodeworker" / "main.cjs",
        "with languageWorkers__node__defaultExecutablePath",
        (str(_HERE / "nodeworker"), "node:internal"),
        inherits=False,
    ),
}


def program_of(interpreter: Interpreter) -> Program:
    return PROGRAMS[interpreter.language]


def command_of(interpreter: Interpreter, arguments: list[str]) -> list[str]:
    """Return the command that starts a worker with `arguments`.

    The debugger of Node.js is begun by the worker: its port is in use until the worker before it
    has ended.
    """
    own = interpreter.arguments
    if interpreter.language == NODE:
        arguments += [each for each in own if inspects([each])]
        own = tuple(each for each in own if not inspects([each]))
    script = program_of(interpreter).script
    return [str(interpreter.executable), *own, str(script), *arguments]


def inspects(arguments: Iterable[str]) -> bool:
    """Say whether a debugger may attach to a Node.js with such arguments."""
    return any(each.startswith("--inspect") for each in arguments)
