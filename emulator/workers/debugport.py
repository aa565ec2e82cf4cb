"""The one port debuggers attach to: behind it workers change, in front of it nobody notices.

Each worker's debugger listens on a port of its own. What an editor says to ours is handed on to the
worker that serves. When another one takes over, the editor is told to begin its session anew
(`terminated` with `restart`, from the Debug Adapter Protocol), comes back by itself, and sets its
breakpoints in the new code. A session that stands at a breakpoint stays until it is continued.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any

Target = Callable[[], int | None]
"""Where the debugger of the worker that serves listens; `None` while there is none."""

_LOOK_EVERY = 0.05
_LAST_WORDS = 1.0
"""Seconds an editor has to say goodbye once its session has ended."""
_LONGEST_HEADER = 4096
_OURS = 1_000_000_000
"""Sequence numbers of what we say ourselves, beside those of the debugger."""

Message = dict[str, Any]


class DebugPort:
    """Listens until closed. Call `moved` when the worker that serves has become another one."""

    def __init__(self, listening: socket.socket, target: Target) -> None:
        self._listening = listening
        self._target = target
        self._sessions: set[_Session] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._listening)

    def moved(self) -> None:
        target = self._target()
        for session in list(self._sessions):
            session.move(target)

    async def aclose(self) -> None:
        if self._server is None:
            self._listening.close()
            return
        self._server.close()
        for session in list(self._sessions):
            session.end()
        tasks = [session.task for session in self._sessions]
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_WORDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        session = _Session(reader, writer, self._target, task)
        self._sessions.add(session)
        try:
            await session.run()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # a side went away, or what came was no debugger's talk
        except asyncio.CancelledError:
            pass  # by `aclose`, which waits for nothing else
        finally:
            self._sessions.discard(session)
            writer.close()


class _Session:
    """One editor, from its first message to its goodbye."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        target: Target,
        task: asyncio.Task[None],
    ) -> None:
        self.task = task
        self._reader = reader
        self._writer = writer
        self._target = target
        self._port: int | None = None
        self._worker: asyncio.StreamWriter | None = None
        self._stopped = False
        self._moving = False
        self._leaving = False
        self._ended = False

    async def run(self) -> None:
        first = await _read(self._reader)  # a mere look at the port is no session
        reached = await self._reach(first)
        if reached is None:
            return
        from_worker, self._worker, answer = reached
        self._hand_on(answer)
        answers = asyncio.create_task(self._hand_back(from_worker))
        try:
            while True:
                await self._take(await _read(self._reader))
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            self._worker.close()

    async def _reach(
        self, first: Message
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Message] | None:
        """Connect to the worker that serves and give it the first message; return its answer.

        Until there is one it may be on its way up, or just have died.
        """
        while not self._reader.at_eof():
            port = self._port = self._target()
            if port is not None:
                with contextlib.suppress(OSError, EOFError, ValueError):
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    try:
                        writer.write(_frame(first))
                        return reader, writer, await _read(reader)
                    except BaseException:
                        writer.close()
                        raise
            await asyncio.sleep(_LOOK_EVERY)
        return None

    def move(self, target: int | None) -> None:
        """Another worker serves now: begin anew there, after the breakpoint if it is at one."""
        if self._worker is None or target == self._port:
            return
        self._moving = True
        if not self._stopped:
            self._terminated(restart=True)

    def end(self) -> None:
        """The host stops."""
        if self._worker is None:
            self.task.cancel()
        self._leaving = True
        self._terminated(restart=False)

    async def _take(self, message: Message) -> None:
        """Hand on what the editor says."""
        command = message.get("command")
        if command in ("disconnect", "terminate"):
            self._leaving = True
        elif command == "continue":
            self._stopped = False
        if self._worker is None or self._worker.is_closing():
            self._answer(message)
            return
        self._worker.write(_frame(message))
        await self._worker.drain()
        if command == "continue" and self._moving:
            self._terminated(restart=True)

    async def _hand_back(self, from_worker: asyncio.StreamReader) -> None:
        """Hand back what the debugger says, until it is gone."""
        with contextlib.suppress(OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            while True:
                self._hand_on(await _read(from_worker))
                await self._writer.drain()
        assert self._worker is not None
        self._worker.close()
        if not self._leaving:
            self._terminated(restart=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS):
                    await self._writer.wait_closed()
        self._writer.close()

    def _hand_on(self, message: Message) -> None:
        """Give the editor what the debugger says, and learn from it."""
        event = message.get("event")
        if event == "terminated":
            self._terminated(restart=not self._leaving)
            return
        if event in ("stopped", "continued"):
            self._stopped = event == "stopped"
        self._writer.write(_frame(message))

    def _terminated(self, *, restart: bool) -> None:
        if self._ended or self._writer.is_closing():
            return
        self._ended = True
        body = {"restart": True} if restart else {}
        event = {"seq": _OURS, "type": "event", "event": "terminated", "body": body}
        self._writer.write(_frame(event))

    def _answer(self, message: Message) -> None:
        """Answer in the place of a debugger that is gone."""
        answer = {
            "seq": _OURS + 1,
            "type": "response",
            "request_seq": message.get("seq", 0),
            "command": message.get("command", ""),
            "success": message.get("command") in ("disconnect", "terminate"),
        }
        self._writer.write(_frame(answer))


async def _read(reader: asyncio.StreamReader) -> Message:
    """Read one message: a header with the length, then JSON."""
    length = None
    header = await reader.readuntil(b"\r\n\r\n")
    for line in header[:_LONGEST_HEADER].split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    if length is None:
        raise ValueError("a message without a length")
    message = json.loads(await reader.readexactly(length))
    if not isinstance(message, dict):
        raise ValueError("a message that is no object")
    return message


def _frame(message: Message) -> bytes:
    body = json.dumps(message).encode("ascii")
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
