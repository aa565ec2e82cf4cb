"""What kind of thing is said: requests, questions, statements, clause by clause."""

from __future__ import annotations

import pytest

from bindings.openai.models.speech import ands, clauses, without_courtesy


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Hello there!", "courtesy"),
        ("Thanks, that was helpful.", "courtesy"),
        ("Never mind", "courtesy"),
        ("Nothing else, thanks", "courtesy"),
        ("not today", "courtesy"),
        ("Add milk", "request"),
        ("Oh, could you please add milk?", "request"),
        ("I'd like to order a pizza", "request"),
        ("I need a taxi", "request"),
        ("todo: buy milk", "request"),
        ("Do you have flights to Rome?", "question"),
        ("I have to buy milk", "duty"),
        ("Tomorrow I must work", "duty"),
        ("I've finished the report", "report"),
        ("What's the weather?", "question"),
        ("Is the light on?", "question"),
        ("bathroom light off", "fragment"),
        ("my list please", "fragment"),
        ("...", "fragment"),
        ("I love jazz", "statement"),
        ("The weather was lovely", "statement"),
        ("What a day!", "statement"),
        ("Don't send it", "ban"),
        ("Don't forget the milk", "request"),
    ],
)
def test_what_is_said_is_of_a_kind(text: str, act: str) -> None:
    [clause] = clauses(text)
    assert clause.act == act


@pytest.mark.parametrize(
    "text",
    [
        "What is a stock exchange?",
        "How does a timer work?",
        "Who invented the light bulb?",
        "Why is the sky blue?",
        "Which languages do you speak?",
        "How are you?",
    ],
)
def test_questions_about_the_world_and_the_model_ask_for_nothing_to_be_done(text: str) -> None:
    assert clauses(text)[0].beside


@pytest.mark.parametrize(
    "text",
    [
        "What is the weather?",
        "Do you have flights to Rome?",
        "Could you help?",
        "How do you say hi in Thai?",
    ],
)
def test_other_questions_do(text: str) -> None:
    assert not clauses(text)[0].beside


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Add milk. What is there to do?", ["Add milk.", "What is there to do?"]),
        ("Meet Dr. Brown at 5", ["Meet Dr. Brown at 5"]),
        ('Say "Hi. Bye." now', ['Say "Hi. Bye." now']),
        ("Turn it off and then play jazz", ["Turn it off", "play jazz"]),
        ("It is dark, can you help?", ["It is dark", "can you help?"]),
        ("one\n\ntwo", ["one", "two"]),
        ("", []),
    ],
)
def test_messages_are_cut_where_something_new_begins(text: str, parts: list[str]) -> None:
    assert [text[each.start : each.end] for each in clauses(text)] == parts


def test_an_and_before_a_verb_may_join_two_requests() -> None:
    text = "Lock the door and turn off the light and rest"
    [clause] = clauses(text)
    pairs = [(text[a.start : a.end], text[b.start : b.end]) for a, b in ands(text, clause)]
    assert pairs == [("Lock the door", "turn off the light and rest")]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Oh, could you please add milk?", "add milk?"),
        ("I would like to order 3 e-mails", "order 3 e-mails"),
        ("Add milk", "Add milk"),
    ],
)
def test_courtesies_are_left_out_and_the_rest_stays_as_it_was(text: str, left: str) -> None:
    assert without_courtesy(text) == left
