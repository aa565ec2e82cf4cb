from __future__ import annotations

import io
import threading
import time
from collections.abc import Sequence
from typing import cast

import pytest

from emulator.workers.output import Output, lines_of
from emulator.workers.pyworker.logs import LONGEST_LINE
from tests.support.patience import PATIENCE


class Pieces(io.RawIOBase):
    """A pipe of which each read gives the next piece."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def read(self, size: int = -1) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def cut(*pieces: bytes) -> list[list[str]]:
    return list(lines_of(cast(io.BytesIO, Pieces(*pieces))))


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([], []),
        ([b"a\nb\n"], [["a", "b"]]),
        ([b"a\r\n\n"], [["a", ""]]),
        ([b"a", b"b", b"\nc"], [[], [], ["ab"], ["c"]]),
        (["ä\n".encode()[:1], "ä\n".encode()[1:]], [[], ["ä"]]),
        ([b"\xff\xfe\n"], [["\ufffd\ufffd"]]),
        ([b"half \xc3"], [[], ["half \ufffd"]]),
    ],
)
def test_lines_are_told_as_they_end(pieces: list[bytes], lines: list[list[str]]) -> None:
    assert cut(*pieces) == lines


def test_a_line_without_end_comes_in_pieces() -> None:
    piece = b"x" * (LONGEST_LINE // 2)
    assert [list(map(len, each)) for each in cut(piece, piece, piece, b"\n")] == [
        [], [LONGEST_LINE], [], [LONGEST_LINE // 2],
    ]  # fmt: skip


class Listener:
    def __init__(self) -> None:
        self.heard: list[object] = []
        self.over = threading.Event()
        self.goes_on = threading.Event()

    def lines(self, source: str, lines: Sequence[str]) -> None:
        self.goes_on.wait(PATIENCE)
        self.heard += [(source, line) for line in lines]

    def exit(self, code: int) -> None:
        self.heard.append(code)
        self.over.set()


def test_what_was_said_before_anybody_listens_comes_first_and_the_exit_last() -> None:
    output, listener = Output(), Listener()
    listener.goes_on.set()
    output.tell("stdout", ["a", "b"])
    output.listen(listener.lines, listener.exit)
    output.tell("stderr", ["c"])
    output.end(3)
    assert listener.over.wait(PATIENCE)
    assert listener.heard == [("stdout", "a"), ("stdout", "b"), ("stderr", "c"), 3]


def test_who_says_more_than_is_taken_has_to_wait() -> None:
    output, listener = Output(), Listener()
    lines = [str(number) for number in range(10_000)]

    def say() -> None:
        output.tell("stdout", lines)
        output.end(0)

    saying = threading.Thread(target=say)
    saying.start()
    output.listen(listener.lines, listener.exit)
    due = time.monotonic() + PATIENCE
    while not output.pending and time.monotonic() < due:
        time.sleep(0.005)
    saying.join(0.05)
    assert saying.is_alive()
    assert output.pending == 1
    listener.goes_on.set()
    assert listener.over.wait(PATIENCE)
    saying.join(PATIENCE)
    assert listener.heard == [*(("stdout", line) for line in lines), 0]
    assert output.pending == 0
