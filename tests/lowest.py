"""The lowest versions `pyproject.toml` allows, tried: `python -m tests.lowest [--whole]`.

The wheel is installed into an empty environment of the oldest Python, with the lowest version of
each direct dependency, and used as somebody does at first. With `--whole` it is this checkout with
everything its tests need, and these are run there, too.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv" / "lowest"
TESTS = (
    "tests/unit",
    "tests/contracts",
    "tests/plugin",
    "tests/apps/test_assistant.py",
    "tests/apps/test_http_requests.py",
    "tests/apps/test_http_responses.py",
    "tests/apps/test_http_routing.py",
    "tests/apps/test_http_streaming.py",
    "tests/apps/test_reload.py",
)
"""What would notice an API that an older version does not have."""

LENIENT = ("-W", "default::pytest.PytestUnraisableExceptionWarning")
"""Old versions of others leave event loops open, which the garbage collector tells of anywhere."""

_UNREACHABLE = r"error sending request|dns error|Failed to fetch|[Cc]onnection|[Nn]etwork"


class Unreachable(Exception):
    """There is no package index, or no such Python."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="run tests there as well")
    arguments = parser.parse_args()
    try:
        python = _environment(whole=arguments.whole)
    except Unreachable as reason:
        print(f"The lowest versions were not tried: {reason}")
        return 1 if os.environ.get("CI") or arguments.whole else 0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "tests/support/smoke.py", folder)
        if subprocess.run([python, "smoke.py"], cwd=folder, check=False).returncode != 0:
            return 1
    if not arguments.whole:
        return 0
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *LENIENT, *TESTS]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def _environment(*, whole: bool) -> Path:
    """Make the environment anew; return its Python."""
    uv = _uv()
    oldest = _oldest_python()
    packages = FOLDER / "lowest.txt"
    options = ("--quiet", "--clear", "--no-python-downloads")
    if _run(uv, "venv", *options, "--python", oldest, FOLDER) is None:
        raise Unreachable(f"there is no Python {oldest} here")
    # Without pins of the checkout's own: `uv pip install` of a wheel takes the newest below it.
    _needed(
        uv, "pip", "compile", "--quiet", "--resolution", "lowest-direct", "--python-version",
        oldest, "--no-header", "pyproject.toml", "--output-file", packages,
        *(("--extra", "dev", "--extra", "uvloop") if whole else ()),
    )  # fmt: skip
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = (uv, "pip", "install", "--quiet", "--python", python, "-r", packages)
    if whole:
        _needed(*install, "--editable", ".", "pip")
        return python
    with tempfile.TemporaryDirectory() as folder:
        _needed(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
        [wheel] = Path(folder).iterdir()
        _needed(*install, wheel)
    return python


def _oldest_python() -> str:
    with (ROOT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["requires-python"]
    return str(wanted).removeprefix(">=")


def _uv() -> str:
    """Return `uv`, which knows how to take the lowest versions; installed where it is missing."""
    found = shutil.which("uv")
    tools = ROOT / ".venv" / "tools"
    own = tools / "bin" / "uv"
    if found is None and not own.exists():
        _needed(sys.executable, "-m", "pip", "install", "--quiet", "--target", tools, "uv")
    return found or str(own)


def _needed(*command: str | Path) -> None:
    told = _run(*command)
    if told is not None:
        return
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return  # it was a hiccup
    if re.search(_UNREACHABLE, done.stderr):
        lines = done.stderr.strip().splitlines()
        raise Unreachable(f"the package index cannot be reached ({lines[-1].strip()})")
    raise SystemExit(f"{' '.join(map(str, command))}:\n{done.stderr}")


def _run(*command: str | Path) -> str | None:
    """Return what a command said, or nothing when it failed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
