"""Connections without sockets: what two protocols see of each other."""

from __future__ import annotations

import asyncio

from emulator.testing.memory import MemoryTransport


class Kept(asyncio.Protocol):
    """Keeps what happens to it."""

    def __init__(self) -> None:
        self.received = b""
        self.events: list[str] = []

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> None:
        self.events.append("eof")

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append(f"lost {exc}")

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")


def pair() -> tuple[Kept, MemoryTransport, Kept, MemoryTransport]:
    loop = asyncio.get_running_loop()
    one, other = Kept(), Kept()
    near, far = MemoryTransport(loop, one), MemoryTransport(loop, other)
    near.peer, far.peer = far, near
    return one, near, other, far


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_one_end_writes_the_other_receives() -> None:
    one, near, other, far = pair()
    near.write(b"he")
    near.writelines([b"ll", bytearray(b"o")])
    far.write(memoryview(b"hi"))
    assert other.received == b"", "later, as from a socket"
    await settle()
    assert (one.received, other.received) == (b"hi", b"hello")
    assert near.get_extra_info("peername") == ("127.0.0.1", 7071)
    assert near.get_extra_info("socket") is None
    assert near.get_protocol() is one
    assert not near.can_write_eof()


async def test_closing_one_end_ends_the_other_after_what_was_written() -> None:
    one, near, other, far = pair()
    near.write(b"last words")
    near.close()
    near.close()
    near.write(b"not heard")
    assert near.is_closing()
    await settle()
    assert other.received == b"last words"
    assert one.events == ["lost None"]
    assert other.events == ["eof", "lost None"]
    assert far.is_closing()
    far.write(b"to nobody")
    far.abort()
    await settle()
    assert one.received == b""


async def test_an_end_that_does_not_read_holds_the_other_back() -> None:
    one, near, other, far = pair()
    far.pause_reading()
    assert not far.is_reading()
    near.write(b"x" * 200_000)
    await settle()
    assert one.events == []
    near.write(b"x" * 200_000)
    assert one.events == ["pause"]
    assert near.get_write_buffer_size() == 400_000
    assert other.received == b""
    far.resume_reading()
    await settle()
    assert one.events == ["pause", "resume"]
    assert len(other.received) == 400_000
    assert near.get_write_buffer_size() == 0


async def test_a_protocol_can_be_replaced() -> None:
    _, near, other, far = pair()
    later = Kept()
    far.set_protocol(later)
    near.set_write_buffer_limits(high=1)
    near.write(b"x")
    await settle()
    assert (other.received, later.received) == (b"", b"x")
