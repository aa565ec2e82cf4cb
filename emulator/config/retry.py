"""A `retry` entry of host.json, function.json or a decorator as a `RetryPolicy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.config.timespan import parse_timespan
from emulator.errors import ConfigError
from emulator.model import RetryPolicy

_LONGEST = 2147483647.0
"""What an interval that the decorator leaves out means; from the Python library."""


def parse_retry(raw: object, *, lenient: bool = False) -> RetryPolicy:
    """Read a retry policy; raise `ConfigError` naming the member that is wrong.

    Keys are compared without case and underscores, so that the decorator's names are understood.
    `lenient` lets an exponential policy leave out its limits, as the decorator does.
    """
    if not isinstance(raw, Mapping):
        raise _error("'retry' is an object with 'strategy' and 'maxRetryCount'")
    entry = {str(key).lower().replace("_", ""): value for key, value in raw.items()}
    strategy = str(entry.get("strategy") or "").replace("_", "").lower()
    if not strategy:
        raise _missing("strategy")
    if strategy not in {"fixeddelay", "exponentialbackoff"}:
        raise _error(
            f"'{entry['strategy']}' is not a retry strategy",
            hint="Use fixedDelay or exponentialBackoff.",
        )
    count = _count(entry.get("maxretrycount"))
    if strategy == "fixeddelay":
        return RetryPolicy("fixedDelay", count, delay=_interval(entry, "delayInterval"))
    minimum = _interval(entry, "minimumInterval", absent=0.0 if lenient else None)
    maximum = _interval(entry, "maximumInterval", absent=_LONGEST if lenient else None)
    if minimum > maximum:
        raise _error("The minimumInterval must not be greater than the maximumInterval.")
    return RetryPolicy("exponentialBackoff", count, minimum=minimum, maximum=maximum)


def _count(raw: Any) -> int:
    if raw is None or raw == "":
        raise _missing("maxRetryCount")
    try:
        count = int(str(raw))
    except ValueError:
        raise _error(f"'{raw}' is not a number of retries", hint="-1 means for ever.") from None
    if count < -1:
        raise _error(f"maxRetryCount is {count}", hint="Use -1 for ever, or 0 and more.")
    return count


def _interval(entry: Mapping[str, Any], name: str, *, absent: float | None = None) -> float:
    raw = entry.get(name.lower())
    if raw is None or raw == "":
        if absent is None:
            raise _missing(name)
        return absent
    try:
        seconds = parse_timespan(str(raw))
    except ValueError as error:
        raise _error(f"{name}: {error}") from error
    if seconds < 0:
        raise _error(f"{name} is negative: '{raw}'")
    return seconds


def _missing(member: str) -> ConfigError:
    return _error(
        f"Value cannot be null. (Parameter '{member}')", hint=f"Add '{member}' to 'retry'."
    )


def _error(message: str, *, hint: str | None = None) -> ConfigError:
    return ConfigError(message, hint=hint, code="retry-invalid")
