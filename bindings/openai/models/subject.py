"""The parts of a sentence that tell a skill something, apart from the part that asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bindings.openai.models.matching import Skill
from bindings.openai.models.parameters import Parameter, Role
from bindings.openai.models.said import PLACEHOLDER, Said
from bindings.openai.models.speech import announced, without_courtesy
from bindings.openai.models.values import CLOCK, DAY, EMAIL
from bindings.openai.models.vocabulary import PHRASES
from bindings.openai.models.words import STOP_WORDS, Token, normalize, tokens


def _unnamed(pattern: re.Pattern[str]) -> str:
    """Return the pattern's text for use more than once in another."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern.pattern)


_LEADING = frozenset(
    "oh hey hi hello ok okay well so um please kindly and also then now plus just thanks another "
    "can could would will you i i'd i'll i'm we need have want must ought should like help me "
    "what what's which who who's when where how how's is are do does the my any there tell let "
    "let's us it to has had did was were much many often long".split()
)
_FILLERS = frozenset("a an the my our new another one me us it down up set".split())
_LOOSE_FILLERS = _FILLERS | frozenset("some any something anything all on off out over".split())
_CONNECTORS = frozenset(
    "to for of about that called named titled saying with in at on from like by is are".split()
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
_PRONOUNS = frozenset("it this that these those them him her there one ones".split())

_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w.&'’-]*"
_CAPITALS = rf"{_CAPITAL}(?:\s+(?:(?:de|of|the|la|le|del|di|da|van|von)\s+)?{_CAPITAL})*"
_VALUE_END = (
    r"(?=\s+(?:in|at|to|from|for|about|saying|with|titled|by|on|that|know|and|today|tonight"
    r"|tomorrow|now|right now|currently|this (?:morning|afternoon|evening|week|weekend)|please)\b"
    r"|[,.;:!?]{1,3}(?:\s|$)|\s*$)"
)
_NAME_VALUE = rf"\s+({PLACEHOLDER}|{_CAPITALS}?){_VALUE_END}"
_ANY_VALUE = (
    rf"\s+({PLACEHOLDER}|(?!\s|(?:for|to|in|at|on|by|from|that|and|is|are|about|with)\b).+?)"
    rf"{_VALUE_END}"
)
_CONTENT = re.compile(
    r"(?:\b(?:saying|says|say)(?: that)?|\bwith (?:the |a )?(?:text|message|content|body|words)"
    r"|\b(?:tell|ask|inform|remind) (?:him|her|them)(?: that)?|\bknow that|\bthat)\b[:,]?\s+(.+)$"
    r"|:\s+(.+)$",
    re.IGNORECASE | re.DOTALL,
)

_REST = re.compile(r"(?:\b(?:because|since|as|saying|that)\b|:)\s+(.+)$", re.IGNORECASE | re.DOTALL)
_WORD = r"(?!(?:the|a|an|my|our|this|that|to|in|of|for|and)\b)[^\W\d_]+"

_MOMENT = rf"(?:{_unnamed(DAY)}|{_unnamed(CLOCK)})"
_WHEN_FIRST = re.compile(
    rf"^(?P<when>{_MOMENT}(?: {_MOMENT})?),? (?:to|that) (?P<what>.+)$", re.IGNORECASE | re.DOTALL
)

# Words after which the value of a parameter tends to stand, tried in this order.
_LEADS: dict[Role, str] = {
    "place": "in at near to from for",
    "source": "from",
    "target": "to into in",
    "person": "to for called named email mail message notify tell inform ask",
    "topic": "about titled called named regarding",
    "purpose": "for",
    "name": "called named by",
    "language": "in into to",
}
_FROM_TO = re.compile(rf"(?:\bfrom\s+)?({_CAPITALS})\s+(?:to|-|–|->|→)\s+({_CAPITALS})")
_SEVERAL_NAMES = re.compile(
    rf"(?:(?<=\s)|^)(?P<names>{_CAPITALS}(?:,\s+{_CAPITALS})*,?\s+(?:and|or)\s+{_CAPITALS})(?!\w)"
)
_GROUPS = frozenset("category list group folder project channel".split())


def subject(text: str, skill: Skill, parameter: Parameter) -> str:
    """Return what the text says beyond asking for the skill; empty when it says no more."""
    quoted = re.search(PLACEHOLDER, text)
    if quoted:
        return quoted[0]
    is_content = parameter.role in {"content", "topic"}
    text = _opened(without_courtesy(text))
    told = announced(text)
    if told is not None and is_content and skill.intent == "create":
        return _tidy(without_courtesy(told), skill)
    text = text if told is None else _opened(told)
    words = tokens(text)
    index = _skip(words, 0, lambda token: token.word in _LEADING)
    named = _skip(words, index, lambda token: token.word in _FILLERS)
    if named < len(words) and _asks(words[named], skill):
        index = named
    # "Find some jazz" looks for jazz; "add some milk" is about some milk.
    fillers = _FILLERS if is_content and skill.intent != "read" else _LOOSE_FILLERS
    if index < len(words) and (
        _asks(words[index], skill)
        or words[index].word == "set"
        or (words[index].is_verb and not is_content)
    ):
        index += 1
        index = _skip(words, index, lambda each: each.word in fillers or _asks(each, skill))
        if index < len(words) and words[index].word in _CONNECTORS:
            index += 1
    if all(token.word in STOP_WORDS or token.word in _PRONOUNS for token in words[index:]):
        return ""
    found = _tidy(text[words[index].start :], skill)
    if is_content:
        # "Remind me tomorrow to call" is about calling.
        found = _WHEN_FIRST.sub(r"\g<what> \g<when>", found)
    return found if is_content or parameter.role == "list" else _only_name(found, skill)


def labelled(parameter: Parameter, said: Said, *, is_only: bool) -> str:
    """Take out the value that follows the parameter's own name or a word typical for it.

    The only text of a skill is usually all that is said, unless it is a place or a name.
    """
    role = parameter.role
    if role == "content":
        if is_only:
            return ""
        match = _CONTENT.search(said.rest)
        if match:
            return said.take(match, 1 if match[1] else 2).strip(" .!?")
        return ""
    if role == "person":
        match = re.search(rf"(?:\b(?:to|for|at)\s+)?({EMAIL.pattern})", said.rest)
        if match:
            return said.take(match, 1)
    own = rf"{re.escape(parameter.spoken)}(?:\s+is|\s*[=:])?" if parameter.spoken else ""
    leads = [own] if own and not (is_only and role == "topic") else []
    leads += _LEADS.get(role, "").split()
    if parameter.concepts & _GROUPS:
        leads += ["to", "in", "under", "into"]
    for value in (_NAME_VALUE, _ANY_VALUE):
        if value is _ANY_VALUE and role in {"place", "name"}:
            before = _before_its_name(parameter, said)
            if before:
                return before
        for lead in leads:
            match = re.search(rf"(?i:\b{lead}){value}", said.rest)
            if match and match[1]:
                return said.take(match, 1).strip(" \"'“”.,!?")
    return ""


def explained(said: Said) -> str:
    """Take out what follows a "because" or a colon."""
    match = _REST.search(said.rest)
    return said.take(match, 1).strip(" .!?") if match else ""


def _before_its_name(parameter: Parameter, said: Said) -> str:
    """Take out what stands before the parameter's name ("the living room", "the dev channel")."""
    name = re.escape(parameter.spoken)
    pattern = rf"\b(?:the|my|our|in|to|at|for)\s+({_WORD}(?:\s+{_WORD})?)\s+{name}\b"
    match = re.search(pattern, said.rest, re.IGNORECASE)
    if match is None or not parameter.spoken:
        return ""
    whole = parameter.role == "place"
    value = f"{match[1]} {parameter.spoken}" if whole else match[1]
    said.cut(*match.span())
    return value


def from_to(said: Said) -> tuple[str, str] | None:
    """Take out two names with a "to" between them."""
    match = _FROM_TO.search(said.rest)
    if match is None:
        return None
    said.cut(*match.span())
    return match[1], match[2]


def several_names(said: Said) -> list[str]:
    """Take out names that stand one after the other ("Anna, Bob and Eve")."""
    found = _names_together(said.rest)
    if found is None:
        return []
    start, end, names = found
    before = re.search(r"\b(?:with|for|to|by)\s+$", said.rest[:start], re.IGNORECASE)
    said.cut(before.start() if before else start, end)
    return names


def proper_name(said: Said) -> str:
    """Take out a name, one within a sentence before the word it begins with."""
    found = [
        match
        for match in re.finditer(_CAPITALS, said.rest)
        if not any(each.is_verb or each.word in STOP_WORDS for each in tokens(match[0])[:1])
    ]
    within = [match for match in found if match.start()]
    best = next(iter(within or found), None)
    return said.take(best) if best else ""


def each_name(text: str) -> list[str]:
    """Return the text once for each of the names in it ("in Paris", "in London")."""
    found = _names_together(text)
    if found is None:
        return [text]
    start, end, names = found
    return [f"{text[:start]}{name}{text[end:]}" for name in names]


def _names_together(text: str) -> tuple[int, int, list[str]] | None:
    match = _SEVERAL_NAMES.search(text)
    first = tokens(text)[:1]
    if match is not None and match.start() == 0 and first and first[0].is_verb:
        match = _SEVERAL_NAMES.search(text, first[0].end)  # "Invite Anna and Bob"
    if match is None:
        return None
    names = re.split(r",\s+(?:(?:and|or)\s+)?|\s+(?:and|or)\s+", match["names"])
    return *match.span(), names


def plain(sentence: str) -> str:
    """Return the sentence without its last punctuation and courtesies."""
    while True:
        text = sentence.rstrip(" \t\n,.!?;:")
        sentence = _COURTESY.sub("", text)
        if sentence == text:
            return text


def _opened(text: str) -> str:
    """Write a phrase at the beginning as the one word it means."""
    for pattern, word in PHRASES:
        match = pattern.match(text)
        if match:
            return match.expand(word) + text[match.end() :]
    return text


def _skip(words: Sequence[Token], index: int, is_skipped: Callable[[Token], bool]) -> int:
    while index < len(words) and is_skipped(words[index]):
        index += 1
    return index


def _asks(token: Token, skill: Skill) -> bool:
    """Say whether the word asks for the skill instead of telling it something."""
    return any(concept in skill.vocabulary for concept in token.concepts) or (
        bool(skill.intent) and skill.intent in token.intents
    )


def _tidy(text: str, skill: Skill) -> str:
    text = plain(text)
    text = _TRAILING_PLACE.sub(lambda match: "" if _all_ask(match[1], skill) else match[0], text)
    if skill.intent == "read":
        text = _TRAILING_TIME.sub("", text)
    if skill.intent == "update":
        text = _TRAILING_STATE.sub("", text)
    return text.strip(" ,;:-")


def _only_name(text: str, skill: Skill) -> str:
    """Cut what follows a name: another part of the sentence, or words that ask."""
    text = re.split(r"[,;:?!]\s", text, maxsplit=1)[0]
    while True:
        words = tokens(text)
        if not words or not (_asks(words[-1], skill) or words[-1].word in _PRONOUNS):
            break
        text = text[: words[-1].start].rstrip(" ,;:-")
    if len(words) > 4:
        capitals = re.search(rf"(?<!^){_CAPITALS}", text)
        return capitals[0] if capitals else text
    return text


def _all_ask(text: str, skill: Skill) -> bool:
    return all(
        _asks(token, skill) or token.concept in {"list", "todo"}
        for token in tokens(normalize(text))
    )
