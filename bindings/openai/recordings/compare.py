"""Comparing recorded data with what there is now: equal, alike but for what changes with every
run, or another story."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bindings.openai.recordings.paths import child

_OPAQUE_KEY = re.compile(
    r"(?:^|_)(?:id|uuid|guid|etag|at|ts|timestamp)$|(?:[a-z0-9])(?:Id|ID|Uuid|UUID|At|Etag|ETag)$"
    r"|timestamp$|Timestamp$|^(?:date|ID|Id|ETag|_?rid)$"
)
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_INSTANT = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
_HEX = r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{6,}\b"
_OPAQUE_PARTS = re.compile(f"{_UUID}|{_INSTANT}|{_HEX}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?")

# 2000 to 2100, in seconds and in milliseconds.
_EPOCHS = ((946_684_800, 4_102_444_800), (946_684_800_000, 4_102_444_800_000))


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two values are not the same. `opaque`: only as every run differs."""

    path: str
    recorded: Any
    actual: Any
    opaque: bool = False


def differences(recorded: Any, actual: Any) -> Iterator[Difference]:
    """Yield what differs, in the order of the recorded value."""
    return _differences(recorded, actual, "$", "")


def _differences(recorded: Any, actual: Any, path: str, key: str) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(actual, dict):
        for name in recorded:
            if name not in actual:
                yield Difference(child(path, name), recorded[name], None)
            else:
                yield from _differences(recorded[name], actual[name], child(path, name), name)
        for name in actual:
            if name not in recorded:
                yield Difference(child(path, name), None, actual[name])
    elif isinstance(recorded, list) and isinstance(actual, list):
        for index, (one, other) in enumerate(zip(recorded, actual, strict=False)):
            yield from _differences(one, other, child(path, index), key)
        if len(recorded) != len(actual):
            shorter = min(len(recorded), len(actual))
            yield Difference(
                child(path, shorter),
                recorded[shorter] if len(recorded) > shorter else None,
                actual[shorter] if len(actual) > shorter else None,
            )
    elif type(recorded) is not type(actual) or recorded != actual:
        yield Difference(path, recorded, actual, is_opaque(key, recorded, actual))


def is_opaque(key: str, recorded: Any, actual: Any) -> bool:
    """Whether two leaves may differ without meaning anything: ids, times, counters of versions."""
    if not (_is_leaf(recorded) and _is_leaf(actual)):
        return False
    if key and _OPAQUE_KEY.search(key):
        return True
    if isinstance(recorded, str) and isinstance(actual, str):
        return _same_but_for_parts(recorded, actual)
    return _is_epoch(recorded) and _is_epoch(actual)


def _same_but_for_parts(recorded: str, actual: str) -> bool:
    """Whether both are dates, or the same text around ids and times."""
    if any(kind.fullmatch(recorded) and kind.fullmatch(actual) for kind in (_DATE, _TIME)):
        return True
    one, found = _OPAQUE_PARTS.subn("\0", recorded)
    other, also = _OPAQUE_PARTS.subn("\0", actual)
    return found == also > 0 and one == other


def _is_leaf(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _is_epoch(value: Any) -> bool:
    return isinstance(value, (int, float)) and any(low <= value < high for low, high in _EPOCHS)
