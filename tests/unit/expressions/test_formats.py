from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import ExpressionError
from emulator.expressions.formats import format_date, format_guid, format_number

DATE = datetime(2024, 5, 1, 14, 2, 3, 123400, tzinfo=UTC)
EAST = datetime(2024, 5, 1, 14, 2, 3, tzinfo=timezone(timedelta(hours=5, minutes=30)))
WEST = datetime(2024, 5, 1, 14, 2, 3, tzinfo=timezone(-timedelta(hours=3)))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("yyyy-MM-ddTHH-mm-ssK", "2024-05-01T14-02-03Z"),
        ("yyyyMMdd", "20240501"),
        ("y yy yyy yyyyy", "24 24 2024 02024"),
        ("M MM MMM MMMM", "5 05 May May"),
        ("d. dd ddd dddd", "1. 01 Wed Wednesday"),
        ("H HH h hh", "14 14 2 02"),
        ("m mm s ss", "2 02 3 03"),
        ("f. ff fff ffff fffffff", "1. 12 123 1234 1234000"),
        ("ss.FFFFFFF", "03.1234"),
        ("ss.F", "03.1"),
        ("h t tt", "2 P PM"),
        ("K zz z zzz", "Z +00 +0 +00:00"),
        ("%d", "1"),
        ("'at' HH\"h\"", "at 14h"),
        ("\\d\\\\", "d\\"),
        ("'it\\'s'", "it's"),
        ("gg", "A.D."),
        ("ü-x", "ü-x"),
        ("d", "05/01/2024"),
        ("D", "Wednesday, 01 May 2024"),
        ("f", "Wednesday, 01 May 2024 14:02"),
        ("F", "Wednesday, 01 May 2024 14:02:03"),
        ("g", "05/01/2024 14:02"),
        ("G", "05/01/2024 14:02:03"),
        ("m", "May 01"),
        ("o", "2024-05-01T14:02:03.1234000Z"),
        ("R", "Wed, 01 May 2024 14:02:03 GMT"),
        ("s", "2024-05-01T14:02:03"),
        ("t", "14:02"),
        ("T", "14:02:03"),
        ("u", "2024-05-01 14:02:03Z"),
        ("U", "Wednesday, 01 May 2024 14:02:03"),
        ("Y", "2024 May"),
    ],
)
def test_writes_a_date_as_dotnet_does(form: str, text: str) -> None:
    assert format_date(DATE, form) == text


def test_a_fraction_of_nothing_takes_its_dot_along() -> None:
    assert format_date(EAST, "ss.FFF") == "03"


@pytest.mark.parametrize(
    ("date", "form", "text"),
    [
        (EAST, "HH K", "14 +05:30"),
        (WEST, "HH zzz", "14 -03:00"),
        (WEST, "zz z.", "-03 -3."),
        (EAST, "u", "2024-05-01 08:32:03Z"),
        (datetime(2024, 5, 1), "yyyy K", "2024 Z"),
        (datetime(2024, 5, 1, 0, 1, tzinfo=UTC), "h:mm tt", "12:01 AM"),
    ],
)
def test_writes_zones(date: datetime, form: str, text: str) -> None:
    assert format_date(date, form) == text


@pytest.mark.parametrize("form", ["q", "K", "z", "'open", 'yyyy "', "yyyy%", "MM\\"])
def test_refuses_what_is_no_format(form: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        format_date(DATE, form)
    assert caught.value.message == f"'{form}' is not a format of a date"


ID = "4e2796ae-b865-4071-8a20-2a15cbaf856c"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("N", "4e2796aeb86540718a202a15cbaf856c"),
        ("d", ID),
        ("", ID),
        ("B", f"{{{ID}}}"),
        ("p", f"({ID})"),
        ("X", "{0x4e2796ae,0xb865,0x4071,{0x8a,0x20,0x2a,0x15,0xcb,0xaf,0x85,0x6c}}"),
    ],
)
def test_writes_a_guid(form: str, text: str) -> None:
    assert format_guid(ID.upper(), form) == text


def test_refuses_an_unknown_format_of_a_guid() -> None:
    with pytest.raises(ExpressionError, match="'Z' is not a format of a GUID"):
        format_guid(ID, "Z")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1"),
        (1.5, "1.5"),
        (-0.25, "-0.25"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (-2.5e-7, "-2.5E-07"),
        (1e14, "100000000000000"),
        (1e15, "1E+15"),
        (1.25e15, "1.25E+15"),
        (123456789012345680.0, "1.2345678901234568E+17"),
        (-1e20, "-1E+20"),
        (1e300, "1E+300"),
        (0.1 + 0.2, "0.30000000000000004"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_writes_a_number_as_dotnet_does(number: float, text: str) -> None:
    assert format_number(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=200, deadline=None)
def test_a_written_number_is_the_same_number(number: float) -> None:
    assert float(format_number(number)) == number
