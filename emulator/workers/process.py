"""The process of a worker of ours: what it is told when it starts, and how it connects.

Imports little: it runs before the host can afford more.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import struct
import sys
from collections import deque
from collections.abc import Sequence

from emulator.errors import WorkerStartError
from emulator.workers.channel import AppSpec, Interpreter
from emulator.workers.child import ChildProcess, nothing_connects
from emulator.workers.environment import check_folder, worker_environment
from emulator.workers.messages import start_message, warm_message
from emulator.workers.output import OnExit, OnLines
from emulator.workers.programs import command_of, program_of
from emulator.workers.pyworker.wire import Header, dumps

_ACCEPT_STEP = 0.2
_SOCKET = "worker"


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
        """Start it. `loopback` makes it connect over TCP, as on systems without local sockets.

        With `warm` it is a spare: it imports those modules, never anything of the app, and waits
        for `begin`.
        """
        self._spec = spec
        self._token = secrets.token_hex(16)
        program = program_of(interpreter)
        check_folder(spec.root)
        program.check(interpreter.executable, interpreter.reason)
        self._folder: str | None = None
        theirs: socket.socket | None = None
        try:
            if loopback or sys.platform == "win32":
                arguments = self._listen_on_loopback()
            elif program.inherits:
                self._ours, theirs = socket.socketpair()
                arguments = ["--fd", str(theirs.fileno())]
            else:
                arguments = self._listen_in_a_folder()
        except OSError as error:
            raise nothing_connects(error) from error
        self.connects_back = theirs is None
        """Whether `connect` waits."""
        try:
            self._child = ChildProcess(
                command_of(interpreter, arguments),
                folder=spec.root,
                environment=worker_environment(
                    spec.root,
                    spec.environment,
                    language=interpreter.language,
                    directory=program.script.parent,
                ),
                pass_fds=() if theirs is None else (theirs.fileno(),),
                is_noise=program.is_noise,
            )
        except OSError as error:
            self._close()
            raise WorkerStartError(
                f"{interpreter.executable} cannot be started ({error.strerror or error})",
                hint=f"choose another {program.title} {program.chosen}",
            ) from error
        finally:
            if theirs is not None:
                theirs.close()
        if warm is None:
            self.begin()
        else:
            self._say(warm_message(spec, warm))

    def _listen_on_loopback(self) -> list[str]:
        """Wait for the worker on a port of this machine; return how it learns of that."""
        self._ours = socket.create_server(("127.0.0.1", 0), backlog=8)
        return ["--port", str(self._ours.getsockname()[1])]

    def _listen_in_a_folder(self) -> list[str]:
        """As above, in a folder into which nobody else may look."""
        if sys.platform == "win32":  # where Python knows no such sockets
            return self._listen_on_loopback()
        import tempfile  # costs some milliseconds, which an app in Python need not pay

        self._ours = socket.socket(socket.AF_UNIX)
        try:
            self._folder = tempfile.mkdtemp(prefix="funcemu-")
            self._ours.bind(path := os.path.join(self._folder, _SOCKET))
            self._ours.listen()
        except OSError:  # no place to write, or one whose path is too long for a socket
            self._close()
            self._folder = None
            return self._listen_on_loopback()
        return ["--path", path]

    def begin(self) -> None:
        """Let it import and index the app."""
        self._say(start_message(self._spec, token=self._token))

    def _say(self, message: Header) -> None:
        """Write to the pipe by which it also notices that we are gone."""
        text = dumps(message)
        self._child.write(struct.pack("!I", len(text)) + text)

    @property
    def tail(self) -> deque[str]:
        """The last lines it wrote to standard error."""
        return self._child.tail

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def ended(self) -> bool:
        return self._child.ended

    def listen(self, on_lines: OnLines, on_exit: OnExit) -> None:
        """Hand over what was printed so far and everything later; from threads."""
        self._child.listen(on_lines, on_exit)

    def connect(self) -> socket.socket:
        """Return the connection; where the worker connects back this waits: call it in a thread.

        Raises `OSError` when the worker ended instead.
        """
        if not self.connects_back:
            return self._ours
        self._ours.settimeout(_ACCEPT_STEP)
        while True:
            try:
                connection, _ = self._ours.accept()
            except TimeoutError:
                if self.ended:
                    raise
                continue
            connection.settimeout(5)
            if _received_token(connection) == self._token.encode("ascii"):
                break
            connection.close()
        self._close()
        if connection.family == socket.AF_INET:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def terminate(self) -> None:
        self._child.terminate()

    def kill(self) -> None:
        self._child.kill()

    def release(self) -> None:
        """Let go of the pipe the worker watches: it ends itself when it has not yet."""
        self._close()
        self._child.close_stdin()

    def _close(self) -> None:
        self._ours.close()
        if self._folder is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self._folder, _SOCKET))
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(self._folder)


def _received_token(connection: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(OSError):
        while len(data) < 32:
            chunk = connection.recv(32 - len(data))
            if not chunk:
                break
            data += chunk
    return data
