"""Limits of a turn: of calls, of rows, of what a column holds, of history."""

from __future__ import annotations

from bindings.openai.assistants.state import read_tool_calls
from bindings.openai.chats.base import utf16_length
from tests.support.model_service import ModelService, Received, Reply, chat, failure
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import TodoAssistant


def tool_choices(request: Received) -> Reply:
    """A model that never stops calling as long as skills are offered."""
    if "tools" not in request.body:
        return chat("Enough", total=7)
    return chat(calls=[(f"call_{len(request.messages)}", "AddTodo", {"taskDescription": "x"})])


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
