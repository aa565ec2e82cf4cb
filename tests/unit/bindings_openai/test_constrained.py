"""Offline answers that keep to `tool_choice`, `response_format` and `max_tokens`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bindings.openai.models.base import ChatReply, ChatRequest
from bindings.openai.models.constrained import Constrained, conform
from bindings.openai.models.deterministic import DeterministicBackend
from emulator.clock import ManualClock


def tool(name: str, description: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


WEATHER = tool("get_weather", "Tell the weather of a city", city={"type": "string"})
SEND = tool("send_mail", "Send an email", to={"type": "string"}, urgent={"type": "boolean"})


async def ask(text: str, tools: Any = (), **extra: Any) -> ChatReply:
    clock = ManualClock()
    model = Constrained(DeterministicBackend(clock), clock)
    return await model.chat(
        ChatRequest("m", [{"role": "user", "content": text}], tools, extra=extra)
    )


async def test_without_demands_nothing_changes() -> None:
    [call] = (await ask("What is the weather in Paris?", [WEATHER, SEND])).tool_calls
    assert call.name == "get_weather"


async def test_none_offers_no_tool() -> None:
    reply = await ask("What is the weather in Paris?", [WEATHER], tool_choice="none")
    assert reply.tool_calls == ()
    assert reply.content


async def test_a_named_tool_is_called_whatever_is_said() -> None:
    choice = {"type": "function", "function": {"name": "send_mail"}}
    [call] = (await ask("What is the weather?", [WEATHER, SEND], tool_choice=choice)).tool_calls
    assert call.name == "send_mail"
    assert set(json.loads(call.arguments)) == {"to", "urgent"}


async def test_required_calls_some_tool() -> None:
    reply = await ask("Hm", [WEATHER, SEND], tool_choice="required")
    assert len(reply.tool_calls) == 1
    assert reply.finish_reason == "tool_calls"
    again = await ask("Hm", [WEATHER, SEND], tool_choice="required")
    assert again.tool_calls == reply.tool_calls


@pytest.mark.parametrize(
    ("function", "most", "finish"),
    [("", 5, "length"), ("", 500, "stop"), ("", None, "stop"), ("PostUserQuery", 5, "stop")],
)
async def test_code_that_wants_few_tokens_gets_a_text_that_breaks_off(
    function: str, most: int | None, finish: str
) -> None:
    clock = ManualClock()
    model = Constrained(DeterministicBackend(clock), clock)
    messages = [{"role": "user", "content": "Tell me about the moon"}]
    whole = (await model.chat(ChatRequest("m", messages))).content
    reply = await model.chat(ChatRequest("m", messages, max_tokens=most, function=function))
    assert reply.finish_reason == finish
    assert reply.content == (whole[:20] if finish == "length" else whole)
    assert finish == "stop" or reply.usage.completion == most


async def test_calls_are_not_broken_off() -> None:
    clock = ManualClock()
    model = Constrained(DeterministicBackend(clock), clock)
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    reply = await model.chat(ChatRequest("m", messages, [WEATHER], max_tokens=1))
    assert (reply.finish_reason, len(reply.tool_calls)) == ("tool_calls", 1)


async def test_any_json_is_an_object() -> None:
    reply = await ask("Hello", response_format={"type": "json_object"})
    assert json.loads(reply.content)["answer"].startswith("Hello!")


async def test_text_stays_text() -> None:
    assert (await ask("Hello", response_format={"type": "text"})).content.startswith("Hello!")


async def test_a_schema_is_filled_from_what_was_said() -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "kind": {"enum": ["rain", "sun"]},
        },
        "required": ["city", "days", "kind"],
    }
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    value = json.loads((await ask("3 days of sun in Paris", response_format=form)).content)
    assert (value["days"], value["kind"]) == (3, "sun")
    assert isinstance(value["city"], str)


NESTED: Mapping[str, Any] = {
    "$defs": {
        "Person": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            "required": ["name", "age"],
        },
        "Tree": {
            "type": "object",
            "properties": {"child": {"$ref": "#/$defs/Tree"}},
            "required": ["child"],
        },
    },
}


@pytest.mark.parametrize(
    ("schema", "value", "wanted"),
    [
        ({"type": "string"}, None, ""),
        ({"type": "string"}, 5, ""),
        ({"type": "integer", "minimum": 3}, None, 3),
        ({"type": "integer", "default": 8}, True, 8),
        ({"type": "number"}, 1.5, 1.5),
        ({"type": "boolean"}, "yes", False),
        ({"type": "null"}, 1, None),
        ({"type": ["string", "null"]}, None, ""),
        ({"type": ["null", "integer"]}, 4, 4),
        ({"enum": ["a", "b"]}, "b", "b"),
        ({"enum": ["a", "b"]}, "c", "a"),
        ({"const": 1}, 2, 1),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, "x", "x"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "x", 0),
        ({"type": "array", "items": {"type": "integer"}}, ["x", 2], [0, 2]),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["a"], ["a", ""]),
        ({"type": "array"}, [1], [1]),
        (
            {
                **NESTED,
                "type": "object",
                "properties": {"guests": {"type": "array", "items": {"$ref": "#/$defs/Person"}}},
                "required": ["guests"],
            },
            {"guests": [{"name": "A"}]},
            {"guests": [{"name": "A", "age": 0}]},
        ),
        (
            {
                **NESTED,
                "type": "object",
                "properties": {"host": {"$ref": "#/$defs/Person"}, "note": {"type": "string"}},
                "required": ["host"],
            },
            {},
            {"host": {"name": "", "age": 0}},
        ),
    ],
)
def test_a_value_conforms_to_its_schema(schema: Mapping[str, Any], value: Any, wanted: Any) -> None:
    assert conform(schema, value) == wanted


def test_a_schema_that_contains_itself_ends() -> None:
    value = conform({**NESTED, "$ref": "#/$defs/Tree"}, {})
    assert json.dumps(value).count("child") < 30
