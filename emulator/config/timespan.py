"""Lengths of time as .NET writes them: `hh:mm:ss`, `d.hh:mm:ss`, `d`."""

from __future__ import annotations

import re

_PATTERN = r"""(?xa)
    (?P<sign>-)?
    (?: (?P<only>\d+)
      | (?:(?P<days>\d+)[.:](?=\d+:\d+:))? (?P<hours>\d+):(?P<minutes>\d+)
        (?: :(?P<seconds>\d+)(?:\.(?P<fraction>\d{1,7}))? )?
    )"""
_MAX_DAYS = 10_675_199
_LONGEST = 64
"""Characters; nothing that is longer is a time span."""


def parse_timespan(text: str) -> float:
    """Return the seconds of a time span; raise `ValueError` saying what is wrong.

    A number alone means days, as in .NET.
    """
    found = re.fullmatch(_PATTERN, text.strip()) if len(text) <= _LONGEST else None
    if found is None and len(text) > _LONGEST:
        raise ValueError(f"'{text[:_LONGEST]}…' is not a time span; it is too long for one")
    if found is None:
        raise ValueError(f"'{text}' is not a time span; write hh:mm:ss or d.hh:mm:ss")
    part = {name: int(value or 0) for name, value in found.groupdict("0").items() if name != "sign"}
    if part["hours"] > 23 or part["minutes"] > 59 or part["seconds"] > 59:
        raise ValueError(
            f"'{text}' is not a time span; hours go to 23, minutes and seconds to 59 "
            "(a day is written 1.00:00:00)"
        )
    days = part["only"] + part["days"]
    if days >= _MAX_DAYS:
        raise ValueError(f"'{text}' is too long; a time span has fewer than {_MAX_DAYS} days")
    fraction = float(f"0.{found['fraction']}") if found["fraction"] else 0.0
    whole = ((days * 24 + part["hours"]) * 60 + part["minutes"]) * 60 + part["seconds"]
    return -(whole + fraction) if found["sign"] else whole + fraction


def format_timespan(seconds: float) -> str:
    """Write seconds as .NET does: `00:00:02`, `1.00:00:00`, `00:00:00.5000000`."""
    ticks = round(abs(seconds) * 10_000_000)
    whole, fraction = divmod(ticks, 10_000_000)
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    text = f"{hours:02}:{minutes:02}:{secs:02}"
    text = f"{days}.{text}" if days else text
    text = f"{text}.{fraction:07}" if fraction else text
    return f"-{text}" if seconds < 0 and ticks else text
