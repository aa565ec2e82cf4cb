"""What functions are shown of the data of their trigger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.invocation.metadata import metadata_of
from emulator.model import Datum


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("é", Datum("text", "é")),
        (b"\xff", Datum("bytes", b"\xff")),
        (True, Datum("json", "true")),
        (3, Datum("int", 3)),
        (0.5, Datum("float", 0.5)),
        ({"é": [1, None]}, Datum("json", '{"é": [1, null]}')),
        (datetime(2026, 1, 2, tzinfo=UTC), Datum("json", '"2026-01-02 00:00:00+00:00"')),
    ],
)
def test_every_value_has_its_kind(value: Any, shown: Datum) -> None:
    assert metadata_of({"x": value}) == {"x": shown}


def test_what_is_missing_is_left_out() -> None:
    assert metadata_of({"x": None}) == {}
