"""The one command that decides whether the tree is good: `python -m tests.check [--fast]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

_AT_MOST = 3600.0
"""Seconds for a step. Tests have their own timeouts; this ends what hangs beside them."""

_WINDOWS = ("--platform", "win32", "--cache-dir", ".mypy_cache/win32")
"""Nobody runs the tests there; this finds what only other systems have."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="stop after the unit tests")
    arguments = parser.parse_args()
    steps: list[tuple[str, list[str]]] = [
        ("format", [str(BIN / "ruff"), "format", "--check", "."]),
        ("lint", [str(BIN / "ruff"), "check", "."]),
        ("imports", [str(BIN / "lint-imports")]),
        ("types", [str(BIN / "mypy")]),
        ("types on Windows", [str(BIN / "mypy"), *_WINDOWS]),
        # A table service for the tests of chats, and what apps in JavaScript and TypeScript need;
        # kept beside the other things tests need.
        ("azurite", [sys.executable, "-m", "tests.support.azurite"]),
        ("node", [sys.executable, "-m", "tests.support.node"]),
        # Azure's own workers for Python.
        ("official workers", [sys.executable, "-m", "tests.support.official_python"]),
        ("typescript", [sys.executable, "-m", "tests.support.typescript"]),
    ]
    if arguments.fast:
        steps.append(("unit tests", _pytest("tests/unit", "tests/architecture")))
    else:
        steps.append(("lowest versions", [sys.executable, "-m", "tests.lowest"]))
        steps.append(("tests", _pytest("tests")))
    return 0 if all([_run(name, command) for name, command in steps]) else 1


def _pytest(*paths: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", "-n", "2", *paths]


def _run(name: str, command: list[str]) -> bool:
    began = time.monotonic()
    print(f"── {name}", flush=True)
    try:
        good = subprocess.run(command, cwd=ROOT, check=False, timeout=_AT_MOST).returncode == 0
    except subprocess.TimeoutExpired:
        print(f"── {name}: ended after {_AT_MOST / 60:.0f} minutes", flush=True)
        good = False
    print(
        f"── {name}: {'good' if good else 'FAILED'} in {time.monotonic() - began:.1f} s", flush=True
    )
    return good


if __name__ == "__main__":
    sys.exit(main())
