"""What a message asks for: several things at once, things said around it, and going on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bindings.openai.models.matching import Skill
from bindings.openai.models.understanding import Previous, wanted

NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)
TEXT = {"type": "string"}


def skill(name: str, description: str, *required: str, **properties: Any) -> Skill:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return Skill(name, description, schema)


ADD = Skill("AddTodo", "Create a new todo task", {"type": "object", "properties": {"task": TEXT}})
WEATHER = skill(
    "GetWeather",
    "Get the weather of a city",
    "city",
    city=TEXT,
    day={"type": "string", "format": "date"},
)
LIGHT = skill(
    "SetLight",
    "Switch the light in a room on or off",
    "on",
    "room",
    on={"type": "boolean"},
    room={"type": "string", "enum": ["kitchen", "hall"]},
)
LIST = Skill(
    "GetTodos",
    "Fetch the list of todo tasks",
    {"type": "object", "properties": {"inputIgnored": TEXT}},
)
SKILLS = [ADD, WEATHER, LIGHT, LIST]


def asked(text: str, before: tuple[Skill, dict[str, Any]] | None = None) -> list[tuple[str, Any]]:
    previous = None if before is None else Previous(*before)
    return [(each.skill.name, each.arguments(NOW)) for each in wanted(text, SKILLS, previous, NOW)]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        (
            "Turn on the kitchen light and turn off the light in the hall",
            [
                ("SetLight", {"on": True, "room": "kitchen"}),
                ("SetLight", {"on": False, "room": "hall"}),
            ],
        ),
        (
            "Remind me to eat and remind me to sleep",
            [("AddTodo", {"task": "eat"}), ("AddTodo", {"task": "sleep"})],
        ),
        (
            "Remind me to eat and turn off the light in the hall",
            [("AddTodo", {"task": "eat and turn off the light in the hall"})],
        ),
        (
            "What's the weather in Rome? And what's the weather in Oslo?",
            [("GetWeather", {"city": "Rome"}), ("GetWeather", {"city": "Oslo"})],
        ),
        (
            "What's the weather in Rome, New York and Oslo tomorrow?",
            [
                ("GetWeather", {"city": city, "day": "2026-03-12"})
                for city in ("Rome", "New York", "Oslo")
            ],
        ),
        (
            "Show me my tasks and add 'call mum'",
            [("GetTodos", {"inputIgnored": ""}), ("AddTodo", {"task": "call mum"})],
        ),
        (
            "It is so dark in the hall, could you turn on the light?",
            [("SetLight", {"on": True, "room": "hall"})],
        ),
        (
            "I forgot to switch off the light in the hall, can you do that?",
            [("SetLight", {"on": False, "room": "hall"})],
        ),
        ("Hi! Remind me to eat. Thank you!", [("AddTodo", {"task": "eat"})]),
        ("Remind me to eat. It is late!", [("AddTodo", {"task": "eat. It is late"})]),
        ("Add go to bed", [("AddTodo", {"task": "go to bed"})]),
        ("Add 3 and 4", [("AddTodo", {"task": "3 and 4"})]),
        ("remind me tomorrow to call", [("AddTodo", {"task": "call tomorrow"})]),
    ],
)
def test_a_message_may_ask_for_several_things(text: str, calls: list[tuple[str, Any]]) -> None:
    assert asked(text) == calls


BERLIN = (WEATHER, {"city": "Berlin"})
HALL = (LIGHT, {"on": False, "room": "hall"})


@pytest.mark.parametrize(
    ("text", "before", "calls"),
    [
        ("And tomorrow?", BERLIN, [("GetWeather", {"city": "Berlin", "day": "2026-03-12"})]),
        ("What about Oslo?", BERLIN, [("GetWeather", {"city": "Oslo"})]),
        ("Oslo?", BERLIN, [("GetWeather", {"city": "Oslo"})]),
        ("The same for the kitchen", HALL, [("SetLight", {"on": False, "room": "kitchen"})]),
        ("and the kitchen, too", HALL, [("SetLight", {"on": False, "room": "kitchen"})]),
        ("And remind me to eat", BERLIN, [("AddTodo", {"task": "eat"})]),
        ("and thanks", BERLIN, []),
        ("and tell me a joke", (ADD, {"task": "eat"}), []),
        ("and who won the game?", (ADD, {"task": "eat"}), []),
        ("xyzzy", (ADD, {"task": "eat"}), []),
        ("and xyzzy", (ADD, {"task": "eat"}), [("AddTodo", {"task": "xyzzy"})]),
    ],
)
def test_a_message_may_go_on_from_the_one_before(
    text: str, before: tuple[Skill, dict[str, Any]], calls: list[tuple[str, Any]]
) -> None:
    assert asked(text, before) == calls
