"""The process of an official worker: its command line, its environment, its end with ours.

Imports little: it runs before the host can afford more.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

from emulator.errors import WorkerStartError
from emulator.ids import new_id
from emulator.workers.channel import AppSpec, RpcWorker
from emulator.workers.child import ChildProcess, nothing_connects
from emulator.workers.environment import check_folder, worker_environment
from emulator.workers.languages import runtime_title
from emulator.workers.output import OnExit, OnLines

_MAX_MESSAGE = 2147483647


class RpcProcess:
    """A started worker that connects to `listening`, where nobody answers yet."""

    def __init__(self, spec: AppSpec, worker: RpcWorker) -> None:
        check_folder(spec.root)
        self.worker_id, self.request_id = new_id(), new_id()
        self.folder = app_folder(spec.root, worker)
        try:
            self.listening = socket.create_server(("127.0.0.1", 0), backlog=8)
        except OSError as error:
            raise nothing_connects(error) from error
        port = self.listening.getsockname()[1]
        try:
            self.child = ChildProcess(
                command_line(worker, port, worker_id=self.worker_id, request_id=self.request_id),
                folder=worker.folder or self.folder,
                environment=_environment(self.folder, worker, spec.environment),
            )
        except OSError as error:
            self.listening.close()
            raise WorkerStartError(
                f"the worker for {runtime_title(worker.language)} cannot be started:"
                f" {worker.executable} ({error.strerror or error}; {worker.reason})",
                hint="see whether that program is installed and can be run",
            ) from error

    def listen(self, on_lines: OnLines, on_exit: OnExit) -> None:
        """Hand over what was printed so far and everything later; from threads."""
        self.child.listen(on_lines, on_exit)


def app_folder(root: Path, worker: RpcWorker) -> Path:
    """Return what the worker sees as the app: of a .NET project that is its build output."""
    if worker.language == "dotnet-isolated" and worker.directory.is_relative_to(root):
        return worker.directory
    return root


def command_line(worker: RpcWorker, port: int, *, worker_id: str, request_id: str) -> list[str]:
    """Return the command with both spellings of the arguments; each worker reads one of them."""
    return [
        worker.executable,
        *worker.arguments,
        *([worker.worker_path] if worker.worker_path else []),
        *worker.worker_arguments,
        "--host", "127.0.0.1",
        "--port", str(port),
        "--workerId", worker_id,
        "--requestId", request_id,
        "--grpcMaxMessageLength", str(_MAX_MESSAGE),
        "--functions-uri", f"http://127.0.0.1:{port}/",
        "--functions-worker-id", worker_id,
        "--functions-request-id", request_id,
        "--functions-grpc-max-message-length", str(_MAX_MESSAGE),
    ]  # fmt: skip


def _environment(folder: Path, worker: RpcWorker, given: Mapping[str, str]) -> dict[str, str]:
    environment = worker_environment(
        folder, given, language=worker.language, directory=worker.directory
    )
    if worker.runtime_version:
        environment.setdefault("FUNCTIONS_WORKER_RUNTIME_VERSION", worker.runtime_version)
    return environment
