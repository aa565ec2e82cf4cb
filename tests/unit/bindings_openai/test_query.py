"""Querying assistants: which messages, which times, and what is not there."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.assistants.query import AssistantQuery, parse_timestamp
from bindings.openai.chats.base import Message, State, ticks, ticks_text
from emulator.sdk import BindingError
from tests.support import golden
from tests.support.model_service import ModelService
from tests.support.todo_assistant import TodoAssistant


async def test_a_query_delivers_every_role_newer_than_the_time(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    state = await todo.query()
    assert list(state)[0:3] == ["id", "exists", "createdAt"]
    assert state["recentMessages"] == [{"content": "Be nice", "role": "System", "toolCalls": ""}]
    assert state["createdAt"].endswith("Z")
    await todo.post("Hello")
    messages = (await todo.chat()).messages
    later = await todo.query(ticks_text(messages[1].created_at))
    assert [each["role"] for each in later["recentMessages"]] == ["Assistant"]
    assert "Returning 1/3 chat messages from entity 'a1'" in todo.host.messages()


async def test_polling_with_the_last_update_sees_each_message_once(todo: TodoAssistant) -> None:
    await todo.create()
    seen = await todo.query()
    assert (await todo.query(seen["lastUpdatedAt"]))["recentMessages"] == []
    await todo.post("one")
    newer = await todo.query(seen["lastUpdatedAt"])
    assert [each["role"] for each in newer["recentMessages"]] == ["User", "Assistant"]


async def test_what_nobody_created_is_delivered_as_such(todo: TodoAssistant) -> None:
    assert await todo.query(assistant="zzz") == golden.data("assistant_state_missing.json")
    assert "No assistant exists with ID = 'zzz'" in todo.host.messages()


async def test_rows_of_the_official_extension_are_delivered_with_all_digits(
    todo: TodoAssistant,
) -> None:
    assistant, stored, messages = golden.stored_chat()
    await todo.store.create(assistant, stored, messages)
    state = await todo.query("2026-08-05T10:11:59.1000000Z", assistant)
    assert state["createdAt"] == "2026-08-05T10:11:12.481582Z"
    assert state["lastUpdatedAt"] == "2026-08-05T10:12:00.9760621Z"
    assert [each["role"] for each in state["recentMessages"]] == ["Assistant", "Tool", "Assistant"]
    assert (await todo.post("Thanks", assistant))["totalMessages"] == 7
    unchanged = (await todo.chat(assistant)).messages[:5]
    assert list(unchanged) == messages


async def test_a_deactivated_assistant_can_be_queried(todo: TodoAssistant) -> None:
    await todo.store.create("a1", State(False, 1, 1, 1, 0), [Message(1, "System", "x", 1)])
    state = await todo.query("")
    assert (state["exists"], len(state["recentMessages"])) == (False, 1)


async def test_without_a_time_every_message_is_delivered(todo: TodoAssistant) -> None:
    await todo.create()
    binding = todo.host.bind(AssistantQuery, id="a1")
    assert len((await todo.host.read(binding))["recentMessages"]) == 1


def test_a_query_runs_after_a_post_of_the_same_call(todo: TodoAssistant) -> None:
    assert todo.query_binding.order > todo.post_binding.order


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2023-01-01", datetime(2023, 1, 1)),
        ("2023-01-01T10:20", datetime(2023, 1, 1, 10, 20)),
        ("2023-01-01T10:20:30", datetime(2023, 1, 1, 10, 20, 30)),
        ("2023-01-01 10:20:30Z", datetime(2023, 1, 1, 10, 20, 30)),
        ("2023-01-01T10:20:30.5z", datetime(2023, 1, 1, 10, 20, 30, 500_000)),
        ("2023-01-01T10%3A20%3A30Z", datetime(2023, 1, 1, 10, 20, 30)),
        ("2023-01-01T10:20:30+02:00", datetime(2023, 1, 1, 8, 20, 30)),
        ("2023-01-01T10:20:30 02:00", datetime(2023, 1, 1, 8, 20, 30)),
        ("2023-01-01T10:20:30%2B02:00", datetime(2023, 1, 1, 8, 20, 30)),
        ("2023-01-01T10:20:30-0530", datetime(2023, 1, 1, 15, 50, 30)),
        ("2023-01-01 10:20 02:00", datetime(2023, 1, 1, 8, 20)),
        ("2023-01-01 10:20", datetime(2023, 1, 1, 10, 20)),
        (" 2023-01-01T10:20:30Z ", datetime(2023, 1, 1, 10, 20, 30)),
    ],
)
def test_times_are_read(text: str, wanted: datetime) -> None:
    assert parse_timestamp(text) == ticks(wanted.replace(tzinfo=UTC))


@pytest.mark.parametrize("digits", range(1, 10))
def test_no_digit_of_a_second_is_lost_up_to_the_seventh(digits: int) -> None:
    fraction = "123456789"[:digits]
    parsed = parse_timestamp(f"2023-01-01T00:00:00.{fraction}Z")
    assert parsed is not None
    assert f"{parsed % 10_000_000:07d}" == fraction[:7].ljust(7, "0")


@pytest.mark.parametrize("text", ["", "  ", "%20"])
def test_no_time_means_all(text: str) -> None:
    assert parse_timestamp(text) is None


@pytest.mark.parametrize(
    "text", ["yesterday", "2023-13-01", "2023-02-30", "2023-01-01T25:00", "10:20", "2023", "0"]
)
async def test_what_is_no_time_fails_the_call_with_the_value(
    text: str, todo: TodoAssistant
) -> None:
    with pytest.raises(BindingError) as caught:
        await todo.query(text)
    assert caught.value.message == f"Invalid timestamp '{text}'"


offsets = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)), st.one_of(st.just(UTC), offsets))
def test_what_python_writes_is_read(moment: datetime, zone: timezone) -> None:
    aware = moment.replace(tzinfo=zone)
    assert parse_timestamp(aware.isoformat()) == ticks(aware)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_told_to_be_none(text: str) -> None:
    with suppress(BindingError):
        assert parse_timestamp(text) is None or isinstance(parse_timestamp(text), int)
