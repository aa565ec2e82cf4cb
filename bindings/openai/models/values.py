"""Values in a sentence that look like what they are: numbers, dates, times, addresses, paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bindings.openai.models.vocabulary import NUMBER_WORDS, SECONDS

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
LINK = re.compile(r"\bhttps?://[^\s,;]*[^\s,;.!?)]")
PATH = re.compile(
    r"(?<![\w@])(?:[A-Za-z]:\\[^\s,;]*[^\s,;.!?]|(?:~|\.{1,2})?/[\w./~-]*[\w/~]"
    r"|[\w~./-]*[\w~-]\.[A-Za-z][A-Za-z0-9]{0,4}\b(?![.@]\w))"
)
CODE = re.compile(
    r"(?<![\w.,:/-])#?(?=[\w-]*\d)[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*(?![\w:/-]|[.,:]\d)"
)

_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_MONTHS = (
    "january february march april may june july august september october november december".split()
)
_MONTH = rf"(?:{'|'.join(_MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?"
DAY = re.compile(
    r"\b(?:(?:on|by|for|until|till|from|to|since|due|starting)\s+)*(?:"
    r"(?P<iso>\d{4}-\d{2}-\d{2})(?!T)"
    r"|(?P<word>(?:the )?day after tomorrow|today|tonight|this (?:morning|afternoon|evening)"
    r"|tomorrow|yesterday|next week)(?P<part> (?:morning|noon|afternoon|evening|night))?"
    r"|in (?P<count>\d+|an?|one|two|three|four|five|six) (?P<unit>day|week)s?"
    rf"|(?:(?:next|this|coming) )?(?P<weekday>{'|'.join(_WEEKDAYS)})"
    r"(?: (?:morning|noon|afternoon|evening|night))?"
    rf"|(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH})"
    r"(?:,? (?P<year>\d{4}))?"
    rf"|(?P<month2>{_MONTH}) (?:the )?(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year2>\d{{4}}))?"
    r")\b",
    re.IGNORECASE,
)
INSTANT = re.compile(r"\b\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?")
_HOURS = "one two three four five six seven eight nine ten eleven twelve".split()
CLOCK = re.compile(
    r"\b(?:(?:at|around|by) )?(?:"
    r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))? ?(?P<half>[ap])\.?m\b\.?"
    r"|(?P<hour24>\d{1,2}):(?P<minute24>\d{2})(?::\d{2})?(?: ?h\b| o['’]?clock)?"
    r"|(?P<named>noon|midday|midnight)\b)"
    rf"|\bat (?P<bare>\d{{1,2}}|{'|'.join(_HOURS)})(?: o['’]?clock)?"
    r"(?=\s*(?:$|[.,;!?]|(?:on|for|with|in|and|to|at|please|tomorrow|today|tonight)\b))",
    re.IGNORECASE,
)

_UNITS = r"(?:min|mins|h|hrs?|s|secs?|kg|km|k|x)\b"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_ONES = "|".join(word for word, value in NUMBER_WORDS.items() if value < 20 and word != "dozen")
_NUMBER = re.compile(
    r"(?<![\w.,:/-])(?P<digits>[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?))"
    rf"(?:(?={_UNITS})|(?=-[A-Za-z])|(?![\w-]|[.:/,]\d))"
    rf"|\b(?P<tens>{_TENS})(?:[ -](?P<rest>one|two|three|four|five|six|seven|eight|nine))?\b"
    rf"|\b(?:(?P<times>an?|{_ONES}) )?(?P<big>dozen|hundred|thousand|couple(?: of)?)\b"
    rf"|(?<!another )(?<!which )(?<!that )(?<!this )(?<!new )\b(?P<word>{_ONES})\b"
    r"|\b(?P<article>half an?|an?)(?= (?:second|minute|hour|day|week)\b)",
    re.IGNORECASE,
)
_FOLLOWING = re.compile(r"[ -]?([^\W\d_]+|[€$£¥%])")
_DAY_PARTS = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, and the word or sign it counts in."""

    value: float | int
    start: int
    end: int
    unit: str
    unit_end: int

    @property
    def seconds(self) -> int:
        return SECONDS.get(self.unit, 0)


def as_json_number(value: float) -> float | int:
    """Return a whole number as `int`."""
    return int(value) if float(value).is_integer() else value


def quantities(text: str) -> Iterator[Quantity]:
    """Find the numbers that are not part of a date, a time or a name."""
    hidden = _hide(INSTANT, _hide(DAY, _hide(CLOCK, _hide(LINK, _hide(EMAIL, text)))))
    for match in _NUMBER.finditer(hidden):
        value = _number(match)
        following = _FOLLOWING.match(text, match.end())
        before = text[match.start() - 1 : match.start()]
        unit = following[1].lower() if following else ""
        end = following.end() if following else match.end()
        if before and before in "€$£¥":
            unit, end = before, match.end()
        yield Quantity(value, match.start(), match.end(), unit, end)


def day_of(match: re.Match[str], now: datetime) -> datetime | None:
    """Return the day a match of `DAY` means, `None` when there is no such day."""
    try:
        if match["iso"]:
            return datetime.fromisoformat(match["iso"])
        if match["month"] or match["month2"]:
            return _named_day(match, now)
        return _midnight(now) + timedelta(days=_days_ahead(match, now))
    except (ValueError, OverflowError):
        return None


def clock_of(match: re.Match[str]) -> str:
    """Return the time a match of `CLOCK` means as HH:MM."""
    if match["named"]:
        return _DAY_PARTS[match["named"].lower()]
    if match["bare"]:
        bare = match["bare"].lower()
        return f"{NUMBER_WORDS.get(bare) or int(bare):02}:00"
    if match["hour24"]:
        return f"{int(match['hour24']):02}:{match['minute24']}"
    hour = int(match["hour"]) % 12 + (12 if match["half"] in "pP" else 0)
    return f"{hour:02}:{match['minute'] or '00'}"


def clock_words(match: re.Match[str]) -> str:
    """Return the time as it was said."""
    return re.sub(r"^(?:at|around|by) ", "", match[0], flags=re.IGNORECASE)


def _number(match: re.Match[str]) -> float | int:
    if match["digits"]:
        digits = match["digits"]
        if re.fullmatch(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
            return as_json_number(float(digits.replace(",", "")))
        return as_json_number(float(digits.replace(",", ".")))
    if match["tens"]:
        return NUMBER_WORDS[match["tens"].lower()] + NUMBER_WORDS.get(
            (match["rest"] or "").lower(), 0
        )
    if match["big"]:
        times = NUMBER_WORDS.get((match["times"] or "").lower(), 1)
        return times * NUMBER_WORDS[match["big"].lower().split()[0]]
    if match["word"]:
        return NUMBER_WORDS[match["word"].lower()]
    return 0.5 if match["article"].lower().startswith("half") else 1


def _hide(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: "_" * len(match[0]), text)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _named_day(match: re.Match[str], now: datetime) -> datetime:
    name = (match["month"] or match["month2"]).lower()[:3]
    month = next(at for at, each in enumerate(_MONTHS, 1) if each.startswith(name))
    day = int(match["day"] or match["day2"])
    year = match["year"] or match["year2"]
    found = _midnight(now).replace(year=int(year) if year else now.year, month=month, day=day)
    # A day without a year that is over means the next one.
    return found if year or found >= _midnight(now) else found.replace(year=now.year + 1)


def _days_ahead(match: re.Match[str], now: datetime) -> int:
    if match["weekday"]:
        return (_WEEKDAYS.index(match["weekday"].lower()) - now.weekday() - 1) % 7 + 1
    if match["unit"]:
        count = match["count"].lower()
        amount = int(count) if count.isdecimal() else NUMBER_WORDS.get(count, 1)
        return amount * (7 if match["unit"].lower() == "week" else 1)
    word = match["word"].lower()
    if "day after" in word:
        return 2
    return {"tomorrow": 1, "yesterday": -1, "next week": 7}.get(word, 0)
