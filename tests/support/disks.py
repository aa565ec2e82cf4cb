"""Small disks for tests: to fill up, and to mount so that nobody can write."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


class Disk:
    """A file system of its own at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room for another byte."""
        with self._filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 1024)

    def free(self) -> None:
        self._filler.unlink()


@contextlib.contextmanager
def disk(folder: Path, *, writable: bool = True) -> Iterator[Disk]:
    """Mount a disk of a megabyte, over what is at `folder`; skip the test where that is not
    permitted."""
    if sys.platform != "linux":
        pytest.skip("a small disk is mounted as tmpfs, which is Linux'")
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size=1m{'' if writable else ',ro'}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "funcemu-test", str(folder)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        # A host that is only just ending may have files open there.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
