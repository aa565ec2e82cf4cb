"""Posts that meet others: at the same time, of another process, of a skill, of an older version."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.chats.base import Message, State
from bindings.openai.chats.sqlite import MIGRATIONS, SqliteChatStore
from emulator.sdk import BindingError, Call
from emulator.state.sqlite import SqliteDatabase
from tests.support.model_service import ModelService, Reply, chat
from tests.support.openai_host import OpenAIHost
from tests.support.patience import PATIENCE
from tests.support.todo_assistant import ADD, SUCCEEDED, TodoAssistant


async def test_two_posts_at_once_wait_for_each_other(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.fallback = lambda request: Reply(
        chat(f"to {request.messages[-1]['content']}").body, delay=0.01
    )
    states = await asyncio.gather(todo.post("one"), todo.post("two"))
    assert [each["recentMessages"][0]["content"] for each in states] == ["to one", "to two"]
    assert [text for _, _, text in await todo.rows()] == [
        "Be nice",
        "one",
        "to one",
        "two",
        "to two",
    ]
    assert (await todo.chat()).state.total_messages == 5


async def test_two_hundred_posts_to_twenty_assistants_lose_and_double_nothing(
    host: OpenAIHost,
) -> None:
    todo = TodoAssistant(host)
    todo.add_skills()
    assistants = [f"a{n}" for n in range(20)]
    for assistant in assistants:
        await todo.create(assistant)
    await asyncio.gather(
        *(
            todo.post(f"Remind me to do thing {index} of {assistant}", assistant)
            for index in range(10)
            for assistant in assistants
        )
    )
    assert len({item["task"] for item in todo.todos}) == len(todo.todos) == 200
    for assistant in assistants:
        rows = await todo.rows(assistant)
        assert [key for key, _, _ in rows] == [f"msg-{n:04X}" for n in range(1, 42)]
        assert [role for _, role, _ in rows[1:]] == ["User", "Assistant", "Tool", "Assistant"] * 10
        said = {text for _, role, text in rows if role == "User"}
        assert said == {f"Remind me to do thing {n} of {assistant}" for n in range(10)}
        assert (await todo.chat(assistant)).state.total_messages == 41


async def test_another_process_writing_meanwhile_costs_nothing_but_a_renumbering(
    make_host: Any, service: ModelService, tmp_path: Path
) -> None:
    todo = TodoAssistant(make_host(folder=tmp_path), service)
    other = SqliteChatStore(
        SqliteDatabase(tmp_path / "openai-chats.db", MIGRATIONS),
        account="",
        collection="chatstate",
        new_version=lambda: "theirs",
    )

    async def write_behind_our_back(task: str) -> None:
        chat_now = await other.load("a1")
        assert chat_now is not None
        later = chat_now.state.last_updated_at + 50_000_000
        row = Message(chat_now.next_number, "User", "theirs", later)
        state = replace(chat_now.state, total_messages=2, last_updated_at=later)
        await other.append("a1", [row], state, version=chat_now.version)

    todo.host.skill("AddTodo", "Create a todo", write_behind_our_back, parameter="taskDescription")
    await todo.create()
    service.reply(chat(calls=[ADD]), chat("Done"))
    state = await todo.post("ours")
    await other._database.aclose()  # type: ignore[attr-defined]  # ours, made above
    assert [text for _, _, text in await todo.rows()] == [
        "Be nice",
        "theirs",
        "ours",
        "",
        SUCCEEDED,
        "Done",
    ]
    assert state["totalMessages"] == 6
    stored = await todo.chat()
    times = [each.created_at for each in stored.messages]
    assert times == sorted(set(times))
    assert stored.state.last_updated_at >= times[-1]


async def test_an_assistant_created_anew_by_another_process_refuses_the_old_turn(
    todo: TodoAssistant, service: ModelService
) -> None:
    async def recreate(task: str) -> None:
        await todo.store.create("a1", State(True, 1, 1, 0, 0), [])

    todo.host.functions["AddTodo"] = recreate
    await todo.create()
    service.reply(chat(calls=[ADD]), chat("Done"))
    with pytest.raises(BindingError, match="was created anew or deleted by another process"):
        await todo.post("x")
    assert await todo.rows() == []


async def test_a_skill_that_posts_to_its_own_assistant_fails_instead_of_hanging(
    todo: TodoAssistant, service: ModelService
) -> None:
    errors: list[str] = []

    async def post_to_oneself(task: str, call: Call) -> None:
        try:
            await todo.post("inner", ancestors=call.ancestors)
        except BindingError as error:
            errors.append(error.message)
            raise

    todo.host.functions["AddTodo"] = post_to_oneself
    await todo.create()
    service.reply(chat(calls=[ADD]), chat("Done"))
    async with asyncio.timeout(PATIENCE):
        state = await todo.post("outer")
    assert errors == [
        "A skill cannot write to an assistant that is waiting for this skill "
        "(PostUserQuery → PostUserQuery)."
    ]
    assert "The function call failed." in service.requests[1].messages[-1]["content"]
    assert state["recentMessages"][-1]["content"] == "Done"


async def test_a_skill_may_post_to_another_assistant(
    todo: TodoAssistant, service: ModelService
) -> None:
    async def post_to_the_other(task: str, call: Call) -> str:
        state = await todo.post("inner", "a2", ancestors=call.ancestors)
        return str(state["recentMessages"][0]["content"])

    todo.host.functions["AddTodo"] = post_to_the_other
    await todo.create("a1")
    await todo.create("a2")
    service.reply(chat(calls=[ADD]), chat("from the other"), chat("Done"))
    state = await todo.post("outer")
    assert "from the other" in service.requests[2].messages[-1]["content"]
    assert state["recentMessages"][-1]["content"] == "Done"


async def test_rows_of_older_versions_can_be_continued(
    todo: TodoAssistant, service: ModelService
) -> None:
    rows = [
        Message(1, "system", "Be nice", 1),
        Message(2, "user", "What do I need to do?", 2),
        Message(3, "function", '[{"task":"x"}]', 3, "GetTodos"),
        Message(4, "assistant", "You need to do x", 4),
    ]
    await todo.store.create("a1", State(True, 1, 4, 4, 9), rows)
    await todo.post("Thanks")
    assert service.requests[0].messages == [
        {"role": "system", "content": "Be nice"},
        {"role": "user", "content": "What do I need to do?"},
        {"role": "system", "content": 'Result of the function \'GetTodos\': [{"task":"x"}]'},
        {"role": "assistant", "content": "You need to do x"},
        {"role": "user", "content": "Thanks"},
    ]


async def test_rows_deleted_by_hand_do_not_make_numbers_clash(
    todo: TodoAssistant, service: ModelService
) -> None:
    rows = [Message(1, "System", "Be nice", 1), Message(9, "User", "left over", 2)]
    await todo.store.create("a1", State(True, 1, 2, 2, 0), rows)
    await todo.post("Hello")
    assert [key for key, _, _ in await todo.rows()] == [
        "msg-0001",
        "msg-0009",
        "msg-000A",
        "msg-000B",
    ]
    assert (await todo.chat()).state.total_messages == 4
