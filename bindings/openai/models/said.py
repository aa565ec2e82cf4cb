"""A text while values are taken out of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bindings.openai.models.speech import QUOTED

# Quotes stand in the text as one character each, so that nothing is taken out of them.
_FIRST = 0xE000
_PLACE = re.compile("[\ue000-\uf8ff]")
PLACEHOLDER = "[\ue000-\uf8ff]"


@dataclass
class Said:
    """What was said, and in `rest` what is left of it."""

    whole: str
    rest: str = ""
    quotes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rest = QUOTED.sub(self._keep, _PLACE.sub(" ", self.whole))

    def cut(self, start: int, end: int) -> None:
        self.rest = f"{self.rest[:start].rstrip()} {self.rest[end:].lstrip()}".strip()

    def take(self, match: re.Match[str], group: int | str = 0) -> str:
        """Cut the match out of the rest; return the text of one of its groups."""
        self.cut(*match.span())
        return self.read(match[group])

    def read(self, text: str) -> str:
        """Put quotes back to where they stood."""
        return _PLACE.sub(lambda match: self.quotes[ord(match[0]) - _FIRST], text)

    def _keep(self, match: re.Match[str]) -> str:
        if len(self.quotes) >= 1000:
            return match[0]
        self.quotes.append(next(part for part in match.groups() if part))
        return chr(_FIRST + len(self.quotes) - 1)
