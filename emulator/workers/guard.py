"""Runs a command that must not outlive whoever started this: when stdin ends, all of it ends.

A script of its own: `python guard.py COMMAND ARGUMENT…`, as the leader of a process group.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    # Its stdin stays open: some compilers stop watching when theirs ends.
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    threading.Thread(target=_end_with_stdin, args=(process,), daemon=True).start()
    return process.wait()


def _end_with_stdin(process: subprocess.Popen[bytes]) -> None:
    while sys.stdin.buffer.read(64):
        pass
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
