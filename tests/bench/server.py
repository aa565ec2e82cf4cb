"""A server under measurement: a child process on a free port, with the CPU it used."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FUNCEMU = str(Path(sys.executable).parent / "funcemu")
_TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """Started by a command that prints a line with its URL once it serves."""

    def __init__(self, command: list[str], env: dict[str, str] | None = None) -> None:
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output: list[str] = []
        self.port = self._await_port()

    def _await_port(self) -> int:
        assert self.process.stdout is not None
        port = 0
        for line in self.process.stdout:
            self.output.append(line)
            found = re.search(r"http://(?:localhost|127\.0\.0\.1):(\d+)", line)
            if found:
                port = int(found.group(1))
            if port and ("Ready" in line or "bare" in line):
                self.ready = time.perf_counter() - self.began
                self._drain()
                return port
        raise RuntimeError("the server did not start:\n" + "".join(self.output))

    def _drain(self) -> None:
        """Keep reading what it prints, as a terminal would."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        self._reader = subprocess.Popen(
            ["cat"], stdin=os.dup(descriptor), stdout=subprocess.DEVNULL
        )

    def cpu(self) -> dict[int, float]:
        """CPU seconds so far of the process and its children, by process id."""
        return {pid: _cpu(pid) for pid in [self.process.pid, *_children(self.process.pid)]}

    def memory(self) -> float:
        """Resident MB of the process and its children."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(_rss(pid) for pid in pids)

    def stop(self) -> float:
        """End it as Ctrl+C does; return the seconds it took."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._reader.kill()
        self._reader.wait()
        return time.perf_counter() - began


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [each for child in map(int, listed) for each in (child, *_children(child))]


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def _rss(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
