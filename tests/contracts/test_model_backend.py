"""What every `ModelBackend` must do; run over each adapter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.connections import ModelConnection
from bindings.openai.models.base import ChatReply, ChatRequest, ModelBackend
from bindings.openai.models.deterministic import DeterministicBackend
from bindings.openai.models.live import LiveBackend
from bindings.openai.models.retrying import RetryPolicy
from bindings.openai.models.scripted import ScriptedBackend
from emulator.clock import SystemClock
from tests.support.model_service import ModelService, Received, Reply, chat
from tests.support.recorded import recorder

SCRIPT = """
scripts:
  - turns:
    - user: {contains: remind me to}
      calls: [{AddTodo: {taskDescription: "{user}"}}]
    - result: AddTodo
      says: "Done."
"""
TOOLS = [
    {
        "type": "function",
        "function": {
            "description": "Create a new todo task",
            "name": "AddTodo",
            "parameters": {"type": "object", "properties": {"taskDescription": {"type": "string"}}},
        },
    }
]


def play(request: Received) -> Reply:
    """A service that calls the skill once, then says that it is done."""
    last = request.messages[-1]
    if last["role"] == "user" and "tools" in request.body:
        return chat(calls=[("call_1", "AddTodo", {"taskDescription": last["content"]})])
    return chat("Done.")


@pytest.fixture(params=["deterministic", "script", "recordings", "azure-openai", "openai"])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ModelBackend]:
    clock = SystemClock()
    policy = RetryPolicy(delay=0)
    if request.param == "deterministic":
        yield DeterministicBackend(clock)
    elif request.param == "script":
        path = tmp_path / "script.yaml"
        path.write_text(SCRIPT)
        otherwise = DeterministicBackend(clock)
        yield ScriptedBackend(path, otherwise=otherwise)
    elif request.param == "recordings":
        otherwise = DeterministicBackend(clock)
        yield recorder(tmp_path, "record", otherwise)
    else:
        service = ModelService()
        service.fallback = play
        async with service.running():
            connection = ModelConnection(request.param, service.url, "", "k", "")
            live = LiveBackend(connection, policy=policy, clock=clock)
            yield live
            await live.aclose()


async def ask(
    backend: ModelBackend, *messages: dict[str, Any], tools: Any = TOOLS, assistant: str = "a1"
) -> ChatReply:
    return await backend.chat(ChatRequest("m", list(messages), tools, assistant=assistant))


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


async def test_it_has_a_name_for_records(
    backend: ModelBackend, request: pytest.FixtureRequest
) -> None:
    assert f"[{backend.name}]" in request.node.name


async def test_a_request_gets_an_offered_skill_called_with_json_arguments(
    backend: ModelBackend,
) -> None:
    reply = await ask(backend, user("Remind me to grüße 👋 Anna"))
    [call] = reply.tool_calls
    assert (call.name, reply.finish_reason) == ("AddTodo", "tool_calls")
    assert call.id
    assert "grüße 👋 Anna" in json.loads(call.arguments)["taskDescription"]


async def test_a_result_gets_words_and_no_second_call(backend: ModelBackend) -> None:
    question = user("Remind me to call my dad")
    [call] = (await ask(backend, question)).tool_calls
    asked = {
        "role": "assistant",
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
        ],
    }
    content = "Function Name: 'AddTodo' and Function Result: 'The function call succeeded.'"
    result = {"role": "tool", "tool_call_id": call.id, "content": content}
    reply = await ask(backend, question, asked, result)
    assert reply.content.startswith("Done")
    assert (reply.tool_calls, reply.finish_reason) == ((), "stop")


async def test_tokens_are_always_counted(backend: ModelBackend) -> None:
    for text in ("Hello", "Remind me to call my dad"):
        usage = (await ask(backend, user(text))).usage
        assert usage.total == usage.prompt + usage.completion
        assert min(usage.prompt, usage.completion) > 0


async def test_conversations_at_once_do_not_mix(backend: ModelBackend) -> None:
    texts = [f"Remind me to do number {index}" for index in range(30)]
    replies = await asyncio.gather(*(ask(backend, user(text), assistant=text) for text in texts))
    for text, reply in zip(texts, replies, strict=True):
        said = json.loads(reply.tool_calls[0].arguments)["taskDescription"]
        assert said.split()[-1] == text.split()[-1]


async def test_the_request_is_not_changed(backend: ModelBackend) -> None:
    messages = [{"role": "system", "content": "s"}, user("Remind me to rest")]
    before = json.dumps([messages, TOOLS])
    await ask(backend, *messages)
    assert json.dumps([messages, TOOLS]) == before


async def test_closing_twice_is_fine(backend: ModelBackend) -> None:
    await ask(backend, user("Hello"))
    await backend.aclose()
    await backend.aclose()
