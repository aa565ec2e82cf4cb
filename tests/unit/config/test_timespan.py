from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.config.timespan import format_timespan, parse_timespan


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:30", 30),
        ("00:05:00", 300),
        ("01:02:03", 3723),
        ("23:59:59.5", 86399.5),
        ("00:00:00.1234567", 0.1234567),
        ("1.00:00:00", 86400),
        ("2:03:04:05", 183845),
        ("01:30", 5400),
        ("10", 864000),
        ("-00:00:01", -1),
        (" 00:00:01 ", 1),
        ("0:0:1", 1),
    ],
)
def test_reads_a_time_span(text: str, seconds: float) -> None:
    assert parse_timespan(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a time span; write hh:mm:ss or d.hh:mm:ss"),
        ("5m", "'5m' is not a time span; write hh:mm:ss or d.hh:mm:ss"),
        ("1.5", "'1.5' is not a time span; write hh:mm:ss or d.hh:mm:ss"),
        ("00:00:01.12345678", "'00:00:01.12345678' is not a time span"),
        ("24:00:00", "'24:00:00' is not a time span; hours go to 23"),
        ("00:60:00", "minutes and seconds to 59"),
        ("99999999", "'99999999' is too long"),
        ("٣", "'٣' is not a time span"),
    ],
)
def test_says_what_is_no_time_span(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=".") as caught:
        parse_timespan(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2, "00:00:02"),
        (0.5, "00:00:00.5000000"),
        (90000, "1.01:00:00"),
        (-1, "-00:00:01"),
        (0, "00:00:00"),
    ],
)
def test_writes_as_dotnet_does(seconds: float, text: str) -> None:
    assert format_timespan(seconds) == text


@given(st.integers(min_value=-(10**12), max_value=10**12))
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_timespan(format_timespan(seconds)) == pytest.approx(seconds, abs=1e-6)


@given(st.text(alphabet="0123456789:.- "))
@settings(max_examples=100, deadline=None)
def test_never_raises_anything_but_a_value_error(text: str) -> None:
    try:
        parse_timespan(text)
    except ValueError:
        return
