"""The worker process: its connection to the host, its loop, its end."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import socket
import struct
import sys
import threading
from collections import deque
from typing import Any, Deque, Dict, Iterator, List, Optional

from . import imports, slowness
from .app import App, wants_debug_logs
from .debug import Debugger, DebuggerError, not_the_apps
from .logs import Capture, LogHandler, UserStream, running
from .sdk import Sdk, SdkError, load_sdk
from .wire import (
    PROTOCOL,
    Data,
    Decoder,
    Header,
    Message,
    WireError,
    encode,
    in_pieces,
    is_large,
    loads,
    unknown_kind,
)

_MAX_WAIT = 5.0
_LOOP_PATCHERS = ("nest_asyncio", "nest_asyncio2")
"""They change the loop they find. On Azure it is Python's own, and they cannot change any other."""


def run(arguments: List[str]) -> None:
    """Serve until the host says stop or goes away. `arguments`: `--fd N` or `--port N`."""
    lifeline = _take_stdin()
    debugger = Debugger()
    start = _read_start(lifeline, debugger)
    connection = _connect(arguments, start)
    direct = connection.dup()
    direct.settimeout(_MAX_WAIT)
    not_the_apps(threading.Thread(target=_watch, args=(lifeline,), daemon=True)).start()
    with contextlib.suppress(ValueError, OSError, RuntimeError):  # stderr without a descriptor
        faulthandler.enable()
    if hasattr(os, "register_at_fork"):
        ours = (lifeline, connection.fileno(), direct.fileno())
        os.register_at_fork(after_in_child=lambda: _detach(*ours))
    loop = _new_loop(plain=imports.is_any_installed(_LOOP_PATCHERS, start["root"]))
    asyncio.set_event_loop(loop)
    code = loop.run_until_complete(_serve(connection, direct, start, debugger))
    _leave(loop, code)


def _take_stdin() -> int:
    """Return the pipe the host holds the other end of; user code gets an empty stdin."""
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return lifeline


def _read_start(lifeline: int, debugger: Debugger) -> Header:
    """Return what to start for. Until it comes, a spare gets warm: it imports what it is told."""
    while True:
        length = struct.unpack("!I", _read_exactly(lifeline, 4))[0]
        message: Header = loads(_read_exactly(lifeline, length))
        if message["kind"] != "warm":
            return message
        with contextlib.suppress(DebuggerError):  # told when the worker is begun
            debugger.begin(message.get("debug"))
        imports.warm(message["modules"])


def _read_exactly(descriptor: int, length: int) -> bytes:
    data = b""
    while len(data) < length:
        chunk = os.read(descriptor, length - len(data))
        if not chunk:
            os._exit(1)  # the host went away before it said anything
        data += chunk
    return data


def _detach(*descriptors: int) -> None:
    """In a forked child of the app: it has no business with the host, it prints to the pipe."""
    for descriptor in descriptors:
        if descriptor >= 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, descriptor)
            os.close(nothing)
    logger = logging.getLogger()
    for handler in list(logger.handlers):
        if isinstance(handler, LogHandler):
            logger.removeHandler(handler)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, UserStream):
            setattr(sys, name, stream.original)


def _connect(arguments: List[str], start: Header) -> socket.socket:
    how, number = arguments[0], int(arguments[1])
    if how == "--fd":
        os.set_inheritable(number, False)
        return socket.socket(fileno=number)
    connection = socket.create_connection(("127.0.0.1", number))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(start["token"].encode("ascii"))
    return connection


def _watch(lifeline: int) -> None:
    """End everything when the host is gone, even while user code blocks the loop.

    Code that never lets another thread run is ended by the guard the host has put beside us.
    """
    with contextlib.suppress(OSError):
        while os.read(lifeline, 64):
            pass
    _end_group()
    os._exit(1)


def _end_group() -> None:
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


def _new_loop(*, plain: bool) -> asyncio.AbstractEventLoop:
    try:
        if plain:
            raise ImportError("Python's own loop is wanted")
        import uvloop  # type: ignore[import-not-found, unused-ignore]  # the app's, if it has one

        # Before 0.23 what is written leaves with the next turn of the loop only: the host would
        # hear nothing of us until the app is imported.
        version = str(vars(uvloop)["__version__"])
        if tuple(map(int, version.split(".")[:2])) < (0, 23):
            raise ImportError("this uvloop is too old")
        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    except Exception:
        loop = asyncio.new_event_loop()
    if sys.version_info >= (3, 11):
        loop.set_task_factory(_new_task)
    return loop


def _new_task(loop: Any, coro: Any, **options: Any) -> Any:
    """Make a task; one that is given a context of its own still belongs to the running call."""
    context = options.get("context")
    call = running.get()
    if context is not None and call is not None and running not in context:
        context.run(running.set, call)
    elif context is None:
        options.pop("context", None)
    return asyncio.Task(coro, loop=loop, **options)


async def _serve(
    connection: socket.socket, direct: socket.socket, start: Header, debugger: Debugger
) -> int:
    loop = asyncio.get_running_loop()
    session = Session(loop, direct, start, debugger)
    connection.setblocking(False)
    factory = (
        loop.create_unix_connection
        if connection.family == getattr(socket, "AF_UNIX", None)
        else loop.create_connection
    )
    await factory(lambda: session, sock=connection)
    return await session.finished


class Session(asyncio.Protocol):
    """Speaks with the host: messages in, answers and logs out."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        direct: socket.socket,
        start: Header,
        debugger: Debugger,
    ) -> None:
        """`direct` is the connection once more, for what cannot wait for the loop."""
        self.finished: asyncio.Future[int] = loop.create_future()
        self._loop = loop
        self._direct = direct
        self._thread = threading.get_ident()
        self._start = start
        self._debugger = debugger
        self._transport: Any = None
        self._decoder = Decoder()
        self._frames: List[bytes] = []
        self._large: Deque[Iterator[bytes]] = deque()
        self._large_sent = 0
        self._scheduled = False
        self._lock = threading.RLock()
        self._writing = False
        self._writable = threading.Event()
        self._writable.set()
        self._capture = Capture(self._log, exclusive=True)
        self._app: Optional[App] = None
        self._stopping: Optional[asyncio.Task[None]] = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._loop.call_soon(self._begin)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()
        self._pump()

    def connection_lost(self, error: Optional[Exception]) -> None:
        if not self.finished.done():
            self.finished.set_result(1)

    def _begin(self) -> None:
        """Import the SDK, introduce ourselves, and index the app without being asked."""
        root = self._start["root"]
        os.environ.setdefault(
            "FUNCTIONS_WORKER_RUNTIME_VERSION", f"{sys.version_info[0]}.{sys.version_info[1]}"
        )
        hello: Header = {
            "kind": "hello",
            "protocol": PROTOCOL,
            "version": "{}.{}.{}".format(*sys.version_info[:3]),
            "executable": sys.executable,
            "pid": os.getpid(),
            "sdk": None,
        }
        if self._start.get("protocol") != PROTOCOL:
            self._end_with(hello, f"the host speaks protocol {self._start.get('protocol')}", "")
            return
        wanted = self._start.get("debug")
        try:
            sdk = _load_sdk(root)
            self._debugger.begin(wanted)
        except (SdkError, DebuggerError) as error:
            self._end_with(hello, str(error), error.hint)
            return
        hello["sdk"] = sdk.version
        hello["debug"] = self._debugger.port
        self._send(hello)
        self._flush()
        self._debugger.wait(wanted)
        self._prepare(root, sdk)

    def _end_with(self, hello: Header, text: str, hint: str) -> None:
        hello["error"] = {"message": text, "hint": hint}
        self._send(hello)
        self._flush()

    def _prepare(self, root: str, sdk: Sdk) -> None:
        sys.path_hooks.insert(0, imports.path_hook(root))
        sys.meta_path.insert(0, imports.OwnNames(root))
        imports.forget(root)
        sys.modules[imports.NAMESPACE] = imports.namespace(root)
        self._capture.replace_streams()
        logger = logging.getLogger()
        logger.addHandler(self._capture.handler)
        logger.setLevel(logging.DEBUG if wants_debug_logs(os.environ) else logging.INFO)
        self._app = App(
            root,
            self._start["script"],
            os.environ,
            sdk=sdk,
            capture=self._capture,
            send=self._send,
            threads=self._start.get("threads"),
        )
        with contextlib.ExitStack() as stack:
            stack.enter_context(imports.watched(root))
            if self._start.get("debug") is None:  # at a breakpoint it takes as long as it takes
                stack.enter_context(slowness.told(root, self._capture.warn))
            self._send(self._app.index())
        self._flush()

    def data_received(self, data: Data) -> None:
        try:
            for header, blobs in self._decoder.feed(bytes(data)):
                self._receive(header, blobs)
        except WireError as error:
            self._send({"kind": "error", "message": str(error)})
            self._flush()
            self._end(1)

    def _receive(self, header: Header, blobs: Any) -> None:
        kind = header["kind"]
        app = self._app
        if kind == "stop":
            self._stopping = self._loop.create_task(self._stop(float(header.get("grace", 1))))
        elif app is None:
            raise WireError(f"a message of kind {kind!r} before the worker was ready")
        elif kind == "invoke":
            app.begin(header, blobs, self._answer)
        elif kind in ("chunk", "more"):
            app.runner.receive(header, blobs)
        elif kind == "cancel":
            app.runner.cancel(header["id"])
        elif kind == "load":
            self._send(app.load(header))
        elif kind == "index":
            self._send(app.index())
        elif kind == "modules":
            self._send({"kind": "modules", "names": imports.foreign_modules(app.root)})
        else:
            raise unknown_kind(kind, self._start.get("protocol"))

    def _answer(self, message: Message) -> None:
        try:
            self._send(*message)
        except WireError as error:
            told = f"what the function gave is too large: {error}; a body of bytes may be larger"
            failure = {"type": "ValueError", "message": told}
            self._send({"kind": "result", "id": message[0]["id"], "error": failure})
        except (TypeError, ValueError) as error:  # a value JSON cannot carry
            header: Dict[str, Any] = {"kind": "result", "id": message[0]["id"]}
            header["error"] = {"type": type(error).__name__, "message": str(error)}
            self._send(header)

    def _send(self, header: Header, blobs: Any = ()) -> None:
        """Queue a frame; everything of one turn of the loop leaves in one write.

        What is large leaves in pieces, between which others can.
        """
        if blobs and is_large(blobs):
            self._large_sent += 1
            self._large.append(in_pieces(self._large_sent, header, blobs))
            self._loop.call_soon(self._pump)
            return
        frame = encode(header, blobs)
        with self._lock:
            self._frames.append(frame)
            if not self._scheduled:
                self._scheduled = True
                self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        with self._lock:
            self._scheduled = False
            if self._frames:
                data = b"".join(self._frames) if len(self._frames) > 1 else self._frames[0]
                self._frames.clear()
                self._transport.write(data)

    def _pump(self) -> None:
        """Write pieces of all large messages in turn, as far as the host takes them."""
        self._flush()  # what was said before an answer comes before it
        while self._large and self._writable.is_set():
            frames = self._large.popleft()
            frame = next(frames, None)
            if frame is None:
                continue
            self._large.append(frames)
            with self._lock:
                self._transport.write(frame)

    def _log(self, header: Header) -> None:
        """Write without the loop, from any thread: what follows may block it, or end the process.

        Code that writes faster than the host reads waits here, instead of filling the memory.
        """
        frame = encode(header)
        if threading.get_ident() != self._thread:
            self._writable.wait(_MAX_WAIT)
        with self._lock:
            self._frames.append(frame)
            if self._writing:  # a finaliser, in the midst of another write of this thread
                self._flush_soon()
            else:
                self._write_frames()

    def _write_frames(self) -> None:
        if self._transport.get_write_buffer_size():
            self._flush_soon()  # in their turn
            return
        self._writing = True
        left = memoryview(b"".join(self._frames))
        del self._frames[:]
        try:
            while left:
                left = left[self._direct.send(left) :]
        except OSError:  # not written in time, or lost: the loop sees to it
            self._frames.insert(0, bytes(left))
            self._flush_soon()
        finally:
            self._writing = False

    def _flush_soon(self) -> None:
        if not self._scheduled:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._flush)
                self._scheduled = True

    async def _stop(self, grace: float) -> None:
        if self._app is not None:
            await self._app.close(grace / 2)
        self._end(0)

    def _end(self, code: int) -> None:
        if not self.finished.done():
            self.finished.set_result(code)


def _load_sdk(root: str) -> Sdk:
    """Import the SDK before the app's folder counts: a module `azure` of the app's must not stand
    in its way. Only an SDK that has been put into that folder is found afterwards."""
    *packages, home = imports.app_paths(root)
    sys.path += [path for path in packages if path not in sys.path]
    try:
        sdk: Optional[Sdk] = load_sdk()
    except SdkError:
        sdk = None
    if home not in sys.path:
        sys.path.append(home)
    return sdk or load_sdk()


def _leave(loop: asyncio.AbstractEventLoop, code: int) -> None:
    """End the process: `atexit` of the app runs, but a thread that hangs cannot keep us."""
    if code:
        _end_group()
        os._exit(code)
    watchdog = not_the_apps(threading.Timer(1.0, os._exit, (0,)))
    watchdog.daemon = True
    watchdog.start()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(loop.shutdown_asyncgens())
    sys.exit(0)
