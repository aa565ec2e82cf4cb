"""A slow import says where it stands."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from emulator.workers.pyworker.imports import watched
from tests.support.patience import PATIENCE


def test_a_slow_import_names_the_line_it_is_at(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = "The app is still being imported after 0 s: it is at slow.py:2"
    due = time.monotonic() + PATIENCE

    def until_told() -> None:
        while wanted not in capfd.readouterr().err:
            assert time.monotonic() < due, "nothing was told"
            time.sleep(0.01)

    source = "# this takes long:\nuntil_told()\n"
    (tmp_path / "slow.py").write_text(source)
    with watched(str(tmp_path), after=0.01):
        exec(compile(source, str(tmp_path / "slow.py"), "exec"), {"until_told": until_told})


def test_a_quick_import_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(50):  # until the machine does not stand still for as long
        capfd.readouterr()
        began = time.monotonic()
        with watched(str(tmp_path), after=0.02):
            pass
        if time.monotonic() - began < 0.02:
            break
    time.sleep(0.04)
    assert capfd.readouterr().err == ""
