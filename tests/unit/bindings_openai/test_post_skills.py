"""Skills that are run in the middle of a turn, and what the model is told of them."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.model_service import ModelService, chat
from tests.support.todo_assistant import ADD, SUCCEEDED, TodoAssistant


async def test_a_skill_runs_and_the_model_is_told_what_came_of_it(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.reply(chat(calls=[ADD], total=10), chat("Done", total=20))
    state = await todo.post("Remind me to call my dad")
    assert [item["task"] for item in todo.todos] == ["Call my dad"]
    assert service.requests[1].messages[2:] == [
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "AddTodo", "arguments": ADD[2]},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": SUCCEEDED},
    ]
    stored = await todo.chat()
    assert [each.role for each in stored.messages] == [
        "System",
        "User",
        "Assistant",
        "Tool",
        "Assistant",
    ]
    assert [each.row_key for each in stored.messages] == [f"msg-000{n}" for n in range(1, 6)]
    assert [each.name for each in stored.messages] == [None, None, None, "call_1", None]
    assert stored.messages[2].tool_calls == (
        '[{"id":"call_1","functionName":"AddTodo","functionArguments":'
        '"{\\u0022taskDescription\\u0022:\\u0022Call my dad\\u0022}","kind":"Function"}]'
    )
    assert (stored.state.total_messages, stored.state.total_tokens) == (5, 20)
    first, last = state["recentMessages"]
    assert (first["content"], first["toolCalls"]) == ("", stored.messages[2].tool_calls)
    assert last == {"content": "Done", "role": "Assistant", "toolCalls": ""}


async def test_a_setting_drops_the_entries_that_hold_only_calls(
    todo: TodoAssistant, service: ModelService
) -> None:
    todo.host.settings.values["FUNCEMU_ASSISTANT_DROP_EMPTY_MESSAGES"] = "true"
    await todo.create()
    service.reply(chat(calls=[ADD]), chat("Done"))
    state = await todo.post("Remind me to call my dad")
    assert [each["content"] for each in state["recentMessages"]] == ["Done"]
    assert (await todo.chat()).state.total_messages == 5


async def test_text_beside_calls_is_kept_and_sent_again(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.reply(chat("On it", calls=[ADD]), chat("Done"))
    await todo.post("x")
    assert service.requests[1].messages[2]["content"] == "On it"


async def test_several_calls_of_one_reply_run_one_after_the_other(
    todo: TodoAssistant, service: ModelService
) -> None:
    running: list[str] = []

    async def add(task: str) -> None:
        running.append(f"{task} begins")
        await asyncio.sleep(0.005)
        running.append(f"{task} ends")

    todo.host.functions["AddTodo"] = add
    await todo.create()
    calls = [(f"c{n}", "addtodo", {"taskDescription": f"t{n}"}) for n in range(3)]
    service.reply(chat(calls=calls), chat("Done"))
    await todo.post("x")
    assert running == [f"t{n} {what}" for n in range(3) for what in ("begins", "ends")]
    tools = [each for each in service.requests[1].messages if each["role"] == "tool"]
    assert [each["tool_call_id"] for each in tools] == ["c0", "c1", "c2"]
    assert tools[0]["content"].startswith("Function Name: 'addtodo' and")


async def test_calls_without_an_id_or_with_one_twice_get_their_own(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    arguments = {"taskDescription": "x"}
    calls = [("", "AddTodo", arguments), ("a", "AddTodo", arguments), ("a", "AddTodo", arguments)]
    service.reply(chat(calls=calls), chat("Done"))
    await todo.post("x")
    sent = service.requests[1].messages
    identities = [each["id"] for each in sent[2]["tool_calls"]]
    assert len(set(identities)) == 3
    assert "" not in identities
    assert [each["tool_call_id"] for each in sent[3:]] == identities


async def test_a_skill_that_raises_does_not_fail_the_turn(
    todo: TodoAssistant, service: ModelService
) -> None:
    def fails(task: str) -> None:
        raise ValueError("disk full")

    todo.host.functions["AddTodo"] = fails
    await todo.create()
    service.reply(chat(calls=[ADD]), chat("Sorry"))
    state = await todo.post("x")
    assert (
        service.requests[1]
        .messages[-1]["content"]
        .endswith(
            "'The function call failed. Let the user know and ask if they'd like you to try again'"
        )
    )
    assert state["recentMessages"][-1]["content"] == "Sorry"
    [error] = todo.host.messages("Error")
    assert "Function 'AddTodo' failed with an unhandled exception" in error
    assert "disk full" in error


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("NoSuchSkill", "{}"),
        ("AddTodo", '{"taskDescr'),
        ("AddTodo", "[1]"),
        ("AddTodo", "[" * 5000),
    ],
    ids=["unknown skill", "cut arguments", "no object", "bottomless"],
)
async def test_a_call_that_cannot_be_made_does_not_fail_the_turn(
    name: str, arguments: str, todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.reply(chat(calls=[("c", name, arguments)]), chat("Sorry"))
    state = await todo.post("x")
    assert "The function call failed." in service.requests[1].messages[-1]["content"]
    assert state["recentMessages"][-1]["content"] == "Sorry"
    assert todo.todos == []


async def test_arguments_cut_by_a_token_limit_do_not_poison_the_assistant(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.reply(chat(calls=[("c", "AddTodo", '{"taskDescription":"Ca')]), chat("Sorry"))
    await todo.post("x")
    await todo.post("Again")
    assert service.requests[2].messages[2]["tool_calls"][0]["function"]["arguments"] == "{}"
    stored = (await todo.chat()).messages[2].tool_calls
    assert '"functionArguments":"{\\u0022taskDescription\\u0022:\\u0022Ca"' in stored
    assert (await todo.query())["totalMessages"] == 7
