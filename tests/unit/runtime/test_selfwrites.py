"""Who writes a file: somebody, or the app while it is loaded."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from emulator.runtime.selfwrites import FORGOTTEN_AFTER, SelfWrites

Outcome = tuple[bool, bool]
WANTED, CONVICTED, NOTHING = (True, False), (False, True), (False, False)


class Folder:
    """An app's folder in which somebody and the app write."""

    def __init__(self, root: Path) -> None:
        self.now = 100.0
        self.writes = SelfWrites(lambda: self.now)
        self.file = root / "generated.py"
        self._stamps = itertools.count(1_000_000_000, 4_000_000)

    def write(self, text: str) -> None:
        self.file.write_text(text)
        moment = next(self._stamps)
        os.utime(self.file, ns=(moment, moment))

    def report(self) -> Outcome:
        """Say whether a change calls for a reload, and whether the file is convicted."""
        wanted, convicted = self.writes.sift([self.file])
        return bool(wanted), bool(convicted)

    def save(self, text: str) -> Outcome:
        """Let somebody save the file."""
        self.write(text)
        return self.report()

    def load(self, *texts: str, trial: bool = False, late: bool = False) -> list[Outcome]:
        """Load the app, which meanwhile writes; `late` changes are reported after the load."""
        self.writes.began(trial=trial)
        outcomes = []
        for text in texts:
            self.write(text)
            outcomes += [] if late else [self.report()]
        self.writes.ended()
        return [self.report()] if late else outcomes


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_what_somebody_saves_always_counts(folder: Folder) -> None:
    for _ in range(20):
        assert folder.save("the same") == WANTED
        folder.load()
    assert not folder.writes.suspects


@pytest.mark.parametrize("late", [False, True])
def test_the_same_content_again_during_a_load_changes_nothing(folder: Folder, late: bool) -> None:
    assert folder.save("x = 1") == WANTED
    for _ in range(10):
        assert folder.load("x = 1", late=late) == [NOTHING]
    assert not folder.writes.suspects


@pytest.mark.parametrize("late", [False, True])
def test_a_file_that_is_another_with_each_load_is_suspected_then_tried(
    folder: Folder, late: bool
) -> None:
    folder.save("0")
    assert folder.load("1", late=late) == [WANTED]
    assert folder.load("2", late=late) == [WANTED]
    assert not folder.writes.suspects
    assert folder.load("3", late=late) == [NOTHING]
    assert folder.writes.suspects == {folder.file}
    assert folder.load("4", trial=True, late=late) == [CONVICTED]
    assert not folder.writes.suspects
    for text in "56789":
        assert folder.load(text, late=late) == [NOTHING]


def test_a_save_right_after_a_load_is_somebodys(folder: Folder) -> None:
    for number in range(10):
        assert folder.save(str(number)) == WANTED
        folder.load()


def test_a_save_that_follows_what_the_load_wrote_is_somebodys(folder: Folder) -> None:
    folder.save("0")
    for number in range(10):
        folder.writes.began()
        folder.write(f"load {number}")
        folder.writes.ended()
        assert folder.save(f"save {number}") == WANTED
    assert not folder.writes.suspects


def test_somebody_who_saves_often_during_slow_loads_is_cleared(folder: Folder) -> None:
    folder.load("1", "2", "3")
    assert folder.writes.suspects
    assert folder.load(trial=True) == []
    assert folder.save("4") == WANTED
    assert not folder.writes.suspects


def test_a_save_between_loads_begins_the_count_anew(folder: Folder) -> None:
    for number in range(10):
        assert folder.load(f"{number}", f"{number}!") == [WANTED] * 2
        assert folder.save(f"{number}?") == WANTED
    assert not folder.writes.suspects


def test_a_save_by_somebody_counts_after_a_conviction_too(folder: Folder) -> None:
    folder.load("1", "2", "3")
    folder.load("4", trial=True)
    assert folder.load("5") == [NOTHING]
    assert folder.save("6") == WANTED


def test_a_suspicion_is_forgotten(folder: Folder) -> None:
    folder.load("1", "2", "3")
    folder.now += FORGOTTEN_AFTER + 1
    assert not folder.writes.suspects
    assert folder.load("4") == [WANTED]


def test_a_file_that_is_deleted_is_a_change(folder: Folder) -> None:
    folder.save("1")
    folder.file.unlink()
    assert folder.report() == WANTED
