"""A server below HTTP: it sends what it is given, and then stays silent, ends or resets."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HEAD = OK + b"Content-Length: 5000\r\n\r\n"
"""The beginning of an answer of 5,000 bytes."""

Ending = Literal["close", "reset", "hang"]


class TcpService:
    """Sends `parts` to whoever has sent a whole request, with `pause` seconds after each one.

    With `any_request` the first bytes are request enough.
    """

    def __init__(
        self,
        *parts: bytes,
        ending: Ending = "close",
        pause: float = 0.0,
        any_request: bool = False,
    ) -> None:
        self.parts = parts
        self.ending: Ending = ending
        self.connections = 0
        self.sent = 0
        self.port = 0
        self._pause = pause
        self._any_request = any_request
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[TcpService]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for each in self._serving:
                each.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self._any_request:
                await reader.read(1)
            else:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head.lower())
                await reader.readexactly(int(length[1]) if length else 0)
            for part in self.parts:
                writer.write(part)
                await writer.drain()
                self.sent += len(part)
                if self._pause:
                    await asyncio.sleep(self._pause)
            if self.ending == "hang":
                await asyncio.Event().wait()
            if self.ending == "reset":
                reset(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection without the usual farewell."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
