"""The apps of a soak: copies of samples with a route that tells which save is served."""

from __future__ import annotations

import http.client
import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.candidates import NODE_APP, javascript
from tests.bench.client import Plan
from tests.bench.figures import Missing
from tests.bench.server import ROOT, Server, funcemu
from tests.bench.turns import HELLO, SKILL

WITHIN = 15.0
"""Seconds in which a save has to be served."""

_DECORATED = """

@app.route(route="version")
def version(req: func.HttpRequest) -> str:
    return "version 0"
"""
_FOLDER = """\
import azure.functions as func


def main(req: func.HttpRequest) -> str:
    return "version 0"
"""
_SCRIPT = """
app.http("version", { authLevel: "anonymous", handler: async () => ({ body: "version 0" }) });
"""
_CHAT = "/api/assistants/a{n}"
TALK = [
    ("PUT", _CHAT, True),
    *[("POST", f"{_CHAT}?message={HELLO}", True)] * 3,
    ("POST", f"{_CHAT}?message={SKILL}", True),
    ("GET", f"{_CHAT}?timestampUTC=2023-01-01T00:00:00Z", True),
]


@dataclass
class App:
    """One app that is served, called and saved."""

    name: str
    folder: Path
    file: Path
    session: list[tuple[str, str, bool]]
    saves: int = 0
    served: list[float] = field(default_factory=list)
    """Milliseconds from each save to its answer."""
    lost: int = 0
    """Saves that were never served."""

    def start(self) -> Server:
        state = self.folder.with_suffix(".state")
        return Server(funcemu(self.folder, "--state-dir", str(state), "--models", "offline"))

    def plan(self, server: Server, *, seconds: float, first: int, rate: float | None) -> Plan:
        return Plan(server.port, [self.session], lanes=8, seconds=seconds, rate=rate, first=first)

    def save(self, port: int) -> None:
        """Save the next version and wait until it answers."""
        text = self.file.read_text("utf-8")
        old, self.saves = f"version {self.saves}", self.saves + 1
        new = f"version {self.saves}"
        began = time.perf_counter()
        self.file.write_text(text.replace(old, new), "utf-8")
        while time.perf_counter() < began + WITHIN:
            if _get(port, "/api/version") == new:
                self.served.append((time.perf_counter() - began) * 1000)
                return
            time.sleep(0.005)
        self.lost += 1


def apps(scratch: Path) -> tuple[list[App], str]:
    """Write the apps; return them, and why there is none in JavaScript."""
    hello = [("GET", "/api/hello", True), ("GET", "/api/hello_sync", True)]
    found = [
        _decorated("HTTP-only", ROOT / "fixtures/apps/bench_hello", scratch / "http", hello),
        _decorated("assistant", ROOT / "fixtures/assistant", scratch / "assistant", TALK),
        _folders(scratch / "folders"),
    ]
    try:
        return [*found, _javascript(scratch / "js")], ""
    except Missing as error:
        return found, str(error)


def _decorated(name: str, source: Path, folder: Path, session: list[tuple[str, str, bool]]) -> App:
    shutil.copytree(source, folder)
    file = folder / "function_app.py"
    file.write_text(file.read_text("utf-8") + _DECORATED, "utf-8")
    return App(name, folder, file, session)


def _folders(folder: Path) -> App:
    shutil.copytree(ROOT / "fixtures/assistant_v1", folder)
    file = folder / "Version" / "__init__.py"
    file.parent.mkdir()
    file.write_text(_FOLDER, "utf-8")
    trigger = {"type": "httpTrigger", "direction": "in", "name": "req", "route": "version"}
    bindings = [
        trigger | {"authLevel": "anonymous"},
        {"type": "http", "direction": "out", "name": "$return"},
    ]
    text = json.dumps({"bindings": bindings})
    (file.parent / "function.json").write_text(text, "utf-8")
    return App("folder model", folder, file, TALK)


def _javascript(folder: Path) -> App:
    prepared = javascript()
    if prepared.missing:
        raise Missing(prepared.missing)
    shutil.copytree(NODE_APP, folder, symlinks=True)
    file = folder / "src" / "functions.js"
    file.write_text(file.read_text("utf-8") + _SCRIPT, "utf-8")
    return App("JavaScript", folder, file, [("GET", "/api/hello", True)])


def _get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        connection.close()
