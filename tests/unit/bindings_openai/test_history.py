"""Whatever is stored becomes a history that a model service takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.assistants.history import request_messages, trimmed
from bindings.openai.assistants.state import write_tool_calls
from bindings.openai.chats.base import Message
from bindings.openai.models.base import ToolCall
from emulator.sdk import BindingError
from tests.support import golden


def row(role: str, content: str = "", name: str | None = None, *calls: str) -> Message:
    text = write_tool_calls([ToolCall(each, "F", "{}") for each in calls])
    return Message(0, role, content, 0, name, text)


def test_the_history_after_a_skill_call_is_sent_as_azure_sends_it() -> None:
    _, _, messages = golden.stored_chat()
    wanted = golden.data("chat_request.json")["messages"]
    assert [*request_messages(messages), {"role": "user", "content": "Thanks"}] == wanted


@pytest.mark.parametrize("role", ["SYSTEM", "system", "System"])
def test_roles_have_no_case(role: str) -> None:
    assert request_messages([row(role, "x")]) == [{"role": "system", "content": "x"}]


def test_an_unknown_role_is_told() -> None:
    with pytest.raises(BindingError, match="Unknown chat role 'Developer'"):
        request_messages([row("Developer", "x")])


def test_calls_cut_off_at_the_limit_get_a_result() -> None:
    rows = [row("User", "go"), row("Assistant", "", None, "a", "b"), row("Tool", "r", "a")]
    assert request_messages([*rows, row("User", "next")])[2:] == [
        {"role": "tool", "tool_call_id": "a", "content": "r"},
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": "The result of this function call was not recorded.",
        },
        {"role": "user", "content": "next"},
    ]


def test_a_result_without_a_call_becomes_a_note() -> None:
    rows = [row("User", "go"), row("Tool", "r", "a"), row("Tool", "r"), row("function", "r", "F")]
    assert [each["content"] for each in request_messages(rows)[1:]] == [
        "Result of the function 'a': r",
        "Result of the function: r",
        "Result of the function 'F': r",
    ]


def test_tool_calls_nobody_can_read_do_not_fail_the_chat() -> None:
    message = Message(0, "Assistant", "said", 0, None, "[{broken")
    assert request_messages([message]) == [{"role": "assistant", "content": "said"}]


def is_valid(messages: list[dict[str, Any]]) -> bool:
    """Whether each call is answered right after it and each answer has its call."""
    due: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in due:
                return False
            due.discard(message["tool_call_id"])
            continue
        if due:
            return False
        due = {call["id"] for call in message.get("tool_calls", ())}
    return not due


ids = st.sampled_from(["a", "b", "c"])
rows = st.one_of(
    st.builds(row, st.sampled_from(["System", "User", "Assistant"])),
    st.builds(lambda name: row("Tool", "r", name), ids),
    st.builds(lambda calls: row("Assistant", "", None, *calls), st.sets(ids, min_size=1)),
)


@given(st.lists(rows))
def test_every_stored_chat_becomes_a_valid_history(stored: list[Message]) -> None:
    assert is_valid(request_messages(stored))


@given(st.lists(rows), st.integers(1, 10))
def test_a_trimmed_chat_stays_valid_and_keeps_the_newest(stored: list[Message], limit: int) -> None:
    kept = trimmed([row("System", "s"), *stored, row("User", "last")], limit)
    assert is_valid(request_messages(kept))
    assert kept[0].content == "s"
    assert kept[-1].content == "last"
