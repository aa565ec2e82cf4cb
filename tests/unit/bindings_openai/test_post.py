"""Posting to assistants: the conversation, and what is stored, recorded and told of it."""

from __future__ import annotations

import json
import time

import pytest

from emulator.clock import ManualClock
from emulator.sdk import BindingError
from tests.support.model_service import ModelService, chat, failure
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import ADD, TodoAssistant


async def test_a_plain_turn_is_answered_and_stored(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.reply(chat("Hi", total=42))
    state = await todo.post("Hello")
    assert list(state) == [
        "id",
        "exists",
        "createdAt",
        "lastUpdatedAt",
        "totalMessages",
        "totalTokens",
        "recentMessages",
    ]
    assert state["recentMessages"] == [{"content": "Hi", "role": "Assistant", "toolCalls": ""}]
    assert await todo.rows() == [
        ("msg-0001", "System", "Be nice"),
        ("msg-0002", "User", "Hello"),
        ("msg-0003", "Assistant", "Hi"),
    ]
    stored = (await todo.chat()).state
    assert (stored.total_messages, stored.total_tokens) == (3, 42)
    assert (state["totalMessages"], state["totalTokens"]) == (3, 42)


async def test_the_service_gets_history_options_and_every_skill(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    await todo.post("Hello")
    [request] = service.requests
    assert request.path == "/openai/deployments/gpt-test/chat/completions"
    assert request.query == {"api-version": "2024-10-21"}
    assert request.headers["api-key"] == "k"
    assert request.body == {
        "model": "gpt-test",
        "messages": [
            {"role": "system", "content": "Be nice"},
            {"role": "user", "content": "Hello"},
        ],
        "temperature": 0.5,
        "max_tokens": 100,
        "tools": [
            {
                "type": "function",
                "function": {
                    "description": "Create a new todo task",
                    "name": "AddTodo",
                    "parameters": {
                        "type": "object",
                        "properties": {"taskDescription": {"type": "string"}},
                    },
                },
            },
            {
                "type": "function",
                "function": {
                    "description": "Fetch the list of previously created todo tasks",
                    "name": "GetTodos",
                    "parameters": {
                        "type": "object",
                        "properties": {"inputIgnored": {"type": "string"}},
                    },
                },
            },
        ],
    }


async def test_without_skills_no_tools_are_sent(host: OpenAIHost, service: ModelService) -> None:
    todo = TodoAssistant(host, service)
    await todo.create()
    await todo.post("Hello")
    assert "tools" not in service.requests[0].body


@pytest.mark.parametrize("content", [None, "", "  "])
async def test_an_empty_reply_adds_no_row_and_warns(
    content: str | None, todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.reply(chat(content, finish_reason="content_filter"))
    state = await todo.post("Hello")
    assert state["recentMessages"] == []
    assert [role for _, role, _ in await todo.rows()] == ["System", "User"]
    assert todo.host.messages("Warning") == [
        "[a1] The model answered nothing (finish_reason 'content_filter')."
    ]


async def test_a_reply_cut_at_max_tokens_gives_a_hint(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.reply(chat("Once upon a", finish_reason="length"))
    await todo.post("Tell me a story")
    assert "set 'maxTokens'" in todo.host.messages("Warning")[0]


async def test_times_only_go_forward_even_when_the_clock_stands_still(
    todo: TodoAssistant,
) -> None:
    todo.host.clock = ManualClock()
    await todo.create()
    seen = (await todo.query())["lastUpdatedAt"]
    assert (await todo.query(seen))["recentMessages"] == []
    await todo.post("Hello")
    newer = await todo.query(seen)
    assert [each["role"] for each in newer["recentMessages"]] == ["User", "Assistant"]
    assert (await todo.query(newer["lastUpdatedAt"]))["recentMessages"] == []


async def test_every_model_call_is_recorded_without_its_key(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.reply(chat(calls=[ADD], total=10), failure(400, "bad"))
    with pytest.raises(BindingError):
        await todo.post("x")
    (_, _, first), (source, name, second) = todo.host.records
    assert (source, name) == ("openai", "model-call")
    assert {key: first[key] for key in first if key != "duration"} == {
        "function": "PostUserQuery",
        "assistant": "a1",
        "model": "gpt-test",
        "backend": "azure-openai",
        "messages": 2,
        "tools": ["AddTodo", "GetTodos"],
        "tokens": 10,
        "promptTokens": 8,
        "completionTokens": 2,
        "finishReason": "tool_calls",
        "toolCalls": ["AddTodo"],
    }
    assert second["error"] == "The model service answered 400: bad"
    assert json.dumps([first, second])


async def test_the_log_tells_the_turn_in_the_words_users_know(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    todo.host.logged.clear()
    service.reply(chat(calls=[ADD]), chat("Done"))
    await todo.post("Remind me")
    assert todo.host.messages("Information") == [
        "Posting message to assistant 'a1': Remind me",
        f"Chat models: Azure OpenAI at {service.url} (AZURE_OPENAI_ENDPOINT, "
        "local.settings.json; key from AZURE_OPENAI_KEY, local.settings.json).",
        "Posting message to assistant entity 'a1'",
        "[a1] Received message: Remind me",
        "[a1] Got LLM response consisting of 2 tokens: [] && 1 ToolCalls",
        "[a1] Found 1 function call(s) in response",
        f"[a1] Calling function 'AddTodo' with arguments: {ADD[2]}",
        "[a1] Function 'AddTodo' returned the following content: ",
        "[a1] Got LLM response consisting of 2 tokens: [Done] && 0 ToolCalls",
        "[a1] Chat length is now 5 messages",
    ]


async def test_the_overhead_of_a_turn_is_small(host: OpenAIHost) -> None:
    todo = TodoAssistant(host)
    todo.add_skills()
    await todo.create()
    started = time.process_time()
    for index in range(20):
        await todo.post(f"Remind me to buy {index}")
    assert (time.process_time() - started) / 20 < 0.1  # what others do meanwhile does not count
