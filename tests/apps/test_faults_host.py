"""A host that is killed, that finds its port taken, or is told to stop at a bad moment."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.faults import starting, stops
from tests.support.hosted import HEAD
from tests.support.patience import PATIENCE
from tests.support.processes import children_of, processes_in, until
from tests.support.serving import FIXTURES, FUNCEMU, Served, environment, served, write_app

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ASSISTANT = FIXTURES / "assistant"
ASSISTANTS, TURNS, AT_ONCE = 20, 10, 10
TURN = ["User", "Assistant", "Tool", "Assistant"]

APP = (
    HEAD
    + """
import asyncio


@app.route(route="fine")
async def fine(req: func.HttpRequest) -> str:
    return "fine"


@app.route(route="waits")
async def waits(req: func.HttpRequest) -> str:
    print("waits begun")
    await asyncio.sleep(0.3)
    return "waited"
"""
)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", {"function_app.py": APP})


async def test_killed_during_turns_it_loses_none_it_has_answered(tmp_path: Path) -> None:
    state, settings = tmp_path / "state", {"TODO_FILE": str(tmp_path / "todos.json")}
    answered: dict[str, set[str]] = {f"a{number}": set() for number in range(ASSISTANTS)}
    limit = asyncio.Semaphore(AT_ONCE)
    enough = asyncio.Event()

    async def talk(host: Served, name: str) -> None:
        for number in range(TURNS):
            message = f"Remind me to call {name} {number}"
            async with limit:
                try:
                    answer = await host.post(f"/api/assistants/{name}", params={"message": message})
                except (OSError, aiohttp.ClientError):
                    return
            if answer.status == 200:
                answered[name].add(message)
            if sum(map(len, answered.values())) >= 60:
                enough.set()

    async with served(ASSISTANT, settings=settings, state=state) as host:
        port = int(host.url.rsplit(":", 1)[1])
        for name in answered:
            assert (await host.put(f"/api/assistants/{name}")).status == 202
        family = family_of(host.process.pid)
        talks = [asyncio.create_task(talk(host, name)) for name in answered]
        await enough.wait()
        host.process.kill()
        await host.process.wait()
        await asyncio.gather(*talks)
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))
    assert 60 <= sum(map(len, answered.values())) < ASSISTANTS * TURNS

    started = [str(port), "--state-dir", str(state), "--no-watch"]
    async with starting(ASSISTANT, "--port", *started, settings=settings) as (process, output):
        await until(lambda: "Ready" in output())
        again = Served(f"http://localhost:{port}", [])
        try:
            for name, messages in answered.items():
                chat = (await again.get(f"/api/assistants/{name}", params=SINCE)).json
                check_whole(chat, messages)
                told = await again.post(f"/api/assistants/{name}", params={"message": "Hello"})
                assert told.status == 200
        finally:
            await again.aclose()
        await stops(process, signal.SIGINT)


SINCE = {"timestampUTC": "2023-01-01T00:00:00Z"}


def check_whole(chat: dict[str, Any], answered: set[str]) -> None:
    messages = chat["recentMessages"]
    turns = (len(messages) - 1) // len(TURN)
    assert [each["role"] for each in messages] == ["System", *TURN * turns]
    assert chat["totalMessages"] == len(messages)
    said = [each["content"] for each in messages if each["role"] == "User"]
    assert answered <= set(said)
    assert len(said) == len(set(said)) <= len(answered) + 1  # the last may have been on its way
    for at in range(1, len(messages), len(TURN)):
        calls = messages[at + 1].get("toolCalls") or []
        calls = json.loads(calls) if isinstance(calls, str) else calls
        assert len(calls) == 1
        assert messages[at + 3]["content"]


def family_of(pid: int) -> list[int]:
    return [pid, *(each for child in children_of(pid) for each in family_of(child))]


async def test_the_port_is_free_at_once_whatever_hung_on_it(app: Path) -> None:
    """Connections that were open keep the address in TIME_WAIT."""
    async with served(app) as host:
        port = int(host.url.rsplit(":", 1)[1])
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        for _, writer in opened:
            writer.write(b"GET /api/fine HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for reader, _ in opened:
            assert b"200" in await reader.readline()
        await stops(host.process, signal.SIGTERM)
    async with starting(app, "--port", str(port), "--ephemeral") as (process, output):
        await until(lambda: f"on http://localhost:{port}" in output())
        for _, writer in opened:
            writer.close()
        await stops(process, signal.SIGINT)


async def test_a_port_that_somebody_took_between_stop_and_start_is_told(app: Path) -> None:
    async with served(app) as host:
        port = int(host.url.rsplit(":", 1)[1])
        await stops(host.process, signal.SIGINT)
    told = Path("/proc/self/cmdline").read_text().split("\0")[:2]
    who = " ".join(Path(each).name for each in told if not each.startswith("-"))
    with socket.create_server(("127.0.0.1", port)):
        async with starting(app, "--port", str(port), "--ephemeral") as (process, output):
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 1
            assert f"Port {port} is unavailable." in output()
            assert f"Address already in use by {who} (process {os.getpid()})." in output()
    assert processes_in(app) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_at_any_moment_of_the_start_leaves_nothing(
    app: Path, number: signal.Signals
) -> None:
    for wait in (0.0, 0.05, 0.15, 0.3):
        async with starting(app) as (process, output):
            await until(lambda: processes_in(app) != [])  # the worker is spawned
            due = time.monotonic() + wait
            await until(lambda due=due: time.monotonic() >= due)  # type: ignore[misc]
            process.send_signal(number)
            try:
                await asyncio.wait_for(process.wait(), PATIENCE)
            except TimeoutError:
                raise AssertionError(f"it runs on after {wait} s:\n{output()}") from None
        assert "Traceback" not in output(), (wait, output())
        await until(lambda: processes_in(app) == [])


SIGNALS_ITSELF = """
import os, sys


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "emulator.cli.serve":
            try:
                os.kill(os.getpid(), int(os.environ["NUMBER"]))
            except KeyboardInterrupt:
                pass


sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_where_python_swallows_it_is_heard(
    app: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Within an import there are places that cannot raise."""
    (tmp_path / "sitecustomize.py").write_text(SIGNALS_ITSELF)
    settings = {"PYTHONPATH": str(tmp_path), "NUMBER": str(int(number))}
    async with starting(app, settings=settings) as (process, output):
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
        assert "Traceback" not in output()
    assert processes_in(app) == []


async def test_a_signal_during_a_reload_ends_the_candidate_too(app: Path) -> None:
    async with served(app, watch=True) as host:
        await until(lambda: len(processes_in(app)) == 2)
        (app / "function_app.py").write_text(
            APP + "\nprint('there')\nimport time\ntime.sleep(60)\n"
        )
        await host.until_printed("there")
        call = asyncio.create_task(host.get("/api/waits"))
        await host.until_printed("waits begun")
        host.process.send_signal(signal.SIGTERM)
        assert (await call).text == "waited"
        assert await asyncio.wait_for(host.process.wait(), PATIENCE) == 0
        assert processes_in(app) == []
        assert "Traceback" not in host.printed


async def test_a_terminal_that_is_closed_ends_it(app: Path) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        FUNCEMU, "start", app, "--port", "0", "--ephemeral",
        stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: take_terminal(theirs),
        env=environment({"TERM": "xterm"}),
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while b"Ready" not in shown:
        shown += await asyncio.to_thread(os.read, ours, 4096)
    os.close(ours)
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    assert processes_in(app) == []


def take_terminal(descriptor: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)
