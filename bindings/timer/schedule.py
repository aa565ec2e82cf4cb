"""When a timer fires: NCRONTAB expressions, constant intervals, and clocks that are changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice

_MONTHS = (
    "january february march april may june july august september october november december"
).split()
_DAYS = "sunday monday tuesday wednesday thursday friday saturday".split()

_FIELDS: tuple[tuple[int, int, Sequence[str]], ...] = (
    (0, 59, ()),
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
"""Least and greatest value of second, minute, hour, day, month and day of week, and its names."""

_YEARS = 50
"""How far ahead a date is looked for; 29 February on a certain weekday may be 40 years away."""

_LAST = datetime(date.max.year, 1, 1, tzinfo=UTC)
"""Some time before there are no dates any more, in any zone."""

_SPAN = re.compile(r"(?:(\d{1,8})\.)?(\d{1,8}):(\d{1,2})(?::(\d{1,2})(\.\d{1,7})?)?")
_SECOND = timedelta(seconds=1)


class Zone:
    """Local time: of a named zone, or of this machine."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone

    @classmethod
    def named(cls, name: str | None) -> Zone:
        """Return the zone of the setting `TZ`; of this machine when it names none."""
        if not name:
            return cls()
        import zoneinfo  # for start-up: most apps name no zone

        try:
            return cls(zoneinfo.ZoneInfo(name.removeprefix(":")))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            return cls()

    def local(self, moment: datetime) -> datetime:
        """Return the local time at that moment, with its offset."""
        return moment.astimezone(self._zone)

    def moment(self, local: datetime) -> datetime:
        """Return when clocks show `local`: the first time of two, or shifted if they never do."""
        aware = local if self._zone is None else local.replace(tzinfo=self._zone)
        return aware.astimezone(UTC)

    def offset(self, moment: datetime) -> timedelta:
        return self.local(moment).utcoffset() or timedelta()

    def change(self, before: datetime, after: datetime) -> datetime:
        """Return the first moment with another offset than `before`; `after` has another one."""
        offset = self.offset(before)
        while after - before > _SECOND:
            middle = before + (after - before) // 2
            if self.offset(middle) == offset:
                before = middle
            else:
                after = middle
        return after.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Constant:
    """One run in each interval, whatever clocks show."""

    interval: timedelta
    adjusts = False

    def next(self, after: datetime, zone: Zone) -> datetime | None:
        """Return the moment after that one; `None` when there is no date for it."""
        return after + self.interval if self.interval < _LAST - after else None

    def __str__(self) -> str:
        days, seconds = self.interval.days, self.interval.seconds
        shown = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return f"Constant: {days}.{shown}" if days else f"Constant: {shown}"


@dataclass(frozen=True, slots=True)
class Cron:
    """Six fields that have all to match; `spread` are those that recur within a day.

    These go on while an hour comes twice; the others run once then, and an hour later where clocks
    skip their time.
    """

    text: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    spread: bool
    adjusts = True

    def next(self, after: datetime, zone: Zone) -> datetime | None:
        """Return the first moment after that one; `None` when there is none in sight."""
        return self._recurring(after, zone) if self.spread else self._point(after, zone)

    def __str__(self) -> str:
        return f"Cron: '{self.text}'"

    def _point(self, after: datetime, zone: Zone) -> datetime | None:
        local = zone.local(after).replace(tzinfo=None, fold=0)
        while (found := self._next_local(local)) is not None:
            moment = zone.moment(found)
            if moment > after:
                return moment
            local = found  # it was in the first of two equal hours
        return None

    def _recurring(self, after: datetime, zone: Zone) -> datetime | None:
        offset = zone.offset(after)
        local = _shown(after, offset)
        while (found := self._next_local(local)) is not None:
            moment = found.replace(tzinfo=UTC) - offset
            if zone.offset(moment) == offset:
                return moment
            after = zone.change(after, moment)  # clocks are changed before: look again from there
            offset = zone.offset(after)
            local = _shown(after, offset) - _SECOND
        return None

    def _next_local(self, after: datetime) -> datetime | None:
        start = after.replace(microsecond=0) + _SECOND
        day, earliest = start.date(), start.time()
        last = min(start.year + _YEARS, date.max.year)
        while day.year < last:
            if day.month not in self.months:
                day, earliest = _next_month(day), time.min
                continue
            if day.day in self.days and day.isoweekday() % 7 in self.weekdays:
                found = self._next_time(earliest)
                if found is not None:
                    return datetime.combine(day, found)
            day, earliest = day + timedelta(days=1), time.min
        return None

    def _next_time(self, earliest: time) -> time | None:
        for hour in self.hours:
            if hour < earliest.hour:
                continue
            for minute in self.minutes:
                if (hour, minute) < (earliest.hour, earliest.minute):
                    continue
                for second in self.seconds:
                    if (found := time(hour, minute, second)) >= earliest:
                        return found
        return None


Schedule = Cron | Constant


def parse_schedule(text: str) -> Schedule:
    """Read an expression of six fields, or of five without seconds, or an interval.

    Raises `ValueError` when it is neither.
    """
    fields = text.split()
    if len(fields) in (5, 6):
        return _cron(text, fields if len(fields) == 6 else ["0", *fields])
    interval = _interval(text.strip())
    if interval <= timedelta():
        raise ValueError("an interval is longer than nothing")
    return Constant(interval)


def occurrences(schedule: Schedule, after: datetime, zone: Zone, count: int) -> list[datetime]:
    """Return the next `count` moments, or as many as there are."""
    return list(islice(_following(schedule, after, zone), count))


def _following(schedule: Schedule, after: datetime, zone: Zone) -> Iterator[datetime]:
    moment: datetime | None = after
    while moment is not None and (moment := schedule.next(moment, zone)) is not None:
        yield moment


def _cron(text: str, fields: Sequence[str]) -> Cron:
    parts = [_values(field, *of) for field, of in zip(fields, _FIELDS, strict=True)]
    seconds, minutes, hours, days, months, weekdays = parts
    return Cron(
        text=text.strip(),
        seconds=tuple(sorted(seconds)),
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(weekdays),
        spread=any(sign in field for field in fields[:3] for sign in "*/-"),
    )


def _values(field: str, least: int, most: int, names: Sequence[str]) -> set[int]:
    """Return what a field allows: `*`, `n`, `a-b`, each with `/step`, and lists of them."""
    values: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        every = max(1, _number(step)) if slash else 1
        if span == "*":
            first, last = least, most
        elif "-" in span:
            low, _, high = span.partition("-")
            first, last = sorted((_value(low, least, names), _value(high, least, names)))
        else:
            first = _value(span, least, names)
            last = most if every > 1 else first
        if first < least or last > most:
            raise ValueError(f"'{part}' is not from {least} to {most}")
        values.update(range(first, last + 1, every))
    return values


def _value(text: str, least: int, names: Sequence[str]) -> int:
    if len(text) >= 3 and not text[0].isdigit():
        for place, name in enumerate(names):
            if name.startswith(text.lower()):
                return least + place
    return _number(text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise ValueError(f"'{text}' is no number")
    return int(text)


def _interval(text: str) -> timedelta:
    """Read a .NET time span: `hh:mm:ss`, `d.hh:mm:ss`, whole days, and what .NET makes of `24:…`.

    There the first of three numbers is days when it cannot be hours.
    """
    if text.isascii() and text.isdecimal() and len(text) <= 8:
        return timedelta(days=int(text))
    match = _SPAN.fullmatch(text) if text.isascii() else None
    if match is None:
        raise ValueError(f"'{text}' is no interval")
    days, hours, minutes, seconds = (int(each or 0) for each in match.groups()[:4])
    if hours > 23 and match[1] is None and match[4] is not None and match[5] is None:
        days, hours, minutes, seconds = hours, minutes, seconds, 0
    if hours > 23 or minutes > 59 or seconds > 59 or days > 10_675_199:
        raise ValueError(f"'{text}' is no interval")
    fraction = float(match[5] or 0)
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds + fraction)


def _next_month(day: date) -> date:
    year, month = divmod(day.year * 12 + day.month, 12)
    return date(year, month + 1, 1)


def _shown(moment: datetime, offset: timedelta) -> datetime:
    return (moment + offset).replace(tzinfo=None)
