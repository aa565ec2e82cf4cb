"""The to-do assistant as a chat with any model, and a live model whose ids are new each time."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bindings.openai.models.base import ChatReply, ChatRequest, ModelBackend, ToolCall, Usage
from bindings.openai.recordings.backend import Mode, RecordingBackend
from bindings.openai.recordings.redact import Redactor
from bindings.openai.recordings.rules import Rules
from bindings.openai.recordings.store import RecordingStore
from bindings.openai.seen import Tally
from emulator.clock import SystemClock

INSTRUCTIONS = "Don't make assumptions about what values to plug into functions."
SUCCEEDED = "The function call succeeded. Let the user know that you completed the action."
FAILED = "The function call failed. Let the user know and ask if they'd like you to try again"

FIVE_TURNS = (
    "Hello",
    "Remind me to call my dad",
    "Oh, and to take out the trash",
    "What do I need to do today?",
    "Thank you!",
)
OTHER_TURNS = (
    "Hello",
    "Remind me to call my dad",
    "What do I need to do today?",
    "Remind me to buy milk, and what do I need to do today?",
)


def tool(name: str, description: str, parameter: str) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "description": description,
            "name": name,
            "parameters": {"type": "object", "properties": {parameter: {"type": "string"}}},
        },
    }


TOOLS = (
    tool("AddTodo", "Create a new todo task", "taskDescription"),
    tool("GetTodos", "Fetch the list of previously created todo tasks", "inputIgnored"),
)


class LiveModel:
    """Plays a service: what it says follows from the chat, its ids and times never repeat."""

    name = "openai"

    def __init__(self) -> None:
        self.asked: list[ChatRequest] = []

    async def chat(self, request: ChatRequest) -> ChatReply:
        self.asked.append(request)
        await asyncio.sleep(0)
        last = request.messages[-1]
        raw = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": random.randrange(10**9, 2 * 10**9)}
        usage = Usage(50 + len(request.messages), 48, 2 + len(request.messages))
        if last["role"] == "tool":
            return ChatReply(_about_results(request.messages), usage=usage, raw=raw)
        calls = _wanted(str(last["content"]))
        if calls:
            return ChatReply("", calls, "tool_calls", usage, raw)
        return ChatReply(f"You said: {last['content']}", usage=usage, raw=raw)

    async def aclose(self) -> None: ...


class NoModel:
    """A model that must not be asked."""

    name = "nobody"

    async def chat(self, request: ChatRequest) -> ChatReply:
        raise AssertionError(f"asked for {request.messages[-1]}")

    async def aclose(self) -> None: ...


def _wanted(said: str) -> tuple[ToolCall, ...]:
    calls = []
    lowered = said.lower()
    if "remind" in lowered or "take out" in lowered:
        calls.append(("AddTodo", {"taskDescription": said}))
    if "what do i need" in lowered:
        calls.append(("GetTodos", {"inputIgnored": ""}))
    return tuple(
        ToolCall(f"call_{uuid.uuid4().hex[:24]}", name, json.dumps(arguments))
        for name, arguments in calls
    )


def _about_results(messages: Sequence[Mapping[str, Any]]) -> str:
    """Answer with a word that is another for each state of the list."""
    last = str(messages[-1]["content"])
    known = sum("AddTodo" in str(message.get("content")) for message in messages)
    return f"Noted, {known} in all ({'list' if 'GetTodos' in last else 'added'})."


@dataclass
class TodoChat:
    """One conversation with the assistant, as its binding holds it."""

    model: ModelBackend
    assistant: str = "a1"
    function: str = "PostUserQuery"
    instructions: str = INSTRUCTIONS
    tools: Sequence[Mapping[str, Any]] = TOOLS
    deployment: str = "gpt-test"
    temperature: float = 0.5
    max_tokens: int = 100
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex[:6]
    add: Callable[[str], str] | None = None
    get: Callable[[list[dict[str, str]]], str] | None = None
    todos: list[dict[str, str]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    replies: list[ChatReply] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    skill_runs: int = 0
    replayed: Callable[[ToolCall], str | None] = lambda call: None

    def __post_init__(self) -> None:
        self.messages.append({"role": "system", "content": self.instructions})

    async def say(self, text: str) -> str:
        """Post a message; run skills until the model only talks; return what it says."""
        self.messages.append({"role": "user", "content": text})
        while True:
            reply = await self.model.chat(self.request())
            self.replies.append(reply)
            message: dict[str, Any] = {"role": "assistant"}
            if reply.content.strip() or not reply.tool_calls:
                message["content"] = reply.content
            if reply.tool_calls:
                message["tool_calls"] = [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.name, "arguments": call.arguments},
                    }
                    for call in reply.tool_calls
                ]
            self.messages.append(message)
            if not reply.tool_calls:
                return reply.content
            for call in reply.tool_calls:
                content = f"Function Name: '{call.name}' and Function Result: '{self.run(call)}'"
                self.messages.append({"role": "tool", "tool_call_id": call.id, "content": content})

    async def hold(self, texts: Sequence[str] = FIVE_TURNS) -> list[str]:
        return [await self.say(text) for text in texts]

    def request(self) -> ChatRequest:
        return ChatRequest(
            self.deployment,
            list(self.messages),
            self.tools,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            assistant=self.assistant,
            function=self.function,
            tell=self.told.append,
        )

    def run(self, call: ToolCall) -> str:
        known = self.replayed(call)
        if known is not None:
            return known
        self.skill_runs += 1
        if call.name == "AddTodo":
            task = json.loads(call.arguments)["taskDescription"]
            if self.add is not None:
                return self.add(task)
            self.todos.append({"id": self.new_id(), "task": task})
            return SUCCEEDED
        if self.get is not None:
            return self.get(self.todos)
        # The sample's function returns JSON text, which the binding writes as JSON once more.
        return json.dumps(json.dumps(self.todos))


def store(folder: Path, rules: Rules | None = None, secrets: Sequence[str] = ()) -> RecordingStore:
    return RecordingStore(folder, rules=rules or Rules(), redactor=Redactor(secrets))


def recorder(
    folder: Path,
    mode: Mode = "replay",
    otherwise: ModelBackend | None = None,
    *,
    rules: Rules | None = None,
    secrets: Sequence[str] = (),
    tally: Tally | None = None,
) -> RecordingBackend:
    if otherwise is None and mode != "replay":
        otherwise = LiveModel() if mode in {"record", "rerecord"} else NoModel()
    return RecordingBackend(
        store(folder, rules, secrets),
        mode=mode,
        otherwise=otherwise,
        clock=SystemClock(),
        tally=tally or Tally(),
    )


async def record(folder: Path, **chat: Any) -> TodoChat:
    """Record the conversation of five turns; return the chat."""
    texts = chat.pop("texts", FIVE_TURNS)
    spoken = TodoChat(recorder(folder, "record"), **chat)
    await spoken.hold(texts)
    return spoken
