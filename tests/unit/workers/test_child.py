"""Processes of the host: what is written to them."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from emulator.workers.child import ChildProcess, _last_words
from tests.support.patience import PATIENCE

MUCH = b"x" * 1_000_000


class Run:
    """A command, what it printed and how it ended."""

    def __init__(self, folder: Path, *command: str) -> None:
        self.child = ChildProcess(command, folder=folder, environment=dict(os.environ))
        self.printed: list[str] = []
        self.code: int | None = None
        self._over = threading.Event()
        self.child.listen(self._said, self._ended)

    def _said(self, source: str, lines: Sequence[str]) -> None:
        self.printed += lines

    def _ended(self, code: int) -> None:
        self.code = code
        self._over.set()

    def wait(self) -> None:
        assert self._over.wait(PATIENCE)


def test_who_writes_does_not_wait_for_who_reads(tmp_path: Path) -> None:
    run = Run(tmp_path, "sleep", "60")
    run.child.write(MUCH)
    run.child.close_stdin()
    run.child.kill()
    run.wait()


def test_everything_is_written_before_the_end(tmp_path: Path) -> None:
    run = Run(tmp_path, "wc", "-c")
    for part in (MUCH, b"yz"):
        run.child.write(part)
    run.child.close_stdin()
    run.wait()
    assert [int(line) for line in run.printed] == [len(MUCH) + 2]
    run.child.write(b"too late")
    run.child.close_stdin()


@pytest.mark.parametrize("code", [0, 3])
def test_who_does_not_read_may_end(tmp_path: Path, code: int) -> None:
    run = Run(tmp_path, "sh", "-c", f"exit {code}")
    run.child.write(MUCH)
    run.wait()
    assert run.code == code


def test_a_machine_that_stands_still_does_not_count_as_silence() -> None:
    """The first wait is over before the thread could run at all."""
    runs = threading.Event()

    class Reader(threading.Thread):
        waits = 0

        def join(self, timeout: float | None = None) -> None:
            self.waits += 1
            if self.waits > 1:
                runs.set()
                super().join(PATIENCE)

    reader = Reader(target=runs.wait)
    reader.start()
    _last_words(reader)
    assert not reader.is_alive()
