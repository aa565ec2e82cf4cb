"""An operating system process that runs an app: read what it prints, end it, say how it ended.

Imports little: it runs before the host can afford more.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from emulator.errors import WorkerStartError
from emulator.workers.groups import kill_group, own_group, terminate_group, wait_until_ended
from emulator.workers.guard import Guard
from emulator.workers.output import OnExit, OnLines, Output, lines_of

_TAIL_LINES = 20
_TAIL_LENGTH = 1000
_LAST_WORDS = 0.3
"""Seconds without a word after which nothing more is expected of a process that has ended: what
it has started may hold the pipe for ever."""
_LAST_WORDS_AT_MOST = 5.0


class ChildProcess:
    """A started process in a group of its own, which ends with us. What it prints waits until
    somebody listens."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        is_noise: Callable[[str], bool] = lambda line: not line,
    ) -> None:
        """Start it; raises `OSError`. `is_noise` says which lines tell nothing of why it ended."""
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._is_noise = is_noise
        self._output = Output()
        self._input: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._ended = False
        self._guarded = threading.Event()
        platform = own_group()
        if pass_fds:
            platform["pass_fds"] = tuple(pass_fds)
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=folder,
            env=dict(environment),
            **platform,
        )
        self._readers = [
            self._thread(self._read, "stdout", self._process.stdout),
            self._thread(self._read, "stderr", self._process.stderr),
        ]
        self._thread(self._feed, self._process.stdin)
        self._thread(self._wait)

    @staticmethod
    def _thread(target: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True, name="worker-pipe")
        thread.start()
        return thread

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._ended

    def listen(self, on_lines: OnLines, on_exit: OnExit) -> None:
        """Hand over what was printed so far and everything later, and at last the exit code; from
        a thread of its own. The process can write no faster than `on_lines` returns."""
        self._output.listen(on_lines, on_exit)

    def write(self, data: bytes) -> None:
        """Say something to its standard input, as soon as it reads; this does not wait."""
        self._input.put(data)

    def close_stdin(self) -> None:
        """Close its standard input behind what was written."""
        self._input.put(None)

    def terminate(self) -> None:
        if not self._ended:
            terminate_group(self._process)

    def kill(self) -> None:
        if not self._ended:
            kill_group(self._process)

    def _read(self, source: str, pipe: IO[bytes]) -> None:
        with pipe:
            for lines in lines_of(pipe):
                if source == "stderr":
                    told = [line[:_TAIL_LENGTH] for line in lines if not self._is_noise(line)]
                    self.tail.extend(told)
                self._output.tell(source, lines)

    def _feed(self, pipe: IO[bytes]) -> None:
        """Write what there is to say; that nobody hears it is told by the end of the process."""
        self._guarded.wait()  # before it is told anything, such as to run the app
        with contextlib.suppress(OSError), pipe:
            while (data := self._input.get()) is not None:
                rest = memoryview(data)
                while rest:
                    rest = rest[pipe.write(rest) :]

    def _wait(self) -> None:
        guard = Guard(self._process.pid)
        self._guarded.set()
        wait_until_ended(self._process)
        guard.release()
        self._ended = True
        code = self._process.wait()
        until = time.monotonic() + _LAST_WORDS_AT_MOST
        for reader in self._readers:
            _last_words(reader)
            while reader.is_alive() and self._output.pending and time.monotonic() < until:
                _last_words(reader)
        self.close_stdin()
        self._output.end(code)


def nothing_connects(error: OSError) -> WorkerStartError:
    """Return what to tell where there is no socket for a process to connect to."""
    return WorkerStartError(
        f"nothing can connect to a worker ({error.strerror or error})",
        hint="see whether too many files or connections are open",
    )


def _last_words(reader: threading.Thread) -> None:
    """Wait in small steps, of which a machine that stands still for longer takes only one."""
    for _ in range(10):
        reader.join(_LAST_WORDS / 10)
