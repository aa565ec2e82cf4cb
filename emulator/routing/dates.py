"""Which texts .NET reads as a date, for the invariant culture (month before day)."""

from __future__ import annotations

import re
from functools import cache

_MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_WEEKDAY = (
    r"(?:sun(?:day)?|mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?"
    r"|sat(?:urday)?)"
)
_TIME = (
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.,]\d{1,7})?)?"
    r"\s*(?P<half>[ap]m?)?|\s*(?P<only>[ap]m?))"
    r"\s*(?:z|gmt|[+-]\d{1,2}(?::?\d{2})?)?"
)
_DATES = (
    r"(?P<y1>\d{4})[-/. ](?P<m1>\d{1,2})(?:[-/. ](?P<d1>\d{1,2}))?",
    r"(?P<m2>\d{1,2})[-/. ](?P<d2>\d{1,2})(?:[-/. ](?P<y2>\d{4}|\d{2}))?",
    r"(?P<d3>\d{1,2})[-/. ]?\s*(?P<n3>MONTH)(?:[-/., ]\s*(?P<y3>\d{4}|\d{2}))?",
    r"(?P<n4>MONTH)[-/. ]\s*(?P<d4>\d{1,2})(?:\s*[-/., ]\s*(?P<y4>\d{4}))?",
    r"(?P<n5>MONTH)[-/., ]\s*(?P<y5>\d{4})",
    r"(?P<y6>\d{4})[-/., ]\s*(?P<n6>MONTH)(?:[-/. ]\s*(?P<d6>\d{1,2}))?",
    r"(?P<m7>\d{1,2})/(?P<y7>\d{4})",
)
_ANY_DATE = "|".join(_DATES).replace("MONTH", _MONTH)
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def is_date(text: str) -> bool:
    """Whether `DateTime.TryParse` accepts the text: ISO 8601, `5/31/2024 10:30 PM` and others."""
    found = _whole().fullmatch(text) if len(text) <= 80 else None
    return found is not None and _date_exists(found) and _time_exists(found)


@cache
def _whole() -> re.Pattern[str]:
    """Return the pattern of a date; built when a route first needs it, as it costs 5 ms."""
    return re.compile(
        rf"\s*(?:(?:{_WEEKDAY}\s*,?\s*)?(?:{_ANY_DATE})(?:(?:\s+|t|,\s*){_TIME})?"
        rf"|{_TIME.replace('?P<', '?P<t_')})\s*",
        re.IGNORECASE | re.ASCII,
    )


def _date_exists(found: re.Match[str]) -> bool:
    part = {
        name[0]: value for name, value in found.groupdict().items() if value and name[1:].isdigit()
    }
    if not part:
        return True
    if "n" in part:
        month = _NAMES.index(part["n"][:3].lower()) + 1
    else:
        month = int(part["m"])
    year, day = int(part.get("y", "2000")), int(part.get("d", "1"))
    if not 1 <= month <= 12 or not 1 <= day <= _LENGTHS[month - 1]:
        return False
    if len(part.get("y", "2000")) == 4 and not 1 <= year:
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return not (month == 2 and day == 29 and not leap)


def _time_exists(found: re.Match[str]) -> bool:
    for prefix in ("", "t_"):
        hour = found[f"{prefix}hour"]
        if hour is None:
            continue
        half = found[f"{prefix}half"] or found[f"{prefix}only"]
        minute, second = found[f"{prefix}minute"], found[f"{prefix}second"]
        if int(hour) > (12 if half else 23) or int(minute or 0) > 59 or int(second or 0) > 59:
            return False
    return True
