from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import ExpressionError
from emulator.expressions import parse, text_of

NOW = datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC)
ID = "4e2796ae-b865-4071-8a20-2a15cbaf856c"
DATA: dict[str, Any] = {
    "id": "7",
    "chatID": "c1",
    "none": None,
    "count": 12,
    "ratio": 1.5,
    "paid": True,
    "order": {"paid": True, "price": 2.5, "Lines": [1], "to": {"City": "Bonn"}, "none": None},
    "list": ["a"],
    "Query": {"Message": "hi", "message": "exact"},
    "Headers": {"x-id": "h"},
    "when": datetime(2023, 1, 2, 3, 4, 5, tzinfo=UTC),
    "key": UUID(ID),
    "tricky": "{id} %Q% }}",
}


def resolve(text: str, data: Mapping[str, Any] = DATA) -> str:
    return parse(text).resolve(data, now=lambda: NOW, random_id=lambda: ID, method_name="hello")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", "plain", id="no expression"),
        pytest.param("orders-{id}", "orders-7", id="name"),
        pytest.param("{ID}/{chatId}", "7/c1", id="names without case"),
        pytest.param("{Query.Message}", "hi", id="member as written"),
        pytest.param("{query.message}", "exact", id="the exact name first"),
        pytest.param("{Query.MESSAGE}", "hi", id="member without case"),
        pytest.param("{headers.X-ID}", "h", id="header"),
        pytest.param("{order.to.city}", "Bonn", id="deep member"),
        pytest.param("[{none}]", "[]", id="null"),
        pytest.param("[{order.none}]", "[]", id="null member"),
        pytest.param("[{order}]", "[]", id="object"),
        pytest.param("[{list}{order.Lines}]", "[]", id="list"),
        pytest.param("{count}", "12", id="integer"),
        pytest.param("{ratio}", "1.5", id="float"),
        pytest.param("{paid}", "True", id="boolean"),
        pytest.param("{order.paid} {order.price}", "True 2.5", id="scalars of an object"),
        pytest.param("{{{id}}}", "{7}", id="braces around"),
        pytest.param("{{id}}", "{id}", id="literal braces"),
        pytest.param("{tricky}{id}", "{id} %Q% }}7", id="what is put in is not scanned"),
        pytest.param("{when}", "2023-01-02T03-04-05Z", id="date"),
        pytest.param("{when:yyyy/MM}", "2023/01", id="date with format"),
        pytest.param("{key}", ID, id="guid"),
        pytest.param("{key:N}", ID.replace("-", ""), id="guid with format"),
        pytest.param("{id:yyyy}", "7", id="format ignored for a text"),
        pytest.param("{count:X}", "12", id="format ignored for a number"),
        pytest.param("{id:}", "7", id="empty format"),
        pytest.param("{sys.MethodName}", "hello", id="method name"),
        pytest.param("{SYS.methodname}", "hello", id="method name without case"),
        pytest.param("{sys.UtcNow}", "2024-05-01T10-20-30Z", id="utc now"),
        pytest.param("{sys.UtcNow:yyyyMMdd}", "20240501", id="utc now with format"),
        pytest.param("{sys.RandGuid}", ID, id="rand guid"),
        pytest.param("{sys.randguid:B}", f"{{{ID}}}", id="rand guid with format"),
        pytest.param("[{sys}]", "[]", id="sys alone"),
        pytest.param("{rand-guid}", ID, id="built-in guid"),
        pytest.param("{Rand-Guid:N}", ID.replace("-", ""), id="built-in guid N"),
        pytest.param("{rand-guid:P}", f"({ID})", id="built-in guid P"),
        pytest.param("{datetime}", "2024-05-01T10-20-30Z", id="built-in date"),
        pytest.param("{DateTime:yyyy-MM}", "2024-05", id="built-in date with format"),
        pytest.param("{datetime:HH:mm}", "10:20", id="a colon in the format"),
        pytest.param("{DateTimeNow}", "2024-05-01T10-20-30Z", id="built-in by its beginning"),
    ],
)
def test_resolves(text: str, expected: str) -> None:
    assert resolve(text) == expected


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("{datetime}", {"datetime": "mine"}, "mine"),
        ("{sys.MethodName}", {"sys": {"MethodName": "mine"}}, "mine"),
        ("{DATETIME:yyyy}", {"datetime": datetime(1999, 1, 1, tzinfo=UTC)}, "1999"),
    ],
)
def test_the_data_wins_over_what_is_built_in(
    text: str, data: dict[str, Any], expected: str
) -> None:
    assert resolve(text, data) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{missing}", "No value for named parameter 'missing'."),
        ("{missing.x}", "No value for named parameter 'missing'."),
        ("{Query.nope}", "Error while accessing 'nope': property doesn't exist."),
        ("{id.length}", "Error while accessing 'length': property doesn't exist."),
        ("{none.x}", "Error while accessing 'x': property doesn't exist."),
        ("{list.0}", "Error while accessing '0': property doesn't exist."),
        ("{sys.nothing}", "Error while accessing 'nothing': property doesn't exist."),
        ("{sys.UtcNow.Year}", "Error while accessing 'Year': property doesn't exist."),
        ("{rand-guid:Q}", "'Q' is not a format of a GUID"),
        ("{sys.UtcNow:q}", "'q' is not a format of a date"),
    ],
)
def test_says_what_does_not_resolve(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        resolve(text)
    assert caught.value.message == message


def test_lists_what_the_trigger_gave() -> None:
    with pytest.raises(ExpressionError) as caught:
        resolve("{nam}", {"name": "x", "Query": {}, "$request": None})
    assert caught.value.hint == "The trigger gave: Query, name, sys."


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            "{Query.message}",
            "'Query' has user in this call. Add ?message=… to the address of the request.",
        ),
        ("{Headers.x}", "'Headers' has no members in this call."),
        ("{body.a.c}", "'body.a' has b, d in this call."),
        ("{name.length}", "'name' has no members in this call."),
    ],
)
def test_says_what_there_is_instead_of_a_member(text: str, hint: str) -> None:
    data = {"Query": {"user": "x"}, "Headers": {}, "body": {"a": {"d": 1, "b": 2}}, "name": "x"}
    with pytest.raises(ExpressionError) as caught:
        resolve(text, data)
    assert caught.value.hint == hint


def test_says_when_the_trigger_gave_nothing() -> None:
    with pytest.raises(ExpressionError) as caught:
        resolve("{nam}", {})
    assert caught.value.hint == "The trigger gave no values to refer to."


def test_each_guid_is_a_new_one() -> None:
    ids = iter(["a", "b"])
    text = parse("{rand-guid} {sys.randguid}").resolve(
        {}, now=lambda: NOW, random_id=lambda: next(ids), method_name=""
    )
    assert text == "a b"


@pytest.mark.parametrize(
    ("value", "text"),
    [(b"x", ""), (object(), ""), (("a",), ""), ({}, ""), (0, "0"), (False, "False")],
)
def test_text_of_a_value(value: object, text: str) -> None:
    assert text_of(value) == text


VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes()


@given(
    st.text(alphabet="{}.:aAb-'\"\\%yMdFfKz ", max_size=14),
    st.dictionaries(st.sampled_from(["a", "b", "A"]), VALUE | st.dictionaries(st.just("a"), VALUE)),
)
@settings(max_examples=200, deadline=None)
def test_never_raises_anything_but_an_expression_error(text: str, data: dict[str, Any]) -> None:
    try:
        assert isinstance(resolve(text, data), str)
    except ExpressionError:
        return


@given(st.text())
@settings(max_examples=80, deadline=None)
def test_a_text_with_doubled_braces_is_itself(text: str) -> None:
    assert resolve(text.replace("{", "{{").replace("}", "}}")) == text


@given(st.text())
@settings(max_examples=80, deadline=None)
def test_a_value_is_put_in_as_it_is(value: str) -> None:
    assert resolve("<{x}>", {"x": value}) == f"<{value}>"
