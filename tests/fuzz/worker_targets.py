"""Frames: cutting a stream into them, and a host whose worker says anything at all."""

from __future__ import annotations

import asyncio
import json
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from emulator.errors import WorkerError
from emulator.model import Invocation
from emulator.workers.channel import Interpreter, WorkerLog
from emulator.workers.connection import Connection, loads
from emulator.workers.pyworker import wire
from emulator.workers.subprocess import SubprocessChannel
from tests.fuzz.grammar import SCALARS, TEXTS, VALUES, one_of, record
from tests.fuzz.target import Check, Target, always
from tests.support.patience import PATIENCE


def check_wire(data: bytes) -> None:
    for reader in (wire.loads, loads):
        whole = _fed([data], reader)
        assert whole == _fed([data[at : at + 1] for at in range(len(data))], reader)
        third = len(data) // 3 + 1
        assert whole == _fed([data[at : at + third] for at in range(0, len(data), third)], reader)
        messages, _ = whole
        frames = b"".join(wire.encode(json.loads(head), blobs) for head, blobs in messages)
        assert _fed([frames], reader)[0] == messages


def _fed(pieces: list[bytes], reader: Callable[[bytes], Any]) -> tuple[list[Any], str]:
    """Return the messages and what was wrong behind them."""
    decoder = wire.Decoder(reader)
    messages: list[Any] = []
    for piece in pieces:
        try:
            found = decoder.feed(piece)
        except wire.WireError as error:
            messages += error.before
            return messages_of(messages), str(error)
        messages += found
    return messages_of(messages), ""


def messages_of(messages: list[Any]) -> list[Any]:
    shown = []
    for header, blobs in messages:
        header = {name: each for name, each in header.items() if name != "blobs"}
        shown.append((json.dumps(header, sort_keys=True), [bytes(blob) for blob in blobs]))
    return shown


class _Process:
    """A worker process that never was."""

    def __init__(self) -> None:
        self.tail: deque[str] = deque()
        self.connects_back = False
        self.pid, self.ended, self.killed = 1, False, 0

    def kill(self) -> None:
        self.killed += 1

    terminate = release = kill

    def listen(self, *_: Any) -> None: ...


class _Transport:
    def __init__(self) -> None:
        self.aborted = False

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None:
        self.aborted = True


class _Responding:
    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        assert isinstance(status, int), status
        for name, value in headers:
            assert isinstance(name, str), name
            assert isinstance(value, str), value

    async def write(self, chunk: bytes) -> None:
        assert isinstance(chunk, bytes)


async def _nothing() -> Any:
    for each in ():
        yield each


async def _talk(data: bytes) -> None:
    process, transport = _Process(), _Transport()
    told: list[WorkerLog] = []
    channel = SubprocessChannel(process, Interpreter(Path("python"), "a test"), told.append)  # type: ignore[arg-type]
    loop = asyncio.get_running_loop()
    connection = Connection(channel._receive, channel._disconnected)
    connection.loop = loop
    connection.connection_made(transport)
    channel._connection = connection
    channel._hello, channel._index = loop.create_future(), loop.create_future()
    _ = channel.closed
    channel._hello.add_done_callback(lambda done: done.exception())

    async def hello() -> Any:
        assert channel._hello is not None
        return channel._info(await channel._hello)

    work = [
        channel.invoke(Invocation("1", "f", {})),
        channel.stream(Invocation("2", "f", {}), _nothing(), _Responding()),
        channel.index(),
        channel.load([]),
        channel.modules(),
        hello(),
    ]
    tasks = [asyncio.ensure_future(each) for each in work]
    for _ in range(3):
        await asyncio.sleep(0)
    third = len(data) // 3 + 1
    for at in range(0, len(data), third):
        if not transport.aborted:
            connection.data_received(data[at : at + third])
        for _ in range(4):
            await asyncio.sleep(0)
    assert transport.aborted == bool(process.killed), "broken, but not ended"
    if transport.aborted:
        assert channel._ending.reason.startswith("the worker "), channel._ending.reason
    channel._exited(-9)
    connection.connection_lost(None)
    for task in tasks:
        with suppress(WorkerError):
            async with asyncio.timeout(PATIENCE):
                await task
    for line in told:
        assert line.level in {"Trace", "Debug", "Information", "Warning", "Error", "Critical"}
        assert isinstance(line.message, str)
        assert isinstance(line.source, str)


@contextmanager
def worker() -> Iterator[Check]:
    loop = asyncio.new_event_loop()
    failures: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: failures.append(context))

    def check(data: bytes) -> None:
        loop.run_until_complete(_talk(data))
        if failures:
            context = failures.pop()
            failures.clear()
            raise context.get("exception") or AssertionError(context["message"])

    try:
        yield check
    finally:
        loop.close()


def frame(header: Any, blobs: list[bytes]) -> bytes:
    if isinstance(header, dict) and blobs:
        header = {**header, "blobs": [len(blob) for blob in blobs]}
    text = json.dumps(header).encode()
    body = b"".join(blobs)
    return struct.pack("!II", len(text), len(body)) + text + body


_DATUM = st.one_of(
    st.tuples(one_of("text", "json", "int", "float", "bytes", "none", "list", "http", "x"), VALUES),
    st.tuples(
        one_of("http"),
        record(
            status=st.integers(0, 999),
            headers=st.lists(st.tuples(TEXTS, TEXTS), max_size=2),
            body=one_of(None, 0, 1, -1),
        ),
    ),
    st.just(json.loads('["list",[' * 400 + '["none",null]' + "]]" * 400)),
)
_ERROR = record(type=TEXTS, message=TEXTS, stack=TEXTS, file=TEXTS, line=SCALARS, hint=TEXTS)
_INDEXED = record(
    name=TEXTS,
    bindings=st.lists(VALUES, max_size=2),
    directory=TEXTS,
    script_file=TEXTS,
    entry_point=TEXTS,
    retry=VALUES,
    file=TEXTS,
    line=SCALARS,
)
_COUNTS = one_of(1, 0, -1, 10**18, "1")
_HEADER = st.one_of(
    st.builds(
        lambda kind, rest: {"kind": kind, **rest},
        one_of("result", "log", "hello", "indexed", "loaded", "modules", "head", "chunk", "more",
               "ended", "error", "nonsense"),
        record(
            id=one_of("1", "2", "3"),
            value=_DATUM,
            out=st.dictionaries(TEXTS, _DATUM, max_size=2),
            error=_ERROR,
            level=one_of("Information", "Error"),
            message=TEXTS,
            source=one_of("stdout", "user"),
            logger=TEXTS,
            seq=one_of(1, 2),
            names=st.lists(TEXTS, max_size=2),
            functions=st.lists(_INDEXED, max_size=2),
            streams=SCALARS,
            errors=st.dictionaries(TEXTS, _ERROR, max_size=2),
            status=st.integers(0, 999),
            headers=st.lists(st.tuples(TEXTS, TEXTS), max_size=2),
            n=_COUNTS,
            protocol=one_of(1, 1, 2),
            version=TEXTS,
            executable=TEXTS,
            sdk=TEXTS,
            pid=SCALARS,
            debug=SCALARS,
        ),
    ),
    VALUES,
)  # fmt: skip
_FRAMES = st.lists(
    st.builds(frame, _HEADER, st.lists(st.binary(max_size=5), max_size=2)), max_size=5
).map(b"".join)

TARGETS = (
    Target("wire", always(check_wire), _FRAMES),
    Target("worker", worker, _FRAMES),
)
