"""Identifiers: random UUIDs as text, made without asking the system each time."""

from __future__ import annotations

import random

_random = random.SystemRandom()
_generator = random.Random(_random.getrandbits(256))


def new_id() -> str:
    """Return a random UUID (version 4) as text. Not for secrets."""
    bits = _generator.getrandbits(128)
    bits = bits & ~(0xF000 << 64) | (0x4000 << 64)  # version 4
    bits = bits & ~(0xC000 << 48) | (0x8000 << 48)  # RFC 4122 variant
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
