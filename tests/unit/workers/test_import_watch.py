"""A slow import says where it stands."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from emulator.workers.pyworker.imports import watched


def test_a_slow_import_names_the_line_it_is_at(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = "import time\ntime.sleep(0.04)\n"
    (tmp_path / "slow.py").write_text(source)
    with watched(str(tmp_path), after=0.01):
        exec(compile(source, str(tmp_path / "slow.py"), "exec"), {})
    assert "The app is still being imported after 0 s: it is at slow.py:2" in capfd.readouterr().err


def test_a_quick_import_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with watched(str(tmp_path), after=0.02):
        pass
    time.sleep(0.04)
    assert capfd.readouterr().err == ""
