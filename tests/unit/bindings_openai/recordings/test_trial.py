"""A recorded conversation played again under all that changes between two runs of an app: what
must still be found, and what must be refused."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.models.base import ChatReply, ChatRequest
from bindings.openai.models.retrying import ServiceError
from emulator.sdk import BindingError
from tests.support.recorded import (
    FAILED,
    FIVE_TURNS,
    OTHER_TURNS,
    TOOLS,
    LiveModel,
    TodoChat,
    recorder,
    tool,
)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Two recorded conversations that begin alike and ask the same at different states."""
    model = recorder(tmp_path, "record")
    await TodoChat(model, "a1").hold(FIVE_TURNS)
    await TodoChat(model, "b2").hold(OTHER_TURNS)
    return tmp_path


async def recorded_replies(texts: Any) -> list[str]:
    return await TodoChat(LiveModel()).hold(texts)


async def test_while_recording_no_conversation_gets_a_reply_of_another(tmp_path: Path) -> None:
    live = LiveModel()
    model = recorder(tmp_path, "record", live)
    one, other = TodoChat(model, "a1"), TodoChat(model, "b2")
    await one.hold(FIVE_TURNS)
    before = len(live.asked)
    await other.hold(OTHER_TURNS)
    assert len(live.asked) - before == len(other.replies)
    ids = [
        {call.id for reply in chat.replies for call in reply.tool_calls} for chat in (one, other)
    ]
    assert not ids[0] & ids[1]


Change = Callable[[], dict[str, Any]]


def reversed_tools() -> dict[str, Any]:
    return {"tools": TOOLS[::-1]}


def counter() -> Callable[[], str]:
    numbers = iter(range(7, 1000))
    return lambda: str(next(numbers))


REPLAYED: list[tuple[str, dict[str, Any], set[str]]] = [
    ("the same run", {}, set()),
    ("skill returns new ids", {}, set()),
    ("ids become numbers in a text", {"new_id": counter()}, set()),
    ("tools in another order", {"tools": TOOLS[::-1]}, set()),
    ("a parameter changed", {"temperature": 0.1, "max_tokens": 500}, set()),
    ("instructions edited", {"instructions": "Be brief."}, {"instructions"}),
    (
        "a tool's text edited",
        {"tools": (tool("AddTodo", "Add a task", "taskDescription"), TOOLS[1])},
        {"tools"},
    ),
    ("a tool added", {"tools": (*TOOLS, tool("Undo", "Undo", "x"))}, {"tools"}),
    ("deployment renamed", {"deployment": "gpt-next"}, set()),
    ("another function of the app asks", {"function": "Other"}, set()),
    ("an assistant that was never recorded", {"assistant": "new"}, set()),
]


@pytest.mark.parametrize(
    ("change", "drift"), [case[1:] for case in REPLAYED], ids=[case[0] for case in REPLAYED]
)
async def test_it_is_replayed_when(folder: Path, change: dict[str, Any], drift: set[str]) -> None:
    chat = TodoChat(recorder(folder), **change)
    assert await chat.hold() == await recorded_replies(FIVE_TURNS)
    seen = {name for reply in chat.replies for name in reply.drift if ":" not in name}
    assert seen == drift
    assert {reply.served_by for reply in chat.replies} == {"recordings"}


async def test_it_is_replayed_when_the_skill_returns_data_instead_of_text(folder: Path) -> None:
    def get(todos: list[dict[str, str]]) -> str:
        return json.dumps([dict(reversed(each.items())) for each in todos])

    assert await TodoChat(recorder(folder), get=get).hold() == await recorded_replies(FIVE_TURNS)


async def test_it_is_replayed_when_white_space_changes(folder: Path) -> None:
    texts = [text.replace(" ", "\n  ") for text in FIVE_TURNS]
    assert await TodoChat(recorder(folder)).hold(texts) == await recorded_replies(FIVE_TURNS)


async def test_the_second_conversation_is_replayed_alone(folder: Path) -> None:
    chat = TodoChat(recorder(folder), "b2")
    assert await chat.hold(OTHER_TURNS) == await recorded_replies(OTHER_TURNS)


async def test_both_are_replayed_at_once(folder: Path) -> None:
    model = recorder(folder)
    one, other = TodoChat(model, "a1"), TodoChat(model, "b2")
    said = await asyncio.gather(one.hold(FIVE_TURNS), other.hold(OTHER_TURNS))
    assert said == [await recorded_replies(FIVE_TURNS), await recorded_replies(OTHER_TURNS)]


async def test_it_is_replayed_twice_in_one_session(folder: Path) -> None:
    model = recorder(folder)
    assert await TodoChat(model).hold() == await TodoChat(model).hold()


async def test_two_calls_in_one_reply_are_replayed(folder: Path) -> None:
    chat = TodoChat(recorder(folder), "b2")
    await chat.hold(OTHER_TURNS)
    assert max(len(reply.tool_calls) for reply in chat.replies) == 2


async def refused(chat: TodoChat, *texts: str) -> BindingError:
    with pytest.raises(BindingError) as caught:
        await chat.hold(texts)
    assert caught.value.code == "recording_not_found"
    assert not isinstance(caught.value, ServiceError)  # which would be tried again
    return caught.value


async def test_a_turn_that_was_never_recorded_is_refused_and_explained(folder: Path) -> None:
    chat = TodoChat(recorder(folder))
    error = await refused(chat, "Hello", "Remind me to call my mum")
    assert '"Remind me to call my mum"' in error.message
    assert "reply 2 of the chat, assistant 'a1'" in error.message
    assert "assistant.a1.json, exchange " in error.message
    assert 'recorded was "Remind me to call my dad"' in error.message
    assert error.hint is not None
    assert "--models record" in error.hint


async def test_a_text_that_contains_a_recorded_one_is_refused(folder: Path) -> None:
    await refused(TodoChat(recorder(folder)), "Hello", "Hello, remind me to call my dad twice")


async def test_a_text_in_other_letters_is_refused(folder: Path) -> None:
    await refused(TodoChat(recorder(folder)), "hello")


async def test_another_order_of_turns_is_refused(folder: Path) -> None:
    await refused(TodoChat(recorder(folder)), "Hello", "What do I need to do today?")


async def test_a_failing_skill_is_refused(folder: Path) -> None:
    chat = TodoChat(recorder(folder), add=lambda task: FAILED)
    error = await refused(chat, "Hello", "Remind me to call my dad")
    assert "the result of 'AddTodo' differs at $" in error.message


async def test_other_data_of_a_skill_is_refused(folder: Path) -> None:
    chat = TodoChat(recorder(folder))
    await chat.hold(FIVE_TURNS[:3])
    chat.todos[0]["task"] = "call my mum"
    error = await refused(chat, FIVE_TURNS[3])
    assert "$[0].task" in error.message
    assert "call my mum" in error.message


async def test_a_longer_list_of_a_skill_is_refused(folder: Path) -> None:
    chat = TodoChat(recorder(folder))
    await chat.hold(FIVE_TURNS[:3])
    chat.todos.append({"id": "x1", "task": "more"})
    error = await refused(chat, FIVE_TURNS[3])
    assert "$[2]" in error.message


async def test_a_history_that_was_not_recorded_is_refused(folder: Path) -> None:
    chat = TodoChat(recorder(folder))
    chat.messages += [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Something else"},
    ]
    error = await refused(chat, "Remind me to call my dad")
    assert "not in the recordings either" in error.message


class Refusing(LiveModel):
    """A service that refuses at first."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self._status = status

    async def chat(self, request: ChatRequest) -> ChatReply:
        self.asked.append(request)
        raise ServiceError("no", status=self._status)


@pytest.mark.parametrize("status", [429, 500, 400])
async def test_a_refusal_is_not_kept(tmp_path: Path, status: int) -> None:
    with pytest.raises(ServiceError):
        await TodoChat(recorder(tmp_path, "record", Refusing(status))).say("Hello")
    assert list(tmp_path.iterdir()) == []
    assert await TodoChat(recorder(tmp_path, "record")).say("Hello") == "You said: Hello"


KEY = "0123456789abcdefPLANTED"


async def test_a_planted_key_is_in_no_file_and_is_not_missed(tmp_path: Path) -> None:
    texts = [f"Remind me of {KEY}", "What do I need to do today?"]
    said = await TodoChat(recorder(tmp_path, "record", secrets=[KEY])).hold(texts)
    for file in tmp_path.iterdir():
        assert KEY not in file.read_text("utf-8")
        assert "[redacted]" in file.read_text("utf-8")
    assert await TodoChat(recorder(tmp_path, secrets=[KEY])).hold(texts) == said


async def test_hundred_runs_under_change_need_nobody(folder: Path) -> None:
    """Random skill ids, tools in any order, another deployment, two conversations at once."""
    wanted = [await recorded_replies(FIVE_TURNS), await recorded_replies(OTHER_TURNS)]
    model = recorder(folder)

    async def run(seed: int) -> None:
        tools = random.Random(seed).sample(TOOLS, len(TOOLS))
        change: dict[str, Any] = {"tools": tools, "deployment": f"gpt-{seed}"}
        chats = [TodoChat(model, "a1", **change), TodoChat(model, "b2", **change)]
        said = await asyncio.gather(chats[0].hold(FIVE_TURNS), chats[1].hold(OTHER_TURNS))
        assert said == wanted
        assert chats[0].told == chats[1].told == []

    await asyncio.gather(*(run(seed) for seed in range(100)))


async def test_an_edited_instruction_is_told_once(folder: Path) -> None:
    model = recorder(folder)
    told: list[str] = []
    for _ in range(3):
        await TodoChat(model, instructions="Be brief.", told=told).hold()
    [warning] = told
    assert "The instructions are not as recorded in" in warning
    assert "now 'Be brief.'" in warning


async def test_a_strict_run_fails_on_an_edited_instruction(folder: Path) -> None:
    from bindings.openai.recordings.rules import FacetPolicies, Rules

    rules = Rules(FacetPolicies(instructions="fail"))
    with pytest.raises(BindingError) as caught:
        await TodoChat(recorder(folder, rules=rules), instructions="Be brief.").hold()
    assert caught.value.code == "recording-drifted"


async def test_ids_without_meaning_are_noted_by_their_path(folder: Path) -> None:
    chat = TodoChat(recorder(folder))
    await chat.hold()
    assert {name for reply in chat.replies for name in reply.drift} == {
        "result:GetTodos $[0].id",
        "result:GetTodos $[1].id",
    }
