"""Ending what the host has started when nobody else can."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from emulator.workers import guard
from emulator.workers.guard import Guard
from tests.support.processes import is_alive

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups")

SCRIPT = [sys.executable, "-I", "-S", guard.__file__]


@pytest.mark.parametrize("command", [guard._command(), SCRIPT], ids=["shell", "Python"])
def test_a_group_ends_when_the_host_is_gone(command: list[str]) -> None:
    group = subprocess.Popen(["/bin/sh", "-c", "sleep 60 & wait"], process_group=0)
    beside = subprocess.Popen([*command, str(group.pid)], stdin=subprocess.PIPE, process_group=0)
    assert beside.stdin is not None
    beside.stdin.write(b"what is said to it counts for nothing\n")
    beside.stdin.flush()
    assert is_alive(group.pid)
    beside.stdin.close()  # as the system does with what a killed host held
    assert group.wait(30) == -9
    beside.wait(30)


def test_a_guard_that_is_released_ends_nobody() -> None:
    group = subprocess.Popen(["sleep", "60"], process_group=0)
    try:
        beside = Guard(group.pid)
        assert beside._process is not None
        pid = beside._process.pid
        beside.release()
        beside.release()
        assert not is_alive(pid)
        assert is_alive(group.pid)
    finally:
        group.kill()
        group.wait()
