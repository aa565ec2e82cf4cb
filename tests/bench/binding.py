"""What the binding alone costs, without a host around it: a post beside the bare client."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from tests.bench.candidates import APPS
from tests.bench.figures import Budget, Row, Settings, finished, middle, percentile
from tests.bench.server import Server

TITLE = "a turn in a chat of 20 messages, binding alone"
HISTORY = 20
CALLS = 60


def measure(settings: Settings) -> list[Row]:
    with Server([sys.executable, str(APPS / "model_server.py")]) as server:
        return asyncio.run(_run(server.url, settings.rounds))


async def _run(url: str, rounds: int) -> list[Row]:
    from openai import AsyncAzureOpenAI

    from emulator.config.settings import Settings
    from tests.support.openai_host import OpenAIHost
    from tests.support.todo_assistant import TodoAssistant

    values = {
        "AZURE_OPENAI_ENDPOINT": url,
        "AZURE_OPENAI_KEY": "k",
        "CHAT_MODEL_DEPLOYMENT_NAME": "m",
    }
    host = OpenAIHost()
    todo = TodoAssistant(host)
    host.settings = Settings.of(values)  # type: ignore[assignment]  # the host's own, not a fake
    client = AsyncAzureOpenAI(azure_endpoint=url, api_key="k", api_version="2024-10-21")
    try:
        messages = [*_history(HISTORY - 1), {"role": "user", "content": "And now?"}]
        await client.chat.completions.create(model="m", messages=messages)
        await _fill(todo, "warm", HISTORY - 1)
        await todo.post("And now?", "warm")

        bare: list[float] = []
        posts: list[float] = []
        models: list[float] = []
        for index in range(CALLS * rounds):
            name = f"a{index}"
            await _fill(todo, name, HISTORY - 1)
            bare.append(await _timed(client.chat.completions.create(model="m", messages=messages)))
            posts.append(await _timed(todo.post("And now?", name)))
            models.append(_model_time(host))
    finally:
        await client.close()
        await host.aclose()
    rows: list[Row] = [
        {"what": name, "p50 ms": middle(times) * 1000, "p90 ms": percentile(times, 0.9) * 1000}
        for name, times in (
            ("bare AsyncAzureOpenAI", bare),
            ("post to an assistant", posts),
            ("of it, the model's call", models),
        )
    ]
    rows[1]["added ms"] = middle([a - b for a, b in zip(posts, bare, strict=True)]) * 1000
    rows[1] = finished(rows[1], Budget("added ms", 3))
    return rows


async def _fill(todo: Any, assistant: str, count: int) -> None:
    """Put a chat of `count` messages into the store."""
    from bindings.openai.chats.base import Message, State

    roles = {"system": "System", "user": "User", "assistant": "Assistant"}
    now = 638_000_000_000_000_000
    messages = [
        Message(number, roles[each["role"]], each["content"], now + number)
        for number, each in enumerate(_history(count), 1)
    ]
    state = State(True, now, now + count, count, 0)
    await todo.store.create(assistant, state, messages)


def _history(count: int) -> list[Any]:
    said = [{"role": "system", "content": "You are a helpful assistant."}]
    for number in range(count - 1):
        role = "user" if number % 2 == 0 else "assistant"
        said.append({"role": role, "content": f"Sentence number {number} of this conversation."})
    return said


def _model_time(host: Any) -> float:
    _, _, data = next(each for each in reversed(host.records) if each[1] == "model-call")
    return float(data["duration"])


async def _timed(work: Any) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began
