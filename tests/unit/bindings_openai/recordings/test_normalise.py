"""A request's messages as they are compared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bindings.openai.recordings.normalise import Added, Normaliser, delta_key, read_value
from bindings.openai.recordings.paths import JsonPath
from bindings.openai.recordings.redact import Redactor


@pytest.fixture
def normaliser() -> Normaliser:
    return Normaliser(Redactor())


def tool(identity: str, result: str, name: str = "Get") -> dict[str, Any]:
    content = f"Function Name: '{name}' and Function Result: '{result}'"
    return {"role": "tool", "tool_call_id": identity, "content": content}


def asks(*calls: tuple[str, str]) -> dict[str, Any]:
    return {
        "role": "assistant",
        "tool_calls": [
            {"id": identity, "type": "function", "function": {"name": name, "arguments": "{}"}}
            for identity, name in calls
        ],
    }


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def last(normaliser: Normaliser, *messages: dict[str, Any]) -> list[Added]:
    return list(normaliser.history(messages).turns[-1].delta)


def test_instructions_stand_apart_and_notes_in_a_chat_do_not(normaliser: Normaliser) -> None:
    history = normaliser.history(
        [
            {"role": "system", "content": "One"},
            {"role": "developer", "content": "Two"},
            user("Hi"),
            {"role": "system", "content": "a note"},
        ]
    )
    assert history.instructions == "One\nTwo"
    assert [(each.role, each.value) for each in history.turns[0].delta] == [
        ("user", "Hi"),
        ("system", "a note"),
    ]


def test_white_space_of_texts_is_folded_but_kept_as_it_was(normaliser: Normaliser) -> None:
    [said] = last(normaliser, user("  call\n\n my   dad "))
    assert (said.value, said.text) == ("call my dad", "  call\n\n my   dad ")


def test_letters_count(normaliser: Normaliser) -> None:
    assert last(normaliser, user("A"))[0].value != last(normaliser, user("a"))[0].value


@pytest.mark.parametrize(
    "result",
    [
        '[{"id":1,"n":2}]',
        '[ {"n": 2.0, "id": 1} ]',
        json.dumps('[{"id":1,"n":2}]'),
        json.dumps(json.dumps([{"n": 2, "id": 1}])),
    ],
)
def test_results_are_data_however_they_are_written(normaliser: Normaliser, result: str) -> None:
    wanted = delta_key((Added("result", [{"id": 1, "n": 2}], "Get"),))
    assert delta_key(tuple(last(normaliser, asks(("c", "Get")), tool("c", result)))) == wanted


def test_json_texts_deep_inside_are_data_too() -> None:
    assert read_value('{"rows": "[1, 2.0]", "text": "[not json"}') == {
        "rows": [1, 2],
        "text": "[not json",
    }


@pytest.mark.parametrize("text", ["plain words", "", "'quoted'", "[half", "{"])
def test_a_result_that_is_no_json_is_a_text(text: str) -> None:
    assert read_value(text) == text


def test_results_are_ordered_as_they_were_asked_for(normaliser: Normaliser) -> None:
    asked = asks(("c1", "A"), ("c2", "B"))
    wanted = last(normaliser, asked, tool("c1", "1", "A"), tool("c2", "2", "B"))
    assert last(normaliser, asked, tool("c2", "2", "B"), tool("c1", "1", "A")) == wanted
    assert [each.skill for each in wanted] == ["A", "B"]


def test_results_without_the_sentence_around_them_are_read_too(normaliser: Normaliser) -> None:
    [result] = last(
        normaliser,
        asks(("c", "Get")),
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "[1]"}]},
    )
    assert (result.skill, result.value) == ("Get", [1])


def test_pictures_are_compared_as_data(normaliser: Normaliser) -> None:
    parts = [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "u"}}]
    assert last(normaliser, user(parts))[0].value == parts


def test_what_is_to_be_ignored_does_not_count() -> None:
    ignored = {"get": [JsonPath("$.items[*].price")]}
    normaliser = Normaliser(Redactor(), ignored)
    deltas = [
        tuple(last(normaliser, asks(("c", "Get")), tool("c", json.dumps(value))))
        for value in (
            {"items": [{"price": 1, "n": 1}]},
            {"items": [{"price": 2, "n": 1}]},
            {"items": [{"price": 2, "n": 2}]},
        )
    ]
    keys = [delta_key(each) for each in deltas]
    assert keys[0] == keys[1] != keys[2]


def test_secrets_are_gone_everywhere() -> None:
    normaliser = Normaliser(Redactor(["planted-1"]))
    history = normaliser.history(
        [
            {"role": "system", "content": "planted-1"},
            user("planted-1"),
            {
                "role": "assistant",
                "content": "planted-1",
                "tool_calls": [
                    {"id": "c", "function": {"name": "Get", "arguments": '{"x":"planted-1"}'}}
                ],
            },
            tool("c", '"planted-1"'),
            user([{"type": "image_url", "image_url": {"url": "https://x?planted-1"}}]),
        ]
    )
    assert "planted" not in repr(history)
