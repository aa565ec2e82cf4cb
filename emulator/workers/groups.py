"""A worker and what the app has started in it: ended together where the system can do that.

Windows has no groups of this kind; there a process is ended with those that descend from it, such
as the one that npm.cmd runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import Any

_TASKKILL_WITHIN = 5.0

if sys.platform == "win32":  # pragma: no cover - there is no Windows here

    def own_group() -> dict[str, Any]:
        """Return what starts a process apart from the terminal: Ctrl+C is for the host alone."""
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}

    def terminate_group(process: subprocess.Popen[bytes]) -> None:
        kill_group(process)

    def kill_group(process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            end_tree(process.pid)
            process.terminate()  # by itself where the others could not be found

    def end_tree(number: int) -> None:
        """End a process and its descendants, as far as that can be done."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(number)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=subprocess.CREATE_NO_WINDOW,
                timeout=_TASKKILL_WITHIN,
                check=False,
            )

    def wait_until_ended(process: subprocess.Popen[bytes]) -> None:
        process.wait()

else:

    def own_group() -> dict[str, Any]:
        """Return what starts a process apart from the terminal: Ctrl+C is for the host alone."""
        return {"process_group": 0}

    def terminate_group(process: subprocess.Popen[bytes]) -> None:
        _signal(process, signal.SIGTERM)

    def kill_group(process: subprocess.Popen[bytes]) -> None:
        _signal(process, signal.SIGKILL)

    def wait_until_ended(process: subprocess.Popen[bytes]) -> None:
        """Wait for the end of a process, and end what it has started."""
        if hasattr(os, "waitid"):
            # Not reaped yet, so its number still names its group.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        else:  # macOS before Python 3.13: the number stays the group's while anybody is in it
            process.wait()
        _signal(process, signal.SIGKILL)

    def _signal(process: subprocess.Popen[bytes], number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
