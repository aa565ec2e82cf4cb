"""Which options of a list somebody named, also where two parameters have the same ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bindings.openai.models.parameters import Parameter
from bindings.openai.models.said import Said
from bindings.openai.models.words import stem, tokens

_SOURCE = frozenset("from source origin start base".split())
_TARGET = frozenset("to into target destination end quote".split())
_BEFORE_SOURCE = re.compile(r"(?:\bfrom|\d|[€$£¥])\s*$", re.IGNORECASE)
_BEFORE_TARGET = re.compile(r"\b(?:to|into|in|how (?:many|much)(?: \w+)?)\s*$", re.IGNORECASE)
_PREPOSITION = re.compile(r"\b(?:in|into|as|to|with|from|of)\s+(?:the\s+)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Mention:
    option: Any
    start: int
    end: int


def choose(parameters: Sequence[Parameter], said: Said) -> dict[str, Any]:
    """Take out the option of each parameter that is named."""
    found: dict[str, Any] = {}
    mentions = {each.name: list(_mentions(each, said.rest)) for each in parameters}
    used: list[_Mention] = []
    pairs = [(each, mention) for each in parameters for mention in mentions[each.name]]
    pairs.sort(key=lambda pair: (-_fit(pair[0], pair[1], said.rest), pair[1].start - pair[1].end))
    for each, mention in pairs:
        free = all(mention.start >= one.end or mention.end <= one.start for one in used)
        if each.name not in found and free:
            found[each.name] = mention.option
            used.append(mention)
    for mention in sorted(used, key=lambda each: -each.start):
        before = _PREPOSITION.search(said.rest[: mention.start])
        said.cut(before.start() if before else mention.start, mention.end)
    return found


def _mentions(parameter: Parameter, text: str) -> Iterator[_Mention]:
    words = tokens(text)
    stems = [stem(word.word) for word in words]
    for option, ways in parameter.said_options:
        for way in ways:
            if len(way) == 1 and not way[0].isalnum():
                at = text.find(way[0])
                if at >= 0:
                    yield _Mention(option, at, at + len(way[0]))
                continue
            for index in range(len(stems) - len(way) + 1):
                if tuple(stems[index : index + len(way)]) == way:
                    yield _Mention(option, words[index].start, words[index + len(way) - 1].end)


def _fit(parameter: Parameter, mention: _Mention, text: str) -> int:
    """Say how well a mention stands where the parameter's value would."""
    names = {token.word for token in parameter.words}
    before = text[: mention.start]
    as_source = bool(_BEFORE_SOURCE.search(before))
    as_target = bool(_BEFORE_TARGET.search(before))
    if names & _SOURCE:
        return 2 * as_source - 2 * as_target
    if names & _TARGET:
        return 2 * as_target - 2 * as_source
    return 0
