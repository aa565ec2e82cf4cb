"""What a process prints: in lines of bounded length, read no faster than somebody takes them."""

from __future__ import annotations

import codecs
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from emulator.workers.channel import LogSink, WorkerLog
from emulator.workers.pyworker.logs import LONGEST_LINE, read_line

_CHUNK = 1 << 16
_MOST_LINES = 500
"""Lines handed over at once: what takes them does other things in between."""
_WAITING = 8
"""How many such hand-overs may be waiting before the process has to."""

OnLines = Callable[[str, Sequence[str]], None]
OnExit = Callable[[int], None]


def lines_of(pipe: IO[bytes]) -> Iterator[list[str]]:
    """Yield the lines that each piece of an unbuffered pipe completes, and at last the rest.

    What is no UTF-8 is replaced; a line longer than the limit comes in pieces.
    """
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    begun: list[str] = []
    length = 0
    while chunk := pipe.read(_CHUNK):
        *whole, rest = decode(chunk).split("\n")
        lines = []
        for text in whole:
            lines.append("".join([*begun, text]).rstrip("\r"))
            begun, length = [], 0
        begun.append(rest)
        length += len(rest)
        if length >= LONGEST_LINE:
            lines.append("".join(begun))
            begun, length = [], 0
        yield lines
    if last := "".join([*begun, decode(b"", final=True)]):
        yield [last]


def told_to(sink: LogSink) -> OnLines:
    """Return what makes log lines of printed ones."""

    def tell(source: str, lines: Sequence[str]) -> None:
        for line in lines:
            level, said, text = read_line(source, line)
            sink(WorkerLog(level, text, None, said))  # type: ignore[arg-type]  # the worker's words

    return tell


class Output:
    """Between the threads that read a process's output and whoever listens to it.

    Lines, and the exit after them, are handed over one after the other from one thread. While
    nobody takes them no more than a little is kept: then the process waits with its writing.
    """

    def __init__(self) -> None:
        self._waiting: queue.Queue[tuple[str, list[str]] | int] = queue.Queue(_WAITING)
        self.pending = 0
        """How many readers wait for their lines to be taken."""

    def tell(self, source: str, lines: Sequence[str]) -> None:
        """Hand lines over; returns when there is room for more."""
        self.pending += 1
        for at in range(0, len(lines), _MOST_LINES):
            self._waiting.put((source, list(lines[at : at + _MOST_LINES])))
        self.pending -= 1

    def end(self, code: int) -> None:
        """Hand over the exit code, which is the last that is told."""
        self._waiting.put(code)

    def listen(self, on_lines: OnLines, on_exit: OnExit) -> None:
        """Hand over what waits and everything later. `on_lines` may take its time."""

        def work() -> None:
            while not isinstance(told := self._waiting.get(), int):
                on_lines(*told)
            on_exit(told)

        threading.Thread(target=work, daemon=True, name="worker-output").start()
