"""Route constraints: what the text of a parameter has to be, with .NET's understanding of it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import partial

from emulator.errors import RouteError
from emulator.routing.bounded import bounded
from emulator.routing.dates import is_date

Check = Callable[[str], bool]

# Texts, not compiled patterns: most apps use none of them, and `re` keeps what it compiled.
_INTEGER = r"(?a)\s*[+-]?\d+\s*"
_DECIMAL = r"(?a)\s*[+-]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)[+-]?\s*"
_FLOAT = r"(?a)\s*[+-]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*"
_GUID = (
    r"(?ai)\s*(?:[0-9a-f]{32}|(?P<open>[{(])?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"(?(open)[})]))\s*"
)
_FLOAT_WORDS = {"nan", "-nan", "+nan", "infinity", "-infinity", "+infinity", "∞", "-∞", "+∞"}
MOST_SECONDS = 1.0
"""Of the processor, for a regular expression of the app's on one request: all others wait."""

_LARGEST_DECIMAL = 79228162514264337593543950335

_SIMPLE: dict[str, Check] = {}


def constraint(name: str, argument: str | None) -> Check:
    """Return the check of `name(argument)`; raise `RouteError` when there is none."""
    lowered = name.lower()
    if lowered in _SIMPLE:
        if argument:
            raise RouteError(f"The constraint '{name}' takes no value, but has '{argument}'")
        return _SIMPLE[lowered]
    make = _WITH_ARGUMENT.get(lowered)
    if make is None:
        known = ", ".join(sorted([*_SIMPLE, *_WITH_ARGUMENT]))
        raise RouteError(f"There is no route constraint '{name}'", hint=f"Known: {known}.")
    if argument is None:
        raise RouteError(f"The constraint '{name}' needs a value: {name}(…)")
    return make(argument)


def _whole(text: str) -> int | None:
    return int(text.strip()) if len(text) < 64 and re.fullmatch(_INTEGER, text) else None


def _between(low: int, high: int, text: str) -> bool:
    number = _whole(text)
    return number is not None and low <= number <= high


def _is_bool(text: str) -> bool:
    return text.strip().strip("\0").lower() in {"true", "false"}


def _is_decimal(text: str) -> bool:
    if not re.fullmatch(_DECIMAL, text):
        return False
    stripped = text.strip()
    if stripped[0] in "+-" and stripped[-1] in "+-":
        return False
    whole = stripped.strip("+-").replace(",", "").partition(".")[0]
    return len(whole.lstrip("0")) < 30 and int(whole or "0") <= _LARGEST_DECIMAL


def _is_float(text: str) -> bool:
    return bool(re.fullmatch(_FLOAT, text)) or text.strip().lower() in _FLOAT_WORDS


def _is_guid(text: str) -> bool:
    found = re.fullmatch(_GUID, text)
    if found is None:
        return False
    opening, stripped = found["open"], text.strip()
    return opening is None or stripped[-1] == {"{": "}", "(": ")"}[opening]


def _is_alpha(text: str) -> bool:
    return text == "" or (text.isascii() and text.isalpha())


def _units(text: str) -> int:
    """Count as .NET does, in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _number(name: str, argument: str) -> int:
    number = _whole(argument)
    if number is None:
        raise RouteError(f"The constraint '{name}' needs a whole number, not '{argument}'")
    return number


def _pair(name: str, argument: str) -> tuple[int, int]:
    low, _, high = argument.partition(",")
    pair = _number(name, low), _number(name, high)
    if pair[0] > pair[1]:
        raise RouteError(f"The constraint '{name}({argument})' can never hold")
    return pair


def _length(argument: str) -> Check:
    low, high = _pair("length", argument) if "," in argument else (_number("length", argument),) * 2
    return lambda text: low <= _units(text) <= high


def _min_length(argument: str) -> Check:
    low = _number("minlength", argument)
    return lambda text: _units(text) >= low


def _max_length(argument: str) -> Check:
    high = _number("maxlength", argument)
    return lambda text: _units(text) <= high


def _min(argument: str) -> Check:
    return partial(_between, _number("min", argument), 2**63 - 1)


def _max(argument: str) -> Check:
    return partial(_between, -(2**63), _number("max", argument))


def _range(argument: str) -> Check:
    return partial(_between, *_pair("range", argument))


def _regex(argument: str) -> Check:
    # .NET writes a named group (?<name>…), Python (?P<name>…).
    pattern = re.sub(r"\(\?<(?![=!])", "(?P<", argument)
    try:
        with warnings.catch_warnings():  # about what may mean something else one day
            warnings.simplefilter("ignore")
            search = re.compile(pattern, re.IGNORECASE).search
    except (re.error, RecursionError, OverflowError) as error:
        raise RouteError(
            f"The regular expression '{argument}' of a route cannot be used: {error}",
            hint="Braces in it are doubled: {id:regex(^\\d{{3}}$)}.",
        ) from error

    def check(text: str) -> bool:
        try:
            return bounded(lambda: search(text) is not None, MOST_SECONDS)
        except TimeoutError:
            raise RouteError(
                f"The regular expression '{argument}' of a route was given up after "
                f"{MOST_SECONDS:g} s, for a text of {len(text)} characters",
                hint="Write it so that a text can be read in one way only: ^a+$ and not ^(a+)+$.",
                code="route-regex-slow",
                azure="It is given up after 10 s, and the request fails with 500.",
            ) from None

    return check


_SIMPLE.update(
    {
        "int": partial(_between, -(2**31), 2**31 - 1),
        "long": partial(_between, -(2**63), 2**63 - 1),
        "bool": _is_bool,
        "datetime": is_date,
        "decimal": _is_decimal,
        "double": _is_float,
        "float": _is_float,
        "guid": _is_guid,
        "alpha": _is_alpha,
        "required": bool,
    }
)
_WITH_ARGUMENT: dict[str, Callable[[str], Check]] = {
    "minlength": _min_length,
    "maxlength": _max_length,
    "length": _length,
    "min": _min,
    "max": _max,
    "range": _range,
    "regex": _regex,
}
