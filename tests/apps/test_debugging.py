"""Debuggers attach to one port, and come back by themselves when the app is reloaded."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from pathlib import Path

import pytest

from tests.support.dap import editor
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("debugpy") is None, reason="debugpy is not installed"
)

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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def until(host: Served, path: str, text: str) -> None:
    async with asyncio.timeout(15):
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
