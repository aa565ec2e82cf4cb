"""A skill's arguments out of what was said, by the schema of its parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bindings.openai.models.matching import Skill
from bindings.openai.models.subject import DAY, EMAIL, Said, labelled, plain, subject
from bindings.openai.models.words import NUMBER_WORDS, concept_of, name_words, stem, tokens

LONGEST = 4000
"""How many characters of a sentence are searched for values; the rest belongs to its text."""

_NUMBER = re.compile(
    rf"(?<![\w.-])[-+]?\d+(?:[.,]\d+)?(?![\w-]|[.,]\d)|\b(?:{'|'.join(NUMBER_WORDS)})\b",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://[^\s,;]+")
_INSTANT = re.compile(r"\b\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?")
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_NO = frozenset("no not don't without off false disable disabled never inactive".split())
_YES = frozenset("yes on true enable enabled with active".split())
_SWITCH = re.compile(r"\b(?:on|off|true|false|enabled|disabled)\b", re.IGNORECASE)
_UNUSED = re.compile(r"ignore|unused|dummy", re.IGNORECASE)


def fill(skill: Skill, sentence: str, now: datetime) -> dict[str, Any]:
    """Return arguments for the skill; what the sentence does not say is left out if it may be."""
    head, tail = sentence[:LONGEST], sentence[LONGEST:]
    said = Said(head, head)
    required = skill.parameters.get("required")
    required = required if isinstance(required, list) else []
    arguments: dict[str, Any] = {}
    free = [name for name, schema in skill.properties.items() if _is_free_text(schema)]
    for name, schema in skill.properties.items():
        if name in free:
            continue
        value = _value(name, schema, said, now)
        if value is None and name in required:
            value = _stand_in(schema, now)
        if value is not None:
            arguments[name] = value
    # Where a schema does not say what is required, every text is wanted: the schema that is
    # made for skills without a description of their parameters has one text and says no more.
    wanted = [name for name in free if not required or name in required]
    _fill_texts(skill, free, wanted, said, arguments)
    if tail and wanted:
        arguments[wanted[0]] += tail
    return {name: arguments[name] for name in skill.properties if name in arguments}


def _fill_texts(
    skill: Skill,
    names: Sequence[str],
    wanted: Sequence[str],
    said: Said,
    arguments: dict[str, Any],
) -> None:
    """Give each free text its part of the sentence; the first one left gets the rest."""
    for name in names:
        value = labelled(name, said, is_only=len(names) == 1)
        if value:
            arguments[name] = value
    for name in [name for name in wanted if name not in arguments]:
        schema = skill.properties[name]
        rest = "" if _UNUSED.search(name) else subject(said.rest, skill)
        said.rest = "" if rest else said.rest
        if not rest and "default" in schema:
            rest = schema["default"]
        if not rest and len(skill.properties) == 1 and skill.intent != "read":
            rest = plain(said.whole)
        arguments[name] = rest


def _is_free_text(schema: Mapping[str, Any]) -> bool:
    return (
        schema.get("type", "string") == "string"
        and not schema.get("enum")
        and schema.get("format") not in {"date", "date-time", "email", "uri"}
    )


def _value(name: str, schema: Mapping[str, Any], said: Said, now: datetime) -> Any:
    """Take out the value of anything but a free text; `None` when it is not said."""
    if schema.get("enum"):
        return _choice(schema["enum"], said)
    kind = schema.get("type", "string")
    match kind:
        case "integer" | "number":
            return _number(name, said, whole=kind == "integer")
        case "boolean":
            return _truth(name, said)
        case "array":
            return _list(schema.get("items"), said)
        case "object":
            inner = Skill("", "", schema)
            return fill(inner, said.rest, now) or None
        case _:
            return _formatted(schema.get("format"), said, now)


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


def _choice(options: Sequence[Any], said: Said) -> Any:
    stems = {stem(token.word) for token in tokens(said.whole)}
    for option in options:
        spoken = name_words(str(option))
        words = {stem(token.word) for token in tokens(spoken)}
        if words and words <= stems:
            match = re.search(
                rf"\b(?:(?:in|as|to|with) )?{re.escape(spoken)}\b", said.rest, re.IGNORECASE
            )
            if match:
                said.cut(*match.span())
            return option
    return None


def _number(name: str, said: Said, *, whole: bool) -> float | int | None:
    spoken = name_words(name)
    named = re.search(
        rf"\b{re.escape(spoken)}\s*(?:is|=|:|to|of)?\s*(-?\d+(?:\.\d+)?)", said.rest, re.IGNORECASE
    )
    if named:
        said.cut(*named.span())
        value = _as_number(named[1])
        return round(value) if whole else value
    found = _next_number(said)
    if found is None:
        return None
    following = tokens(said.rest[found.end() :])[:1]
    about = {token.concept for token in tokens(spoken)}
    counted = following[0].end if following and following[0].concept in about else 0
    said.cut(found.start(), found.end() + counted)
    value = _as_number(found[0])
    return round(value) if whole else value


def _next_number(said: Said) -> re.Match[str] | None:
    return _NUMBER.search(DAY.sub(lambda match: "_" * len(match[0]), said.rest))


def _as_number(text: str) -> float | int:
    if text.lower() in NUMBER_WORDS:
        return NUMBER_WORDS[text.lower()]
    value = float(text.replace(",", "."))
    return int(value) if value.is_integer() else value


def _truth(name: str, said: Said) -> bool | None:
    words = [token.word for token in tokens(said.whole)]
    concepts = {concept_of(word) for word in words}
    named = {token.concept for token in tokens(name_words(name))} - {concept_of("is")}
    if any(word in _NO or word.endswith("n't") for word in words):
        value = False
    elif named & concepts or any(word in _YES for word in words):
        value = True
    else:
        return None
    said.rest = _SWITCH.sub("", said.rest)
    return value


def _list(items: Any, said: Said) -> list[Any] | None:
    kind = items.get("type") if isinstance(items, dict) else None
    if kind in {"integer", "number"}:
        numbers: list[Any] = []
        while (found := _next_number(said)) is not None:
            numbers.append(_as_number(found[0]))
            said.cut(*found.span())
        return numbers or None
    tail = said.rest.split(":", 1)[-1]
    parts = [part.strip(" .!?") for part in re.split(r",|;|\band\b", tail)]
    return [part for part in parts if part] if len(parts) > 1 else None


def _formatted(kind: Any, said: Said, now: datetime) -> str | None:
    if kind in {"date", "date-time"}:
        return _date(said, now, with_time=kind == "date-time")
    match = (EMAIL if kind == "email" else _URL).search(said.rest)
    if match is None:
        return None
    said.cut(*match.span())
    return match[0]


def _date(said: Said, now: datetime, *, with_time: bool) -> str | None:
    exact = _INSTANT.search(said.rest)
    if exact:
        said.cut(*exact.span())
        return exact[0] if with_time else exact[0][:10]
    match = DAY.search(said.rest)
    if match is None:
        return None
    said.cut(*match.span())
    if match[1][0].isdecimal():
        return f"{match[1]}T00:00:00Z" if with_time else match[1]
    day = now + timedelta(days=_days_ahead(match, now))
    return _instant(day) if with_time else day.date().isoformat()


def _days_ahead(said: re.Match[str], now: datetime) -> int:
    if said[4]:
        return (_WEEKDAYS.index(said[4].lower()) - now.weekday() - 1) % 7 + 1
    if said[2]:
        amount = int(said[2]) if said[2].isdecimal() else NUMBER_WORDS.get(said[2].lower(), 1)
        return amount * (7 if said[3].lower() == "week" else 1)
    return {"tomorrow": 1, "yesterday": -1, "next week": 7}.get(said[1].lower(), 0)


def _instant(moment: datetime) -> str:
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
