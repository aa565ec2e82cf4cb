"""Text from outside as it may be shown on a terminal."""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    r"\x1b(?!\[[0-9;:]{0,30}m)"  # colours of the app's own are fine
    r"|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


def harmless(text: str) -> str:
    """Show characters that move the cursor, hide text or turn its direction as what they are.

    What a request says gets into log lines and chats: it must not rewrite the lines around it.
    """
    if text.replace("\n", " ").isprintable():
        return text  # as nearly all of it, and asked ten times faster
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def harmless_json(text: str) -> str:
    """Do the same to JSON, which stays JSON."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
