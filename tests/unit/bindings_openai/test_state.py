"""The JSON functions get, the text of tool calls, and dates with all their digits."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.assistants.state import (
    AssistantState,
    compact_json,
    fitting,
    read_tool_calls,
    write_tool_calls,
)
from bindings.openai.chats.base import (
    COLUMN_LIMIT,
    number_of,
    storable,
    ticks,
    ticks_text,
    utf16_length,
)
from bindings.openai.models.base import ToolCall
from tests.support import golden

CALLS = [
    ToolCall("call_1", "AddTodo", '{"taskDescription":"Mom\'s <b> & `x` + ü 👋 \\\\ \\n"}'),
    ToolCall("call_2", "GetTodos", ""),
]
texts = st.text(st.characters(exclude_categories=["Cs"]))


def test_the_state_after_a_skill_call_is_azures_to_the_byte() -> None:
    assistant, state, messages = golden.stored_chat()
    said = [each for each in messages if each.role == "Assistant"]
    assert AssistantState(assistant, state, said).to_json() == golden.text("assistant_state.json")


def test_the_state_of_nobody_is_azures_to_the_byte() -> None:
    assert AssistantState("zzz").to_json() == golden.text("assistant_state_missing.json")


def test_tool_calls_are_escaped_as_azures() -> None:
    assert write_tool_calls(CALLS) == golden.text("tool_calls.txt")
    assert write_tool_calls([]) == ""


@given(st.lists(st.builds(ToolCall, texts, texts, texts), min_size=1))
def test_tool_calls_survive_the_round_trip(calls: list[ToolCall]) -> None:
    text = write_tool_calls(calls)
    assert text.isascii()
    assert read_tool_calls(text) == calls
    assert [entry["kind"] for entry in json.loads(text)] == ["Function"] * len(calls)


def test_calls_that_a_column_cannot_hold_lose_their_longest_arguments() -> None:
    short = ToolCall("call_1", "AddTodo", '{"a":1}')
    long = ToolCall("call_2", "AddTodo", "ü" * 4000)
    longer = ToolCall("call_3", "AddTodo", "x" * 30_000)
    assert fitting([short, long]) == [short, long]
    assert fitting([short, long, longer]) == [short, long, ToolCall("call_3", "AddTodo", "{}")]
    assert len(write_tool_calls(fitting([short, long, longer]))) <= COLUMN_LIMIT
    many = [ToolCall(f"call_{number}", "AddTodo", "{}") for number in range(1000)]
    kept = fitting(many)
    assert kept == many[: len(kept)]
    assert COLUMN_LIMIT - 100 < len(write_tool_calls(kept)) <= COLUMN_LIMIT


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "[",
        "{}",
        "null",
        '"x"',
        "[1]",
        '[{"id": "x"}]',
        '[{"functionName": 3}]',
        "[" * 9999,
    ],
)
def test_what_are_no_tool_calls_reads_as_none(text: str) -> None:
    assert read_tool_calls(text) == []


def test_tool_calls_of_other_writers_are_read() -> None:
    text = '[ {"Id":"a","FunctionName":"F","FunctionArguments":"{}"}, {"functionName":"G"} ]'
    assert read_tool_calls(text) == [ToolCall("a", "F", "{}"), ToolCall("", "G", "")]


def test_json_text_is_compact_and_escapes_only_line_separators() -> None:
    assert compact_json({"a": ["ü👋", "\u2028\u2029\u0085", "\n\x1f'<"]}) == (
        '{"a":["ü👋","\\u2028\\u2029\\u0085","\\n\\u001f\'<"]}'
    )


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0, ""), (1, ".0000001"), (9_760_621, ".9760621"), (4_815_820, ".481582"), (5_000_000, ".5")],
)
def test_dates_have_up_to_seven_digits_without_trailing_zeros(fraction: int, text: str) -> None:
    moment = ticks(datetime(2026, 8, 5, 10, 11, 12, tzinfo=UTC)) + fraction
    assert ticks_text(moment) == f"2026-08-05T10:11:12{text}Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_ticks_and_datetimes_agree(moment: datetime) -> None:
    parsed = datetime.fromisoformat(ticks_text(ticks(moment))[:26].rstrip("Z"))
    assert parsed.replace(tzinfo=UTC) == moment


@pytest.mark.parametrize(
    ("key", "number"),
    [("msg-0001", 1), ("msg-001B", 27), ("msg-10000", 65536), ("state", None), ("msg-1", None)],
)
def test_row_keys_are_hexadecimal_numbers(key: str, number: int | None) -> None:
    assert number_of(key) == number


@given(st.text(st.characters()))
def test_storable_text_can_always_be_encoded(text: str) -> None:
    assert storable(text).encode("utf-8").decode("utf-8") == storable(text)
    assert utf16_length(storable(text)) <= utf16_length(text)
