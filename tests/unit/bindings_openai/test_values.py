"""Values that look like what they are: numbers and what they count, days, times, paths, codes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.models.values import (
    CLOCK,
    CODE,
    DAY,
    PATH,
    clock_of,
    day_of,
    quantities,
)

NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,200 USD", [(1200, "usd")]),
        ("19.99 pounds and -1,5", [(19.99, "pounds"), (-1.5, "")]),
        ("a 25-minute timer", [(25, "minute")]),
        ("twenty-five apples", [(25, "apples")]),
        ("half an hour, then an hour", [(0.5, "hour"), (1, "hour")]),
        ("a dozen eggs, two hundred grams", [(12, "eggs"), (200, "grams")]),
        ("5€ or $10", [(5, "€"), (10, "$")]),
        ("10min", [(10, "min")]),
        ("at 14:00 on 2026-03-12, by 7 pm, on 3 May", []),
        ("another one, and A-4711, v1.2.3, b2", []),
        ("call me at a@1.de or see https://x.y/1", []),
    ],
)
def test_numbers_come_with_what_they_count(text: str, found: list[tuple[float, str]]) -> None:
    assert [(each.value, each.unit) for each in quantities(text)] == found


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-03-11"),
        ("tonight", "2026-03-11"),
        ("tomorrow morning", "2026-03-12"),
        ("the day after tomorrow", "2026-03-13"),
        ("yesterday", "2026-03-10"),
        ("on friday", "2026-03-13"),
        ("next Wednesday", "2026-03-18"),
        ("next week", "2026-03-18"),
        ("in three days", "2026-03-14"),
        ("in 2 weeks", "2026-03-25"),
        ("2026-12-24", "2026-12-24"),
        ("May 3rd", "2026-05-03"),
        ("the 3rd of May", "2026-05-03"),
        ("Jan 5", "2027-01-05"),
        ("5 January 2026", "2026-01-05"),
    ],
)
def test_days_are_seen_from_today(text: str, day: str) -> None:
    match = DAY.search(f"call me {text} please")
    assert match is not None
    found = day_of(match, NOW)
    assert found is not None
    assert found.date().isoformat() == day


@pytest.mark.parametrize("text", ["2026-02-30", "31 February"])
def test_days_that_do_not_exist_are_none(text: str) -> None:
    match = DAY.search(text)
    assert match is not None
    assert day_of(match, NOW) is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("at 7 pm", "19:00"),
        ("8:15pm", "20:15"),
        ("12am", "00:00"),
        ("at 14:00", "14:00"),
        ("noon", "12:00"),
        ("at seven", "07:00"),
        ("at 9 o'clock", "09:00"),
    ],
)
def test_times_are_read(text: str, time: str) -> None:
    match = CLOCK.search(text)
    assert match is not None
    assert clock_of(match) == time


@pytest.mark.parametrize("text", ["at 7 people", "at home", "2026", "3 pounds"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert CLOCK.search(text) is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("delete report.docx please", "report.docx"),
        ("remove /tmp/old/data.csv.", "/tmp/old/data.csv"),
        ("open ~/notes", "~/notes"),
        (r"erase C:\temp\a.txt", r"C:\temp\a.txt"),
        ("docs/readme.md", "docs/readme.md"),
    ],
)
def test_paths_are_found(text: str, path: str) -> None:
    match = PATH.search(text)
    assert match is not None
    assert match[0] == path


@pytest.mark.parametrize("text", ["It is done. Really", "3.5 and 7", "either/or", "a@b.de"])
def test_what_is_no_path_is_none(text: str) -> None:
    assert PATH.search(text) is None


@pytest.mark.parametrize(
    ("text", "code"), [("order A-4711", "A-4711"), ("#12", "#12"), ("x_1b now", "x_1b")]
)
def test_codes_have_a_digit(text: str, code: str) -> None:
    match = CODE.search(text)
    assert match is not None
    assert match[0] == code


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    list(quantities(text))
    for match in DAY.finditer(text):
        day_of(match, NOW)
    for match in CLOCK.finditer(text):
        clock_of(match)
