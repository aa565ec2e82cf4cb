"""The worker's operating system process: start it, read what it prints, end it, say how it ended.

Imports little: it runs before the host can afford more.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import struct
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from emulator.errors import WorkerStartError
from emulator.workers.channel import AppSpec, Interpreter
from emulator.workers.environment import worker_environment
from emulator.workers.groups import kill_group, own_group, terminate_group, wait_until_ended
from emulator.workers.interpreter import check
from emulator.workers.messages import start_message, warm_message
from emulator.workers.pyworker.wire import Header, dumps

_SCRIPT = Path(__file__).parent / "pyworker" / "__main__.py"
_TAIL_LINES = 20
_NOT_THE_APPS = (
    str(_SCRIPT.parent),
    "/asyncio/",
    "/concurrent/futures/",
    '/threading.py"',
    '"<frozen ',
)
_LAST_WORDS = 0.3
_ACCEPT_STEP = 0.2
_POSIX = os.name == "posix"

OnLine = Callable[[str, str], None]
OnExit = Callable[[int], None]


class WorkerProcess:
    """A started worker. What it prints waits until somebody listens."""

    def __init__(
        self,
        spec: AppSpec,
        interpreter: Interpreter,
        *,
        loopback: bool = False,
        warm: Sequence[str] | None = None,
    ) -> None:
        """Start it. `loopback` makes it connect over TCP, as on systems without socket pairs.

        With `warm` it is a spare: it imports those modules, never anything of the app, and waits
        for `begin`.
        """
        self._spec = spec
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._lock = threading.Lock()
        self._lines: list[tuple[str, str]] = []
        self._on_line: OnLine | None = None
        self._on_exit: OnExit | None = None
        self._code: int | None = None
        self._ended = False
        self._token = secrets.token_hex(16)
        self._check(spec, interpreter)
        self._ours, theirs, arguments = _endpoints(loopback or not _POSIX)
        try:
            self._process = self._popen(spec, interpreter, theirs, arguments)
        except OSError as error:
            self._ours.close()
            raise WorkerStartError(
                f"{interpreter.executable} cannot be started ({error.strerror or error})",
                hint="choose another Python with --python",
            ) from error
        finally:
            if theirs is not None:
                theirs.close()
        self._readers = [
            self._thread(self._read, "stdout", self._process.stdout),
            self._thread(self._read, "stderr", self._process.stderr),
        ]
        self._thread(self._wait)
        if warm is None:
            self.begin()
        else:
            self._say(warm_message(spec, warm))

    def begin(self) -> None:
        """Let it import and index the app."""
        self._say(
            start_message(
                self._spec,
                token=self._token,
                # The kernel's signal follows the thread that started the worker, not the process.
                die_with_parent=threading.current_thread() is threading.main_thread(),
            )
        )

    def _say(self, message: Header) -> None:
        """Write to the pipe by which it also notices that we are gone."""
        text = dumps(message)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):  # it ended; that is told later
            self._process.stdin.write(struct.pack("!I", len(text)) + text)

    @staticmethod
    def _check(spec: AppSpec, interpreter: Interpreter) -> None:
        if not spec.root.is_dir():
            raise WorkerStartError(
                f"the folder of the app does not exist: {spec.root}",
                hint="give the folder with host.json in it",
            )
        check(interpreter.executable, interpreter.reason)

    def _popen(
        self,
        spec: AppSpec,
        interpreter: Interpreter,
        theirs: socket.socket | None,
        arguments: list[str],
    ) -> subprocess.Popen[bytes]:
        platform = own_group()
        if theirs is not None:
            platform["pass_fds"] = (theirs.fileno(),)
        return subprocess.Popen(
            [str(interpreter.executable), *interpreter.arguments, str(_SCRIPT), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=spec.root,
            env=worker_environment(spec.root, spec.environment),
            **platform,
        )

    @staticmethod
    def _thread(target: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True, name="worker-pipe")
        thread.start()
        return thread

    @property
    def connects_back(self) -> bool:
        """Whether `connect` waits."""
        return self._ours.family != getattr(socket, "AF_UNIX", None)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._ended

    def listen(self, on_line: OnLine, on_exit: OnExit) -> None:
        """Hand over what was printed so far and everything later; from threads."""
        with self._lock:
            waiting, self._lines = self._lines, []
            self._on_line, self._on_exit = on_line, on_exit
            code = self._code
        for source, text in waiting:
            on_line(source, text)
        if code is not None:
            on_exit(code)

    def connect(self) -> socket.socket:
        """Return the connection; over TCP this waits for the worker, so call it in a thread.

        Raises `OSError` when the worker ended instead.
        """
        if not self.connects_back:
            return self._ours
        self._ours.settimeout(_ACCEPT_STEP)
        while True:
            try:
                connection, _ = self._ours.accept()
            except TimeoutError:
                if self._ended:
                    raise
                continue
            connection.settimeout(5)
            if _received_token(connection) == self._token.encode("ascii"):
                break
            connection.close()
        self._ours.close()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def terminate(self) -> None:
        if not self._ended:
            terminate_group(self._process)

    def kill(self) -> None:
        if not self._ended:
            kill_group(self._process)

    def release(self) -> None:
        """Let go of the pipe the worker watches: it ends itself when it has not yet."""
        self._ours.close()
        self._close_stdin()

    def _read(self, source: str, pipe: IO[bytes]) -> None:
        with pipe, open(pipe.fileno(), "rb", closefd=False) as lines:
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                if source == "stderr" and not _is_noise(text):
                    self.tail.append(text)
                with self._lock:
                    listener = self._on_line
                    if listener is None:
                        self._lines.append((source, text))
                if listener is not None:
                    listener(source, text)

    def _wait(self) -> None:
        wait_until_ended(self._process)
        self._ended = True
        code = self._process.wait()
        for reader in self._readers:
            reader.join(_LAST_WORDS)
        self._close_stdin()
        with self._lock:
            self._code = code
            listener = self._on_exit
        if listener is not None:
            listener(code)

    def _close_stdin(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()


def _is_noise(line: str) -> bool:
    """Frames of ours and of the event loop in the dump of a crashed interpreter."""
    if not line or line.startswith("Extension modules: "):
        return True
    return line.startswith('  File "') and any(place in line for place in _NOT_THE_APPS)


def _endpoints(loopback: bool) -> tuple[socket.socket, socket.socket | None, list[str]]:
    """Return our end, the end to pass on, and the arguments that tell the worker about it."""
    if loopback:
        listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        return listener, None, ["--port", str(listener.getsockname()[1])]
    ours, theirs = socket.socketpair()
    return ours, theirs, ["--fd", str(theirs.fileno())]


def _received_token(connection: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(OSError):
        while len(data) < 32:
            chunk = connection.recv(32 - len(data))
            if not chunk:
                break
            data += chunk
    return data
