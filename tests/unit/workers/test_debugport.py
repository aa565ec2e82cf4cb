"""The port of debuggers: what is handed on, and when a session begins anew."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from emulator.workers.debugport import DebugPort
from tests.support.dap import editor
from tests.support.patience import PATIENCE


class Debugger:
    """The debugger of one worker: says yes to everything, and what it is told to say."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def say(self, event: str, **body: Any) -> None:
        self._write({"seq": 1, "type": "event", "event": event, "body": body})

    def end(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while True:
                header = await reader.readuntil(b"\r\n\r\n")
                message = json.loads(await reader.readexactly(int(header.split(b":")[1])))
                self.heard.append(message["command"])
                answer = {"type": "response", "success": True, "command": message["command"]}
                self._write({"seq": 2, "request_seq": message["seq"], **answer})
        except (OSError, EOFError):
            writer.close()

    def _write(self, message: Any) -> None:
        body = json.dumps(message).encode()
        for writer in self._writers:
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


class Desk:
    """A port of ours, and the worker that serves behind it."""

    def __init__(self) -> None:
        self.serving: Debugger | None = None
        self.workers: list[Debugger] = []
        listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = listening.getsockname()[1]
        self.debug_port = DebugPort(
            listening, lambda: None if self.serving is None else self.serving.port
        )

    async def move(self) -> Debugger:
        """Let another worker serve."""
        self.serving = Debugger()
        self.workers.append(self.serving)
        await self.serving.start()
        self.debug_port.moved()
        return self.serving


@asynccontextmanager
async def opened() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.debug_port.start()
    try:
        yield desk
    finally:
        await desk.debug_port.aclose()
        for worker in desk.workers:
            worker.end()


async def test_what_is_said_is_handed_on_in_both_directions() -> None:
    async with opened() as desk:
        worker = await desk.move()
        async with editor(desk.port) as session:
            assert (await session.ask("initialize"))["success"]
            assert (await session.ask("threads"))["success"]
            worker.say("output", output="ö")
            assert (await session.event("output"))["body"] == {"output": "ö"}
        assert worker.heard == ["initialize", "threads"]


async def test_a_session_begins_anew_where_another_worker_serves() -> None:
    async with opened() as desk:
        first = await desk.move()
        async with editor(desk.port) as session:
            await session.ask("initialize")
            desk.debug_port.moved()
            second = await desk.move()
            assert (await session.event("terminated"))["body"] == {"restart": True}
            await session.ask("disconnect")
        async with editor(desk.port) as session:
            await session.ask("initialize")
        assert (first.heard, second.heard) == (["initialize", "disconnect"], ["initialize"])


@pytest.mark.parametrize("gone_on", ["request", "event"])
async def test_a_session_at_a_breakpoint_waits(gone_on: str) -> None:
    async with opened() as desk:
        worker = await desk.move()
        async with editor(desk.port) as session:
            await session.ask("initialize")
            worker.say("stopped", threadId=1)
            await session.event("stopped")
            await desk.move()
            assert (await session.ask("stackTrace"))["success"]
            assert session.events == []
            if gone_on == "event":
                worker.say("continued", threadId=1)
                await session.event("continued")
                desk.debug_port.moved()
            else:
                await session.ask("continue")
            assert (await session.event("terminated"))["body"] == {"restart": True}


async def test_a_debugger_that_goes_away_is_answered_for() -> None:
    async with opened() as desk:
        worker = await desk.move()
        async with editor(desk.port) as session:
            await session.ask("initialize")
            worker.end()
            assert (await session.event("terminated"))["body"] == {"restart": True}
            assert not (await session.ask("evaluate"))["success"]
            assert (await session.ask("disconnect"))["success"]


async def test_who_leaves_is_not_called_back() -> None:
    async with opened() as desk:
        worker = await desk.move()
        async with editor(desk.port) as session:
            await session.ask("initialize")
            await session.ask("terminate")
            worker.say("terminated")
            assert (await session.event("terminated"))["body"] == {}


async def test_closing_ends_sessions_for_good() -> None:
    async with opened() as desk:
        worker = await desk.move()
        async with editor(desk.port) as session:
            await session.ask("initialize")
            closing = asyncio.create_task(desk.debug_port.aclose())
            assert (await session.event("terminated"))["body"] == {}
            await session.ask("disconnect")
            worker.end()
            await asyncio.wait_for(closing, PATIENCE)


async def test_who_comes_before_the_worker_waits_for_it() -> None:
    async with opened() as desk:
        async with editor(desk.port) as session:
            asked = session.send("initialize")
            await asyncio.sleep(0.05)
            assert not asked.done()
            await desk.move()
            assert (await asked)["success"]


async def test_who_comes_when_the_worker_has_just_died_gets_the_next_one() -> None:
    async with opened() as desk:
        worker = await desk.move()
        worker.end()
        async with editor(desk.port) as session:
            asked = session.send("initialize")
            await asyncio.sleep(0.02)
            await desk.move()
            assert (await asked)["success"]


async def test_who_waits_for_a_worker_may_leave_or_be_sent_away() -> None:
    async with opened() as desk:
        async with editor(desk.port) as session:
            session.send("initialize")
            await asyncio.sleep(0.02)
        async with editor(desk.port) as session:
            session.send("initialize")
            await asyncio.sleep(0.02)
            await asyncio.wait_for(desk.debug_port.aclose(), PATIENCE)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"Content-Length: x\r\n\r\n",
        b"Content-Length: 2\r\n\r\n[]",
        b"Content-Length: 1\r\n\r\n{",
        b"x" * 100_000,
    ],
    ids=["nothing", "http", "no number", "no object", "no json", "endless"],
)
async def test_what_is_no_debuggers_talk_reaches_nobody(nonsense: bytes) -> None:
    async with opened() as desk:
        worker = await desk.move()
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
        writer.write(nonsense)
        writer.write_eof()
        try:
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        except ConnectionResetError:
            pass  # also an answer
        writer.close()
        assert worker.heard == []


async def test_a_port_that_was_never_opened_is_given_back() -> None:
    desk = Desk()
    await desk.debug_port.aclose()
    socket.create_server(("127.0.0.1", desk.port)).close()
