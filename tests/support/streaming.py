"""What lets functions in Python take and give their bodies in pieces."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PACKAGES = ("azurefunctions-extensions-base", "azurefunctions-extensions-http-fastapi")


def streaming_extension(target: Path) -> dict[str, str]:
    """Install Azure's extension into a folder of its own, for importing it changes every app of a
    process; return the setting with which an app finds it."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--no-deps", "--target", str(target), *_PACKAGES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {"PYTHONPATH": str(target)}
