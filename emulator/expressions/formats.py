"""How .NET writes dates, GUIDs and numbers, for the invariant culture."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from emulator.errors import ExpressionError

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

# A single letter is a standard format; the invariant culture's patterns.
_STANDARD = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "f": "dddd, dd MMMM yyyy HH:mm",
    "F": "dddd, dd MMMM yyyy HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "m": "MMMM dd",
    "M": "MMMM dd",
    "o": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "O": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "r": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
    "U": "dddd, dd MMMM yyyy HH:mm:ss",
    "y": "yyyy MMMM",
    "Y": "yyyy MMMM",
}

# A text, not a compiled pattern: few apps format dates, and `re` keeps what it compiled.
_TOKEN = (
    r"(?s)y+|M+|d+|H+|h+|m+|s+|f{1,7}|\.?F{1,7}|t+|K|z+|g+"
    r"|'(?P<single>(?:[^'\\]|\\.)*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\""
    r"|\\(?P<escaped>.)|%(?=.)|."
)


def format_date(value: datetime, form: str) -> str:
    """Write a date with a .NET standard or custom format; a date without zone counts as UTC."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)  # noqa: UP017 - one import less
    if len(form) == 1:
        pattern = _STANDARD.get(form)
        if pattern is None:
            raise _bad_date(form)
        if form in "rRuU":
            value = value.astimezone(timezone.utc)  # noqa: UP017
        form = pattern
    if form.count("%") and form.endswith("%") and not form.endswith("\\%"):
        raise _bad_date(form)
    out: list[str] = []
    for found in re.finditer(_TOKEN, form):
        token = found[0]
        if token == "%":
            continue
        if found["escaped"] is not None:
            out.append(found["escaped"])
        elif token[0] in "'\"" and len(token) > 1:
            out.append(re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL))
        elif token in {"'", '"', "\\"}:
            raise _bad_date(form)
        elif token[-1] == "F":
            _optional_fraction(out, token, value)
        else:
            out.append(_PARTS[token[0]](value, len(token)) if token[0] in _PARTS else token)
    return "".join(out)


def _optional_fraction(out: list[str], token: str, value: datetime) -> None:
    digits = f"{value.microsecond:06}0"[: token.count("F")].rstrip("0")
    if digits:
        out.append(token.rstrip("F") + digits)


def _year(value: datetime, length: int) -> str:
    if length <= 2:
        return str(value.year % 100).zfill(length)
    return str(value.year).zfill(length)


def _month(value: datetime, length: int) -> str:
    if length >= 3:
        name = _MONTHS[value.month - 1]
        return name[:3] if length == 3 else name
    return str(value.month).zfill(length)


def _day(value: datetime, length: int) -> str:
    if length >= 3:
        name = _DAYS[value.weekday()]
        return name[:3] if length == 3 else name
    return str(value.day).zfill(length)


def _padded(number: int, length: int) -> str:
    return str(number).zfill(min(length, 2))


def _offset(value: datetime, length: int) -> str:
    minutes = round((value.utcoffset() or timedelta()).total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    hours, minutes = divmod(abs(minutes), 60)
    text = f"{sign}{str(hours).zfill(min(length, 2))}"
    return f"{text}:{minutes:02}" if length >= 3 else text


def _zone(value: datetime, _length: int) -> str:
    return _offset(value, 3) if value.utcoffset() else "Z"


_PARTS: dict[str, Callable[[datetime, int], str]] = {
    "y": _year,
    "M": _month,
    "d": _day,
    "H": lambda value, length: _padded(value.hour, length),
    "h": lambda value, length: _padded(value.hour % 12 or 12, length),
    "m": lambda value, length: _padded(value.minute, length),
    "s": lambda value, length: _padded(value.second, length),
    "f": lambda value, length: f"{value.microsecond:06}0"[:length],
    "t": lambda value, length: ("AM" if value.hour < 12 else "PM")[: min(length, 2)],
    "K": _zone,
    "z": _offset,
    "g": lambda _value, _length: "A.D.",
}


def format_guid(text: str, form: str) -> str:
    """Write a GUID in one of the formats N, D, B, P and X (any case)."""
    plain = text.replace("-", "").lower()
    if len(plain) == 32:
        text = "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
    match form.upper():
        case "N":
            return plain
        case "D" | "":
            return text
        case "B":
            return f"{{{text}}}"
        case "P":
            return f"({text})"
        case "X" if len(plain) == 32:
            rest = ",".join(f"0x{plain[i : i + 2]}" for i in range(16, 32, 2))
            return f"{{0x{plain[:8]},0x{plain[8:12]},0x{plain[12:16]},{{{rest}}}}}"
    raise ExpressionError(
        f"'{form}' is not a format of a GUID", hint="Use one of N, D, B, P and X."
    )


def format_number(value: float) -> str:
    """Write a float as .NET does: `1`, `1.5`, `1E+20`, `1E-05`."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    mantissa, _, power = repr(value).partition("e")
    if not power:
        digits = repr(value).lstrip("-").replace(".", "").lstrip("0")
        whole = repr(abs(value)).partition(".")[0]
        if len(whole) <= 15 and not (0 < abs(value) < 1e-4):
            return repr(value).removesuffix(".0")
        sign = "-" if value < 0 else ""
        rest = digits[1 : len(digits)].rstrip("0")
        mantissa = f"{sign}{digits[0]}" + (f".{rest}" if rest else "")
        power = str(len(whole) - 1)
    exponent = int(power)
    return f"{mantissa.removesuffix('.0')}E{'-' if exponent < 0 else '+'}{abs(exponent):02}"


def _bad_date(form: str) -> ExpressionError:
    return ExpressionError(
        f"'{form}' is not a format of a date",
        hint="Use letters such as yyyy-MM-dd HH:mm:ss; quote other text: yyyy'T'MM.",
    )
