from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.routing.dates import is_date


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-31",
        "2024-5-1",
        "2024/05/31",
        "2024-05",
        "2024-05-31T10:20:30",
        "2024-05-31T10:20:30Z",
        "2024-05-31t10:20:30.1234567+02:00",
        "2024-05-31 10:20",
        "5/31/2024",
        "05-31-2024",
        "5/31/24 10:30 PM",
        "5/31",
        "5/2024",
        "31 May 2024",
        "1May2024".replace("May", " May "),
        "May 31, 2024",
        "May 31",
        "May 2024",
        "2024 May 31",
        "Fri, 31 May 2024 10:20:30 GMT",
        "Friday, 31 May 2024",
        "10:20",
        "10:20:30.5",
        "10 pm",
        " 2024-05-31 ",
        "2/29/2024",
    ],
)
def test_is_a_date(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "31/05/2024",
        "2024-13-01",
        "2024-02-30",
        "2/29/2023",
        "0000-01-01",
        "2024-05-31T25:00",
        "13:00 pm",
        "10:60",
        "10:00:60",
        "Mai 31",
        "2024-05-31 nonsense",
        "20240531",
        "2024-05-31" + " " * 100,
    ],
)
def test_is_no_date(text: str) -> None:
    assert not is_date(text)


@given(st.datetimes())
@settings(max_examples=100, deadline=None)
def test_every_iso_date_is_a_date(value: datetime) -> None:
    assert is_date(value.strftime("%m/%d/") + f"{value.year:04} {value:%H:%M:%S}")
    assert is_date(value.isoformat())
