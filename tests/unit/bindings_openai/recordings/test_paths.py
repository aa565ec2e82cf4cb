"""Paths into data."""

from __future__ import annotations

from typing import Any

import pytest

from bindings.openai.recordings.paths import IGNORED, JsonPath, child
from emulator.sdk import BindingError

VALUE = {"items": [{"price": 1, "n": {"price": 2}}], "price": 3}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("$.price", {**VALUE, "price": IGNORED}),
        ("$.items[*].price", {**VALUE, "items": [{"price": IGNORED, "n": {"price": 2}}]}),
        ("$.items[0].n.price", {**VALUE, "items": [{"price": 1, "n": {"price": IGNORED}}]}),
        (
            "$..price",
            {"items": [{"price": IGNORED, "n": {"price": IGNORED}}], "price": IGNORED},
        ),
        ("$['items']", {**VALUE, "items": IGNORED}),
        ("$.*", {"items": IGNORED, "price": IGNORED}),
        ("$.items[1]", VALUE),
        ("$.nothing.here", VALUE),
    ],
)
def test_a_path_masks_what_it_names(path: str, wanted: Any) -> None:
    assert JsonPath(path).mask(VALUE) == wanted
    assert VALUE["price"] == 3


@pytest.mark.parametrize("path", ["", "$", "items", "$items", "$.a[", "$.a[x]", "$..", "$.a b"])
def test_what_is_no_path_is_told(path: str) -> None:
    with pytest.raises(BindingError, match="is not a path of the kind"):
        JsonPath(path)


def test_members_are_named_as_they_can_be_written() -> None:
    assert child(child(child("$", "a"), 0), "b c") == "$.a[0]['b c']"
