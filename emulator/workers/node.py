"""The app's Node.js: find it, explain why it does not do; ask it whether a file can be parsed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from emulator.config.optionvalues import DEBUG_PORT
from emulator.config.settings import value_of
from emulator.errors import WorkerStartError
from emulator.model import FunctionError
from emulator.workers.channel import Interpreter, RpcWorker
from emulator.workers.interpreter import interpreter_arguments
from emulator.workers.languages import NODE
from emulator.workers.programs import PROGRAMS, inspects

_EXECUTABLE_SETTING = "languageWorkers__node__defaultExecutablePath"
_GET_IT = (
    "install Node.js 20 or newer (https://nodejs.org), or name one with"
    f" {_EXECUTABLE_SETTING} in local.settings.json"
)
_ATTACH = PROGRAMS[NODE].script.parent / "attach.cjs"
_WAITING = re.compile(r"^--inspect-(?:brk|wait)")
_PLACE = re.compile(
    r"(?:file://)?.+:(?P<line>\d+)\n(?P<detail>.*?)\n\s*\n(?P<told>\w*Error: .*)", re.S
)
_LONGEST = 10.0


def find_node(root: Path, environment: Mapping[str, str]) -> Interpreter:
    """Choose the Node.js for the app at `root`: that of the app's settings, else the one on the
    PATH of the app's environment."""
    arguments = interpreter_arguments(environment, NODE)
    setting = value_of(environment, _EXECUTABLE_SETTING)
    paths = value_of(environment, "PATH")
    if setting and (Path(setting).name != setting or (root / setting).exists()):
        path = root / Path(setting).expanduser()
        PROGRAMS[NODE].check(path, _EXECUTABLE_SETTING)
        return Interpreter(path, f"set by {_EXECUTABLE_SETTING}", arguments, NODE)
    found = shutil.which(setting or "node", path=paths)
    if found is None and setting:
        raise WorkerStartError(
            f"there is no Node.js called {setting!r} on the PATH ({_EXECUTABLE_SETTING})",
            hint="give the path of a Node.js",
        )
    if found is None:
        raise WorkerStartError(
            "the app is in JavaScript, and there is no Node.js on the PATH", hint=_GET_IT
        )
    reason = f"set by {_EXECUTABLE_SETTING}" if setting else "the one on the PATH"
    return Interpreter(Path(found), reason, arguments, NODE)


def inspector_arguments(
    arguments: tuple[str, ...], port: int | None, *, wait: bool, offered: bool
) -> tuple[str, ...]:
    """Return the arguments with the debugger that is wanted: what they say themselves, else `port`
    and `wait`, which are our options. Without, where nobody could attach."""
    if not offered:
        return tuple(each for each in arguments if not inspects([each]))
    if inspects(arguments) or (port is None and not wait):
        return arguments
    kind = "--inspect-wait" if wait else "--inspect"
    return (*arguments, f"{kind}={DEBUG_PORT if port is None else port}")


def with_inspector(worker: RpcWorker, arguments: tuple[str, ...], *, first: bool) -> RpcWorker:
    """Return an official worker that begins its debugger as ours does: when the port is free, which
    the worker before it may still have. Only the `first` one waits for somebody to attach."""
    own = tuple(each for each in arguments if not inspects([each]))
    asked = [each for each in arguments if inspects([each])]
    if not asked:
        return replace(worker, arguments=own)
    if not first:
        asked = [_WAITING.sub("--inspect", each) for each in asked]
    return replace(
        worker,
        arguments=(*own, "--require", str(_ATTACH)),
        worker_arguments=(*worker.worker_arguments, *asked),
    )


async def parse_error(node: Path, file: Path) -> FunctionError | None:
    """Return why a file cannot be parsed; `None` when it can, or nobody knows."""
    import asyncio  # the worker is started before the host can afford it

    process = await asyncio.create_subprocess_exec(
        node, "--check", file, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_LONGEST):
            _, said = await process.communicate()
    except TimeoutError:
        return None  # its own loading will tell
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found = _PLACE.match(said.decode("utf-8", "replace"))
    if not process.returncode or found is None:
        return None
    kind, _, message = found["told"].partition("\n")[0].partition(": ")
    return FunctionError(kind, message, found["detail"], str(file), int(found["line"]))
