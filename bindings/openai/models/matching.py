"""Which skill a sentence asks for: words in common, and whether both make, read or remove."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bindings.openai.models.words import (
    Token,
    content_concepts,
    name_words,
    normalize,
    tokens,
)

THRESHOLD = 2.0
"""The least score with which a skill is called; one word of its name is enough."""

_NAME_WEIGHT = 2.0
_DESCRIPTION_WEIGHT = 1.5
_PARAMETER_WEIGHT = 1.0
_SAME_INTENT = 1.5
_OTHER_INTENT = -2.0
_COMMAND = 1.0

_QUESTION = re.compile(
    r"^(?:what|which|who|whose|when|where|why|how|do i|did i|have i|am i|are there|is there|is it|"
    r"are my|is my|any)\b",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"^(?:i(?:['’]ll| will)? (?:need|have|want|ought) to|i(?:['’]ll| will)? (?:must|should))\s+",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^(?:to-?dos?|tasks?|reminders?|notes?)\s*[:–-]", re.IGNORECASE)
_REPORT = re.compile(
    r"^i(?:['’]ve| have)? (?:just |already )?(?:finished|completed|done|did|closed)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"^(?:(?:oh|hey|hi|hello|ok|okay|well|so|um|please|kindly|and|also|then|now)\b[\s,.!:]*"
    r"|(?:can|could|would|will) you (?:please )?"
    r"|i(?:['’]d| would) like (?:you )?to |i (?:want|need) you to |help me (?:to )?)+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Skill:
    """A tool of a request, with what its words say."""

    name: str
    description: str
    parameters: Mapping[str, Any]

    @cached_property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        found = self.parameters.get("properties")
        if not isinstance(found, dict):
            return {}
        return {
            str(name): schema if isinstance(schema, dict) else {} for name, schema in found.items()
        }

    @cached_property
    def intent(self) -> str:
        """`create`, `read`, `update`, `delete`, or empty: the first verb that says so."""
        words = tokens(name_words(self.name))
        if words and words[0].intent:
            return words[0].intent
        return next((token.intent for token in tokens(self.description) if token.intent), "")

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """Concepts and how much each says about this skill."""
        parameters = " ".join(
            f"{name_words(name)} {schema.get('description', '')}"
            for name, schema in self.properties.items()
        )
        result: dict[str, float] = {}
        for text, weight in (
            (parameters, _PARAMETER_WEIGHT),
            (self.description, _DESCRIPTION_WEIGHT),
            (name_words(self.name), _NAME_WEIGHT),
        ):
            for concept in _said(tokens(normalize(text))):
                result[concept] = weight
        return result

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Concepts a sentence may use to name this skill rather than to tell it something."""
        return content_concepts(f"{name_words(self.name)} {self.description}")


def skill_of(tool: Mapping[str, Any]) -> Skill:
    """Read an entry of a request's `tools`."""
    function = tool.get("function", {})
    parameters = function.get("parameters")
    return Skill(
        str(function.get("name", "")),
        str(function.get("description") or ""),
        parameters if isinstance(parameters, dict) else {},
    )


def best_skill(sentence: str, skills: Sequence[Skill]) -> Skill | None:
    """Return the skill the sentence asks for, if one is likely enough."""
    scored = score(sentence, skills)
    return scored[0][1] if scored and scored[0][0] >= THRESHOLD else None


def score(sentence: str, skills: Sequence[Skill]) -> list[tuple[float, Skill]]:
    """Rate every skill, best first; equal ones keep the order they were offered in."""
    readings = _readings(normalize(_POLITE.sub("", sentence.strip())))
    common = Counter(concept for skill in skills for concept in skill.weights)
    rated = [(max(_rate(skill, each, common) for each in readings), skill) for skill in skills]
    return sorted(rated, key=lambda pair: -pair[0])


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand a sentence. `opening` is the concept it begins with when it reads
    like a command."""

    said: frozenset[str]
    intent: str
    opening: str = ""


def _readings(plain: str) -> list[_Reading]:
    words = tokens(plain)
    said = _said(words)
    if _QUESTION.match(plain):
        return [_Reading(said, "read")]
    if _LABEL.match(plain):
        return [_Reading(said, "create")]
    if _REPORT.match(plain):
        return [_Reading(said, "update")]
    if _WISH.match(plain):
        # "I need to see my tasks" asks for them, "I need to see a doctor" is one.
        rest = tokens(_WISH.sub("", plain))
        intent = rest[0].intent if rest else ""
        named = _Reading(_said(rest), intent)
        if intent and "todo" in said:
            return [named]
        return [_Reading(said | {"todo"}, "create"), named]
    if not words:
        return [_Reading(said, "")]
    if words[0].word == "set":  # a reminder is made, a temperature is changed
        return [_Reading(said, intent) for intent in ("create", "update", "")]
    return [_Reading(said, words[0].intent, words[0].concept)]


def _said(words: Sequence[Token]) -> frozenset[str]:
    """Return the concepts of a sentence, without a leading verb that could be about anything."""
    rest = words[1:] if words and words[0].is_generic_verb else words
    return frozenset(token.concept for token in rest if token.carries_meaning)


def _rate(skill: Skill, reading: _Reading, common: Mapping[str, int]) -> float:
    total = 0.0
    for concept, weight in skill.weights.items():
        if concept in reading.said:
            total += weight / math.sqrt(common[concept])
    if reading.intent and skill.intent:
        total += _SAME_INTENT if reading.intent == skill.intent else _OTHER_INTENT
    elif reading.opening in skill.weights and skill.intent != "read":
        total += _COMMAND
    return total
