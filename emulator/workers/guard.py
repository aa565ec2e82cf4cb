"""Ends what the host has started, when the host is gone however that ended.

Beside each process stands another one, which waits for the end of its standard input and runs
nothing of anybody's: neither official workers nor compilers notice by themselves that nobody is
there any more, and ours cannot while the app's code lets no other thread run. It is the system's
shell, which takes 2 MB instead of Python's 10; this file is its script where there is none.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

_SHELL = "/bin/sh"
_SCRIPT = 'while read -r _; do :; done; kill -s KILL -- "-$0"'


class Guard:
    """Watches over the process group `number`, until it is released."""

    def __init__(self, number: int) -> None:
        # The script needs none of this.
        import subprocess

        from emulator.workers.groups import own_group

        self._process: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):  # without it the group is on its own
            self._process = subprocess.Popen(
                [*_command(), str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                **own_group(),
            )

    def release(self) -> None:
        """Let go: the group has ended. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()


def _command() -> list[str]:
    if os.access(_SHELL, os.X_OK) and sys.platform != "win32":
        return [_SHELL, "-c", _SCRIPT]
    return [sys.executable, "-I", "-S", __file__]


def main(number: int) -> None:
    """Wait until the other end of standard input is closed, then end the group `number`."""
    while os.read(0, 64):
        pass
    if sys.platform == "win32":  # pragma: no cover - there is no Windows here
        import subprocess  # costs memory while it waits

        command = ["taskkill", "/T", "/F", "/PID", str(number)]  # with what it has started
        with contextlib.suppress(OSError):
            subprocess.run(command, creationflags=subprocess.CREATE_NO_WINDOW, check=False)
        with contextlib.suppress(OSError):
            os.kill(number, signal.SIGTERM)
    else:
        os.killpg(number, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
