"""A skill's arguments out of what was said, by the schema of its parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bindings.openai.models.matching import Skill
from bindings.openai.models.words import (
    STOP_WORDS,
    Token,
    concept_of,
    name_words,
    stem,
    tokens,
)

_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|(?<!\w)['‘]([^'’]+)['’](?!\w)")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:[.,]\d+)?(?![\w]|[.,]\d)|(?<=[$€£#])\d+(?:\.\d+)?")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"https?://[^\s,;]+")
_ISO_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?\b")
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_DAY = re.compile(
    r"\b(today|tonight|tomorrow|yesterday|next week|in (\d+|a|an|one|two|three) (day|week)s?|"
    rf"(?:next |on )?({'|'.join(_WEEKDAYS)}))\b",
    re.IGNORECASE,
)
_NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
}
_NO = frozenset("no not don't without off false disable disabled never inactive".split())
_YES = frozenset("yes on true enable enabled with active".split())

_LEADING = frozenset(
    "oh hey hi hello ok okay well so um please kindly and also then now plus just thanks another "
    "can could would will you i i'd i'll i'm we need have want must ought should like help me "
    "what what's which who who's when where how how's is are do does the my any there tell let "
    "let's us it to".split()
)
_FILLERS = frozenset("a an the my our new another one me us it this that down up".split())
_CONNECTORS = frozenset(
    "to for of about that called named titled saying with in at on from like".split()
)
_TRAILING = re.compile(
    r"(?:[\s,.!?;:]|\b(?:please|thanks|thank you|for me|too|as well|also|would you|will you))+$",
    re.IGNORECASE,
)
_TRAILING_TIME = re.compile(r"\s+(?:today|now|right now|currently|at the moment)$", re.IGNORECASE)

# Parameters whose value tends to follow a certain word.
_LEAD_WORDS: Sequence[tuple[frozenset[str], str]] = (
    (
        frozenset({"city", "country", "region", "address", "origin", "destination"}),
        "in|at|near|to|from",
    ),
    (
        frozenset({"recipient", "to", "user", "customer", "name", "email", "who"}),
        "to|for|called|named",
    ),
    (frozenset({"subject", "title", "topic", "about"}), "about|titled|called|named|regarding"),
    (frozenset({"message", "body", "text", "content", "note"}), "saying|that says|says|that|:"),
    (frozenset({"from", "source", "start"}), "from"),
    (frozenset({"target", "destin", "end", "language"}), "to|into|in"),
    (frozenset({"category", "list", "group", "folder"}), "to|in|under|into"),
)


@dataclass
class _Text:
    """What is left of a sentence while values are taken out of it."""

    whole: str
    rest: str
    now: datetime
    numbers: list[float | int] = field(default_factory=list)


def fill(skill: Skill, sentence: str, now: datetime) -> dict[str, Any]:
    """Return arguments for the skill; what the sentence does not say is left out if it may be."""
    text = _Text(sentence, sentence, now, _numbers(sentence))
    required = skill.parameters.get("required")
    wanted = required if isinstance(required, list) else list(skill.properties)
    arguments: dict[str, Any] = {}
    free: list[str] = []
    for name, schema in skill.properties.items():
        if _is_free_text(schema):
            free.append(name)
            continue
        value = _value(name, schema, text)
        if value is not None:
            arguments[name] = value
        elif name in wanted:
            arguments[name] = _stand_in(schema, text.now)
    _fill_texts(skill, free, wanted, arguments, text)
    return {name: arguments[name] for name in skill.properties if name in arguments}


def subject(sentence: str, skill: Skill) -> str:
    """Return what the sentence says beyond asking for the skill; empty when it says no more."""
    quoted = _QUOTED.search(sentence)
    if quoted:
        return next(part for part in quoted.groups() if part)
    words = tokens(sentence)
    index = _skip(words, 0, lambda token: token.word in _LEADING)
    if index < len(words) and _names(words[index], skill):
        index = _skip(words, index, lambda token: token.word in _FILLERS or _names(token, skill))
        if index < len(words) and words[index].word in _CONNECTORS:
            index += 1
    if all(token.word in STOP_WORDS for token in words[index:]):
        return ""
    return _tidy(sentence[words[index].start :], skill)


def _fill_texts(
    skill: Skill,
    names: Sequence[str],
    wanted: Sequence[str],
    arguments: dict[str, Any],
    text: _Text,
) -> None:
    """Give each free text its part of the sentence; the first one left gets the rest."""
    said_nothing: list[str] = []
    for name in names if len(names) > 1 else ():
        value = _labelled(name, text)
        if value:
            arguments[name] = value
    for name in names:
        if name in arguments:
            continue
        rest = subject(text.rest, skill)
        if rest:
            arguments[name] = rest
            text.rest = ""
        else:
            said_nothing.append(name)
    for name in said_nothing:
        schema = skill.properties[name]
        if "default" in schema:
            arguments[name] = schema["default"]
        elif name in wanted:
            is_only = len(skill.properties) == 1 and skill.intent != "read"
            arguments[name] = _TRAILING.sub("", text.whole) if is_only else ""


def _is_free_text(schema: Mapping[str, Any]) -> bool:
    return (
        schema.get("type", "string") == "string"
        and not schema.get("enum")
        and schema.get("format") not in {"date", "date-time", "email", "uri"}
    )


def _value(name: str, schema: Mapping[str, Any], text: _Text) -> Any:
    """Find the value of anything but a free text; `None` when it is not said."""
    if schema.get("enum"):
        return _choice(schema["enum"], text)
    kind = schema.get("type", "string")
    match kind:
        case "integer" | "number":
            return _number(name, text, whole=kind == "integer")
        case "boolean":
            return _truth(name, text)
        case "array":
            return _list(schema.get("items"), text)
        case "object":
            inner = Skill("", "", schema)
            return fill(inner, text.rest, text.now) if inner.properties else {}
        case _:
            return _formatted(schema.get("format"), text)


def _stand_in(schema: Mapping[str, Any], now: datetime) -> Any:
    """Return a value of the right shape for something required that was not said."""
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type", "string"):
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "array":
            return []
        case "object":
            return {}
        case _:
            dates = {"date": now.date().isoformat(), "date-time": _instant(now)}
            return dates.get(str(schema.get("format")), "")


def _choice(options: Sequence[Any], text: _Text) -> Any:
    said = {stem(token.word) for token in tokens(text.whole)}
    for option in options:
        words = {stem(token.word) for token in tokens(name_words(str(option)))}
        if words and words <= said:
            return option
    return None


def _number(name: str, text: _Text, *, whole: bool) -> float | int | None:
    found: float | int | None = None
    named = re.search(
        rf"\b{re.escape(name_words(name))}\s*(?:is|=|:|to|of)?\s*(-?\d+(?:\.\d+)?)",
        text.whole,
        re.IGNORECASE,
    )
    if named:
        found = _as_number(named[1])
        if found in text.numbers:
            text.numbers.remove(found)
    elif text.numbers:
        found = text.numbers.pop(0)
    if found is None:
        return None
    return round(found) if whole else found


def _numbers(sentence: str) -> list[float | int]:
    without_dates = _ISO_DATE.sub(lambda match: " " * len(match[0]), sentence)
    digits = [(match.start(), _as_number(match[0])) for match in _NUMBER.finditer(without_dates)]
    words = [
        (token.start, _NUMBER_WORDS[token.word])
        for token in tokens(sentence)
        if token.word in _NUMBER_WORDS
    ]
    return [value for _, value in sorted([*digits, *words])]


def _as_number(text: str) -> float | int:
    value = float(text.replace(",", "."))
    return int(value) if value.is_integer() else value


def _truth(name: str, text: _Text) -> bool | None:
    said = [token.word for token in tokens(text.whole)]
    if any(word in _NO or word.endswith("n't") for word in said):
        return False
    concepts = {concept_of(word) for word in said}
    named = {token.concept for token in tokens(name_words(name))} - {concept_of("is")}
    return True if named & concepts or any(word in _YES for word in said) else None


def _list(items: Any, text: _Text) -> list[Any] | None:
    kind = items.get("type") if isinstance(items, dict) else None
    if kind in {"integer", "number"}:
        found, text.numbers = list(text.numbers), []
        return found or None
    tail = text.rest.split(":", 1)[-1]
    parts = [part.strip(" .!?") for part in re.split(r",|;|\band\b", tail)]
    return [part for part in parts if part] if len(parts) > 1 else None


def _formatted(kind: Any, text: _Text) -> str | None:
    if kind in {"date", "date-time"}:
        return _date(text, with_time=kind == "date-time")
    match = (_EMAIL if kind == "email" else _URL).search(text.whole)
    if match is None:
        return None
    text.rest = text.rest.replace(match[0], " ")
    return match[0]


def _date(text: _Text, *, with_time: bool) -> str | None:
    exact = _ISO_DATE.search(text.whole)
    if exact:
        text.rest = text.rest.replace(exact[0], " ")
        return exact[0] if with_time else exact[0][:10]
    said = _DAY.search(text.whole)
    if said is None:
        return None
    text.rest = text.rest.replace(said[0], " ")
    day = text.now + timedelta(days=_days_ahead(said, text.now))
    return _instant(day) if with_time else day.date().isoformat()


def _days_ahead(said: re.Match[str], now: datetime) -> int:
    word = said[1].lower()
    if said[4]:
        return (_WEEKDAYS.index(said[4].lower()) - now.weekday() - 1) % 7 + 1
    if said[2]:
        count = _NUMBER_WORDS.get(said[2].lower(), 1)
        amount = int(said[2]) if said[2].isdecimal() else count
        return amount * (7 if said[3].lower() == "week" else 1)
    return {"tomorrow": 1, "yesterday": -1, "next week": 7}.get(word, 0)


def _instant(moment: datetime) -> str:
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _labelled(name: str, text: _Text) -> str:
    """Take the value that follows the parameter's own name or a word typical for it."""
    words = {token.concept for token in tokens(name_words(name))} | set(
        name_words(name).lower().split()
    )
    leads = [rf"{re.escape(name_words(name))}\s*(?:is|=|:|to)?"]
    leads += [lead for names, lead in _LEAD_WORDS if names & words]
    if concept_of("email") in words:
        match = _EMAIL.search(text.rest)
        if match:
            text.rest = text.rest.replace(match[0], " ")
            return match[0]
    for lead in leads:
        found = re.search(
            rf"\b(?:{lead})\s+(.+?)(?=\s+(?:in|at|to|from|for|about|saying|with|titled|by|on)\s|[,.;!?]?$|,)",
            text.rest,
            re.IGNORECASE,
        )
        if found:
            text.rest = (text.rest[: found.start()] + " " + text.rest[found.end() :]).strip()
            return found[1].strip(" \"'“”.,!?")
    return ""


def _skip(words: Sequence[Token], index: int, is_skipped: Any) -> int:
    while index < len(words) and is_skipped(words[index]):
        index += 1
    return index


def _names(token: Token, skill: Skill) -> bool:
    """Say whether the word asks for the skill instead of telling it something."""
    return token.concept in skill.vocabulary or (
        bool(token.intent) and token.intent == skill.intent
    )


def _tidy(text: str, skill: Skill) -> str:
    text = _TRAILING.sub("", text)
    text = re.sub(
        r"\s+(?:to|on|onto|in|into|from)\s+(?:my|the|our)\s+([\w' -]+)$",
        lambda match: "" if _all_named(match[1], skill) else match[0],
        text,
        flags=re.IGNORECASE,
    )
    if skill.intent == "read":
        text = _TRAILING_TIME.sub("", text)
    return text.strip(" ,;:-")


def _all_named(text: str, skill: Skill) -> bool:
    return all(_names(token, skill) or token.word in {"list", "lists"} for token in tokens(text))
