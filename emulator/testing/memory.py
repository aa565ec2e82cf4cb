"""HTTP without sockets: the two ends of a connection inside one event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

ADDRESS = ("127.0.0.1", 7071)
URL_OF_APP = URL("http://localhost:7071")

_HIGH = 256 * 1024
"""Bytes on their way to one end from which the other is asked to wait."""


class MemoryTransport(asyncio.Transport):
    """One end: what is written here is received by the protocol of the other end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": ADDRESS, "sockname": ADDRESS})
        self._loop = loop
        self._protocol = protocol
        self._incoming: deque[bytes] = deque()
        self._waiting = 0
        self._paused = False
        self._ended = False
        self._closing = False
        self._lost = False
        self._holds_back = False
        self._scheduled = False
        self.peer: MemoryTransport = self

    def write(self, data: Any) -> None:
        if not self._closing and not self._lost:
            self.peer._take(bytes(data))
            self._hold_back(self.peer._waiting > _HIGH)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.peer._end()
            self._loop.call_soon(self._lose)

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self._schedule()

    def is_reading(self) -> bool:
        return not self._paused

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def get_write_buffer_size(self) -> int:
        return self.peer._waiting

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Keep the one limit there is."""

    def can_write_eof(self) -> bool:
        return False

    def _take(self, data: bytes) -> None:
        self._incoming.append(data)
        self._waiting += len(data)
        self._schedule()

    def _end(self) -> None:
        self._ended = True
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and not self._lost:
            self._scheduled = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._scheduled = False
        while self._incoming and not self._paused and not self._lost:
            data = self._incoming.popleft()
            self._waiting -= len(data)
            self._protocol.data_received(data)
        self.peer._hold_back(self._waiting > _HIGH)
        if self._ended and not self._incoming and not self._lost:
            self._protocol.eof_received()
            self._closing = True
            self._lose()

    def _hold_back(self, wanted: bool) -> None:
        if wanted != self._holds_back and not self._lost:
            self._holds_back = wanted
            (self._protocol.pause_writing if wanted else self._protocol.resume_writing)()

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            self._protocol.connection_lost(None)


class MemoryConnector(aiohttp.BaseConnector):
    """Connects clients to a server of this event loop, whatever host they ask for."""

    def __init__(self, accept: Callable[[], asyncio.Protocol]) -> None:
        super().__init__()
        self._accept = accept

    async def _create_connection(self, *_: Any, **__: Any) -> ResponseHandler:
        client, server = self._factory(), self._accept()
        near, far = MemoryTransport(self._loop, client), MemoryTransport(self._loop, server)
        near.peer, far.peer = far, near
        server.connection_made(far)
        client.connection_made(near)
        return client
