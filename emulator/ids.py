"""Identifiers: UUIDs as text, made without asking the system for randomness each time."""

from __future__ import annotations

import itertools
import random

_system = random.SystemRandom()
_random = f"{_system.getrandbits(80):020x}"
_PREFIX = f"{_random[:8]}-{_random[8:12]}-4{_random[13:16]}-a{_random[17:20]}-"
_count = itertools.count(_system.getrandbits(40))


def new_id() -> str:
    """Return a UUID (shaped as version 4) that no other process will return. Not for secrets.

    80 bits are random per process, the others count.
    """
    return f"{_PREFIX}{next(_count):012x}"
