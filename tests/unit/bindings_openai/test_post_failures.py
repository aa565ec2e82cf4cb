"""Posts that nobody answers, that are refused, and whose model fails."""

from __future__ import annotations

import pytest

from bindings.openai.chats.base import State
from emulator.sdk import BindingError
from tests.support.model_service import ModelService, chat, failure
from tests.support.todo_assistant import ADD, TodoAssistant


async def test_nobody_answers_for_an_assistant_nobody_created(
    todo: TodoAssistant, service: ModelService
) -> None:
    state = await todo.post("Hello", "zzz")
    assert state == {
        "id": "zzz",
        "exists": False,
        "createdAt": "0001-01-01T00:00:00",
        "lastUpdatedAt": "0001-01-01T00:00:00",
        "totalMessages": 0,
        "totalTokens": 0,
        "recentMessages": [],
    }
    assert service.requests == []
    assert await todo.store.load("zzz") is None
    (told,) = [each for each in todo.host.messages() if "nonexistent assistant" in each]
    assert told == (
        "[zzz] Ignoring request sent to nonexistent assistant. "
        "Create it first, with a function that has an assistantCreate output."
    )


async def test_a_deactivated_assistant_does_not_answer(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.store.create("a1", State(False, 1, 1, 0, 0), [])
    assert (await todo.post("Hello"))["exists"] is False
    assert service.requests == []


@pytest.mark.parametrize(
    ("assistant", "message", "error"),
    [
        ("", "Hello", "The assistant ID must be specified."),
        ("a1", "", "The assistant must have a user message"),
        ("a1", "x" * 32769, "longer than 32,768 characters"),
        ("a1", "👋" * 16385, "longer than 32,768 characters"),
    ],
)
async def test_what_cannot_be_posted_is_refused_before_the_model_is_paid(
    assistant: str, message: str, error: str, todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    with pytest.raises(BindingError, match=error):
        await todo.post(message, assistant)
    assert service.requests == []


async def test_a_failing_model_leaves_rows_and_counters_as_they_were(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    await todo.post("Hello")
    before = await todo.chat()
    service.requests.clear()
    service.fallback = lambda request: failure(500, "down")
    with pytest.raises(BindingError, match="answered 500: down"):
        await todo.post("Again")
    assert len(service.requests) == 4
    assert await todo.chat() == before
    assert "[a1] The model service answered 500: down" in todo.host.messages("Warning")[0]


async def test_a_model_that_fails_midway_loses_the_turn_and_tells_what_ran(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    before = await todo.chat()
    service.reply(chat(calls=[ADD]))
    service.fallback = lambda request: failure(400, "bad")
    with pytest.raises(BindingError, match="bad"):
        await todo.post("Remind me")
    assert await todo.chat() == before
    assert len(todo.todos) == 1
    assert "these skills have run already: AddTodo." in todo.host.messages("Warning")[0]
