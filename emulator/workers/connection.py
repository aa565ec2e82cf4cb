"""The host's end of a worker connection: messages to frames, one write per turn of the loop."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from emulator.errors import WorkerProtocolError
from emulator.workers.process import WorkerProcess
from emulator.workers.pyworker import wire
from emulator.workers.pyworker.wire import Header
from emulator.workers.shapes import check

OnMessage = Callable[[Header, Sequence[bytes]], None]
OnLost = Callable[[Exception | None], None]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def dumps(header: Header) -> bytes:
    try:
        return _encode(header)
    except (UnicodeEncodeError, TypeError, OverflowError):
        return wire.dumps(header)  # escapes what UTF-8 cannot say, such as half a surrogate pair


def loads(text: bytes) -> Any:
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Half a surrogate pair, which no UTF-8 can carry further: it becomes a question mark.
        told = json.dumps(wire.loads(text), ensure_ascii=False)
        return wire.loads(told.encode("utf-8", "replace"))


@dataclass(slots=True)
class _Large:
    """A message on its way in pieces, and the frames that have to come behind it."""

    frames: Iterator[bytes]
    behind: list[bytes] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """Hands every message to `on_message`; `on_lost` is called once, with what was wrong if
    something was."""

    def __init__(self, on_message: OnMessage, on_lost: OnLost) -> None:
        self.lost = False
        self.full: asyncio.Future[None] | None = None
        self._on_message = on_message
        self._on_lost = on_lost
        self._decoder = wire.Decoder(loads)
        self._frames: list[bytes] = []
        self._large: dict[object, _Large] = {}
        self._large_sent = 0
        self._transport: Any = None

    async def open(self, process: WorkerProcess) -> None:
        self.loop = asyncio.get_running_loop()
        try:
            if process.connects_back:
                connection = await asyncio.to_thread(process.connect)
            else:
                connection = process.connect()
            connection.setblocking(False)
        except OSError:
            self.lost = True  # how the worker ended is told by whoever watches it
            return
        if connection.family == getattr(socket, "AF_UNIX", None):
            await self.loop.create_unix_connection(lambda: self, sock=connection)
        else:
            await self.loop.create_connection(lambda: self, sock=connection)

    def send(self, header: Header, blobs: Sequence[bytes] = ()) -> None:
        """Send a message soon; a large one in pieces, which let others pass but those that have
        the same `id`. Raises `WireError` when it is larger than can be sent."""
        if blobs and wire.is_large(blobs):
            self._send_in_pieces(header, blobs)
            return
        frame = wire.encode(header, blobs, dumps)
        if self._large and (large := self._large.get(header.get("id"))) is not None:
            large.behind.append(frame)
            return
        if not self._frames:
            self.loop.call_soon(self._flush)
        self._frames.append(frame)

    def _flush(self) -> None:
        frames, self._frames = self._frames, []
        if not self.lost and self._transport is not None:
            self._transport.write(b"".join(frames) if len(frames) > 1 else frames[0])

    def _send_in_pieces(self, header: Header, blobs: Sequence[bytes]) -> None:
        self._large_sent += 1
        frames = wire.in_pieces(self._large_sent, header, blobs, dumps)
        if not self._large:
            self.loop.call_soon(self._pump)
        self._large[header.get("id", self._large_sent)] = _Large(frames)

    def _pump(self) -> None:
        """Write pieces of all large messages in turn, as far as the worker takes them."""
        while self._large and self.full is None and not self.lost:
            key = next(iter(self._large))
            large = self._large.pop(key)
            frame = next(large.frames, None)
            if frame is None:
                frame = b"".join(large.behind)
            else:
                self._large[key] = large
            self._transport.write(frame)

    async def drained(self) -> None:
        """Wait until the worker has read something: it may be full again, with a piece of a
        large message that shall not keep others waiting."""
        if self.full is not None:
            await asyncio.shield(self.full)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            try:
                messages: Sequence[wire.Message] = self._decoder.feed(data)
            except wire.WireError as error:
                self._take(error.before)  # what it said while it was sound counts
                raise WorkerProtocolError(f"the worker sent {error}") from error
            self._take(messages)
        except WorkerProtocolError as error:
            self._broken(error)

    def _take(self, messages: Sequence[wire.Message]) -> None:
        for header, blobs in messages:
            check(header)
            self._on_message(header, blobs)

    def _broken(self, error: Exception) -> None:
        self._lose(error)
        self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if self.lost:
            return
        self.lost = True
        self._large.clear()
        self.resume_writing()
        self._on_lost(error)

    def pause_writing(self) -> None:
        self.full = self.loop.create_future()

    def resume_writing(self) -> None:
        full, self.full = self.full, None
        if full is not None and not full.done():
            full.set_result(None)
        self._pump()
