"""Telling a setting that somebody filled in from one that still shows what to write there."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(
    r"<[^<>]*>|\{[^{}]*\}|placeholder|change[-_ ]?me|replace[-_ ]?(me|with)|\byour[-_ ]"
    r"|^your[a-z]|^x{3,}$|^\.{2,}$|\*{3,}|^(todo|tbd|none|null)$",
    re.IGNORECASE,
)


def is_placeholder(value: str) -> bool:
    """Say whether the value is sample text such as `<your-key>`."""
    return _PLACEHOLDER.search(value.strip()) is not None
