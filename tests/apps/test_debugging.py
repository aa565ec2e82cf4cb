"""Debuggers attach to one port, and come back by themselves when the app is reloaded."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.support.dap import editor
from tests.support.patience import PATIENCE
from tests.support.ports import free_port
from tests.support.processes import processes_in
from tests.support.serving import FUNCEMU, Served, environment, served, write_app

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("debugpy") is None, reason="debugpy is not installed"
    ),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

APP = """\
import asyncio
import azure.functions as func

app = func.FunctionApp(http_auth_level="ANONYMOUS")


@app.route(route="hello")
async def hello(req: func.HttpRequest) -> str:
    word = "version 1"
    return word


@app.route(route="sync")
def sync(req: func.HttpRequest) -> str:
    word = "sync 1"
    return word
"""
ASYNC_LINE, SYNC_LINE = 10, 16


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", {"function_app.py": APP})


@pytest.fixture
def port() -> int:
    return free_port()


async def until(host: Served, path: str, text: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await host.get(path)).text != text:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.01)


async def test_a_debugger_attaches_and_comes_back_after_a_reload(app: Path, port: int) -> None:
    file = app / "function_app.py"
    async with served(app, "--debug", str(port), watch=True) as host:
        async with editor(port) as session:
            answer = await session.attach(stop_in=file, lines=(ASYNC_LINE, SYNC_LINE))
            assert answer["success"]
            assert answer["body"]["supportsConditionalBreakpoints"]
            for path, line, text in (
                ("hello", ASYNC_LINE, "version 1"),
                ("sync", SYNC_LINE, "sync 1"),
            ):
                call = asyncio.create_task(host.get(f"/api/{path}"))
                thread, stopped_at = await session.stopped()
                assert stopped_at == line
                await session.ask("continue", {"threadId": thread})
                assert (await call).text == text

            file.write_text(APP.replace("version 1", "version 2"))
            ended = await session.event("terminated")
            assert ended["body"] == {"restart": True}
            assert (await session.ask("disconnect"))["success"]

        async with editor(port) as session:
            assert (await session.attach(stop_in=file, lines=(ASYNC_LINE,)))["success"]
            call = asyncio.create_task(host.get("/api/hello"))
            thread, stopped_at = await session.stopped()
            assert stopped_at == ASYNC_LINE
            await session.ask("continue", {"threadId": thread})
            assert (await call).text == "version 2"


async def test_a_session_at_a_breakpoint_stays_until_it_is_continued(app: Path, port: int) -> None:
    file = app / "function_app.py"
    async with served(app, "--debug", str(port), watch=True) as host, editor(port) as session:
        await session.attach(stop_in=file, lines=(ASYNC_LINE,))
        call = asyncio.create_task(host.get("/api/hello"))
        thread, _ = await session.stopped()
        file.write_text(APP.replace("version 1", "version 2"))
        await host.until_printed("Reloaded 2 functions")
        assert (await host.get("/api/hello")).text == "version 2"
        # Still there: it can be looked at.
        trace = await session.ask("stackTrace", {"threadId": thread})
        assert trace["body"]["stackFrames"][0]["line"] == ASYNC_LINE
        await session.ask("continue", {"threadId": thread})
        assert (await session.event("terminated"))["body"] == {"restart": True}
        assert (await call).text == "version 1"


async def test_a_worker_that_dies_is_replaced_behind_the_port(app: Path, port: int) -> None:
    file = app / "function_app.py"
    async with served(app, "--debug", str(port)) as host:
        async with editor(port) as session:
            await session.attach()
            os.kill(worker_of(host), signal.SIGKILL)
            assert (await session.event("terminated"))["body"] == {"restart": True}
            assert (await session.ask("disconnect"))["success"]
        async with editor(port) as session:
            await session.attach(stop_in=file, lines=(ASYNC_LINE,))
            call = asyncio.create_task(host.get("/api/hello"))
            thread, _ = await session.stopped()
            await session.ask("continue", {"threadId": thread})
            assert (await call).text == "version 1"


async def test_ctrl_c_ends_the_session_for_good_and_leaves_no_process(app: Path, port: int) -> None:
    async with served(app, "--debug", str(port)) as host, editor(port) as session:
        await session.attach()
        assert len(processes_in(app)) >= 2  # the worker and its debug adapter
        host.process.send_signal(signal.SIGINT)
        assert (await session.event("terminated"))["body"] == {}
        assert await asyncio.wait_for(host.process.wait(), PATIENCE) == 0
    async with asyncio.timeout(PATIENCE):
        while processes_in(app):  # noqa: ASYNC110 - they are not ours
            await asyncio.sleep(0.05)
    socket.create_server(("127.0.0.1", port)).close()


async def test_the_arguments_that_editors_give_are_understood(
    app: Path, port: int, tmp_path: Path
) -> None:
    """VS Code sets a variable with the path of its own debugpy."""
    found = importlib.util.find_spec("debugpy")
    assert found is not None
    assert found.origin is not None
    bundled = tmp_path / "bundled libs"
    bundled.mkdir()
    (bundled / "debugpy").symlink_to(Path(found.origin).parent)
    arguments = f'"{bundled}/debugpy" --listen 127.0.0.1:{port}'
    settings = {"languageWorkers__python__arguments": arguments}
    file = app / "function_app.py"
    async with served(app, settings=settings, watch=True) as host:
        started = host.output.index("Worker process started and initialized.")
        assert f"Debuggers attach on 127.0.0.1:{port}." in host.output[:started]
        for version in ("version 1", "version 2"):
            file.write_text(APP.replace("version 1", version))
            await until(host, "/api/hello", version)
            async with editor(port) as session:
                assert (await session.attach())["success"]


async def test_the_app_is_imported_when_a_debugger_has_attached(app: Path, port: int) -> None:
    process = await asyncio.create_subprocess_exec(
        FUNCEMU, "start", app, "--port", "0", "--ephemeral", "--debug", str(port), "--debug-wait",
        stdout=asyncio.subprocess.PIPE,
        env=environment({}),
    )  # fmt: skip
    output = process.stdout
    assert output is not None
    told = [(await output.readline()).decode() for _ in range(3)]
    assert f"Debuggers attach on 127.0.0.1:{port}." in told[0]
    assert "Worker process started and initialized." in told[1]
    assert "Waiting for a debugger …" in told[2]
    async with editor(port) as session:
        await session.attach(stop_in=app / "function_app.py", lines=(4,))
        thread, line = await session.stopped()
        assert line == 4  # while the app is imported
        await session.ask("continue", {"threadId": thread})
        lines = []
        async with asyncio.timeout(PATIENCE):
            while not lines or "Ready" not in lines[-1]:
                lines.append((await output.readline()).decode())
        await session.ask("disconnect")
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0


async def test_a_breakpoint_is_no_timeout(app: Path, port: int) -> None:
    (app / "host.json").write_text('{"version": "2.0", "functionTimeout": "00:00:01"}')
    async with served(app, "--debug", str(port)) as host, editor(port) as session:
        await session.attach(stop_in=app / "function_app.py", lines=(ASYNC_LINE,))
        call = asyncio.create_task(host.get("/api/hello"))
        thread, _ = await session.stopped()
        await asyncio.wait([call], timeout=1.5)
        await session.ask("continue", {"threadId": thread})
        assert (await call).text == "version 1"


def test_a_debugger_that_is_not_installed_is_told_with_the_command(
    app: Path, tmp_path: Path
) -> None:
    python = python_without("debugpy", tmp_path)
    done = start(app, "--python", str(python), "--debug")
    assert done.returncode == 1
    assert f"debugpy, which --debug needs, is not installed for {python}" in done.stderr
    assert f"{python} -m pip install debugpy" in done.stderr
    assert "Traceback" not in done.stderr


async def test_machines_are_told_the_port_as_well(app: Path, port: int) -> None:
    async with served(app, "--debug", str(port), "--output", "json") as host:
        told = [json.loads(line) for line in host.output]
        listening = next(each for each in told if each["event"] == "listening")
        assert listening["debugger"] == f"127.0.0.1:{port}"


def test_a_debug_port_in_use_is_told_and_nothing_is_started(app: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = start(app, "--debug", str(port))
    assert done.returncode == 1
    assert f"Port {port} is unavailable." in done.stderr
    assert "--debug PORT" in done.stderr
    assert done.stdout == ""


def start(app: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FUNCEMU, "start", app, "--port", "0", "--ephemeral", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=environment({}),
    )


def python_without(package: str, folder: Path) -> Path:
    """Make an environment with all of our packages but one."""
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    ours = Path(next(path for path in sys.path if path.endswith("site-packages")))
    (theirs,) = (folder / "venv" / "lib").glob("*/site-packages")
    for each in ours.iterdir():
        if not each.name.startswith((package, "_pydev", "pydevd")) and each.suffix != ".pth":
            (theirs / each.name).symlink_to(each)
    return python


def worker_of(host: Served) -> int:
    pid = host.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0])
