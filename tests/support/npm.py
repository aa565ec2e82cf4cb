"""Packages from npm for tests, installed once beside the other things tests need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent.parent
_PLACE = Path(sys.prefix) if sys.prefix != sys.base_prefix else _ROOT / ".venv"


def missing() -> list[str]:
    """Return what is not there of what is needed."""
    return [name for name in ("node", "npm") if shutil.which(name) is None]


def require(what: str) -> None:
    """Skip the test where Node.js is missing; where everything has to be tested, fail."""
    if not missing():
        return
    reason = f"{what} needs {' and '.join(missing())}: install Node.js to run this test"
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(reason)
    pytest.skip(reason)


def install(package: str, version: str, *, folder: str, proof: Path) -> Path:
    """Return the folder a package is installed in; one process at a time installs it.

    `folder` is where, below the environment of the tests; `proof` is a file that is there then.
    """
    place = _PLACE / folder
    wanted = place / version
    if (wanted / proof).is_file():
        return wanted
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        _lock(lock.fileno())
        if not (wanted / proof).is_file():
            fresh = Path(tempfile.mkdtemp(dir=place))
            subprocess.run(
                [
                    str(shutil.which("npm")), "install", f"{package}@{version}",
                    "--prefix", str(fresh), "--ignore-scripts", "--no-audit", "--no-fund",
                    "--loglevel", "error",
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
            shutil.rmtree(wanted, ignore_errors=True)
            fresh.rename(wanted)
    return wanted


def _lock(descriptor: int) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
