"""How a worker's process is started, and what is told when it cannot be."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from emulator.errors import WorkerStartError
from emulator.workers import process
from emulator.workers import subprocess as workers_subprocess
from emulator.workers.channel import AppSpec, Interpreter, WorkerLog
from emulator.workers.subprocess import SubprocessChannel
from tests.support.workers import OURS, Worker, decorated, environment, write

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")


async def start_error(root: Path, interpreter: Interpreter) -> WorkerStartError:
    async def start() -> None:
        spec = AppSpec(root, environment())
        await SubprocessChannel.spawn(spec, interpreter, lambda log: None).start()

    with pytest.raises(WorkerStartError) as raised:
        await start()
    return raised.value


def script(path: Path, text: str) -> Interpreter:
    path.write_text(f"#!/bin/sh\n{textwrap.dedent(text)}\n")
    path.chmod(0o755)
    return Interpreter(path, "the test's")


async def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    error = await start_error(tmp_path, Interpreter(tmp_path / "python", "given with --python"))
    assert error.message == f"there is no Python at {tmp_path / 'python'} (given with --python)"
    assert error.hint == "install it there, or choose another with --python"


async def test_an_interpreter_that_is_not_executable(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("")
    error = await start_error(tmp_path, Interpreter(tmp_path / "python", "set by X"))
    assert error.message == f"{tmp_path / 'python'} is not executable (set by X)"


async def test_an_interpreter_that_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("nothing")
    (tmp_path / "python").chmod(0o755)
    error = await start_error(tmp_path, Interpreter(tmp_path / "python", "set by X"))
    assert error.message == f"{tmp_path / 'python'} cannot be started (Exec format error)"


async def test_a_program_that_is_no_python(tmp_path: Path) -> None:
    fake = script(tmp_path / "python", "echo what is this >&2; exit 9")
    error = await start_error(tmp_path, fake)
    assert error.message == (
        f"the worker ({fake.executable}, the test's) ended with exit code 9 before it was ready:\n"
        "what is this"
    )
    assert error.hint == "see whether that is a working Python 3.9 or newer"


async def test_a_python_that_is_too_old(tmp_path: Path) -> None:
    worker = Path(process.__file__).parent / "pyworker" / "__main__.py"
    pretend = (
        "import runpy, sys; sys.version_info = (3, 6, 1);"
        f" runpy.run_path({str(worker)!r}, run_name='__main__')"
    )
    fake = script(tmp_path / "python", f'exec {sys.executable} -c "{pretend}"')
    error = await start_error(tmp_path, fake)
    assert error.message == (f"Python 3.6 of {sys.executable} is too old, 3.9 or newer is needed")
    assert error.hint == "choose a newer Python with --python"


async def test_a_python_without_the_sdk(tmp_path: Path) -> None:
    bare = Interpreter(Path(sys.executable), "the test's", ("-S",))
    error = await start_error(tmp_path, bare)
    assert error.message == f"azure-functions is not installed for {sys.executable}"
    assert error.hint == f"install it with `{sys.executable} -m pip install azure-functions`"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import neverheard\n", "cannot be imported by {}: it needs the module 'neverheard'"),
        ("1 / 0\n", "cannot be imported by {}: ZeroDivisionError: division by zero"),
        ("__version__ = '1.2'\n", "1.2 of {} is too old"),
    ],
)
async def test_an_sdk_that_does_not_work(tmp_path: Path, code: str, told: str) -> None:
    write(tmp_path, {"lib/azure/functions/__init__.py": code})
    channel = SubprocessChannel.spawn(
        AppSpec(tmp_path, environment({"PYTHONPATH": str(tmp_path / "lib")})),
        OURS,
        lambda log: None,
    )
    with pytest.raises(WorkerStartError) as raised:
        await channel.start()
    assert raised.value.message == f"azure-functions {told.format(sys.executable)}"
    assert raised.value.hint
    assert sys.executable in raised.value.hint


async def test_an_app_folder_that_is_not_there(tmp_path: Path) -> None:
    error = await start_error(tmp_path / "nowhere", OURS)
    assert error.message == f"the folder of the app does not exist: {tmp_path / 'nowhere'}"


async def test_arguments_stand_before_the_script(tmp_path: Path) -> None:
    code = "import sys\n@app.route()\ndef f(req):\n    return str(sys.flags.optimize)\n"
    root = decorated(tmp_path, code)
    logs: list[WorkerLog] = []
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()),
        Interpreter(Path(sys.executable), "", ("-OO", "-X", "dev")),
        logs.append,
    )
    worker = Worker(channel, logs, await channel.start())
    try:
        await worker.load_all()
        assert await worker.text("f") == "2"
    finally:
        await channel.aclose()


@pytest.mark.parametrize("loopback", [False, True])
async def test_a_worker_that_never_says_anything_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loopback: bool
) -> None:
    monkeypatch.setattr(workers_subprocess, "_START_TIMEOUT", 0.1)
    fake = script(tmp_path / "python", "exec sleep 60")
    channel = SubprocessChannel.spawn(
        AppSpec(tmp_path, environment()), fake, lambda log: None, loopback=loopback
    )
    with pytest.raises(WorkerStartError, match="did not answer within"):
        await channel.start()
    assert channel.pids == ()


async def test_over_tcp_a_worker_that_does_not_come_is_told(tmp_path: Path) -> None:
    fake = script(tmp_path / "python", "exit 1")
    channel = SubprocessChannel.spawn(
        AppSpec(tmp_path, environment()), fake, lambda log: None, loopback=True
    )
    with pytest.raises(WorkerStartError, match="ended with exit code 1 before it was ready"):
        await channel.start()
