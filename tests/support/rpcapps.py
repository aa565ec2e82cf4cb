"""Apps run by a worker that speaks gRPC: the one of `rpcworker.py`."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from emulator.workers.channel import AppSpec, LogSink, RpcWorker, WorkerLog
from emulator.workers.functionrpc.channel import RpcChannel
from tests.support.workers import Worker, environment

PYTHON_WORKER = {
    "RawHttpBodyBytes": "true",
    "RpcHttpBodyOnly": "true",
    "TypedDataCollection": "true",
    "RpcHttpTriggerMetadataRemoved": "true",
}
"""What the official worker for Python advertises."""
HELLO = "@app.route()\ndef f(req):\n    return 'hello'\n"
SCRIPT = Path(__file__).parent / "rpcworker.py"
TODO_SCRIPT = Path(__file__).parent / "todoworker.py"


def like(*does: str, capabilities: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the settings that make the worker behave like another."""
    wanted: dict[str, Any] = {"does": list(does)}
    if capabilities is not None:
        wanted["capabilities"] = dict(capabilities)
    return {"RPC_WORKER": json.dumps(wanted)}


def a_worker(**changes: Any) -> RpcWorker:
    settings: dict[str, Any] = {
        "language": "python",
        "directory": SCRIPT.parent,
        "executable": sys.executable,
        "worker_path": str(SCRIPT),
        "reason": "the tests'",
        "indexes": True,
        **changes,
    }
    return RpcWorker(**settings)


def worker_folder(
    folder: Path, arguments: Iterable[str] = (), *, script: Path = SCRIPT, **description: Any
) -> Path:
    """Write a folder as those of official workers are, with a worker of ours; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "worker.py").write_text(
        f"import runpy, sys\nsys.argv[0] = {str(script)!r}\n"
        f"runpy.run_path({str(script)!r}, run_name='__main__')\n",
        "utf-8",
    )
    settings = {
        "language": "python",
        "extensions": [".py"],
        "defaultExecutablePath": sys.executable,
        "defaultWorkerPath": "worker.py",
        "workerIndexing": "true",
        "arguments": list(arguments),
        **description,
    }
    (folder / "worker.config.json").write_text(json.dumps({"description": settings}), "utf-8")
    return folder


OBEDIENT = {
    **PYTHON_WORKER,
    "HandlesInvocationCancelMessage": "true",
    "HandlesWorkerTerminateMessage": "true",
}
"""What a worker can do that does all the protocol has; no official one does."""


def open_rpc(
    root: Path, sink: LogSink, settings: Mapping[str, str] | None = None, **changes: Any
) -> RpcChannel:
    spec = AppSpec(root, environment({**like(capabilities=OBEDIENT), **(settings or {})}))
    return RpcChannel.spawn(spec, a_worker(**changes), sink)


@asynccontextmanager
async def running(
    root: Path, *does: str, capabilities: Mapping[str, str] = PYTHON_WORKER, **changes: Any
) -> AsyncIterator[Worker]:
    """A worker that `does` some things its own way, and advertises `capabilities`."""
    logs: list[WorkerLog] = []
    settings = like(*does, capabilities=capabilities)
    channel = open_rpc(root, logs.append, settings, **changes)
    try:
        yield Worker(channel, logs, await channel.start())
    finally:
        await channel.aclose(1)


@asynccontextmanager
async def loaded(root: Path, *does: str, **changes: Any) -> AsyncIterator[Worker]:
    """Such a worker with every function of the app loaded."""
    async with running(root, *does, **changes) as worker:
        await worker.load_all()
        yield worker
