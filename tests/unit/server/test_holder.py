"""Who listens on a port already."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from emulator.server.holder import holder_of

ROW = "  0: 0100007F:1B9F 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 77 1\n"


def process(folder: Path, number: int, command: bytes, *, holds: str = "socket:[77]") -> Path:
    """Write what the system tells of a process, and that port 7071 belongs to the socket 77."""
    (folder / "net").mkdir(parents=True, exist_ok=True)
    (folder / "net" / "tcp").write_text(f"  sl  local_address rem_address   st\n{ROW}")
    own = folder / str(number)
    (own / "fd").mkdir(parents=True)
    (own / "fd" / "3").symlink_to(holds)
    (own / "cmdline").write_bytes(command)
    (own / "comm").write_text("short\n")
    return folder


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (b"/usr/bin/nginx\0-g\0daemon off;\0", "nginx"),
        (b"/usr/bin/python3\0/home/me/app.py\0--key=x\0", "python3 app.py"),
        (b"a\x1b[2Jb\0", "a?[2Jb"),
        (b"", "short"),
        (b"\0\0", "short"),
    ],
    ids=["program", "interpreter", "odd", "none", "wiped"],
)
def test_the_program_is_named(tmp_path: Path, command: bytes, name: str) -> None:
    assert holder_of(7071, process(tmp_path, 12, command)) == f"{name} (process 12)"


def test_others_are_not(tmp_path: Path) -> None:
    processes = process(tmp_path, 12, b"nginx\0", holds="socket:[78]")
    assert holder_of(7071, processes) is None
    assert holder_of(7072, processes) is None
    assert holder_of(7071, tmp_path / "none") is None


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_this_process_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        told = holder_of(listening.getsockname()[1])
        assert told is not None
        assert told.endswith(f"(process {os.getpid()})")
