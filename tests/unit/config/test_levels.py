from __future__ import annotations

import pytest

from emulator.config.levels import LogLevel, parse_level


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ("Trace", "Trace"),
        (" warning ", "Warning"),
        ("NONE", "None"),
        (0, "Trace"),
        ("6", "None"),
        ("7", None),
        ("", None),
        ("warn", None),
        (None, "None"),
        (-1, None),
        ("9" * 5000, None),
    ],
)
def test_reads_a_level(given: object, level: LogLevel | None) -> None:
    assert parse_level(given) == level
