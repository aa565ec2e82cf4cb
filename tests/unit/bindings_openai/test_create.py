"""Creating assistants: what is stored, what is refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bindings.openai.assistants.create import AssistantCreate
from bindings.openai.chats.base import State
from bindings.openai.extension import OpenAIExtension, Storage
from emulator.clock import ManualClock
from emulator.sdk import BindingError, Datum
from tests.support.model_service import ModelService, chat
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import TodoAssistant


async def test_create_stores_the_instructions_and_the_state_and_asks_no_model(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create("a1", "Be nice")
    stored = await todo.chat()
    [row] = stored.messages
    assert (row.row_key, row.role, row.content) == ("msg-0001", "System", "Be nice")
    assert (row.tool_calls, row.name) == ("", None)
    state = stored.state
    assert state == State(True, state.created_at, state.created_at, 1, 0)
    assert row.created_at <= state.last_updated_at
    assert service.requests == []
    assert todo.host.messages("Information") == [
        '[a1] Creating new chat session with instructions = "Be nice"',
        "Created assistant 'a1'",
    ]


async def test_a_value_without_an_id_is_told_with_what_it_has(todo: TodoAssistant) -> None:
    with pytest.raises(BindingError) as caught:
        await todo.host.write(todo.create_binding, {"assistantId": "a1", "instructions": "x"})
    assert caught.value.hint == (
        "It is the 'id' of the value the function sets, which has 'assistantid', 'instructions'."
    )


async def test_creating_again_is_a_full_reset(todo: TodoAssistant, service: ModelService) -> None:
    todo.host.clock = ManualClock()
    await todo.create()
    before = await todo.chat()
    todo.host.clock.advance(10)
    for _ in range(3):
        await todo.post("Hello")
    await todo.create("a1", "New")
    after = await todo.chat()
    assert await todo.rows() == [("msg-0001", "System", "New")]
    assert after.state.total_tokens == 0
    assert after.state.created_at > before.state.created_at
    assert "Deleting 8 record(s) for assistant 'a1'." in todo.host.messages()


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ({"id": "a1"}, "You are a helpful assistant."),
        ({"ID": "a1", "Instructions": "Hi", "unknown": 1}, "Hi"),
        ({"id": "a1", "instructions": None}, None),
        ({"id": "a1", "instructions": "  \n"}, None),
        ({"id": "a1", "instructions": 7}, "7"),
        ({"id": "a1", "instructions": "\ud83d\ude00 \ud800"}, "😀 \ufffd"),
    ],
)
async def test_instructions(host: OpenAIHost, value: Any, content: str | None) -> None:
    todo = TodoAssistant(host)
    await host.write(todo.create_binding, json.dumps(value))
    assert [text for _, _, text in await todo.rows()] == ([] if content is None else [content])
    assert (await todo.chat()).state.total_messages == (0 if content is None else 1)


@pytest.mark.parametrize(
    "value",
    [
        [{"id": "a1"}, {"id": "a2"}, None],
        '[{"id": "a1"}, {"id": "a2"}]',
        b'[{"id": "a1"}, {"id": "a2"}]',
        Datum("list", (Datum("json", '{"id": "a1"}'), Datum("text", '{"id": "a2"}'))),
    ],
    ids=["json", "text", "bytes", "list"],
)
async def test_several_at_once(host: OpenAIHost, value: Any) -> None:
    todo = TodoAssistant(host)
    await host.write(todo.create_binding, value)
    assert {each.assistant for each in await todo.store.chats()} == {"a1", "a2"}


async def test_the_value_chooses_the_collection(host: OpenAIHost) -> None:
    todo = TodoAssistant(host)
    await host.write(todo.create_binding, {"id": "a1", "collectionName": "Bots"})
    assert await todo.store.load("a1") is None
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    assert await extension.open_store(Storage("", "bots")).load("a1") is not None


async def test_what_the_value_lacks_may_stand_in_the_binding(host: OpenAIHost) -> None:
    todo = TodoAssistant(host)
    binding = host.bind(
        AssistantCreate,
        direction="out",
        id="{assistantId}",
        instructions="100% sure {braces}",
        collectionName="Bots",
    )
    await host.write(binding, {}, {"assistantId": "fromroute"})
    await host.write(
        binding,
        {"id": "own", "instructions": "own", "collectionName": "ChatState"},
        {"assistantId": "x"},
    )
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    stored = await extension.open_store(Storage("", "bots")).load("fromroute")
    assert stored is not None
    assert stored.messages[0].content == "100% sure {braces}"
    assert await todo.rows("own") == [("msg-0001", "System", "own")]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("make me one", "cannot be created from 'make me one': the value is not a JSON object"),
        (["a"], "cannot be created from 'a'"),
        (Datum("int", 5), "cannot be created from '5'"),
        ({}, "The assistant ID must be specified."),
        ({"id": ""}, "The assistant ID must be specified."),
        ({"id": None}, "The assistant ID must be specified."),
        ({"id": "a/b"}, "contains '/', which Table storage does not allow in keys"),
        ({"id": "a\\b"}, "does not allow in keys"),
        ({"id": "a#b"}, "does not allow in keys"),
        ({"id": "a?b"}, "does not allow in keys"),
        ({"id": "a\nb"}, "does not allow in keys"),
        ({"id": "a\x85b"}, "does not allow in keys"),
        ({"id": "a\ud800"}, "does not allow in keys"),
        ({"id": "x" * 513}, "longer than 512 characters"),
        ({"id": ["a"]}, "'id' of an assistant should be text"),
        ({"id": "a1", "instructions": {"a": 1}}, "'instructions' of an assistant should be text"),
        ({"id": "a1", "instructions": "x" * 32769}, "longer than 32,768 characters"),
        ({"id": "a1", "collectionName": None}, "'collectionName' of an assistant should be text"),
        ({"id": "a1", "collectionName": "my_chats"}, "'my_chats' cannot be the name of a table"),
    ],
)
async def test_what_cannot_be_created_is_refused_with_the_reason(
    host: OpenAIHost, value: Any, message: str
) -> None:
    todo = TodoAssistant(host)
    with pytest.raises(BindingError) as caught:
        await host.write(todo.create_binding, value)
    assert message in caught.value.message
    assert await todo.store.chats() == []


async def test_create_waits_for_a_running_post_and_then_resets(
    todo: TodoAssistant, service: ModelService
) -> None:
    async def recreate(task: str | None) -> None:
        creating.append(asyncio.create_task(todo.create("a1", "Reset")))
        await asyncio.sleep(0.01)

    creating: list[asyncio.Task[None]] = []
    todo.host.functions["AddTodo"] = recreate
    await todo.create()
    service.reply(chat(calls=[("c", "AddTodo", {"taskDescription": "x"})]))
    state = await todo.post("Go")
    assert state["totalMessages"] == 5
    await asyncio.gather(*creating)
    assert await todo.rows() == [("msg-0001", "System", "Reset")]


async def test_ids_with_apostrophes_touch_nobody_else(
    todo: TodoAssistant, service: ModelService
) -> None:
    for assistant in ("a1", "O'Neil", "a1' or '1' eq '1"):
        await todo.create(assistant, f"for {assistant}")
    await todo.create("O'Neil", "again")
    await todo.post("Hello", "O'Neil")
    assert [text for _, _, text in await todo.rows("O'Neil")] == ["again", "Hello", "Hi"]
    assert await todo.rows("a1") == [("msg-0001", "System", "for a1")]
