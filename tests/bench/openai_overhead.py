"""What a post to an assistant costs beside the model: over the bare client, and in long chats."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from tests.bench.server import Server
from tests.bench.table import Row, middle, percentile

HISTORY = 20
LONG = 1000
CALLS = 60


def measure(*, rounds: int, seconds: float) -> list[Row]:
    server = Server([sys.executable, "-m", "tests.bench.model_server"])
    try:
        return asyncio.run(_run(f"http://127.0.0.1:{server.port}", rounds))
    finally:
        server.stop()


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
        own = {count: await _own_time(todo, host, count) for count in (HISTORY, LONG)}
    finally:
        await client.close()
        await host.aclose()
    return [
        {
            "chat completion, 20 messages": "bare AsyncAzureOpenAI",
            "p50 ms": middle(bare) * 1000,
            "p90 ms": percentile(bare, 0.9) * 1000,
            "added ms": 0.0,
        },
        {
            "chat completion, 20 messages": "post to an assistant",
            "p50 ms": middle(posts) * 1000,
            "p90 ms": percentile(posts, 0.9) * 1000,
            "added ms": middle([a - b for a, b in zip(posts, bare, strict=True)]) * 1000,
        },
        {
            "chat completion, 20 messages": "of it, the model's call",
            "p50 ms": middle(models) * 1000,
            "p90 ms": percentile(models, 0.9) * 1000,
        },
        *(
            {
                "chat completion, 20 messages": f"post without the model, {count} messages",
                "p50 ms": middle(times) * 1000,
                "p90 ms": percentile(times, 0.9) * 1000,
                "ratio": middle(times) / middle(own[HISTORY]),
            }
            for count, times in own.items()
        ),
    ]


async def _own_time(todo: Any, host: Any, count: int) -> list[float]:
    """Time posts to chats of a length, less what the model took."""
    times = []
    for index in range(20):
        name = f"own-{count}-{index}"
        await _fill(todo, name, count - 1)
        took = await _timed(todo.post("And now?", name))
        times.append(took - _model_time(host))
    return times


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
