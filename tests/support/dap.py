"""A little editor: speaks the Debug Adapter Protocol over a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.patience import PATIENCE

Message = dict[str, Any]


class Editor:
    """One debug session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._seq = 0
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self.events: list[Message] = []
        self._changed = asyncio.Event()
        self.over = False
        self._listening = asyncio.create_task(self._listen())

    async def ask(self, command: str, arguments: Mapping[str, Any] | None = None) -> Message:
        """Send a request and return its response."""
        return await self.send(command, arguments)

    def send(
        self, command: str, arguments: Mapping[str, Any] | None = None
    ) -> asyncio.Future[Message]:
        self._seq += 1
        message: Message = {"seq": self._seq, "type": "request", "command": command}
        if arguments is not None:
            message["arguments"] = dict(arguments)
        body = json.dumps(message).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        answer = asyncio.get_running_loop().create_future()
        self._answers[self._seq] = answer
        return answer

    async def attach(self, *, stop_in: Path | None = None, lines: tuple[int, ...] = ()) -> Message:
        """Do what editors do when debugging begins; return the answer to `initialize`."""
        answer = await self.ask("initialize", {"adapterID": "debugpy", "clientID": "test"})
        attached = self.send("attach", {"justMyCode": False})
        await self.event("initialized")
        if stop_in is not None:
            await self.break_at(stop_in, *lines)
        await self.ask("configurationDone")
        assert (await attached)["success"]
        return answer

    async def break_at(self, file: Path, *lines: int) -> None:
        wanted = {
            "source": {"path": str(file)},
            "breakpoints": [{"line": line} for line in lines],
        }
        assert (await self.ask("setBreakpoints", wanted))["success"]

    async def event(self, name: str, *, within: float = PATIENCE) -> Message:
        """Wait for an event that was not waited for yet."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for event in self.events:
                        if event["event"] == name:
                            self.events.remove(event)
                            return event
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            seen = [event["event"] for event in self.events]
            raise AssertionError(f"no event {name!r}, but {seen}") from None

    async def stopped(self) -> tuple[int, int]:
        """Wait until the app stands at a breakpoint; return its thread and line."""
        thread = (await self.event("stopped"))["body"]["threadId"]
        trace = await self.ask("stackTrace", {"threadId": thread})
        return thread, trace["body"]["stackFrames"][0]["line"]

    async def _listen(self) -> None:
        try:
            while True:
                header = await self._reader.readuntil(b"\r\n\r\n")
                length = int(header.split(b":")[1])
                message = json.loads(await self._reader.readexactly(length))
                if message["type"] == "event":
                    self.events.append(message)
                    self._changed.set()
                elif message["type"] == "response":
                    answer = self._answers.pop(message["request_seq"])
                    if not answer.done():
                        answer.set_result(message)
        except (OSError, EOFError):
            self.over = True
            for answer in self._answers.values():
                answer.cancel()

    async def aclose(self) -> None:
        self._writer.close()
        await self._listening


@asynccontextmanager
async def editor(port: int) -> AsyncIterator[Editor]:
    """Attach a debugger to a port of this machine."""
    connected = Editor(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield connected
    finally:
        await connected.aclose()
