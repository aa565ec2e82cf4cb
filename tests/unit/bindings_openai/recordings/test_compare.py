"""Results of skills compared as data: what differs with every run, and what is another story."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.recordings.compare import differences

UUIDS = ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "9b2d1f7a-0000-4f89-8a0c-0305e82c33ff")

OPAQUE: list[tuple[str, Any, Any]] = [
    ("an id", {"id": "a"}, {"id": "b"}),
    ("an id that is a number in one", {"id": 7}, {"id": "b"}),
    ("camel case ids", {"orderId": "x"}, {"orderId": "y"}),
    ("snake case ids", {"order_id": 1}, {"order_id": 2}),
    ("etags", {"etag": "1"}, {"etag": "2"}),
    ("times by name", {"createdAt": "now"}, {"createdAt": "later"}),
    ("times by name in snake case", {"created_at": 5}, {"created_at": 6}),
    ("timestamps", {"LastTimestamp": 1}, {"LastTimestamp": 2}),
    ("dates by name", {"date": "x"}, {"date": "y"}),
    ("uuids under any name", {"x": UUIDS[0]}, {"x": UUIDS[1]}),
    ("short hex ids", {"x": "a3f2c1"}, {"x": "0b9e77"}),
    ("ids in a list", ["a3f2c1"], ["0b9e77"]),
    ("days", {"x": "2026-01-02"}, {"x": "2027-03-04"}),
    ("instants", {"x": "2026-01-02T03:04:05Z"}, {"x": "2026-01-02T03:04:06.5+01:00"}),
    ("seconds since 1970", {"x": 1_700_000_000}, {"x": 1_800_000_000.5}),
    ("milliseconds since 1970", {"x": 1_700_000_000_000}, {"x": 1_800_000_000_000}),
    ("an id inside a text", f"Order {UUIDS[0]} is placed", f"Order {UUIDS[1]} is placed"),
    ("a time inside a text", "Done at 2026-01-02T03:04:05Z.", "Done at 2026-01-02T04:04:05Z."),
]

ANOTHER: list[tuple[str, Any, Any, str]] = [
    ("another text", {"task": "a"}, {"task": "b"}, "$.task"),
    ("another number", {"count": 1}, {"count": 2}, "$.count"),
    ("true is not one", {"done": True}, {"done": 1}, "$.done"),
    ("words that look like hex", {"x": "facade"}, {"x": "decade"}, "$.x"),
    ("digits only", {"x": "123456"}, {"x": "654321"}, "$.x"),
    ("an id against none", {"id": "a"}, {"id": None}, "$.id"),
    ("an id against data", {"id": "a"}, {"id": ["a"]}, "$.id"),
    ("names that only end like ids", {"paid": 1}, {"paid": 2}, "$.paid"),
    ("names that only end like times", {"format": "a"}, {"format": "b"}, "$.format"),
    ("a member more", {"a": 1}, {"a": 1, "b": 2}, "$.b"),
    ("a member less", {"a": 1, "b c": 2}, {"a": 1}, "$['b c']"),
    ("an item more", [1], [1, 2], "$[1]"),
    ("an item less", [1, 2], [1], "$[1]"),
    ("other words around an id", f"Order {UUIDS[0]}", f"Item {UUIDS[1]}", "$"),
    ("an id more in a text", UUIDS[0], f"{UUIDS[0]} {UUIDS[1]}", "$"),
    ("deep inside", {"a": [{"b": {"c": 1}}]}, {"a": [{"b": {"c": 2}}]}, "$.a[0].b.c"),
]


@pytest.mark.parametrize(
    ("recorded", "actual"), [case[1:] for case in OPAQUE], ids=[case[0] for case in OPAQUE]
)
def test_may_differ(recorded: Any, actual: Any) -> None:
    found = list(differences(recorded, actual))
    assert found
    assert all(each.opaque for each in found)
    assert all(each.opaque for each in differences(actual, recorded))


@pytest.mark.parametrize(
    ("recorded", "actual", "path"),
    [case[1:] for case in ANOTHER],
    ids=[case[0] for case in ANOTHER],
)
def test_is_another_story(recorded: Any, actual: Any, path: str) -> None:
    assert [each.path for each in differences(recorded, actual) if not each.opaque] == [path]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_equal_data_has_no_differences(value: Any) -> None:
    assert list(differences(value, value)) == []


@given(JSON, JSON)
def test_what_is_not_equal_has_a_difference_both_ways(one: Any, other: Any) -> None:
    assert bool(list(differences(one, other))) == bool(list(differences(other, one)))
