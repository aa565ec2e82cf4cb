"""When timers fire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.timer.schedule import Constant, Zone, occurrences, parse_schedule

UTC_ZONE = Zone(UTC)
BERLIN = Zone(ZoneInfo("Europe/Berlin"))  # 29 March 2026 2:00 → 3:00, 25 October 3:00 → 2:00


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def coming(expression: str, after: str, count: int = 3, zone: Zone = UTC_ZONE) -> list[str]:
    moments = occurrences(parse_schedule(expression), at(after), zone, count)
    return [f"{each:%Y-%m-%d %H:%M:%S}" for each in moments]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 */5 * * * *", ["2026-01-01 12:05:00", "2026-01-01 12:10:00"]),
        ("*/5 * * * *", ["2026-01-01 12:05:00", "2026-01-01 12:10:00"]),
        ("* * * * * *", ["2026-01-01 12:00:01", "2026-01-01 12:00:02"]),
        ("30 15 12 * * *", ["2026-01-01 12:15:30", "2026-01-02 12:15:30"]),
        ("0 0 9-17/4 * * *", ["2026-01-01 13:00:00", "2026-01-01 17:00:00"]),
        ("0 0 17-9 * * *", ["2026-01-01 13:00:00", "2026-01-01 14:00:00"]),
        ("0 50/5 * * * *", ["2026-01-01 12:50:00", "2026-01-01 12:55:00"]),
        ("0 0,30 12 * * *", ["2026-01-01 12:30:00", "2026-01-02 12:00:00"]),
        ("0 30 9 * * Mon-Fri", ["2026-01-02 09:30:00", "2026-01-05 09:30:00"]),
        ("0 30 9 * January saturday", ["2026-01-03 09:30:00", "2026-01-10 09:30:00"]),
        ("0 0 0 1 feb *", ["2026-02-01 00:00:00", "2027-02-01 00:00:00"]),
        ("0 0 0 * * 0", ["2026-01-04 00:00:00", "2026-01-11 00:00:00"]),
        ("0 0 0 13 * 5", ["2026-02-13 00:00:00", "2026-03-13 00:00:00"]),
        ("0 0 0 29 2 *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 0 31 */3 *", ["2026-01-31 00:00:00", "2026-07-31 00:00:00"]),
        ("59 59 23 31 12 *", ["2026-12-31 23:59:59", "2027-12-31 23:59:59"]),
        ("00:30:00", ["2026-01-01 12:30:00", "2026-01-01 13:00:00"]),
        ("1.02:00:00", ["2026-01-02 14:00:00", "2026-01-03 16:00:00"]),
        ("24:00:00", ["2026-01-25 12:00:00", "2026-02-18 12:00:00"]),
        ("00:10", ["2026-01-01 12:10:00", "2026-01-01 12:20:00"]),
        ("2", ["2026-01-03 12:00:00", "2026-01-05 12:00:00"]),
    ],
)
def test_what_comes_next(expression: str, expected: list[str]) -> None:
    assert coming(expression, "2026-01-01 12:00:00", 2) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "", "not a cron", "* * * *", "* * * * * * *", "60 * * * * *", "0 0 24 * * *",
        "0 0 0 0 * *", "0 0 0 * 13 *", "0 0 0 * * 7", "0 0 0 ? * *", "0 0 0 L * *",
        "0 0 0 * * 5#2", "@daily", "0 0 0 15W * *", "0 - * * * *", "0 */x * * * *",
        "a b c d e f", "0 0 0 * * Mo", "00:00:00", "00:60:00", "1.24:00:00", "-00:01:00",
        "٣ * * * * *",
    ],
)  # fmt: skip
def test_what_is_no_schedule(expression: str) -> None:
    with pytest.raises(ValueError, match="is"):
        parse_schedule(expression)


def test_a_date_that_never_comes_has_no_next() -> None:
    assert coming("0 0 0 30 2 *", "2026-01-01 00:00:00") == []


def test_a_part_of_a_second_before_does_not_count() -> None:
    assert coming("* * * * * *", "2026-01-01 12:00:00.999999", 1) == ["2026-01-01 12:00:01"]


def test_local_time_counts() -> None:
    assert coming("0 0 8 * * *", "2026-01-01 12:00:00", 1, BERLIN) == ["2026-01-02 07:00:00"]
    assert coming("0 0 8 * * *", "2026-07-01 12:00:00", 1, BERLIN) == ["2026-07-02 06:00:00"]


def test_a_time_that_clocks_skip_is_an_hour_later() -> None:
    assert coming("0 30 2 * * *", "2026-03-28 12:00:00", 2, BERLIN) == [
        "2026-03-29 01:30:00",  # 3:30 there
        "2026-03-30 00:30:00",
    ]


def test_a_time_that_comes_twice_runs_once() -> None:
    assert coming("0 30 2 * * *", "2026-10-24 12:00:00", 2, BERLIN) == [
        "2026-10-25 00:30:00",
        "2026-10-26 01:30:00",
    ]
    # From within the second hour, the first one is over.
    assert coming("0 30 2 * * *", "2026-10-25 01:10:00", 1, BERLIN) == ["2026-10-26 01:30:00"]


def test_what_recurs_goes_on_through_an_hour_that_comes_twice() -> None:
    assert coming("0 */30 * * * *", "2026-10-25 00:00:00", 5, BERLIN) == [
        "2026-10-25 00:30:00",
        "2026-10-25 01:00:00",
        "2026-10-25 01:30:00",
        "2026-10-25 02:00:00",
        "2026-10-25 02:30:00",
    ]


def test_what_recurs_does_not_stop_where_clocks_skip_an_hour() -> None:
    assert coming("0 0 * * * *", "2026-03-28 23:30:00", 4, BERLIN) == [
        "2026-03-29 00:00:00",
        "2026-03-29 01:00:00",
        "2026-03-29 02:00:00",
        "2026-03-29 03:00:00",
    ]
    # Each second hour of the clock: 2 is skipped, so 4 is next.
    assert coming("0 0 */2 * * *", "2026-03-28 23:30:00", 2, BERLIN) == [
        "2026-03-29 02:00:00",
        "2026-03-29 04:00:00",
    ]


def test_a_zone_has_a_name_or_is_that_of_the_machine() -> None:
    moment = at("2026-07-01 12:00:00")
    assert Zone.named("Europe/Berlin").local(moment).hour == 14
    for other in (None, "", "Nowhere/At_all", "/etc/passwd"):
        assert Zone.named(other).local(moment) == moment.astimezone()


def test_a_schedule_is_shown_as_azure_shows_it() -> None:
    assert str(parse_schedule(" 0 */5 * * * * ")) == "Cron: '0 */5 * * * *'"
    assert str(parse_schedule("00:00:30")) == "Constant: 00:00:30"
    assert coming("10675199.00:00:00", "2026-01-01 12:00:00") == []
    assert coming("99999999", "2026-01-01 12:00:00") == []
    assert str(Constant(timedelta(days=1, hours=2))) == "Constant: 1.02:00:00"


field = st.sampled_from(["*", "*/2", "*/7", "1", "1-3", "5,10", "2-20/6"])
fields = st.tuples(field, field, field, field, st.sampled_from(["*", "1", "*/3"]), st.just("*"))


@given(fields, st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.booleans())
def test_each_occurrence_is_later_and_fits(
    expression: tuple[str, ...], after: datetime, local: bool
) -> None:
    zone = BERLIN if local else Zone(timezone(timedelta(hours=5, minutes=30)))
    schedule = parse_schedule(" ".join(expression))
    moment = after.replace(tzinfo=UTC)
    for found in occurrences(schedule, moment, zone, 3):
        assert found > moment
        assert found.microsecond == 0
        shown = zone.local(found)
        assert (
            parse_schedule(" ".join(["*", "*", "*", *expression[3:]])).next(
                found - timedelta(seconds=1), zone
            )
            == found
        ), shown
        moment = found
