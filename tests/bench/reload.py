"""Save to changed answer, a request every 5 ms on new connections, beside `uvicorn --reload`."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.server import FUNCEMU, ROOT, Server
from tests.bench.table import Row, middle, percentile

EDITS = 50
HEAVY = "import openai\nimport azure.identity\n"
UVICORN_APP = """\
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"version 0"})
"""


@dataclass
class Run:
    times: list[float] = field(default_factory=list)
    failed: int = 0
    requests: int = 0
    broken_served: int = 0
    """Answers of the last good version while a broken one was saved."""
    broken_failed: int = 0


def measure(*, rounds: int, seconds: float) -> list[Row]:
    edits = EDITS if rounds >= 5 else 10 * rounds
    with tempfile.TemporaryDirectory() as scratch:
        runs = {
            "assistant app, an edit every 0.3 s": asyncio.run(
                _funcemu(Path(scratch, "light"), "", edits, pause=0.3)
            ),
            "importing openai and azure.identity, every 1.5 s": asyncio.run(
                _funcemu(Path(scratch, "heavy"), HEAVY, edits, pause=1.5)
            ),
            "the same, every 0.3 s": asyncio.run(
                _funcemu(Path(scratch, "rapid"), HEAVY, min(edits, 20), pause=0.3)
            ),
        }
        if importlib.util.find_spec("uvicorn"):
            runs["uvicorn --reload, one line"] = asyncio.run(
                _uvicorn(Path(scratch, "uvicorn"), edits)
            )
    return [
        {
            f"save to changed answer, {edits} edits": name,
            "median ms": middle(run.times) * 1000,
            "p90 ms": percentile(run.times, 0.9) * 1000,
            "max ms": max(run.times) * 1000,
            "requests": float(run.requests),
            "failed": float(run.failed),
            "bad while broken": float(run.broken_failed),
        }
        for name, run in runs.items()
    ]


async def _funcemu(folder: Path, imports: str, edits: int, *, pause: float) -> Run:
    shutil.copytree(ROOT / "fixtures/assistant", folder)
    file = folder / "function_app.py"
    source = imports + file.read_text("utf-8")
    source += (
        '\n\n@app.route(route="version")\n'
        "def version(req: func.HttpRequest) -> str:\n    return 'version 0'\n"
    )
    file.write_text(source, "utf-8")
    server = Server([FUNCEMU, "start", str(folder), "--port", "0", "--ephemeral"])
    try:
        await asyncio.sleep(3.0)
        return await _edit(
            server.port, "/api/version", file, source, edits, pause=pause, broken=True
        )
    finally:
        server.stop()


async def _uvicorn(folder: Path, edits: int) -> Run:
    folder.mkdir()
    file = folder / "main.py"
    file.write_text(UVICORN_APP, "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
        [sys.executable, "-m", "uvicorn", "main:app", "--reload", "--port", str(port)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await asyncio.sleep(2.0)
        return await _edit(port, "/", file, UVICORN_APP, min(edits, 20), pause=0.3, broken=False)
    finally:
        process.terminate()
        process.wait()


async def _edit(
    port: int, path: str, file: Path, source: str, edits: int, *, pause: float, broken: bool
) -> Run:
    run = Run()
    waiting: dict[str, float] = {}
    stop = asyncio.Event()
    breaking = False
    asked: set[asyncio.Task[None]] = set()

    async def ask() -> None:
        run.requests += 1
        try:
            body = await _get(port, path)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            run.failed += 1
            run.broken_failed += breaking
            return
        run.broken_served += breaking
        if body in waiting:
            run.times.append(time.perf_counter() - waiting.pop(body))

    async def press() -> None:
        while not stop.is_set():
            task = asyncio.create_task(ask())
            asked.add(task)
            task.add_done_callback(asked.discard)
            await asyncio.sleep(0.005)

    pressing = asyncio.create_task(press())
    for number in range(1, edits + 1):
        text = f"version {number}"
        waiting[text] = time.perf_counter()
        file.write_text(source.replace("version 0", text), "utf-8")
        while text in waiting:  # noqa: ASYNC110 - set by the requests
            await asyncio.sleep(0.002)
        await asyncio.sleep(pause)
    for number in range(20 if broken else 0):
        breaking = True
        file.write_text(source + "\ndef broken(:\n", "utf-8")
        await asyncio.sleep(0.25)
        breaking = False
        text = f"version {edits + 1 + number}"
        mended = time.perf_counter()
        file.write_text(source.replace("version 0", text), "utf-8")
        while await _get(port, path) != text and time.perf_counter() < mended + 5:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    stop.set()
    await pressing
    await asyncio.gather(*asked)
    return run


async def _get(port: int, path: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        data = await reader.read()
    finally:
        writer.close()
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise ValueError(head[:40])
    if b"chunked" in head.lower():
        body = b"".join(body.split(b"\r\n")[1::2])
    return body.decode()
