from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import ExpressionError
from emulator.expressions import parse, substitute_settings

SETTINGS = {"Q": "orders", "EMPTY": "", "BRACES": "{id}", "PERCENT": "50%", "A B": "blank"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("%Q%", "orders"),
        ("%Q%-{id}", "orders-{id}"),
        ("a%Q%b%Q%c", "aordersborders" + "c"),
        ("%EMPTY%", ""),
        ("%BRACES%", "{id}"),
        ("%PERCENT%", "50%"),
        ("%PERCENT%%Q%", "50%orders"),
        ("%A B%", "blank"),
    ],
)
def test_replaces_settings(text: str, expected: str) -> None:
    assert substitute_settings(text, SETTINGS.get) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("%NONE%", "'%NONE%' does not resolve to a value."),
        ("%%", "'%%' does not resolve to a value."),
        ("100% sure", "The '%' at position 3 does not have a closing '%'"),
        ("%Q% and 5%", "The '%' at position 9 does not have a closing '%'"),
        ("100% sure, 50% done", "'% sure, 50%' does not resolve to a value."),
    ],
)
def test_says_which_setting_is_missing(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        substitute_settings(text, SETTINGS.get)
    assert caught.value.message == message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("plain", ()),
        ("{{literal}}", ()),
        ("{id}", ("id",)),
        ("{id}/{Query.name}/{id}", ("id", "Query")),
        ("{sys.UtcNow}-{rand-guid}-{DateTime:yyyy}", ()),
        ("{order.items.first:yyyy}", ("order",)),
        ("{Headers.x-id}", ("Headers",)),
        ("{_x1}", ("_x1",)),
        ("{$request}", ("$request",)),
        ("{system}", ("system",)),
    ],
)
def test_knows_the_names_a_trigger_has_to_answer(text: str, names: tuple[str, ...]) -> None:
    assert parse(text).names == names


@pytest.mark.parametrize(
    ("text", "constant"), [("", True), ("a {{b}}", True), ("{a}", False), ("x{sys.UtcNow}", False)]
)
def test_knows_whether_it_needs_a_call(text: str, constant: bool) -> None:
    assert parse(text).is_constant is constant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a{b", "Invalid template 'a{b'. Missing closing bracket at position 1."),
        ("{a{b}}", "Invalid template '{a{b}}'. Missing closing bracket at position 0."),
        ("a}b", "Invalid template 'a}b'. Missing opening bracket at position 1."),
        ("{a}}", "Invalid template '{a}}'. Missing opening bracket at position 3."),
        ("x{}", "Invalid template 'x{}'. The parameter name at position 1 is empty."),
        ("{:x}", "Invalid template '{:x}'. The parameter name at position 0 is empty."),
        ("{a..b}", "Illegal expression"),
        ("{.a}", "Illegal expression"),
        ("{a.}", "Illegal expression"),
        ("{a b}", "Invalid template '{a b}'. Invalid template expression 'a b"),
        ('{"a": 1}', 'Invalid template \'{"a": 1}\'. Invalid template expression \'"a"'),
        ("{a-b}", "The parameter name 'a-b' is invalid."),
        ("{guid-rand}", "The parameter name 'guid-rand' is invalid."),
    ],
)
def test_says_what_is_wrong_with_a_template(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.message == message


def test_tells_how_to_write_a_literal_brace() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse('Answer as {"mood": "…"}.')
    assert caught.value.hint == "For a literal brace write {{ or }}."


def test_equal_texts_make_equal_expressions() -> None:
    assert parse("{a}") == parse("{a}")
    assert parse("{a}") != parse("{b}")


@given(st.text() | st.text(alphabet="{}%.:-_ aA0$\n"))
@settings(max_examples=200, deadline=None)
def test_never_raises_anything_but_an_expression_error(text: str) -> None:
    for work in (parse, lambda value: substitute_settings(value, SETTINGS.get)):
        try:
            work(text)
        except ExpressionError:
            continue
