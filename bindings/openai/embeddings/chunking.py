"""A text in pieces that an embeddings model takes, cut where a sentence or a word ends.

Differences
- The end of a text is always part of the last chunk; Azure drops what follows the last sentence
  or word end.
- A long text is never given up in the middle. Azure stops where the only place to cut lies within
  the overlap.
- A character outside the basic plane (an emoji) is never cut in two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from emulator.sdk import BindingError

_SENTENCE_ENDS = ".!?"
_WORD_BREAKS = ",;: ()[]{}\t\n"
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")

# What .NET's `Trim` takes for white space: `str.strip()` would also take the separators U+001C to
# U+001F away.
_WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


def chunks(text: str, *, max_length: int, max_overlap: int) -> list[str]:
    """Return the chunks in order, white space around them removed, empty ones left out.

    Lengths count UTF-16 units, as on Azure. Neighbours share up to `max_overlap` units, from a
    word's beginning on.
    """
    if max_overlap >= max_length:
        raise BindingError(
            f"MaxOverlap ({max_overlap}) must be less than MaxChunkLength ({max_length}).",
            hint="Set 'maxOverlap' of the binding to less than its 'maxChunkLength'.",
            code="embeddings-overlap-invalid",
        )
    if max_overlap < 0:
        raise BindingError(
            f"MaxOverlap ({max_overlap}) must not be negative.", code="embeddings-overlap-invalid"
        )
    units = _units(text)
    pieces = (
        units[start:end].strip(_WHITE_SPACE)
        for start, end in _spans(units, max_length, max_overlap)
    )
    return [_text(piece) for piece in pieces if piece]


def _spans(units: str, max_length: int, max_overlap: int) -> Iterator[tuple[int, int]]:
    """Yield where the chunks begin and end; together they cover the whole text."""
    start = read = 0
    while read < len(units):
        end = min(start + max_length, len(units))
        if end == len(units):
            yield start, end
            return
        boundary = _boundary(units, start, read, end)
        yield start, boundary
        overlap = _overlap(units, max(start, boundary - max_overlap), boundary)
        # A whole buffer carried over would leave no room to read on.
        start = boundary if end - overlap >= max_length else overlap
        read = max(end, boundary)


def _boundary(units: str, start: int, read: int, end: int) -> int:
    """Return where to cut the buffer [start, end), of which [read, end) is new: behind the last
    sentence end, else the last word break, else at its end."""
    for kind in (_SENTENCE_ENDS, _WORD_BREAKS):
        last = max(units.rfind(mark, read, end) for mark in kind)
        if last >= 0:
            return last + 1
    if _splits_pair(units, end):
        # The pair goes to the next chunk; a chunk too short for any pair takes it whole.
        return end - 1 if end - 1 > start else end + 1
    return end


def _overlap(units: str, earliest: int, boundary: int) -> int:
    """Return the first word break from `earliest` on, `boundary` when there is none before it."""
    found = [units.find(mark, earliest, boundary) for mark in _WORD_BREAKS]
    return min((each for each in found if each >= 0), default=boundary)


def _splits_pair(units: str, index: int) -> bool:
    return "\ud800" <= units[index - 1] <= "\udbff" and "\udc00" <= units[index] <= "\udfff"


def _units(text: str) -> str:
    """Return the text with one element per UTF-16 unit."""
    return _ASTRAL.sub(_surrogates, text)


def _surrogates(match: re.Match[str]) -> str:
    code = ord(match[0]) - 0x10000
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def _text(units: str) -> str:
    if units.isascii():
        return units
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
