"""`funcemu` run to its end, as typed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.patience import PATIENCE
from tests.support.serving import FUNCEMU, environment


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def funcemu(
    *arguments: str | Path,
    cwd: Path | None = None,
    given: str = "",
    settings: Mapping[str, str] | None = None,
) -> Done:
    """Run a command; `given` is what comes in on stdin."""
    done = subprocess.run(
        [FUNCEMU, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
        cwd=cwd,
        input=given,
        env=environment(settings or {}),
    )
    # A traceback of ours is never for users.
    assert "/emulator/cli/" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def processes_of(app: Path) -> list[int]:
    """Return the processes that run code of an app."""
    mark = f"FUNCTIONS_APPLICATION_DIRECTORY={app.resolve()}\0".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if mark in (entry / "environ").read_bytes() + b"\0":
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
