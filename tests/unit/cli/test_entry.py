"""The first moments of the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE

INTERRUPTS = """
import os, signal, sys


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPTED"]:
            os.kill(os.getpid(), signal.SIGINT)


sys.meta_path.insert(0, Finder())
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("module", ["click", "emulator.cli.start", "emulator.assemble"])
def test_ctrl_c_during_the_first_imports_ends_it_quietly(tmp_path: Path, module: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTS)
    done = subprocess.run(
        [sys.executable, "-m", "emulator", "start", "--help"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "INTERRUPTED": module},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_commands_are_interrupted_by_an_exception_as_ever(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTS)
    done = subprocess.run(
        [sys.executable, "-m", "emulator", "bindings"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "INTERRUPTED": "bindings.http"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "\nAborted!\n")
