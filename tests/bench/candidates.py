"""Servers that answer hello: ours, bare ones, and those people know."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figures import Missing
from tests.bench.server import READY, ROOT, Server, funcemu

HELLO = "fixtures/apps/bench_hello"
APPS = Path(__file__).resolve().parent / "apps"
NODE_APP = ROOT / ".venv" / "bench" / "js_hello"
"""Where the JavaScript app gets its packages; kept, so that they are fetched once."""

AIOHTTP = "bare aiohttp"
AIOHTTP_UVLOOP = "bare aiohttp, uvloop"
NODE = "bare Node http"


@dataclass(frozen=True)
class Candidate:
    command: list[str]
    path: str = "/api/hello"
    yardstick: str = AIOHTTP
    ready: str = READY
    env: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    """Why it cannot be run here."""

    def start(self) -> Server:
        if self.missing:
            raise Missing(self.missing)
        return Server(self.command, env=self.env, ready=self.ready)


def hello_candidates() -> dict[str, Candidate]:
    bare = [sys.executable, str(APPS / "bare.py")]
    return {
        AIOHTTP: Candidate(bare),
        AIOHTTP_UVLOOP: Candidate([*bare, "--uvloop"], missing=_needs("uvloop")),
        "uvicorn + starlette": uvicorn("--loop", "asyncio"),
        "uvicorn + starlette, uvloop": uvicorn("--loop", "uvloop", yardstick=AIOHTTP_UVLOOP),
        "functions-framework, sync": framework("hello"),
        "functions-framework, async": framework("hello_async", "--asgi"),
        **_own(uvloop=False),
        **_own(uvloop=True),
        NODE: Candidate(["node", str(APPS / "bare.js")], yardstick=NODE, missing=node_missing()),
        "JavaScript": javascript(),
    }


def _own(*, uvloop: bool) -> dict[str, Candidate]:
    found = {}
    for place, channel in (("in process", "inprocess"), ("subprocess", "subprocess")):
        for kind, path in (("async", "/api/hello"), ("sync", "/api/hello_sync")):
            command = funcemu(HELLO, "--no-watch", "--ephemeral", "--channel", channel)
            command += ["--loop", "auto" if uvloop else "asyncio"]
            name = f"{place}, {kind}" + (", uvloop" if uvloop else "")
            found[name] = Candidate(
                command,
                path,
                AIOHTTP_UVLOOP if uvloop else AIOHTTP,
                missing=_needs("uvloop") if uvloop else "",
            )
    return found


def uvicorn(*arguments: str, yardstick: str = AIOHTTP) -> Candidate:
    command = [sys.executable, "-m", "uvicorn", "tests.bench.apps.star:app", "--port", "{port}"]
    return Candidate(
        [*command, "--no-access-log", *arguments],
        yardstick=yardstick,
        ready="running on http",
        missing=_needs("uvicorn") or _needs("starlette"),
    )


def framework(target: str, *arguments: str) -> Candidate:
    program = Path(sys.executable).parent / "functions-framework"
    return Candidate(
        [str(program), "--source", str(APPS / "framework.py"), "--target", target]
        + ["--host", "127.0.0.1", "--port", "{port}", *arguments],
        path="/",
        ready="",  # it prints nothing
        missing=_needs("functions_framework"),
    )


def javascript(*arguments: str) -> Candidate:
    """Return our host with a JavaScript app, whose packages are fetched where they are missing."""
    missing = node_missing() or _install()
    command = funcemu(NODE_APP, "--ephemeral", *(arguments or ("--no-watch",)))
    return Candidate(command, yardstick=NODE, missing=missing)


def node_missing() -> str:
    lacking = [name for name in ("node", "npm") if not shutil.which(name)]
    return f"{' and '.join(lacking)} not installed" if lacking else ""


def _needs(module: str) -> str:
    name = module.replace("_", "-")
    return "" if importlib.util.find_spec(module) else f"{name} is not installed: make bench does"


def _install() -> str:
    """Copy the app and fetch its packages once; return why that was not possible."""
    shutil.copytree(APPS / "js_hello", NODE_APP, dirs_exist_ok=True)
    if (NODE_APP / "node_modules" / "@azure" / "functions").is_dir():
        return ""
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=NODE_APP, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return f"npm install failed: {lines[0] if lines else done.returncode}"
