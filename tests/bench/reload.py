"""Save to changed answer, a request every 5 ms on new connections, beside `uvicorn --reload`."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.bench.candidates import NODE_APP, javascript
from tests.bench.edits import Run, edit
from tests.bench.figures import Budget, Missing, Row, Settings, finished, middle, percentile, said
from tests.bench.server import ROOT, Server, funcemu

TITLE = "from save to the changed answer"
EDITS = 4
"""A round."""

JS_BUDGETS = (Budget("median ms", 150), Budget("failed", 0))
BUDGETS = (Budget("x uvicorn", 1.0), Budget("failed", 0))
UVICORN = "uvicorn --reload, an app of one line"
UVICORN_HEAVY = "uvicorn --reload, importing openai and azure.identity"
SETTLED = 3.0
"""Seconds until a new host has its spare worker."""

BROKEN = "\ndef broken(:\n"
VERSION = """

@app.route(route="version")
def version(req: func.HttpRequest) -> str:
    return 'version 0'
"""
HEAVY = "import openai\nimport azure.identity\n"
UVICORN_APP = """\
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"version 0"})
"""


def measure(settings: Settings) -> list[Row]:
    edits = EDITS * settings.rounds
    rows: list[Row] = []
    medians: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        at = Path(scratch)
        cases: dict[str, Callable[[], Coroutine[Any, Any, Run]]] = {
            UVICORN: lambda: _uvicorn(at / "uvicorn", "", edits, 0.3),
            UVICORN_HEAVY: lambda: _uvicorn(at / "uvicorn2", HEAVY, edits // 2, 0.3),
            "assistant app, an edit every 0.3 s": lambda: _python(at / "a", "", edits * 2, 0.3),
            "importing openai and azure.identity, every 1.5 s": lambda: _python(
                at / "b", HEAVY, edits, 1.5
            ),
            "the same imports, every 0.3 s": lambda: _python(at / "c", HEAVY, edits, 0.3),
            "JavaScript app, every 0.3 s": lambda: _javascript(at / "d", edits),
        }
        for name, case in cases.items():
            row: Row = {"what": name}
            try:
                run = asyncio.run(case())
                row |= _figures(run)
                medians[name] = middle(run.times)
                yardstick = UVICORN_HEAVY if "import" in name else UVICORN
                if yardstick in medians:
                    row["x uvicorn"] = medians[name] / medians[yardstick]
                budgets = () if "uvicorn" in name else BUDGETS
                rows.append(finished(row, *(JS_BUDGETS if "Java" in name else budgets)))
            except Missing as error:
                rows.append(finished(row, note=f"skipped: {error}"))
            except Exception as error:
                rows.append(finished(row, note=f"failed: {said(error)}"))
    return rows


def _figures(run: Run) -> Row:
    return {
        "edits": float(len(run.times)),
        "median ms": middle(run.times) * 1000,
        "p90 ms": percentile(run.times, 0.9) * 1000,
        "max ms": max(run.times) * 1000,
        **({"mended ms": middle(run.mended) * 1000} if run.mended else {}),
        "requests": float(run.requests),
        "failed": float(run.failed),
        "bad while broken": float(run.broken_failed),
    }


async def _python(folder: Path, imports: str, edits: int, pause: float) -> Run:
    shutil.copytree(ROOT / "fixtures/assistant", folder)
    file = folder / "function_app.py"
    source = imports + file.read_text("utf-8") + VERSION
    file.write_text(source, "utf-8")
    with Server(funcemu(folder, "--ephemeral")) as server:
        await asyncio.sleep(SETTLED)
        return await edit(
            server.port, "/api/version", file, source, edits, pause=pause, broken=BROKEN
        )


async def _javascript(folder: Path, edits: int) -> Run:
    prepared = javascript()
    if prepared.missing:
        raise Missing(prepared.missing)
    shutil.copytree(NODE_APP, folder, symlinks=True)
    file = folder / "src" / "functions.js"
    source = file.read_text("utf-8").replace("Hello world", "version 0")
    file.write_text(source, "utf-8")
    with Server(funcemu(folder, "--ephemeral")) as server:
        await asyncio.sleep(SETTLED)
        return await edit(
            server.port, "/api/hello", file, source, edits, pause=0.3, broken="\n({;\n"
        )


async def _uvicorn(folder: Path, imports: str, edits: int, pause: float) -> Run:
    folder.mkdir()
    file = folder / "main.py"
    source = imports + UVICORN_APP
    file.write_text(source, "utf-8")
    command = [sys.executable, "-m", "uvicorn", "main:app", "--reload", "--port", "{port}"]
    # Two saves of one size in one second are the same to Python's bytecode files.
    env = {"PYTHONDONTWRITEBYTECODE": "1"}
    with Server(command, env=env, cwd=folder, ready="startup complete") as server:
        await asyncio.sleep(SETTLED)
        return await edit(server.port, "/", file, source, edits, pause=pause, broken="")
