"""Direction `out` of the post binding: the documented form and the form before 0.15."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.sdk import BindingError, Datum
from tests.support.model_service import ModelService, chat, failure
from tests.support.todo_assistant import TodoAssistant

DATA = {"assistantId": "a1", "Query": {"message": "from the query"}}


def documented(todo: TodoAssistant, **properties: Any) -> Any:
    return todo.bind_post(direction="out", **properties)


def legacy(todo: TodoAssistant, **properties: Any) -> Any:
    return todo.bind_post(direction="out", userMessage=None, chatModel=None, **properties)


def said(service: ModelService) -> list[str]:
    return [request.messages[-1]["content"] for request in service.requests]


def test_the_declaration_decides_what_is_read_and_written(todo: TodoAssistant) -> None:
    def ways(binding: Any) -> tuple[bool, bool]:
        return binding.reads(), binding.writes()

    assert ways(todo.post_binding) == (True, False)
    assert ways(documented(todo)) == (True, True)
    assert ways(legacy(todo)) == (False, True)


@pytest.mark.parametrize("value", [{}, "{}", None, "null", {"id": "a1"}, {"userMessage": ""}, []])
async def test_documented_form_posts_the_bindings_message_once(
    value: Any, todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    binding = documented(todo)
    state = await todo.host.read(binding, DATA)
    assert state["recentMessages"][-1]["content"] == "Hi"
    await todo.host.write(binding, value, DATA)
    assert said(service) == ["from the query"]


@pytest.mark.parametrize("value", [{"userMessage": "more"}, "more", '"more"', b"more", ["more"]])
async def test_documented_form_posts_what_the_function_says_as_well(
    value: Any, todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    binding = documented(todo)
    await todo.host.read(binding, DATA)
    await todo.host.write(binding, value, DATA)
    assert said(service) == ["from the query", "more"]
    assert (await todo.chat()).state.total_messages == 5


async def test_documented_form_needs_a_message(todo: TodoAssistant) -> None:
    with pytest.raises(BindingError, match="The assistant must have a user message"):
        await todo.host.read(documented(todo), {"assistantId": "a1", "Query": {"message": ""}})


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        ({"userMessage": "one"}, ["one"]),
        ({"UserMessage": "one", "chatId": "ignored"}, ["one"]),
        ("just text", ["just text"]),
        ("5", ["5"]),
        ([{"userMessage": "one"}, {"userMessage": "two"}], ["one", "two"]),
        ('["one", "two"]', ["one", "two"]),
        (
            Datum("list", (Datum("text", "one"), Datum("json", '{"userMessage":"two"}'))),
            ["one", "two"],
        ),
        ([], []),
    ],
    ids=str,
)
async def test_legacy_form_posts_what_the_function_sets(
    value: Any, messages: list[str], todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    await todo.host.write(legacy(todo), value, DATA)
    assert said(service) == messages


async def test_the_values_id_and_the_bindings_model_win(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create("other")
    value = {"id": "other", "userMessage": "x", "model": "m2"}
    await todo.host.write(legacy(todo, model="m1"), json.dumps(value), DATA)
    assert "/deployments/m1/" in service.requests[0].path
    assert (await todo.rows("other"))[1] == ("msg-0002", "User", "x")


@pytest.mark.parametrize("value", [{}, {"userMessage": None}, "null"])
async def test_legacy_form_without_a_message_fails(value: Any, todo: TodoAssistant) -> None:
    await todo.create()
    with pytest.raises(BindingError, match="The assistant must have a user message"):
        await todo.host.write(legacy(todo), value, DATA)


async def test_legacy_form_warns_of_an_unknown_assistant(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.host.write(legacy(todo), {"userMessage": "x"}, {"assistantId": "zzz"})
    assert service.requests == []
    (told,) = todo.host.messages("Warning")
    assert told.startswith("[zzz] Ignoring request sent to nonexistent assistant.")


async def test_a_failing_model_fails_the_call(todo: TodoAssistant, service: ModelService) -> None:
    await todo.create()
    service.fallback = lambda request: failure(400, "bad")
    with pytest.raises(BindingError, match="bad"):
        await todo.host.write(legacy(todo), "x", DATA)


async def test_skills_run_for_posts_after_the_function_too(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.reply(chat(calls=[("c", "AddTodo", {"taskDescription": "milk"})]), chat("Done"))
    await todo.host.write(legacy(todo), "Remind me of milk", DATA)
    assert [item["task"] for item in todo.todos] == ["milk"]
    assert (await todo.rows())[-1] == ("msg-0005", "Assistant", "Done")
