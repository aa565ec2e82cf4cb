"""A server under measurement: processes of its own, that never survive the measurement."""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Self

from tests.bench import proc

ROOT = Path(__file__).resolve().parent.parent.parent
FUNCEMU = str(Path(sys.executable).parent / "funcemu")
READY = r"Ready|bare http"
START_WITHIN = 30.0

_CLEARED = re.compile(
    r"(FUNCEMU|FUNCTIONS)_.*|AzureWebJobs.*|(AZURE_)?OPENAI_.*|AzureOpenAI.*|VIRTUAL_ENV|PYTHONDONTWRITEBYTECODE"
)
"""Variables of the person who measures that would change what is measured."""

_live: dict[int, subprocess.Popen[bytes]] = {}


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not _CLEARED.fullmatch(name)}
    return kept | dict(more or {})


def funcemu(app: Path | str, *arguments: str) -> list[str]:
    return [FUNCEMU, "start", str(app), "--port", "0", *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Started by a command that prints a line with its URL when it is ready.

    `{port}` in the command stands for a free port, for servers that do not tell theirs. One that
    prints nothing (`ready` is empty) is ready when it takes connections.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        ready: str = READY,
    ) -> None:
        given = free_port() if any("{port}" in part for part in command) else 0
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [part.replace("{port}", str(given)) for part in command],
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_us if sys.platform == "linux" else None,
        )
        _live[self.process.pid] = self.process
        self.output: list[str] = []
        try:
            self.port = self._await_ready(re.compile(ready), given)
        except BaseException:
            self.kill()
            raise
        self.ready = time.perf_counter() - self.began
        # A process that reads what it prints, as a terminal would.
        self._reader = subprocess.Popen(
            ["cat"],
            stdin=self.process.stdout,
            stdout=subprocess.DEVNULL,
            preexec_fn=_die_with_us if sys.platform == "linux" else None,
        )

    def _await_ready(self, ready: re.Pattern[str], port: int) -> int:
        assert self.process.stdout is not None
        stdout = self.process.stdout.fileno()
        os.set_blocking(stdout, False)
        text = ""
        while time.perf_counter() < self.began + START_WITHIN:
            try:
                chunk = os.read(stdout, 65536)
            except BlockingIOError:
                if not ready.pattern and _listens(port):
                    break
                time.sleep(0.001)
                continue
            text += chunk.decode("utf-8", "replace")
            self.output = text.splitlines()
            line = next(filter(ready.search, self.output), "") if ready.pattern else ""
            found = re.search(r"http://(?:localhost|127\.0\.0\.1):(\d+)", line)
            if line and (port or found):
                port = port or int(found[1] if found else 0)
                break
            if not chunk:
                self._explain()
        else:
            self._explain()
        os.set_blocking(stdout, True)
        return port

    def _explain(self) -> NoReturn:
        last = next((line for line in reversed(self.output) if line.strip()), "it said nothing")
        raise RuntimeError(f"did not start: {last.strip()}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def first_answer(self, path: str) -> float:
        """Ask until there is a good answer; return the seconds since the process was started."""
        while time.perf_counter() < self.began + START_WITHIN:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                    connection.sendall(head.encode())
                    if b" 200 " in connection.recv(4096)[:16]:
                        return time.perf_counter() - self.began
            except OSError:
                pass
            time.sleep(0.002)
        raise RuntimeError(f"no good answer from {path}")

    def cpu(self) -> tuple[float, float]:
        """Return the CPU seconds so far of the process, and of those it has started."""
        first, *others = proc.tree(self.process.pid)
        return proc.cpu(first), sum(map(proc.cpu, others))

    def memory(self) -> tuple[float, float]:
        """Return the resident MB of the process, and of those it has started."""
        first, *others = proc.tree(self.process.pid)
        return proc.rss(first), sum(map(proc.rss, others))

    def parts(self) -> dict[str, float]:
        """Return the resident MB of a host, of the worker that serves, and of the spare one; each
        worker with the process that guards it."""
        host, *others = proc.tree(self.process.pid)
        workers = sorted((pid for pid in others if _is_worker(pid)), key=proc.started)
        found = {"host": proc.rss(host), "worker": 0.0, "spare": 0.0}
        for pid in workers:
            name = "worker" if pid == workers[0] else "spare"
            guards = (each for each in others if proc.command(each).rstrip().endswith(f" {pid}"))
            found[name] += proc.rss(pid) + sum(map(proc.rss, guards))
        return found

    def stop(self) -> float:
        """End it as Ctrl+C does; return the seconds it took."""
        began = time.perf_counter()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        took = time.perf_counter() - began
        self.kill()
        self._reader.kill()
        self._reader.wait()
        return took

    def kill(self) -> None:
        _kill_group(self.process)
        _live.pop(self.process.pid, None)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _is_worker(pid: int) -> bool:
    return any(name in proc.command(pid) for name in ("pyworker", "nodeworker"))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)  # also what a server has left behind
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()


@atexit.register
def _kill_all() -> None:
    for process in list(_live.values()):
        _kill_group(process)


def _die_with_us() -> None:
    """Have Linux kill this child when the measuring process dies, even without a farewell."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
