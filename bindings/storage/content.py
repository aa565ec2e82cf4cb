"""What is stored as bytes, as the value a function gets."""

from __future__ import annotations

from emulator.sdk import Datum


def content_datum(content: bytes, *, binary: bool = False) -> Datum:
    """Return text where it is some, as Azure does, unless bytes are asked for."""
    if binary:
        return Datum("bytes", content)
    try:
        return Datum("text", content.decode("utf-8"))
    except UnicodeDecodeError:
        return Datum("bytes", content)
