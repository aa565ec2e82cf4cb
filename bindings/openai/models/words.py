"""Words as the offline model understands them: tokens, stems, and groups that mean the same."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

from bindings.openai.models.vocabulary import (
    CURRENCIES,
    FORMS,
    GENERIC_VERBS,
    GROUPS,
    INTENTS,
    LANGUAGES,
    NUMBER_WORDS,
    OTHER_VERBS,
    PHRASES,
)

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-\s]+")

# Part of every stored vector: a change makes what was stored before harder to find.
STOP_WORDS = frozenset(
    "a about an and any anything are as at be been being by can could did do does doing for from "
    "get got had has have he her him his i i'd i'll i'm i've if in into is it it's its just let "
    "let's like may me might must my need of off ok okay on one or our please previously shall "
    "she should so some something than that that's the their them then there these they this "
    "those to today up us use used user want was we were what what's when where which who whose "
    "will with would you your".split()
)

_NO_TOPIC = (STOP_WORDS - {"user"}) | frozenset(
    "also another anybody anyone because but current currently everything going how here left "
    "many more much no not now only other out say says still such tell that'll there's "
    "they're too very we're we've when's where's who's why yes yet you're you've".split()
)
"""Words that say nothing about what a request is about."""


def stem(word: str) -> str:
    """Cut the usual English endings, the same way for every form of a word."""
    if len(word) <= 3:
        return word
    for ending, put in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("edly", ""), ("ed", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + put
            break
    else:
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text, where it stands, and what it may mean: its groups, else its stem."""

    word: str
    start: int
    end: int
    concepts: tuple[str, ...]

    @property
    def concept(self) -> str:
        return self.concepts[0]

    @property
    def intents(self) -> tuple[str, ...]:
        """What the verb may want: `create`, `read`, `update`, `delete`, `act`."""
        return _INTENTS_OF.get(stem(self.word), ())

    @property
    def intent(self) -> str:
        """What the verb wants most often; empty for other words."""
        return next(iter(self.intents), "")

    @property
    def is_generic_verb(self) -> bool:
        """Whether the word tells nothing about what it is done to."""
        return self.word in GENERIC_VERBS

    @property
    def is_verb(self) -> bool:
        """Whether a command may begin with the word."""
        return bool(self.intent) or self.word in OTHER_VERBS

    @property
    def carries_meaning(self) -> bool:
        return self.word not in _NO_TOPIC and self.word not in NUMBER_WORDS


@lru_cache(maxsize=4096)
def concepts_of(word: str) -> tuple[str, ...]:
    """Return what a lower-case word may mean."""
    stemmed = stem(FORMS.get(word, word))
    return _CONCEPTS.get(stemmed) or (stemmed,)


def concept_of(word: str) -> str:
    """Return the first thing a lower-case word may mean."""
    return concepts_of(word)[0]


def normalize(text: str) -> str:
    """Write phrases that mean one thing as one word."""
    for pattern, replacement in PHRASES:
        text = pattern.sub(replacement, text)
    return text


def tokens(text: str) -> list[Token]:
    result = []
    for match in _TOKEN.finditer(text):
        word = match[0].lower().replace("’", "'")
        result.append(Token(word, match.start(), match.end(), concepts_of(_bare(word))))
    return result


def content_concepts(text: str) -> frozenset[str]:
    """Return the concepts of the words that carry meaning."""
    return frozenset(
        concept
        for token in tokens(normalize(text))
        if token.carries_meaning
        for concept in token.concepts
    )


def name_words(name: str) -> str:
    """Split an identifier: `GetTodos`, `get_todos` and `get-todos` give `Get Todos`."""
    return " ".join(part for part in _CAMEL.split(name) if part)


def _bare(word: str) -> str:
    """Return the word without a genitive's ending."""
    return word[:-2] if word.endswith("'s") else word


def _read_groups() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for concept, words in GROUPS.items():
        for word in words.split():
            if concept not in found[stem(word)]:
                found[stem(word)].append(concept)
    for language in LANGUAGES:
        found[stem(language)] += [stem(language), "language"]
    for code, words in CURRENCIES.items():
        for word in (code, *words.split()):
            found[stem(word)] += [f"{code}*", "currency"]
    return {word: tuple(concepts) for word, concepts in found.items()}


_CONCEPTS = _read_groups()


def _read_intents() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for intent, words in INTENTS.items():
        for word in words.split():
            found[stem(word)] += (intent,)
    return dict(found)


_INTENTS_OF = _read_intents()
