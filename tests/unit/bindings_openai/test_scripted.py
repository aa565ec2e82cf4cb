"""The scripted model: where a chat stands in a script, what it answers, and its faults."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.models.base import ChatReply, ChatRequest, ModelBackend
from bindings.openai.models.deterministic import DeterministicBackend
from bindings.openai.models.faults import FaultPlan, FaultyBackend
from bindings.openai.models.retrying import RetryPolicy, ServiceError
from bindings.openai.models.scripted import ScriptedBackend
from emulator.clock import SystemClock
from emulator.sdk import BindingError
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import TodoAssistant

TODO = """
when_unmatched: error
scripts:
  - name: todo
    turns:
      - user: {regex: "remind me to (?P<task>.+)"}
        calls: [{AddTodo: {taskDescription: "{task}", said: "{user}"}}]
      - result: AddTodo
        says: "I added {call.taskDescription}."
      - result: {AddTodo: {failed: true}}
        says: "That did not work."
      - user: {contains: "what do i need"}
        calls: [GetTodos: {}]
      - result: {GetTodos: {contains: milk}}
        says: "Milk, and {len(result)} things in all."
      - result: GetTodos
        says: "You have {len(result)} tasks: {join(result, task)}."
      - user: thanks
        says: "First thanks."
      - user: thanks
        says: "Second thanks."
"""


class NapClock(SystemClock):
    def __init__(self) -> None:
        self.naps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)


@pytest.fixture
def clock() -> NapClock:
    return NapClock()


Make = Callable[..., FaultyBackend]


@pytest.fixture
def make(tmp_path: Path, clock: NapClock) -> Make:
    def backend(text: str = TODO) -> FaultyBackend:
        path = tmp_path / "model-script.yaml"
        path.write_text(text)
        scripted = ScriptedBackend(path, otherwise=DeterministicBackend(clock))
        return FaultyBackend(
            scripted,
            FaultPlan(clock),
            policy=RetryPolicy(),
            clock=clock,
            scripted=scripted.faults,
        )

    return backend


class Chat:
    """A chat with a model: says something, hands results back, remembers the history."""

    def __init__(self, backend: ModelBackend, assistant: str = "a1") -> None:
        self.backend = backend
        self.assistant = assistant
        self.history: list[dict[str, Any]] = [{"role": "system", "content": "Be nice"}]

    async def say(self, text: str) -> ChatReply:
        self.history.append({"role": "user", "content": text})
        return await self._ask()

    async def give(self, *results: str) -> ChatReply:
        """Answer the calls of the last reply."""
        calls = self.history[-1]["tool_calls"]
        for call, result in zip(calls, results, strict=True):
            name = call["function"]["name"]
            content = f"Function Name: '{name}' and Function Result: '{result}'"
            self.history.append({"role": "tool", "tool_call_id": call["id"], "content": content})
        return await self._ask()

    async def _ask(self) -> ChatReply:
        request = ChatRequest("m", list(self.history), assistant=self.assistant)
        reply = await self.backend.chat(request)
        message: dict[str, Any] = {"role": "assistant", "content": reply.content}
        if reply.tool_calls:
            message["tool_calls"] = [
                {"id": call.id, "function": {"name": call.name, "arguments": call.arguments}}
                for call in reply.tool_calls
            ]
        self.history.append(message)
        return reply


SUCCEEDED = "The function call succeeded. Let the user know that you completed the action."
FAILED = "The function call failed. Let the user know and ask if they'd like you to try again"


async def test_a_conversation_follows_the_script(make: Make) -> None:
    chat = Chat(make())
    reply = await chat.say("Remind me to buy milk")
    [call] = reply.tool_calls
    assert (call.name, json.loads(call.arguments)) == (
        "AddTodo",
        {"taskDescription": "buy milk", "said": "Remind me to buy milk"},
    )
    assert reply.finish_reason == "tool_calls"
    assert (await chat.give(SUCCEEDED)).content == "I added buy milk."
    await chat.say("What do I need to do?")
    listed = json.dumps(json.dumps([{"task": "a"}, {"task": "b"}]))
    reply = await chat.give(listed)
    assert reply.content == "You have 2 tasks: a, b."
    assert reply.usage.total > reply.usage.prompt > 0


async def test_turns_may_come_in_any_order_and_again(make: Make) -> None:
    chat = Chat(make())
    await chat.say("What do I need to do?")
    assert (await chat.give('[{"task":"milk"}]')).content == "Milk, and 1 things in all."
    await chat.say("remind me to sleep")
    assert (await chat.give(SUCCEEDED)).content == "I added sleep."
    await chat.say("remind me to eat")
    assert (await chat.give(SUCCEEDED)).content == "I added eat."


async def test_a_failed_result_gets_its_own_answer_never_that_of_success(make: Make) -> None:
    chat = Chat(make())
    await chat.say("Remind me to fail")
    assert (await chat.give(FAILED)).content == "That did not work."


async def test_the_place_in_the_conversation_decides_between_equal_turns(make: Make) -> None:
    chat = Chat(make())
    assert [(await chat.say("thanks")).content for _ in range(3)] == [
        "First thanks.",
        "Second thanks.",
        "First thanks.",
    ]
    assert (await Chat(chat.backend).say("thanks")).content == "First thanks."


async def test_chats_do_not_disturb_each_other(make: Make) -> None:
    backend = make()

    async def converse(number: int) -> str:
        chat = Chat(backend, f"a{number}")
        await chat.say(f"Remind me to count to {number}")
        return (await chat.give(SUCCEEDED)).content

    answers = await asyncio.gather(*(converse(number) for number in range(20)))
    assert answers == [f"I added count to {number}." for number in range(20)]


async def test_the_same_chat_gets_the_same_answer_again(make: Make) -> None:
    backend = make()
    replies = [await Chat(backend).say("Remind me to buy milk") for _ in range(2)]
    assert replies[0] == replies[1]


async def test_scripts_are_chosen_by_assistant(make: Make) -> None:
    backend = make(
        """
        scripts:
          - {assistant: "shop-*", turns: [{user: any, says: "shop {assistant}"}]}
          - {turns: [{user: any, says: other}]}
        """
    )
    assert (await Chat(backend, "shop-1").say("x")).content == "shop shop-1"
    assert (await Chat(backend, "bank").say("x")).content == "other"


async def test_several_results_can_be_asked_for_together(make: Make) -> None:
    backend = make(
        """
        scripts:
          - turns:
            - {user: both, calls: [A, {B: {x: 1}}]}
            - {result: [A, B], says: "{results[0]} and {results[1]}"}
        """
    )
    chat = Chat(backend)
    reply = await chat.say("both")
    assert [call.arguments for call in reply.tool_calls] == ["{}", '{"x": 1}']
    assert len({call.id for call in reply.tool_calls}) == 2
    assert (await chat.give('"one"', "2")).content == "one and 2"


async def test_arguments_keep_the_type_of_a_lone_placeholder(make: Make) -> None:
    backend = make(
        """
        scripts:
          - turns:
            - {user: go, calls: [Get]}
            - result: Get
              calls: [{Put: {count: "{len(result)}", items: ["{result[0]}"], text: "n={result}"}}]
        """
    )
    chat = Chat(backend)
    await chat.say("go")
    [call] = (await chat.give("[7]")).tool_calls
    assert json.loads(call.arguments) == {"count": 1, "items": [7], "text": "n=[7]"}


async def test_what_the_script_does_not_answer_is_answered_by_the_offline_model(
    make: Make,
) -> None:
    backend = make("scripts: [{turns: [{user: hello there, says: General}]}]")
    assert (await Chat(backend).say("hello there")).content == "General"
    assert "offline model" in (await Chat(backend).say("Hello there, you")).content


async def test_or_is_an_error_that_names_script_and_request(make: Make) -> None:
    with pytest.raises(BindingError) as caught:
        await Chat(make()).say("Sing!")
    assert caught.value.message == (
        "model-script.yaml has no turn that answers \"Sing!\" for assistant 'a1'. "
        "Tried 'todo' (line 4, 8 turns)."
    )
    chat = Chat(make())
    await chat.say("what do i need")
    with pytest.raises(BindingError, match="answers the result of 'GetTodos'"):
        await chat.give(FAILED)


async def test_no_script_for_an_assistant_is_told(make: Make) -> None:
    backend = make(
        "when_unmatched: error\nscripts: [{assistant: x, turns: [{user: any, says: a}]}]"
    )
    with pytest.raises(BindingError, match="No script is for this assistant."):
        await Chat(backend).say("Hi")


async def test_a_placeholder_without_value_is_told_with_the_turns_line(make: Make) -> None:
    backend = make("scripts:\n- turns:\n  - {user: any, says: 'Hello {name}'}\n")
    with pytest.raises(BindingError, match=r"model-script.yaml:3: there is no 'name' here"):
        await Chat(backend).say("Hi")


async def test_a_saved_change_counts_from_the_next_call_on(make: Make, tmp_path: Path) -> None:
    backend = make("scripts: [{turns: [{user: any, says: old}]}]")
    assert (await Chat(backend).say("x")).content == "old"
    path = tmp_path / "model-script.yaml"
    path.write_text("scripts: [{turns: [{user: any, says: new}]}]")
    os.utime(path, ns=(1, 1))
    assert (await Chat(backend).say("x")).content == "new"
    path.write_text("scripts: [")
    os.utime(path, ns=(2, 2))
    with pytest.raises(BindingError, match="is not YAML"):
        await Chat(backend).say("x")
    path.unlink()
    with pytest.raises(BindingError, match="cannot be read"):
        await Chat(backend).say("x")


HELLO = "scripts: [{turns: [{user: any, says: one two three four five}]}]\nfaults:\n"


async def test_latency_is_waited_for(make: Make, clock: NapClock) -> None:
    backend = make(HELLO + "- {match: {contains: slow}, latency: 300ms}\n")
    await Chat(backend).say("quick")
    assert clock.naps == []
    await Chat(backend).say("slow please")
    assert clock.naps == [0.3]


async def test_a_slow_model_takes_its_time_per_token(make: Make, clock: NapClock) -> None:
    reply = await Chat(make(HELLO + "- {ttft: 1s, tokens_per_second: 2}\n")).say("x")
    assert clock.naps == [1.0, reply.usage.completion / 2]


async def test_a_passing_refusal_is_tried_again_after_the_wait(make: Make, clock: NapClock) -> None:
    backend = make(HELLO + "- {times: 2, status: 429, retry_after: 2s}\n")
    assert (await Chat(backend).say("x")).content.startswith("one")
    assert clock.naps == [2.0, 2.0]


async def test_a_lasting_refusal_fails_like_the_services(make: Make, clock: NapClock) -> None:
    with pytest.raises(ServiceError, match=r"answered 503 \(as model-script.yaml:3 asks\)"):
        await Chat(make(HELLO + "- {status: 503}\n")).say("x")
    assert len(clock.naps) == 3
    with pytest.raises(ServiceError, match="answered 400"):
        await Chat(make(HELLO + "- {status: 400}\n")).say("x")
    assert len(clock.naps) == 3


async def test_a_broken_connection_is_tried_again(make: Make, clock: NapClock) -> None:
    backend = make(HELLO + "- {match: any, times: 1, cut_stream_after: 3}\n")
    assert (await Chat(backend).say("x")).content.startswith("one")
    assert len(clock.naps) == 1


async def test_every_fifth_call_fails(make: Make) -> None:
    backend = make(HELLO + "- {every: 5, status: 400}\n")
    failed = []
    for index in range(1, 12):
        try:
            await Chat(backend).say("x")
        except ServiceError:
            failed.append(index)
    assert failed == [5, 10]


async def test_a_script_plays_the_whole_sample(
    make_host: Callable[..., OpenAIHost], tmp_path: Path
) -> None:
    (tmp_path / "model-script.yaml").write_text(TODO)
    todo = TodoAssistant(make_host(app_root=tmp_path))
    todo.add_skills()
    await todo.create()
    state = await todo.post("Remind me to buy milk")
    assert state["recentMessages"][-1]["content"] == "I added buy milk."
    assert [item["task"] for item in todo.todos] == ["buy milk"]
    state = await todo.post("What do I need?")
    assert state["recentMessages"][-1]["content"] == "Milk, and 1 things in all."
    assert {data["backend"] for _, _, data in todo.host.records} == {"script"}
