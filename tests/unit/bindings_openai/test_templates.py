"""The tiny language of a script's texts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.models.templates import TemplateError, check, render

NAMES = {
    "user": "Remind me",
    "result": [{"task": "a", "n": 1}, {"task": "b", "n": 2}],
    "call": {"x": {"y-z": True}},
    "nothing": None,
}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("You said {user}.", "You said Remind me."),
        ("{ user }", "Remind me"),
        ("{len(result)} tasks", "2 tasks"),
        ("{len(result)}", 2),
        ("{len(user)}", 9),
        ("{result}", NAMES["result"]),
        ("It is {result}", 'It is [{"task": "a", "n": 1}, {"task": "b", "n": 2}]'),
        ("{result[0].task}", "a"),
        ("{result[-1].n}", 2),
        ("{result.1.task}", "b"),
        ("{call.x['y-z']}", True),
        ('{call["x"]}', {"y-z": True}),
        ("{join(result, task)}", "a, b"),
        ("{join(result, 'task')}!", "a, b!"),
        ("{join(result)}", '{"task": "a", "n": 1}, {"task": "b", "n": 2}'),
        ("{upper(user)} {lower(user)}", "REMIND ME remind me"),
        ("{json(result[0])}", '{"task": "a", "n": 1}'),
        ("{nothing}", None),
        ("[{nothing}]", "[]"),
        ("{{user}} and {{}}", "{user} and {}"),
    ],
)
def test_placeholders_are_replaced(template: str, value: Any) -> None:
    check(template)
    assert render(template, NAMES) == value


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{other}", "there is no 'other' here; there are call, nothing, result, user"),
        ("{result[5]}", r"'result\[5\]': there is no '5' in"),
        ("{result.task}", "there is no 'task' in"),
        ("{user.x}", "there is no 'x' in Remind me"),
        ("{len(nothing)}", "has no length"),
        ("{join(user)}", "is not a list"),
        ("{join(result, gone)}", "there is no 'gone' in"),
    ],
)
def test_what_has_no_value_is_told(template: str, message: str) -> None:
    check(template)
    with pytest.raises(TemplateError, match=message):
        render(template, NAMES)


@pytest.mark.parametrize(
    "template",
    [
        "{",
        "}",
        "a } b",
        "{user",
        "{}",
        "{1+1}",
        "{user.__class__.__mro__()}",
        "{len(len(user))}",
        "{open('x')}",
        "{user!r}",
        "{user:>10}",
    ],
)
def test_what_is_no_placeholder_is_told_already_when_read(template: str) -> None:
    with pytest.raises(TemplateError):
        check(template)
    with pytest.raises(TemplateError):
        render(template, NAMES)


def test_only_data_can_be_reached_never_attributes() -> None:
    with pytest.raises(TemplateError, match="there is no '__class__'"):
        render("{user.__class__}", NAMES)


@given(st.text(), st.text())
def test_values_are_never_read_as_templates(before: str, value: str) -> None:
    template = before.replace("{", "{{").replace("}", "}}") + "{user}."
    assert render(template, {"user": value}) == f"{before}{value}."


@given(st.text(alphabet="{}user.len()[0]'\" ,", max_size=25))
def test_any_template_is_rendered_or_told(template: str) -> None:
    try:
        render(template, NAMES)
    except TemplateError:
        return
    check(template)
