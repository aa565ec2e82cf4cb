"""A skill's arguments out of what was said, by the schema of its parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bindings.openai.models.choices import choose
from bindings.openai.models.counting import count
from bindings.openai.models.matching import Skill
from bindings.openai.models.parameters import Parameter
from bindings.openai.models.said import Said
from bindings.openai.models.speech import without_courtesy
from bindings.openai.models.subject import (
    explained,
    from_to,
    labelled,
    plain,
    proper_name,
    several_names,
    subject,
)
from bindings.openai.models.values import (
    CLOCK,
    CODE,
    DAY,
    EMAIL,
    INSTANT,
    LINK,
    PATH,
    clock_of,
    clock_words,
    day_of,
    quantities,
)
from bindings.openai.models.words import concept_of, tokens

LONGEST = 4000
"""How many characters of a sentence are searched for values; the rest belongs to its text."""

_NO = frozenset("no not don't without off out false disable disabled never inactive".split())
_YES = frozenset("yes on true enable enabled with active".split())
_SWITCH = re.compile(
    rf"\b(?:on(?!\s+(?:{DAY.pattern}))|off|out|true|false|enabled|disabled)\b", re.IGNORECASE
)
_SWITCHED = frozenset("on off enabled enable active state power switch status".split())
_VAGUE = frozenset("is only on include with show has be are".split())
_SHORT_NAME = 3
"""Words."""
_SHOWN_CLOCK = re.compile(r"\d\d:\d\d|hh:mm", re.IGNORECASE)
_SHOWN_DATE = re.compile(r"\d{4}-\d\d-\d\d|yyyy|iso", re.IGNORECASE)


def fill(
    skill: Skill,
    text: str,
    now: datetime,
    *,
    context: str = "",
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return arguments for the skill; what was not said is left out if it may be.

    `context` was said around the request and is asked second; `before` are the arguments of the
    call which the request goes on from, and are asked third.
    """
    found = said_arguments(skill, text, now, context=context)
    for name, value in (before or {}).items():
        found.setdefault(name, value)
    for each in skill.slots:
        if each.name not in found and _is_wanted(each, skill):
            value = _stand_in(each, now)
            if each.is_free_text and len(skill.slots) == 1 and skill.intent != "read":
                value = value or plain(text[:LONGEST])
            if value is not None:
                found[each.name] = value
    tail = text[LONGEST:]
    main = next((each for each in _by_weight(skill) if _is_wanted(each, skill)), None)
    if tail and main is not None:
        found[main.name] = str(found.get(main.name, "")) + tail
    return {each.name: found[each.name] for each in skill.slots if each.name in found}


def said_arguments(skill: Skill, text: str, now: datetime, *, context: str = "") -> dict[str, Any]:
    """Return the arguments somebody named."""
    said = Said(without_courtesy(text[:LONGEST].strip()))
    around = Said(context[:LONGEST])
    found: dict[str, Any] = {}
    for source in (said, around) if context else (said,):
        open_ones = [each for each in skill.slots if each.name not in found]
        found |= _typed(open_ones, skill, source, now)
    found |= _texts(skill, said, around, found)
    return found


def _typed(
    parameters: Sequence[Parameter], skill: Skill, said: Said, now: datetime
) -> dict[str, Any]:
    """Take out the values of anything but free texts."""
    found: dict[str, Any] = {}

    def put(each: Parameter, value: Any) -> None:
        if value is not None:
            found[each.name] = value

    by_role = sorted(parameters, key=lambda each: _ORDER.get(each.role, 9))
    numbers = [each for each in by_role if each.role == "number"]
    choices = [each for each in by_role if each.role == "choice"]
    for each in by_role:
        match each.role:
            case "email":
                put(each, _pattern(EMAIL, said))
            case "link":
                put(each, _pattern(LINK, said))
            case "path":
                put(each, _pattern(PATH, said))
            case "code":
                put(each, _code(said, skill))
            case "date":
                put(each, _date(each, said, now))
            case "time":
                put(each, _time(each, said))
            case "number":
                if numbers:
                    # Money and its currency stand together, so these are told apart at once.
                    found |= choose(choices, said)
                    found |= count(numbers, said, strict=skill.states_required)
                    numbers = choices = []
            case "choice":
                found |= choose(choices, said)
                choices = []
            case "language":
                put(each, _language(each, said))
            case "switch":
                put(each, _truth(each, said, strict=skill.states_required))
            case "list":
                put(each, _list(each, skill, said))
            case "object":
                inner = Skill("", "", each.schema)
                put(each, said_arguments(inner, said.rest, now) or None)
            case _:
                pass
    return found


_ORDER = {
    role: place
    for place, role in enumerate(
        "email link path code date time switch number choice language list object".split()
    )
}


def _texts(skill: Skill, said: Said, around: Said, known: Mapping[str, Any]) -> dict[str, Any]:
    """Give each text its part of the sentence; the weightiest one left gets the rest."""
    names = [each for each in skill.slots if each.is_free_text and each.name not in known]
    found: dict[str, Any] = {}
    source = next((each for each in names if each.role == "source"), None)
    target = next((each for each in names if each.role == "target"), None)
    if source and target:
        pair = from_to(said) or (from_to(around) if around.whole else None)
        if pair:
            found |= {source.name: pair[0], target.name: pair[1]}
    is_only = sum(each.is_free_text for each in skill.slots) == 1
    for each in names:
        value = "" if each.name in found else labelled(each, said, is_only=is_only)
        if value:
            found[each.name] = value
    for each in _by_weight(skill):
        if each not in names or each.name in found or not _is_wanted(each, skill):
            continue
        value = ""
        if each.role == "topic" and not any(other.role == "content" for other in skill.slots):
            value = explained(said)
        if not skill.name and each.role in {"name", "person"}:
            # Data is wanted of a text that asks for nothing.
            value = proper_name(said)
            if value:
                found[each.name] = said.read(value)
                continue
        if not value and not each.is_ignored:
            value = subject(said.rest, skill, each)
        if value:
            said.rest = ""
        elif around.whole and not each.is_ignored:
            value = labelled(each, around, is_only=is_only)
            if not value and each.role == "content" and each.required | is_only:
                value = subject(around.rest, skill, each)
            value = around.read(value)
        if value:
            found[each.name] = said.read(value)
    if len(names) == 1 and names[0].role in {"place", "name"} and names[0].name not in found:
        # An optional name is what little is left.
        value = subject(said.rest, skill, names[0])
        if value and len(value.split()) <= _SHORT_NAME:
            found[names[0].name] = said.read(value)
    return found


def _by_weight(skill: Skill) -> list[Parameter]:
    """Return the texts of a skill, first the ones that hold what is said rather than a name."""
    texts = [each for each in skill.slots if each.is_free_text]
    return sorted(texts, key=lambda each: each.role != "content")


def _is_wanted(parameter: Parameter, skill: Skill) -> bool:
    # Where a schema does not say what is required, every text is wanted: the schema that is
    # made for skills without a description of their parameters has one text and says no more.
    return parameter.required or (not skill.states_required and parameter.is_free_text)


def _stand_in(parameter: Parameter, now: datetime) -> Any:
    """Return a value of the right shape for something wanted that was not said."""
    schema = parameter.schema
    if "default" in schema:
        return schema["default"]
    if parameter.options:
        return parameter.options[0]
    match parameter.kind:
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "array":
            return []
        case "object":
            return {}
    dates = {"date": now.date().isoformat(), "date-time": _instant(now), "time": "00:00:00"}
    return dates.get(str(schema.get("format")), "")


def _pattern(pattern: re.Pattern[str], said: Said) -> str | None:
    match = re.search(rf"(?:\b(?:to|at|from|for)\s+)?({pattern.pattern})", said.rest)
    return None if match is None else said.take(match, 1)


def _code(said: Said, skill: Skill) -> str | None:
    """Take out what looks like a number or code somebody gave a thing."""
    hidden = said.rest
    for pattern in (EMAIL, LINK, DAY, CLOCK):
        hidden = pattern.sub(lambda match: "_" * len(match[0]), hidden)
    candidates = list(CODE.finditer(hidden))
    if not candidates:
        return None

    def doubt(match: re.Match[str]) -> tuple[bool, bool]:
        before = tokens(hidden[: match.start()])[-1:]
        named = any(
            concept in skill.vocabulary
            for each in before
            if not each.is_generic_verb  # "add 5" is about an amount
            for concept in each.concepts
        )
        return not named, match[0].isdecimal()

    best = min(candidates, key=doubt)
    return said.take(best).lstrip("#")


def _date(parameter: Parameter, said: Said, now: datetime) -> str | None:
    form = parameter.schema.get("format")
    with_time = form == "date-time"
    exact = INSTANT.search(said.rest)
    if exact:
        text = said.take(exact)
        return text if with_time else text[:10]
    match = DAY.search(said.rest)
    day = None if match is None else day_of(match, now)
    if match is None or day is None:
        return None
    words = said.take(match)
    if form is None and not _SHOWN_DATE.search(str(parameter.schema.get("description", ""))):
        return re.sub(
            r"^(?:(?:on|by|for|until|till|from|to|since|due|starting) )+", "", words, flags=re.I
        )
    if not with_time:
        return day.date().isoformat()
    clock = CLOCK.search(said.rest)
    if clock:
        said.cut(*clock.span())
        return f"{day.date().isoformat()}T{clock_of(clock)}:00Z"
    return _instant(day if match["iso"] else _at_the_time_of(day, now))


def _time(parameter: Parameter, said: Said) -> str | None:
    match = CLOCK.search(said.rest)
    if match is None:
        return None
    said.cut(*match.span())
    if parameter.schema.get("format") == "time":
        return f"{clock_of(match)}:00"
    described = str(parameter.schema.get("description", ""))
    return clock_of(match) if _SHOWN_CLOCK.search(described) else clock_words(match)


def _language(parameter: Parameter, said: Said) -> str | None:
    wants_source = bool({token.word for token in parameter.words} & {"source", "from"})
    for token in reversed(tokens(said.rest)):
        if "language" not in token.concepts or token.concept == "language":
            continue
        before = re.search(r"\b(in|into|to|from)\s+$", said.rest[: token.start], re.IGNORECASE)
        if (before is not None and before[1].lower() == "from") != wants_source:
            continue
        word = said.rest[token.start : token.end]
        said.cut(before.start() if before else token.start, token.end)
        return word
    return None


def _truth(parameter: Parameter, said: Said, *, strict: bool) -> bool | None:
    words = [token.word for token in tokens(_without_days(said.rest))]
    concepts = {concept_of(word) for word in words}
    own = {token.word for token in parameter.words}
    named = {token.concept for token in parameter.words if token.word not in _VAGUE}
    switched = parameter.required or not strict or bool(own & _SWITCHED - {"active"})
    if not switched and not named & concepts:
        return None
    if any(word in _NO or word.endswith("n't") for word in words):
        value = False
    elif named & concepts or any(word in _YES for word in words):
        value = True
    else:
        return None
    said.rest = _SWITCH.sub("", said.rest)
    return value


def _without_days(text: str) -> str:
    return DAY.sub(" ", text)


def _list(parameter: Parameter, skill: Skill, said: Said) -> list[Any] | None:
    items = parameter.schema.get("items")
    kind = items.get("type") if isinstance(items, dict) else None
    if kind in {"integer", "number"}:
        numbers = [each.value for each in quantities(said.rest)]
        return numbers or None
    named = several_names(said)
    if named:
        return named
    head, colon, tail = said.rest.partition(":")
    tail = tail if colon else subject(head, skill, parameter)
    parts = [said.read(part.strip(" .!?")) for part in re.split(r",|;|\band\b", tail)]
    return [part for part in parts if part] if len(parts) > 1 else None


def _at_the_time_of(day: datetime, now: datetime) -> datetime:
    return day.replace(hour=now.hour, minute=now.minute, second=now.second)


def _instant(moment: datetime) -> str:
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
