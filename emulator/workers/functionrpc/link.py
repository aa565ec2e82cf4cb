"""The gRPC server a worker connects to, and the one stream it opens there."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from grpclib.config import Configuration
from grpclib.const import Cardinality, Handler
from grpclib.encoding.proto import ProtoCodec
from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.server import Server

from emulator.workers.functionrpc.protocol import Protocol
from emulator.workers.functionrpc.schema import STREAM_METHOD

_WINDOW = 16 << 20
"""Bytes a worker may send ahead of us; larger messages arrive in as many steps."""
_MOST_WAITING = 32 << 20
"""Bytes that may wait for a worker which does not read; more calls wait before they are sent."""

OnMessage = Callable[[Any], None]


class Codec(ProtoCodec):
    """Sends what has names, such as the parameters of a route, in their order; it would come in
    another one from each host, and functions in JavaScript see it."""

    def encode(self, message: Any, message_type: Any) -> bytes:
        return bytes(message.SerializeToString(deterministic=True))


class Link:
    """Hands every message of one worker to `on_message`; `on_lost` is called once, at the end.
    `on_broken` hears of what keeps it from sending anything more."""

    def __init__(
        self,
        listening: socket.socket,
        worker_id: str,
        protocol: Protocol,
        *,
        on_message: OnMessage,
        on_lost: Callable[[], None],
        on_broken: Callable[[Exception], None],
    ) -> None:
        self.lost = False
        self._listening = listening
        self._worker_id = worker_id
        self._protocol = protocol
        self._on_message = on_message
        self._on_lost = on_lost
        self._on_broken = on_broken
        self._outbox: deque[tuple[Any, int]] = deque()
        self._waiting = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._server: Server | None = None

    async def serve(self) -> None:
        config = Configuration(
            http2_connection_window_size=_WINDOW, http2_stream_window_size=_WINDOW
        )
        server = Server([self], codec=Codec(), config=config)
        await server.start(sock=self._listening)
        self._server = server

    def __mapping__(self) -> dict[str, Handler]:
        message = self._protocol.StreamingMessage
        return {STREAM_METHOD: Handler(self._talk, Cardinality.STREAM_STREAM, message, message)}

    def send(self, message: Any) -> None:
        """Send in its turn, without waiting: for what is small."""
        size = message.ByteSize()
        self._outbox.append((message, size))
        self._waiting += size
        if self._waiting > _MOST_WAITING:
            self._room.clear()
        self._work.set()

    async def send_when_ready(self, message: Any) -> None:
        """Send once the worker has read enough of what was sent before."""
        await self._room.wait()
        self.send(message)

    def shut(self) -> None:
        """Listen no longer, and let go of the worker. Idempotent."""
        if self._server is None:
            self._listening.close()
        else:
            self._server.close()

    async def close(self) -> None:
        self.shut()
        if self._server is not None:
            await self._server.wait_closed()
        self._lose()

    async def _talk(self, stream: Any) -> None:
        """Serve the worker; whoever else connects is not the one we started."""
        first = await stream.recv_message()
        if first is None or first.start_stream.worker_id != self._worker_id or self.lost:
            return
        sending = asyncio.create_task(self._send_all(stream))
        try:
            self._on_message(first)
            async for message in stream:
                self._on_message(message)
        except (StreamTerminatedError, GRPCError, ConnectionError):
            pass  # the worker went away in the middle of a message: told below
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            self._lose()

    async def _send_all(self, stream: Any) -> None:
        try:
            while True:
                while self._outbox:
                    message, size = self._outbox.popleft()
                    await stream.send_message(message)
                    self._waiting -= size
                    if self._waiting <= _MOST_WAITING:
                        self._room.set()
                self._work.clear()
                await self._work.wait()
        except (StreamTerminatedError, GRPCError, ConnectionError):
            pass  # the worker went away, which whoever reads is told as well
        except Exception as error:  # of other people's HTTP/2 and protobuf: nobody else would hear
            self._on_broken(error)

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            self._room.set()
            self._on_lost()
