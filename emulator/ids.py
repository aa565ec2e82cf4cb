"""Identifiers: UUIDs as text, made without asking the system for randomness each time."""

from __future__ import annotations

import itertools
import random

_system = random.SystemRandom()
_random = f"{_system.getrandbits(40):010x}"
_MIDDLE = f"-{_random[:4]}-4{_random[4:7]}-a{_random[7:]}-"
_SCATTER = 0x9E3779B1
"""Odd, so that 2³² numbers in a row give as many first parts: ids differ where people look."""
_count = itertools.count(_system.getrandbits(76))


def new_id() -> str:
    """Return a UUID (shaped as version 4) that no other process will return. Not for secrets."""
    number = next(_count)
    return f"{number * _SCATTER & 0xFFFFFFFF:08x}{_MIDDLE}{number >> 32:012x}"
