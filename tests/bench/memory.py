"""Memory after the start and after 10,000 calls, and the CPU that waiting takes."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.bench import proc
from tests.bench.candidates import HELLO as HELLO_APP
from tests.bench.candidates import Candidate, javascript
from tests.bench.client import Plan, run
from tests.bench.figures import Budget, Missing, Row, Settings, finished, said
from tests.bench.server import Server, funcemu
from tests.bench.turns import ASSISTANT, HELLO

TITLE = "memory and idle CPU, watching"
CALLS = 10_000
IDLE = 20.0
SETTLED = 3.0
"""Seconds until a new host has done what it does after a start: watching, a spare worker."""

BUDGETS = (Budget("after calls MB", 130), Budget("idle CPU %", 0.5))


def measure(settings: Settings) -> list[Row]:
    assistants = "/api/assistants/a{n}"
    talk = [("PUT", assistants, False)] + [("POST", f"{assistants}?message={HELLO}", False)] * 9
    hello = [("GET", "/api/hello", False)]
    rows: dict[str, Row] = {}
    servers: dict[str, Server] = {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        state = Path(scratch)
        for name, candidate, session in (
            (
                "HTTP-only app",
                Candidate(funcemu(HELLO_APP, "--state-dir", str(state / "h"))),
                hello,
            ),
            (
                "assistant app, posts",
                Candidate(
                    funcemu(ASSISTANT, "--state-dir", str(state / "a"), "--models", "offline")
                ),
                talk,
            ),
            ("JavaScript app", javascript("--watch"), hello),
        ):
            try:
                servers[name] = stack.enter_context(candidate.start())
                rows[name] = {"what": name}
                _call(rows[name], servers[name], session)
            except Missing as error:
                rows[name] = {"what": name, "note": f"skipped: {error}"}
            except Exception as error:
                rows.setdefault(name, {"what": name})["note"] = f"failed: {said(error)}"
        _wait(rows, servers)
    return [finished(row, *BUDGETS) for row in rows.values()]


def _call(row: Row, server: Server, session: list[tuple[str, str, bool]]) -> None:
    time.sleep(SETTLED)
    row["started MB"] = sum(server.parts().values())
    plan = Plan(server.port, [session], lanes=10, count=CALLS // len(session))
    report = run(plan)
    parts = server.parts()
    row |= {
        "after calls MB": parts["host"] + parts["worker"],
        "host MB": parts["host"],
        "worker MB": parts["worker"],
        "spare MB": parts["spare"],
        "PSS MB": proc.pss(proc.tree(server.process.pid)),
        "processes": float(len(proc.tree(server.process.pid))),
        "calls": float(report.requests),
        "failed": float(report.failed),
    }


def _wait(rows: dict[str, Row], servers: dict[str, Server]) -> None:
    """All wait at the same time; none has anything to do."""
    time.sleep(SETTLED)
    before = {name: sum(server.cpu()) for name, server in servers.items()}
    time.sleep(IDLE)
    for name, server in servers.items():
        rows[name]["idle CPU %"] = (sum(server.cpu()) - before[name]) / IDLE * 100
