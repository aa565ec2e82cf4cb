"""Words as the offline model understands them: tokens, stems, and groups that mean the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-\s]+")

# Said as several words, meant as one.
_PHRASES = (
    (re.compile(r"\bto[- ]?do['’]?(s?)\b(?!\s+(?:with|this|that|it|so)\b)", re.I), r"todo\1"),
    (re.compile(r"\be[- ]mail", re.I), "email"),
    (re.compile(r"\b(?:don['’]?t|do not) (?:let me )?forget\b", re.I), "remember"),
    (re.compile(r"\b(on|to|onto) (?:my|the) list\b", re.I), r"\1 todo list"),
    (re.compile(r"(\d)\s*(?:times|x|\*)\s*(?=\d)", re.I), r"\1 multiply "),
    (re.compile(r"(\d)\s*(?:plus|\+)\s*(?=\d)", re.I), r"\1 sum "),
    (re.compile(r"(\d)\s*(?:divided by|/)\s*(?=\d)", re.I), r"\1 divide "),
    (re.compile(r"(\d)\s*(?:minus)\s*(?=\d)", re.I), r"\1 subtract "),
)

STOP_WORDS = frozenset(
    "a about an and any anything are as at be been being by can could did do does doing for from "
    "get got had has have he her him his i i'd i'll i'm i've if in into is it it's its just let "
    "let's like may me might must my need of off ok okay on one or our please previously shall "
    "she should so some something than that that's the their them then there these they this "
    "those to today up us use used user want was we were what what's when where which who whose "
    "will with would you your".split()
)

_GROUPS = {
    "todo": "todo todos task tasks chore remind reminder remember note memo",
    "weather": "weather forecast rain snow sunny temperature climate warm cold hot degrees",
    "meeting": "meeting appointment calendar event",
    "email": "email mail",
    "message": "message sms",
    "price": "price cost rate quote",
    "buy": "buy purchase order",
    "reserve": "reserve reservation book booking",
    "customer": "customer client",
    "product": "product item article",
    "user": "user person people employee",
    "money": "money balance amount",
    "delete": "delete remove erase discard cancel",
    "picture": "picture image photo",
    "document": "document file",
    "search": "search find lookup",
    "time": "time clock",
    "sum": "sum total plus addition",
    "translate": "translate translation",
    "city": "city town location place",
    "light": "light lamp",
    "ticket": "ticket issue bug",
}

_INTENTS = {
    "create": "add create new remind insert save note register record remember put append schedule "
    "make enter log store write place",
    "read": "get fetch list show display find retrieve view read tell look query search check see "
    "lookup give count know",
    "delete": "delete remove cancel clear drop erase discard forget",
    "update": "update change edit modify rename complete finish mark move reschedule",
}

# Verbs that say what is done but nothing about to what.
_GENERIC_VERBS = frozenset(
    "add create new make put insert get fetch list show display retrieve view read tell give see "
    "check look count know delete remove update change set".split()
)

NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
}


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


_CONCEPTS = {stem(word): concept for concept, words in _GROUPS.items() for word in words.split()}
_INTENT_OF = {stem(word): intent for intent, words in _INTENTS.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text, where it stands, and the concept it is one of."""

    word: str
    start: int
    end: int
    concept: str

    @property
    def intent(self) -> str:
        """`create`, `read`, `update`, `delete`, or empty."""
        return _INTENT_OF.get(stem(self.word), "")

    @property
    def is_generic_verb(self) -> bool:
        """Whether the word tells nothing about what it is done to."""
        return self.word in _GENERIC_VERBS

    @property
    def carries_meaning(self) -> bool:
        return self.word not in STOP_WORDS and self.word not in NUMBER_WORDS


@lru_cache(maxsize=4096)
def concept_of(word: str) -> str:
    """Return the concept of a lower-case word: its group's name, else its stem."""
    stemmed = stem(word)
    return _CONCEPTS.get(stemmed, stemmed)


def normalize(text: str) -> str:
    """Write phrases that mean one thing as one word."""
    for pattern, replacement in _PHRASES:
        text = pattern.sub(replacement, text)
    return text


def tokens(text: str) -> list[Token]:
    result = []
    for match in _TOKEN.finditer(text):
        word = match[0].lower().replace("’", "'")
        result.append(Token(word, match.start(), match.end(), concept_of(word)))
    return result


def content_concepts(text: str) -> frozenset[str]:
    """Return the concepts of the words that carry meaning."""
    return frozenset(token.concept for token in tokens(normalize(text)) if token.carries_meaning)


def name_words(name: str) -> str:
    """Split an identifier: `GetTodos`, `get_todos` and `get-todos` give `Get Todos`."""
    return " ".join(part for part in _CAMEL.split(name) if part)
