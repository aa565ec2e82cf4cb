"""Which skill a clause asks for: words in common, values that fit, and the kind of clause."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from bindings.openai.models.parameters import Parameter, parameters_of
from bindings.openai.models.speech import Clause, duty, is_label
from bindings.openai.models.values import CLOCK, CODE, DAY, EMAIL, LINK, PATH, quantities
from bindings.openai.models.words import (
    Token,
    concepts_of,
    content_concepts,
    name_words,
    normalize,
    stem,
    tokens,
)

THRESHOLD = 2.0
"""The least score with which a skill is called; one word of its name is enough."""

_NAME_WEIGHT = 2.0
_DESCRIPTION_WEIGHT = 1.5
_READING_WEIGHT = 1.0
_PARAMETER_WEIGHT = 1.0
_REMARK_WEIGHT = 0.4
_SAME_INTENT = 1.5
_OTHER_INTENT = -2.0
_SAME_VERB = 1.0
_BESIDE = -2.5
_MOST_MISSING = -1.5

_WRITING = frozenset({"create", "update", "delete", "act"})
_KEEPING = frozenset("add append insert keep note put save store".split())
_SWITCH_WORDS = frozenset("on off out true false enable disable enabled disabled not".split())
_LANGUAGE = concepts_of("language")[0]


@dataclass(frozen=True)
class Skill:
    """A tool of a request, with what its words say."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """The JSON schema of its arguments."""

    @cached_property
    def slots(self) -> tuple[Parameter, ...]:
        return parameters_of(self.parameters)

    @property
    def states_required(self) -> bool:
        return isinstance(self.parameters.get("required"), list)

    @cached_property
    def intent(self) -> str:
        """`create`, `read`, `update`, `delete`, `act`, or empty: what its first verb says."""
        named = tokens(name_words(self.name))[:1]
        described = tokens(normalize(self.description))[:1]
        # A description begins with a verb; a name may begin with a noun that is one as well.
        for each in (*(t for t in named if t.is_generic_verb), *described, *named):
            if each.intent:
                return each.intent
        return next((token.intent for token in tokens(self.description) if token.intent), "")

    @cached_property
    def verbs(self) -> frozenset[str]:
        """What the first words of its name and description mean, if they are verbs."""
        first = (tokens(name_words(self.name))[:1], tokens(normalize(self.description))[:1])
        return frozenset(
            concept
            for words in first
            for token in words
            if token.is_verb and not token.is_generic_verb
            for concept in token.concepts
        )

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """Concepts and how much each says about this skill."""
        remarks = " ".join(str(each.schema.get("description", "")) for each in self.slots)
        names = " ".join(each.spoken for each in self.slots)
        result: dict[str, float] = {}
        for text, weight in (
            (remarks, _REMARK_WEIGHT),
            (names, _PARAMETER_WEIGHT),
            (self.description, _DESCRIPTION_WEIGHT),
            (name_words(self.name), _NAME_WEIGHT),
        ):
            for token in _said(tokens(normalize(text))):
                result.update(dict.fromkeys(token.concepts, weight))
        for token in tokens(name_words(self.name))[:1]:
            if token.intent == "read":  # what is found or checked says more
                result.update(dict.fromkeys(token.concepts, _READING_WEIGHT))
        return result

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Concepts a sentence may use to name this skill rather than to tell it something."""
        return content_concepts(f"{name_words(self.name)} {self.description}")


def skill_of(tool: Mapping[str, Any]) -> Skill:
    """Read an entry of a request's `tools`."""
    return _read(json.dumps(tool.get("function", {})))


@lru_cache(maxsize=512)
def _read(text: str) -> Skill:
    function = json.loads(text)
    parameters = function.get("parameters")
    return Skill(
        str(function.get("name", "")),
        str(function.get("description") or ""),
        parameters if isinstance(parameters, dict) else {},
    )


class Ranking:
    """Rates the skills of one request, each clause against all of them."""

    def __init__(self, skills: Sequence[Skill]) -> None:
        self.skills = skills
        self._common = Counter(concept for skill in skills for concept in skill.weights)

    def best(self, clause: Clause, values: Values) -> tuple[float, Skill] | None:
        """Return the skill the clause asks for, if one is likely enough."""
        scored = self.score(clause, values)
        return scored[0] if scored and scored[0][0] >= THRESHOLD else None

    def score(self, clause: Clause, values: Values) -> list[tuple[float, Skill]]:
        """Rate every skill, best first; equal ones keep the order they were offered in."""
        readings = _readings(clause)
        rated = [
            (max((self._rate(skill, clause, each, values) for each in readings), default=0), skill)
            for skill in self.skills
        ]
        return sorted(rated, key=lambda pair: -pair[0])

    def _rate(self, skill: Skill, clause: Clause, reading: _Reading, values: Values) -> float:
        if clause.act == "ban" and not any(each.role == "switch" for each in skill.slots):
            return 0.0
        named = 0.0
        for token in reading.said:
            named += max(
                (skill.weights.get(each, 0) / math.sqrt(self._common[each] or 1))
                for each in token.concepts
            )
        fitting = values.fitting(skill)
        if named + fitting <= 0.5:
            return THRESHOLD if self._only_keeper(skill, clause, reading) else 0.0
        total = named + fitting + values.missing(skill)
        if reading.intent and skill.intent:
            total += _agreement(reading.intent, skill.intent)
        elif clause.act == "fragment" and skill.intent == "read":
            # Who but names a thing wants to see it.
            known = all(skill.weights.keys() & set(token.concepts) for token in reading.said)
            total += _SAME_INTENT if known else 0.0
        if reading.opening and _same_verb(reading.opening, skill):
            total += _SAME_VERB
        return total + (_BESIDE if clause.beside else 0.0)

    def _only_keeper(self, skill: Skill, clause: Clause, reading: _Reading) -> bool:
        """Whether there is nothing else that "add …" could mean."""
        if reading.opening is None or reading.opening.word not in _KEEPING:
            return False
        rivals = [each for each in self.skills if each.intent == "create"]
        return (
            rivals == [skill]
            and any(each.is_free_text and each.role == "content" for each in skill.slots)
            and any(not token.word.isdigit() for token in clause.words[1:])
        )


class Values:
    """What a text holds that looks like a value, and how well that fits a skill's parameters."""

    def __init__(self, text: str) -> None:
        words = tokens(text)
        self._stems = {stem(token.word) for token in words}
        self._words = {token.word for token in words}
        self._text = text.lower()
        self._concepts = frozenset(concept for token in words for concept in token.concepts)
        self._present = {
            "date": bool(DAY.search(text)),
            "time": bool(CLOCK.search(text)),
            "email": bool(EMAIL.search(text)),
            "link": bool(LINK.search(text)),
            "path": bool(PATH.search(EMAIL.sub("", LINK.sub("", text)))),
            "code": bool(CODE.search(text)),
            "number": next(quantities(text), None) is not None,
            "language": _LANGUAGE in self._concepts,
        }

    def fitting(self, skill: Skill) -> float:
        """Return how much speaks for the skill because its parameters would be filled."""
        total = 0.0
        chosen: set[Any] = set()
        for each in skill.slots:
            match each.role:
                case "choice":
                    said = [option for option in self._chosen(each) if option not in chosen]
                    if said:
                        total += 1.0 if chosen else 1.5
                        chosen.add(said[0])
                case "email" | "link" | "path" | "code" | "language":
                    total += 1.0 if self._present[each.role] else 0.0
                case "person":
                    total += 1.0 if self._present["email"] else 0.0
                case "date" | "time" | "number":
                    total += 0.3 if self._present[each.role] else 0.0
        return total

    def missing(self, skill: Skill) -> float:
        """Return how much speaks against the skill because of what it needs and nobody said."""
        total = 0.0
        for each in skill.slots:
            if each.required and not self._has(each):
                total -= 1.0
        return max(total, _MOST_MISSING)

    def _has(self, parameter: Parameter) -> bool:
        match parameter.role:
            case "choice":
                return bool(self._chosen(parameter))
            case "switch":
                return bool(self._words & _SWITCH_WORDS or parameter.concepts & self._concepts)
            case "date" | "link" | "path" | "code" | "number" | "language":
                return self._present[parameter.role]
            case _:
                return True

    def _chosen(self, parameter: Parameter) -> list[Any]:
        return [
            option
            for option, ways in parameter.said_options
            if any(
                all(part in self._stems for part in way)
                or (len(way) == 1 and not way[0].isalnum() and way[0] in self._text)
                for way in ways
            )
        ]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand a clause. `opening` is the verb it begins with."""

    said: tuple[Token, ...]
    intent: str
    opening: Token | None = None


_TODO = Token("todo", 0, 0, ("todo",))


def _readings(clause: Clause) -> list[_Reading]:
    words = clause.words
    said = _said(words)
    match clause.act:
        case "courtesy" | "statement":
            return []
        case "question":
            return [_Reading(said, "read")]
        case "report":
            return [_Reading(said, "update")]
        case "duty":
            # "I need to see my tasks" asks for them, "I need to see a doctor" is one.
            rest = tokens(duty(clause.plain))
            opening = rest[0] if rest else None
            intent = opening.intent if opening else ""
            named = _Reading(_said(rest), intent, opening)
            if intent and any("todo" in token.concepts for token in said):
                return [named]
            return [_Reading((*said, _TODO), "create"), named]
        case _ if is_label(clause.plain):
            return [_Reading(said, "create")]
    first = words[0] if words else None
    if first is None:
        return []
    if clause.act == "fragment" and first.word in {"my", "our"}:  # "my list, please"
        return [_Reading(said, "read")]
    if not first.is_verb:
        return [_Reading(said, "")]
    return [_Reading(said, intent, first) for intent in first.intents or ("",)]


def _said(words: Sequence[Token]) -> tuple[Token, ...]:
    """Return what a clause is about, without a leading verb that could be about anything."""
    rest = words[1:] if words and words[0].is_generic_verb else words
    unique = {token.concepts: token for token in rest if token.carries_meaning}
    return tuple(unique.values())


def _same_verb(opening: Token, skill: Skill) -> bool:
    """Whether a command begins with what the skill does, or with what it does that to."""
    if opening.is_generic_verb:
        return False
    known = skill.verbs if skill.intent == "read" else skill.verbs | skill.weights.keys()
    return not known.isdisjoint(opening.concepts)


def _agreement(said: str, skill: str) -> float:
    if said == skill:
        return _SAME_INTENT
    if "read" in (said, skill) or "delete" in (said, skill):
        return _OTHER_INTENT
    return 0.0 if "act" in (said, skill) else _OTHER_INTENT / 2
