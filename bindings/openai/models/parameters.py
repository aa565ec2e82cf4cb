"""What a skill's parameters are for, read off their names, types and descriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from bindings.openai.models.vocabulary import CURRENCIES, LANGUAGE_CODES, SECONDS
from bindings.openai.models.words import Token, name_words, normalize, stem, tokens

Role = Literal[
    "choice", "number", "switch", "list", "object",
    "date", "time", "email", "link", "path", "code", "language",
    "place", "source", "target", "person", "topic", "purpose", "name", "content",
]  # fmt: skip

# The word a parameter's name ends with, and what that makes of a text; the first that fits.
_NAMED: tuple[tuple[Role, frozenset[str]], ...] = (
    ("link", frozenset("url uri link website webpage".split())),
    ("path", frozenset("path file filename filepath".split())),
    ("code", frozenset("id ids code key sku ref reference iban zip postcode number no".split())),
    ("language", frozenset("language lang locale".split())),
    ("date", frozenset("date day when deadline due birthday".split())),
    ("time", frozenset("time hour clock".split())),
    ("email", frozenset("email mail".split())),
    ("source", frozenset("from source origin start departure sender base".split())),
    ("target", frozenset("to target destination end arrival into".split())),
    (
        "place",
        frozenset(
            "city town country region address location place room area where state venue timezone "
            "zone".split()
        ),
    ),
    (
        "person",
        frozenset(
            "recipient receiver user customer guest who person contact employee assignee "
            "attendee colleague addressee".split()
        ),
    ),
    ("topic", frozenset("subject title topic about heading".split())),
    (
        "content",
        frozenset(
            "message body text content contents note task todo query question prompt description "
            "comment reminder input sentence phrase ignored answer expression formula equation "
            "calculation".split()
        ),
    ),
    ("purpose", frozenset("label purpose reason occasion".split())),
)
# The library for Node.js makes up a name of the trigger's type and a hash when none is given.
_MADE_UP = re.compile(r"assistantSkillTrigger[0-9a-f]{6,}", re.IGNORECASE)
_PERSONAL = frozenset({"email", "message", "send", "recipient", "contact", "person", "receiver"})
_SPOKEN = (
    {code: f"{words} {code}" for code, words in CURRENCIES.items()}
    | {code: f"{name} {code}" for code, name in LANGUAGE_CODES.items()}
)  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    name: str
    schema: Mapping[str, Any]
    required: bool

    @cached_property
    def words(self) -> tuple[Token, ...]:
        if self.is_made_up:
            return ()
        return tuple(tokens(name_words(self.name)))

    @cached_property
    def spoken(self) -> str:
        return " ".join(token.word for token in self.words)

    @cached_property
    def concepts(self) -> frozenset[str]:
        """What its name says it is."""
        return frozenset(concept for token in self.words for concept in token.concepts)

    @cached_property
    def described(self) -> frozenset[str]:
        """What its name and its description say it is."""
        text = tokens(normalize(str(self.schema.get("description", ""))))
        return self.concepts | {
            concept for token in text if token.carries_meaning for concept in token.concepts
        }

    @property
    def kind(self) -> str:
        kind = self.schema.get("type", "string")
        if isinstance(kind, list):  # such as ["string", "null"]
            kind = next((each for each in kind if each != "null"), "string")
        return str(kind)

    @cached_property
    def role(self) -> Role:
        if self.options:
            return "choice"
        match self.kind:
            case "integer" | "number":
                return "number"
            case "boolean":
                return "switch"
            case "array":
                return "list"
            case "object":
                return "object"
        match self.schema.get("format"):
            case "date" | "date-time":
                return "date"
            case "time":
                return "time"
            case "email":
                return "email"
            case "uri" | "url":
                return "link"
        return self._role_by_name()

    @cached_property
    def options(self) -> tuple[Any, ...]:
        options = self.schema.get("enum")
        return tuple(options) if isinstance(options, list) else ()

    @cached_property
    def said_options(self) -> tuple[tuple[Any, tuple[tuple[str, ...], ...]], ...]:
        """Each option with the ways to say it, as stems in order."""
        found = []
        for option in self.options:
            ways = [name_words(str(option)).lower(), *_SPOKEN.get(str(option).lower(), "").split()]
            stems = dict.fromkeys(tuple(stem(t.word) for t in tokens(way)) for way in ways)
            signs = tuple((way,) for way in ways if len(way) == 1 and not way.isalnum())
            found.append((option, (*(way for way in stems if way), *signs)))
        return tuple(found)

    @cached_property
    def seconds(self) -> int:
        """The unit of time its number counts in, as seconds; 0 when it counts something else."""
        units = [SECONDS[token.word] for token in self.words if token.word in SECONDS]
        return units[-1] if units else self._described_seconds()

    @property
    def is_free_text(self) -> bool:
        """Whether any text will do."""
        return self.kind == "string" and not self.options and "format" not in self.schema

    @property
    def is_made_up(self) -> bool:
        """Whether its name says nothing about it."""
        return _MADE_UP.fullmatch(self.name) is not None

    @property
    def is_ignored(self) -> bool:
        """Whether the function says that it does nothing with it."""
        return bool(re.search(r"ignore|unused|dummy", self.name, re.IGNORECASE))

    def _described_seconds(self) -> int:
        if "duration" not in self.spoken and "timeout" not in self.spoken:
            return 0
        words = tokens(str(self.schema.get("description", "")))
        return next((SECONDS[each.word] for each in words if each.word in SECONDS), 0)

    def _role_by_name(self) -> Role:
        if self.is_made_up:
            return "content"
        last = [token.word for token in self.words][-1:]
        every = {token.word for token in self.words}
        if self.spoken == "to" and self.described & _PERSONAL:
            return "person"
        for role, names in _NAMED:
            if names.intersection(last):
                return role
        for role, names in _NAMED:
            if role != "code" and names & every:
                return role
        return "name"


def parameters_of(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Return the parameters an object's schema declares, in its order."""
    properties = schema.get("properties")
    required = schema.get("required")
    if not isinstance(properties, dict):
        return ()
    wanted = required if isinstance(required, list) else ()
    return tuple(
        Parameter(str(name), value if isinstance(value, dict) else {}, name in wanted)
        for name, value in properties.items()
    )
