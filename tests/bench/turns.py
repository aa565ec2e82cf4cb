"""Hosts with assistants, and turns with them: offline, live, and by the bare client."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.bench.candidates import APPS
from tests.bench.candidates import HELLO as HELLO_APP
from tests.bench.client import Plan, Report, run
from tests.bench.figures import Row, middle
from tests.bench.server import Server, environment, funcemu

ASSISTANT = "fixtures/assistant"
HELLO = "hello%20number%20{n}"
SKILL = "Remind%20me%20to%20call%20number%20{n}"


@dataclass(frozen=True)
class Turns:
    p50: float
    p99: float
    rate: float
    failed: int
    host_cpu: float
    """Milliseconds a post."""
    worker_cpu: float


class Hosts:
    """The sample assistant, served offline and live; the live one asks a model server of ours."""

    def __init__(self, state: Path | None = None) -> None:
        self._state = ["--state-dir", str(state)] if state else ["--ephemeral"]
        self._stack = ExitStack()
        self._servers: dict[str, Server] = {}
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def get(self, kind: str) -> Server:
        """Return the server; it is started when it is first asked for."""
        if kind not in self._servers:
            self._servers[kind] = self._stack.enter_context(self._start(kind))
        return self._servers[kind]

    def _start(self, kind: str) -> Server:
        if kind == "model":
            return Server([sys.executable, str(APPS / "model_server.py")])
        if kind == "hello":
            return Server(funcemu(HELLO_APP, "--no-watch", *self._state))
        command = funcemu(ASSISTANT, "--no-watch", *self._state, "--models", kind)
        return Server(command, env=live(self.get("model")) if kind == "live" else None)

    def turns(
        self, kind: str, count: int, *, lanes: int = 1, posts: int = 1, message: str = HELLO
    ) -> Turns:
        """Post to `count` new assistants, `posts` times to each; making them is not measured."""
        server = self.get(kind)
        self._next += count
        path = "/api/assistants/a{n}"
        plan = Plan(server.port, [[("PUT", path, False)]], count=count, first=self._next)
        if refused := run(plan).failed:
            raise RuntimeError(f"{refused} assistants could not be created")
        post = ("POST", f"{path}?message={message}", True)
        plan = Plan(server.port, [[post] * posts], lanes=lanes, count=count, first=self._next)
        return measured(server, plan)

    def bare(self, kind: str, messages: int, count: int) -> Turns:
        """Ask the model server by the bare client."""
        command = [sys.executable, str(APPS / "bare_call.py"), kind, self.get("model").url]
        done = subprocess.run(
            [*command, str(messages), str(count)],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        p50, p99, cpu = map(float, done.stdout.split())
        return Turns(p50, p99, 1000 / p50, 0, cpu, 0.0)


def measured(server: Server, plan: Plan) -> Turns:
    """Carry a plan out, and tell what it cost the server."""
    host, workers = server.cpu()
    report: Report = run(plan)
    host_after, workers_after = server.cpu()
    calls = max(report.requests, 1) / 1000
    return Turns(
        report.p50,
        report.p99,
        report.rate,
        report.failed,
        (host_after - host) / calls,
        (workers_after - workers) / calls,
    )


def live(model: Server) -> Mapping[str, str]:
    """Return the settings that lead to the model server."""
    return {
        "AzureOpenAI__Endpoint": model.url,
        "AzureOpenAI__Key": "k",
        "CHAT_MODEL_DEPLOYMENT_NAME": "m",
    }


def figures(turns: list[Turns]) -> Row:
    return {
        "posts/s": middle([each.rate for each in turns]),
        "p50 ms": middle([each.p50 for each in turns]),
        "p99 ms": middle([each.p99 for each in turns]),
        "host CPU ms": middle([each.host_cpu for each in turns]),
        "worker CPU ms": middle([each.worker_cpu for each in turns]),
        "failed": float(sum(each.failed for each in turns)),
    }


def fill(state: Path, chats: Iterable[tuple[str, int]]) -> None:
    """Put chats of so many messages into the state of a host that is not running."""
    from bindings.openai.chats.base import Message, State
    from bindings.openai.chats.sqlite import MIGRATIONS, SqliteChatStore
    from bindings.openai.chats.stores import DATABASE
    from emulator.state.sqlite import SqliteDatabase

    now = 638_000_000_000_000_000

    def messages(count: int) -> list[Message]:
        said = [Message(1, "System", "You are a helpful assistant.", now)]
        for number in range(2, count + 1):
            text = f"Sentence number {number} of this conversation."
            role = "Assistant" if number % 2 else "User"
            said.append(Message(number, role, text, now + number))
        return said

    async def work() -> None:
        database = SqliteDatabase(state / f"{DATABASE}.db", MIGRATIONS)
        store = SqliteChatStore(
            database,
            account="",
            collection="chatstate",
            new_version=lambda: str(uuid.uuid4()),
        )
        try:
            for name, count in chats:
                await store.create(name, State(True, now, now, count, 0), messages(count))
        finally:
            await database.aclose()

    asyncio.run(work())
