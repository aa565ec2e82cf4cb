"""The part of a sentence that tells a skill something, apart from the part that asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bindings.openai.models.matching import Skill
from bindings.openai.models.words import STOP_WORDS, Token, concept_of, name_words, tokens

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
DAY = re.compile(
    r"\b(?:(?:on|by|for|until) )?(\d{4}-\d{2}-\d{2}|today|tonight|tomorrow|yesterday|next week"
    r"|in (\d+|an?|one|two|three) (day|week)s?"
    r"|(?:next )?(monday|tuesday|wednesday|thursday|friday|saturday|sunday))\b",
    re.IGNORECASE,
)

_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|(?<!\w)['‘]([^'’]+)['’](?!\w)")
_FORGET = re.compile(
    r"^(?:please )?(?:don['’]?t|do not) (?:let me )?forget (?:to |about |that )?", re.IGNORECASE
)
_LABEL = re.compile(r"^(?:to-?dos?|tasks?|reminders?|notes?)\s*[:–-]\s*", re.IGNORECASE)
_CLOCK_TIME = re.compile(
    r"\b(?:at )?(\d{1,2}(?::\d{2})?\s*[ap]m|\d{1,2}:\d{2}|noon|midnight)\b", re.IGNORECASE
)
_LEADING = frozenset(
    "oh hey hi hello ok okay well so um please kindly and also then now plus just thanks another "
    "can could would will you i i'd i'll i'm we need have want must ought should like help me "
    "what what's which who who's when where how how's is are do does the my any there tell let "
    "let's us it to".split()
)
_FILLERS = frozenset("a an the my our new another one me us it down up set".split())
_CONNECTORS = frozenset(
    "to for of about that called named titled saying with in at on from like".split()
)
_COURTESY = re.compile(
    r"\b(?:please|thanks|thank you|for me|too|as well|also|would you|will you)$", re.IGNORECASE
)
_TRAILING_TIME = re.compile(
    r"\s+(?:today|tonight|tomorrow|now|right now|currently|at the moment)$", re.IGNORECASE
)
_TRAILING_PLACE = re.compile(
    r"\s+(?:to|on|onto|in|into|from)\s+(?:my|the|our)\s+([\w' -]+)$", re.IGNORECASE
)
_TRAILING_STATE = re.compile(r"\s+as (?:done|completed?|finished|read|closed)$", re.IGNORECASE)
_VALUE = (
    r"\s+(?!\s|(?:for|to|in|at|on|by|from)\b)(.+?)"
    r"(?=\s+(?:in|at|to|from|for|about|saying|with|titled|by|on|today|tonight|tomorrow|now|please)"
    r"\b|[,.;!?]{1,3}(?:\s|$)|\s*$)"
)

_PLACES = frozenset({"city", "country", "region", "address", "origin", "destination", "room"})
_PEOPLE = frozenset("recipient to user customer email who guest".split())

# Parameters whose value tends to follow a certain word, tried in this order.
_LEAD_WORDS: Sequence[tuple[frozenset[str], str]] = (
    (_PLACES, "in at near to from"),
    (_PEOPLE | {"name"}, "to for called named"),
    (frozenset("subject title topic about".split()), "about titled called named regarding"),
    (frozenset("message body text content".split()), "saying says that"),
    (frozenset("from source start".split()), "from"),
    (frozenset("target end language".split()), "to into in"),
    (frozenset("category list group folder".split()), "to in under into"),
)
_DATES = frozenset("date day when deadline due".split())
_TIMES = frozenset({"time", "hour"})


@dataclass
class Said:
    """A sentence, and what is left of it while values are taken out."""

    whole: str
    rest: str

    def cut(self, start: int, end: int) -> None:
        self.rest = f"{self.rest[:start]} {self.rest[end:]}".strip()


def subject(sentence: str, skill: Skill) -> str:
    """Return what the sentence says beyond asking for the skill; empty when it says no more."""
    quoted = _QUOTED.search(sentence)
    if quoted:
        return next(part for part in quoted.groups() if part)
    sentence = _LABEL.sub("", _FORGET.sub("", sentence.strip()))
    words = tokens(sentence)
    index = _skip(words, 0, lambda token: token.word in _LEADING)
    if index < len(words) and (_asks(words[index], skill) or words[index].word == "set"):
        index = _skip(words, index, lambda token: token.word in _FILLERS or _asks(token, skill))
        if index < len(words) and words[index].word in _CONNECTORS:
            index += 1
    if all(token.word in STOP_WORDS for token in words[index:]):
        return ""
    return _tidy(sentence[words[index].start :], skill)


def labelled(name: str, said: Said, *, is_only: bool) -> str:
    """Take out the value that follows the parameter's own name or a word typical for it.

    The only text of a skill is usually all that is said, unless it is a place or a person.
    """
    spoken = name_words(name).lower()
    words = {token.concept for token in tokens(spoken)} | set(spoken.split())
    if is_only and not words & (_PLACES | _PEOPLE):
        return ""
    for wanted, pattern in (
        ({concept_of("email")}, EMAIL),
        (_DATES, DAY),
        (_TIMES, _CLOCK_TIME),
    ):
        match = pattern.search(said.rest) if words & wanted else None
        if match:
            said.cut(*match.span())
            return match[match.lastindex and 1 or 0]
    leads = [rf"{re.escape(spoken)}\s*(?:is|=|:|to)?"]
    leads += [lead for names, group in _LEAD_WORDS if names & words for lead in group.split()]
    for lead in leads:
        match = re.search(rf"\b{lead}{_VALUE}", said.rest, re.IGNORECASE)
        if match:
            said.cut(*match.span())
            return match[1].strip(" \"'“”.,!?")
    return ""


def plain(sentence: str) -> str:
    """Return the sentence without its last punctuation and courtesies."""
    while True:
        text = sentence.rstrip(" \t\n,.!?;:")
        sentence = _COURTESY.sub("", text)
        if sentence == text:
            return text


def _skip(words: Sequence[Token], index: int, is_skipped: Callable[[Token], bool]) -> int:
    while index < len(words) and is_skipped(words[index]):
        index += 1
    return index


def _asks(token: Token, skill: Skill) -> bool:
    """Say whether the word asks for the skill instead of telling it something."""
    return token.concept in skill.vocabulary or (
        bool(token.intent) and token.intent == skill.intent
    )


def _tidy(text: str, skill: Skill) -> str:
    text = plain(text)
    text = _TRAILING_PLACE.sub(lambda match: "" if _all_ask(match[1], skill) else match[0], text)
    if skill.intent == "read":
        text = _TRAILING_TIME.sub("", text)
    if skill.intent == "update":
        text = _TRAILING_STATE.sub("", text)
    return text.strip(" ,;:-")


def _all_ask(text: str, skill: Skill) -> bool:
    return all(_asks(token, skill) or token.concept in {"list", "todo"} for token in tokens(text))
