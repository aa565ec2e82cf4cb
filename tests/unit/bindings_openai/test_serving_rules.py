"""Requests that services refuse although their shape is right: mistakes found before Azure does."""

from __future__ import annotations

from typing import Any

import pytest

from bindings.openai.serving.requests import read_chat, read_texts
from bindings.openai.serving.wire import Refused
from emulator.sdk import HttpRequestData

USER = {"role": "user", "content": "Remind me to call my dad, as JSON"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": name, "type": "function", "function": {"name": "AddTodo", "arguments": "{}"}}
        for name in ("c1", "c2")
    ],
}


def result(identity: str | None) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identity, "content": "done"}


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def read(**body: Any) -> Any:
    given = {"model": "m", "messages": [USER], **body}
    return read_chat(given, HttpRequestData("POST", "http://x"), "").request


def refusal(**body: Any) -> tuple[str, str | None, str | None]:
    with pytest.raises(Refused) as caught:
        read(**body)
    assert caught.value.status == 400
    error = caught.value.body["error"]
    assert error["type"] == "invalid_request_error"
    return str(error["message"]), error["param"], error["code"]


@pytest.mark.parametrize(
    "messages",
    [
        [USER, CALL, result("c2"), result("c1")],
        [USER, CALL, result("c1"), result("c2"), USER, CALL, result("c1"), result("c2")],
        [{"role": "developer", "content": "Be brief"}, {"role": "system", "content": "x"}, USER],
        [USER, {"role": "function", "name": "f", "content": "1"}],
        [USER, {"role": "assistant", "content": "Hi", "tool_calls": []}, USER],
        [USER, CALL, result("c1"), result("c1"), result("c2")],
    ],
)
def test_calls_with_their_results_are_taken(messages: list[Any]) -> None:
    assert read(messages=messages).messages == messages


@pytest.mark.parametrize(
    ("messages", "said", "param"),
    [
        ([{"role": "alien"}], "Invalid value: 'alien'. Supported values are", "messages[0].role"),
        ([USER, result("c1")], "must be a response to a preceeding", "messages.[1].role"),
        ([USER, CALL, USER], "did not have response messages: c1, c2", "messages"),
        ([USER, CALL, result("c2")], "did not have response messages: c1", "messages"),
        ([USER, CALL, result("c1"), USER, result("c2")], "response messages: c2", "messages"),
        ([USER, CALL, result("c3")], "'tool_call_id' of 'c3' not found", "messages.[2].tool_call"),
        ([USER, CALL, result(None)], "Missing parameter 'tool_call_id'", "messages.[2].tool_call"),
    ],
)
def test_calls_and_results_that_do_not_meet(messages: list[Any], said: str, param: str) -> None:
    message, place, _ = refusal(messages=messages)
    assert said in message
    assert str(place).startswith(param)


@pytest.mark.parametrize(
    ("body", "said", "param", "code"),
    [
        ({"tools": []}, "Invalid 'tools': empty array.", "tools", "empty_array"),
        ({"tools": [tool("a b")]}, "not match pattern", "tools[0].function.name", "invalid_value"),
        ({"tool_choice": "auto"}, "only allowed when 'tools' are specified", "tool_choice", None),
        (
            {"tools": [tool("a")], "tool_choice": tool("b")},
            "no function named 'b' was specified",
            "tool_choice",
            None,
        ),
        (
            {"temperature": 2.5},
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got "
            "2.5 instead.",
            "temperature",
            "decimal_above_max_value",
        ),
        ({"top_p": -1}, "below minimum value", "top_p", "decimal_below_min_value"),
        (
            {
                "response_format": {"type": "json_object"},
                "messages": [{"role": "user", "content": "Hi"}],
            },
            "'messages' must contain the word 'json' in some form",
            "messages",
            None,
        ),
    ],
)
def test_what_else_is_refused(
    body: dict[str, Any], said: str, param: str, code: str | None
) -> None:
    message, place, why = refusal(**body)
    assert said in message
    assert (place, why) == (param, code)


def test_what_is_meant_is_taken() -> None:
    tools = [tool("get-it_2")]
    assert read(tools=tools, tool_choice=tool("get-it_2")).tools == tools
    assert read(temperature=2, top_p=0).temperature == 2
    assert read(response_format={"type": "json_object"}).extra
    assert read(tools=None, tool_choice=None).tools == []


@pytest.mark.parametrize("given", ["", ["a", ""]])
def test_nothing_cannot_be_embedded(given: Any) -> None:
    with pytest.raises(Refused, match=r"'\$\.input' is invalid"):
        read_texts({"input": given})
