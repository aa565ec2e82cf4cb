"""Posting to assistants: the conversation, what is stored, and the bad days."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from bindings.openai.assistants.conversation import fitted, number, whole_number
from bindings.openai.assistants.post import AssistantPost
from bindings.openai.assistants.state import read_tool_calls
from bindings.openai.chats.base import State, utf16_length
from emulator.clock import ManualClock
from emulator.sdk import BindingError
from tests.support.model_service import ModelService, Received, Reply, chat, failure
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import ADD, SUCCEEDED, TodoAssistant


def tool_choices(request: Received) -> Reply:
    """A model that never stops calling as long as skills are offered."""
    if "tools" not in request.body:
        return chat("Enough", total=7)
    return chat(calls=[(f"call_{len(request.messages)}", "AddTodo", {"taskDescription": "x"})])


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


async def test_the_limit_of_calls_ends_a_turn_that_can_go_on_later(
    todo: TodoAssistant, service: ModelService
) -> None:
    service.fallback = tool_choices
    await todo.create()
    state = await todo.post("Never stop")
    assert len(todo.todos) == 25
    assert len(service.requests) == 27
    assert "tools" not in service.requests[-1].body
    assert state["recentMessages"][-1]["content"] == "Enough"
    assert state["totalTokens"] == 7
    assert (
        "[a1] Ignoring 1 function call(s) in response due to exceeding the limit of 50."
        in todo.host.messages("Warning")
    )
    stored = (await todo.chat()).messages
    answered = [each.name for each in stored if each.role == "Tool"]
    assert len(answered) == 26
    assert "was not called because the limit" in stored[-2].content
    service.fallback = lambda request: chat("Hi")
    assert (await todo.post("Hello"))["recentMessages"][-1]["content"] == "Hi"


async def test_of_more_calls_at_once_than_a_table_holds_the_first_are_run(
    todo: TodoAssistant, service: ModelService, host: OpenAIHost
) -> None:
    await todo.create()
    calls = [(f"call_{number}", "AddTodo", {"taskDescription": "x"}) for number in range(3000)]
    service.reply(chat(calls=calls), chat("Enough."))
    await todo.post("Go")
    ran = sum(function == "AddTodo" for function, *_ in host.invocations)
    assert 300 < ran < 500
    assert f"The model asked for 3,000 function calls at once; the first {ran} are taken" in (
        "\n".join(host.messages("Warning"))
    )
    answered = [
        each["tool_call_id"] for each in service.requests[1].messages if each["role"] == "tool"
    ]
    assert answered == [call[0] for call in calls[:ran]]


async def test_a_model_that_fails_at_the_limit_still_leaves_a_chat_that_can_go_on(
    todo: TodoAssistant, service: ModelService
) -> None:
    service.fallback = lambda request: (
        tool_choices(request) if "tools" in request.body else failure(400, "no last word")
    )
    await todo.create()
    state = await todo.post("Never stop")
    assert len(todo.todos) == 25
    assert state["totalMessages"] == 1 + 1 + 26 * 2
    assert any("no last word" in each for each in todo.host.messages("Warning"))
    assert (await todo.rows())[-1][1] == "Tool"


async def test_more_than_a_hundred_rows_in_one_turn_are_kept(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    calls = [(f"c{n}", "AddTodo", {"taskDescription": f"t{n}"}) for n in range(120)]
    service.reply(chat(calls=calls), chat("Done"))
    state = await todo.post("All of them")
    assert state["totalMessages"] == 124
    assert len(todo.todos) == 120
    assert [n for n, _, _ in await todo.rows()] == [f"msg-{n:04X}" for n in range(1, 125)]


async def test_a_setting_keeps_the_history_short(
    todo: TodoAssistant, service: ModelService
) -> None:
    todo.host.settings.values["FUNCEMU_ASSISTANT_MAX_HISTORY"] = "3"
    await todo.create()
    for message in ("one", "two", "three"):
        await todo.post(message)
    assert [each["content"] for each in service.requests[-1].messages] == [
        "Be nice",
        "two",
        "Hi",
        "three",
    ]
    assert (await todo.chat()).state.total_messages == 7


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


async def test_a_failed_or_lost_result_is_shortened_to_what_a_column_holds(
    todo: TodoAssistant, service: ModelService
) -> None:
    todo.host.functions["GetTodos"] = lambda ignored: "👋" * 40_000
    await todo.create()
    service.reply(chat(calls=[("c", "GetTodos", "{}")]), chat("Much"))
    await todo.post("x")
    content = (await todo.chat()).messages[3].content
    assert utf16_length(content) in {32_767, 32_768}
    assert content.endswith(" [shortened: Table storage holds no more]")


async def test_arguments_that_no_column_holds_reach_the_skill_but_not_the_chat(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    task = "x" * 40_000
    service.reply(chat(calls=[("c", "AddTodo", {"taskDescription": task})]), chat("Much"))
    await todo.post("x")
    assert todo.todos[0]["task"] == task
    stored = (await todo.chat()).messages[2].tool_calls
    assert [call.arguments for call in read_tool_calls(stored)] == ["{}"]
    assert any("too long for Table storage" in each for each in todo.host.messages("Warning"))


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


@pytest.mark.parametrize(
    ("properties", "sent"),
    [
        ({"isReasoningModel": True}, {}),
        ({"isReasoningModel": True, "topP": "0.2"}, {"top_p": 0.2}),
        ({"maxTokens": "", "temperature": "abc", "topP": "0.1"}, {"top_p": 0.1}),
        ({"maxTokens": 7, "temperature": 1}, {"max_tokens": 7, "temperature": 1.0}),
        ({"maxTokens": "7.5", "temperature": "nan"}, {}),
        ({"isReasoningModel": True, "reasoningEffort": "low"}, {"reasoning_effort": "low"}),
        ({"maxTokens": "1_0", "temperature": "1_0"}, {}),
    ],
    ids=str,
)
async def test_options_are_sent_when_they_are_numbers(
    properties: dict[str, Any], sent: dict[str, Any], todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    await todo.post("Hello", binding=todo.bind_post(**properties))
    body = service.requests[0].body
    assert {key: body[key] for key in body if key not in {"model", "messages", "tools"}} == sent


async def test_null_options_are_not_sent(todo: TodoAssistant, service: ModelService) -> None:
    await todo.create()
    binding = todo.host.bind(
        AssistantPost,
        id="a1",
        userMessage="Hello",
        chatModel=None,
        temperature=None,
        maxTokens=None,
    )
    await todo.post("unused", binding=binding)
    [request] = service.requests
    assert "/deployments/gpt-3.5-turbo/" in request.path
    assert {"temperature", "max_tokens"}.isdisjoint(request.body)


@pytest.mark.parametrize(
    ("properties", "deployment"),
    [
        ({"chatModel": "DefaultChatModel"}, "gpt-3.5-turbo"),
        ({"chatModel": None}, "gpt-3.5-turbo"),
        ({"chatModel": "DefaultChatModel", "model": "%CHAT_MODEL_DEPLOYMENT_NAME%"}, "gpt-test"),
        ({"chatModel": None, "model": "m1"}, "m1"),
        ({"chatModel": "new", "model": "old"}, "new"),
    ],
)
async def test_the_model_that_is_meant_is_asked(
    properties: dict[str, Any], deployment: str, todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    await todo.post("Hello", binding=todo.bind_post(**properties))
    assert f"/deployments/{deployment}/" in service.requests[0].path


async def test_two_models_over_one_connection_are_both_asked(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    await todo.post("Hello", binding=todo.bind_post(chatModel="one"))
    await todo.post("Hello", binding=todo.bind_post(chatModel="two"))
    assert ["/one/" in service.requests[0].path, "/two/" in service.requests[1].path] == [True] * 2


def test_a_post_without_user_message_is_in_error_when_loaded(host: OpenAIHost) -> None:
    for properties in ({}, {"userMessage": None}):
        with pytest.raises(BindingError) as caught:
            host.bind(AssistantPost, name="state", id="a1", **properties)
        assert caught.value.message == (
            "Unable to configure binding 'state' of type 'assistantPost'. This may indicate "
            "invalid function.json properties. Can't figure out which ctor to call."
        )


def test_numbers_are_read_with_a_dot_only() -> None:
    assert [number(text) for text in ("0.5", " 1 ", "1e1", "0,5", "inf", None)] == [
        0.5,
        1.0,
        10.0,
        None,
        None,
        None,
    ]
    assert [whole_number(text) for text in ("100", " 7 ", "7.0", "", None)] == [
        100,
        7,
        None,
        None,
        None,
    ]


def test_fitted_text_stays_as_it_is_up_to_the_limit() -> None:
    for text in ("x" * 32_768, "👋" * 16_384, ""):
        assert fitted(text) == text
    assert utf16_length(fitted("x" * 32_769)) == 32_768


async def test_the_overhead_of_a_turn_is_small(host: OpenAIHost) -> None:
    todo = TodoAssistant(host)
    todo.add_skills()
    await todo.create()
    started = time.process_time()
    for index in range(20):
        await todo.post(f"Remind me to buy {index}")
    assert (time.process_time() - started) / 20 < 0.1  # what others do meanwhile does not count
