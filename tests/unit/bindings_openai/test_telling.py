"""Results in plain sentences: what was done, what was found, what went wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bindings.openai.models.base import ToolCall
from bindings.openai.models.doing import doing_of, past, plural
from bindings.openai.models.matching import Skill
from bindings.openai.models.outcomes import outcome_of
from bindings.openai.models.telling import answer_about

SUCCEEDED = "The function call succeeded. Let the user know that you completed the action."
FAILED = "The function call failed. Let the user know and ask if they'd like you to try again"
NOT_CALLED = "The function was not called because the limit of function calls was reached."

TEXT = {"type": "string"}


def skill(name: str, description: str, **properties: Any) -> Skill:
    return Skill(name, description, {"type": "object", "properties": properties})


SKILLS = [
    skill("AddTodo", "Create a new todo task", taskDescription=TEXT),
    skill("GetTodos", "Fetch the list of previously created todo tasks", inputIgnored=TEXT),
    skill("SendMail", "Sends an email.", to=TEXT, subject=TEXT, body=TEXT),
    skill(
        "BookTable",
        "Reserve a table at the restaurant.",
        partySize={"type": "integer"},
        date={"type": "string", "format": "date"},
    ),
    skill(
        "set_light",
        "Switch the light in a room on or off.",
        on={"type": "boolean"},
        room={"type": "string", "enum": ["kitchen", "livingRoom"]},
    ),
    skill("start_timer", "Start a countdown timer", minutes={"type": "integer"}),
    skill("DeleteFile", "Deletes a file permanently.", path=TEXT),
    skill("LockDoor", "Locks or unlocks a door.", locked={"type": "boolean"}),
    skill("get_weather", "Get the weather forecast for a city on a day.", city=TEXT),
    skill("LookupStock", "Look up the current stock price of a company.", company=TEXT),
    skill("translate", "Translates a text into another language.", text=TEXT, language=TEXT),
    skill("FindCities", "Find cities", near=TEXT),
    skill("get_cart", "Show what is in the shopping cart"),
    skill("Sync", ""),
    skill("ListPlanets", ""),
]


def told(*results: tuple[str, dict[str, Any], str]) -> str:
    outcomes = [
        outcome_of(
            f"Function Name: '{name}' and Function Result: '{result}'",
            ToolCall(f"c{number}", name, json.dumps(arguments)),
            f"c{number}",
        )
        for number, (name, arguments, result) in enumerate(results)
    ]
    return answer_about(outcomes, SKILLS)


LISTED = json.dumps(json.dumps([{"id": 1, "task": "call my dad"}, {"id": 2, "task": "trash"}]))


@pytest.mark.parametrize(
    ("name", "arguments", "result", "answer"),
    [
        (
            "AddTodo",
            {"taskDescription": "milk"},
            SUCCEEDED,
            'Done – I created the todo task "milk".',
        ),
        (
            "SendMail",
            {"to": "anna", "subject": "", "body": "hello"},
            SUCCEEDED,
            'Done – I sent the email "hello" (to anna).',
        ),
        (
            "BookTable",
            {"partySize": 4, "date": "2026-03-12"},
            SUCCEEDED,
            "Done – I reserved the table (party size 4, date 2026-03-12).",
        ),
        (
            "set_light",
            {"on": False, "room": "kitchen"},
            SUCCEEDED,
            "Done – I switched the light (off, room kitchen).",
        ),
        (
            "start_timer",
            {"minutes": 5},
            SUCCEEDED,
            "Done – I started the countdown timer (5 minutes).",
        ),
        ("DeleteFile", {"path": "a.txt"}, SUCCEEDED, 'Done – I deleted the file "a.txt".'),
        ("LockDoor", {"locked": False}, SUCCEEDED, "Done – LockDoor (not locked) is finished."),
        ("Sync", {}, SUCCEEDED, "Done – Sync is finished."),
        (
            "BookTable",
            {"partySize": 2},
            '{"reservation": "R-7", "confirmed": true}',
            "Done – I reserved the table (party size 2). The result is reservation R-7, confirmed "
            "yes.",
        ),
        (
            "AddTodo",
            {"taskDescription": "eat"},
            '{"ok": true, "status": "created", "task": "eat"}',
            'Done – I created the todo task "eat".',
        ),
        (
            "AddTodo",
            {"taskDescription": "eat"},
            '{"id": 7, "task": "eat", "status": "open"}',
            'Done – I created the todo task "eat". The result is id 7, status open.',
        ),
        ("AddTodo", {"taskDescription": "eat"}, '"OK"', 'Done – I created the todo task "eat".'),
        ("AddTodo", {"taskDescription": "eat"}, "true", 'Done – I created the todo task "eat".'),
        (
            "BookTable",
            {"partySize": 4},
            '{"partySize": 4, "left": 4}',
            "Done – I reserved the table (party size 4). The result is left 4.",
        ),
        ("BookTable", {}, '"Your table is ready at eight."', "Your table is ready at eight."),
        (
            "DeleteFile",
            {"path": "a"},
            "[]",
            'Done – I deleted the file "a". The result is an empty list.',
        ),
        ("DeleteFile", {"path": "a"}, "{}", 'Done – I deleted the file "a". The result is empty.'),
    ],
)
def test_what_was_done_is_told_in_the_words_of_the_skills_description(
    name: str, arguments: dict[str, Any], result: str, answer: str
) -> None:
    assert told((name, arguments, result)) == answer


@pytest.mark.parametrize(
    ("name", "arguments", "result", "answer"),
    [
        ("GetTodos", {}, LISTED, 'I found 2 todo tasks: "call my dad" and "trash".'),
        ("GetTodos", {"inputIgnored": "x"}, '["a"]', "I found 1 todo task: a."),
        ("GetTodos", {}, "[]", "I found no todo tasks."),
        ("GetTodos", {}, '["a, b", "c"]', 'I found 2 todo tasks: "a, b" and "c".'),
        ("GetTodos", {}, '[{"a":1},[2]]', "I found 2 todo tasks: a 1 and [2]."),
        ("GetTodos", {}, '[{"orderTitle":"x","n":1}]', "I found 1 todo task: x."),
        ("FindCities", {}, '["Rome"]', "I found 1 city: Rome."),
        (
            "ListPlanets",
            {},
            '["Mars", "Venus", "Earth"]',
            "I found 3 planets: Mars, Venus and Earth.",
        ),
        ("Unknown", {}, '["x"]', "I found 1 entry: x."),
        (
            "get_weather",
            {"city": "Rome"},
            '{"city":"Rome","maxTemp":21,"rain":false,"wind":null}',
            "Here is the weather forecast: city Rome, max temp 21, rain no, wind null.",
        ),
        ("get_weather", {"city": "Rome"}, '"It is sunny in Rome."', "It is sunny in Rome."),
        ("get_weather", {"city": "Rome"}, '"sunny"', "The weather forecast (city Rome) is sunny."),
        ("get_weather", {"city": "Rome"}, "{}", "I found nothing (city Rome)."),
        (
            "LookupStock",
            {"company": "Contoso"},
            "431.5",
            "The current stock price (company Contoso) is 431.5.",
        ),
        ("get_cart", {}, '"empty"', "Here is what is in the shopping cart: empty."),
        ("get_cart", {}, '{"apples":2}', "Here is what is in the shopping cart: apples 2."),
        ("get_cart", {}, '["apples", "milk"]', "I found 2 entries: apples and milk."),
        ("translate", {"text": "hi"}, '"hallo"', "The result is hallo."),
        ("Sync", {}, "42", "The result is 42."),
        ("Sync", {}, "false", "The result is no."),
        ("Sync", {}, '""', "The result is an empty text."),
        ("Sync", {}, "not JSON at all", "not JSON at all"),
    ],
)
def test_what_was_found_is_told_and_nothing_is_added(
    name: str, arguments: dict[str, Any], result: str, answer: str
) -> None:
    assert told((name, arguments, result)) == answer


def test_failures_are_told_with_an_offer_to_try_again() -> None:
    assert told(("AddTodo", {"taskDescription": "milk"}, FAILED)) == (
        'Sorry, I could not create the todo task "milk". Would you like me to try again?'
    )
    assert told(("Sync", {}, FAILED)) == (
        "Sorry, I could not finish Sync. Would you like me to try again?"
    )


def test_calls_over_the_limit_are_told() -> None:
    assert told(("AddTodo", {"taskDescription": "milk"}, NOT_CALLED)) == (
        'I did not create the todo task "milk", because too many calls were asked for.'
    )


def test_several_results_are_told_one_after_the_other() -> None:
    answer = told(
        ("AddTodo", {"taskDescription": "milk"}, SUCCEEDED),
        ("AddTodo", {"taskDescription": "bread"}, SUCCEEDED),
        ("GetTodos", {}, LISTED),
    )
    assert answer == (
        'Done – I created the todo task "milk". I also created the todo task "bread". '
        'I found 2 todo tasks: "call my dad" and "trash".'
    )


def test_long_lists_and_long_texts_are_cut() -> None:
    answer = told(("GetTodos", {}, json.dumps([str(number) for number in range(50)])))
    assert answer.startswith("I found 50 todo tasks: 0; 1; ")
    assert answer.endswith("; 19 and 30 more.")
    assert len(told(("AddTodo", {"taskDescription": "x" * 500}, SUCCEEDED))) < 250


def test_arguments_that_are_no_json_do_no_harm() -> None:
    call = ToolCall("c", "Sync", "{broken")
    assert answer_about([outcome_of(SUCCEEDED, call, "c")], SKILLS) == "Done – Sync is finished."


@pytest.mark.parametrize(
    ("description", "did", "what"),
    [
        ("Create a new todo task", "created", "todo task"),
        ("Sends an email to somebody", "sent", "email"),
        ("Hand in a request for vacation days", "handed in", "request"),
        ("Cancels the booking.", "cancelled", "booking"),
        ("Copies files between folders", "copied", "files"),
        ("Fetch all available products", "fetched", "products"),
        ("Plays music by an artist", "played", "music"),
        ("Locks or unlocks a door", "", ""),
        ("Weather service", "", ""),
    ],
)
def test_a_description_says_what_was_done_to_what(description: str, did: str, what: str) -> None:
    doing = doing_of("x", description)
    assert (doing.did, doing.what) == (did, what)


@pytest.mark.parametrize(
    ("verb", "form"),
    [("buy", "bought"), ("resend", "resent"), ("copy", "copied"), ("play", "played"),
     ("stop", "stopped"), ("open", "opened"), ("move", "moved")],
)  # fmt: skip
def test_verbs_have_their_past(verb: str, form: str) -> None:
    assert past(verb) == form


@pytest.mark.parametrize(
    ("noun", "count", "form"),
    [("todo tasks", 1, "todo task"), ("cities", 1, "city"), ("boxes", 1, "box"),
     ("users", 3, "users"), ("latest news", 2, ""), ("status", 2, ""), ("music", 2, "")],
)  # fmt: skip
def test_nouns_are_counted_where_they_are_plurals(noun: str, count: int, form: str) -> None:
    assert plural(noun, count) == form
