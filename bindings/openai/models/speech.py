"""What kind of thing somebody says: clause by clause, whether it asks for something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bindings.openai.models.values import DAY
from bindings.openai.models.words import Token, normalize, tokens

Act = Literal["request", "question", "duty", "report", "fragment", "statement", "ban", "courtesy"]
"""`duty` is something one has to do oneself, `report` something one has done."""

QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|(?<!\w)['‘]([^'’]+)['’](?!\w)")

_ENDS = (
    r"(?:(?<=[.!?;])(?<!\bDr\.)(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bNo\.)"
    r"(?<!\be\.g\.)(?<!\bi\.e\.)\s+|\s*\n+\s*)"
)
_THEN = r",?\s+(?:and then|and afterwards|and after that|then please)\s+|[,;]\s+then\s+"
_TURN = (
    r",\s+(?:(?:so|but|and|now)\s+)?(?=please\s+\w|(?:can|could|would|will)\s+(?:you|we|i)\b"
    r"|how (?:much|many)\b|what(?:['’]s| is| are| will| does)\b|where(?:['’]s| is| are)\b"
    r"|(?:tell|show|give) me\b)"
)
_BORDER = re.compile(f"{_ENDS}|{_THEN}|{_TURN}", re.IGNORECASE)

_GREETING = re.compile(
    r"^(?:hi|hello|hey|hiya|howdy|good (?:morning|afternoon|evening|day|night)|greetings|welcome)"
    r"(?: (?:there|all|everyone|again|assistant|bot))*[\s,.!]*$",
    re.IGNORECASE,
)
_PRAISE = (
    "great|perfect|nice|good|cool|awesome|super|wonderful|excellent|well done|ok|okay|no|yes"
    "|nothing(?: else| more)?|not (?:now|today)"
)
_THANKS = re.compile(
    rf"^(?:(?:{_PRAISE})[\s,.!]*)*(?:(?:thanks|thank you|thx|cheers|much appreciated)\b[^?]*|"
    rf"(?:{_PRAISE}|bye|goodbye|stop|cancel"
    r"|see you|never ?mind|forget it|that(?:['’]s| is| was| will be) (?:all|it|great|fine|enough"
    r"|wonderful|perfect)\b[^?]*)[\s.!]*(?:job|work|for now)?)[\s.!]*$",
    re.IGNORECASE,
)
_INTERJECTION = re.compile(
    r"^(?:oh|ah|hey|hi|hello|ok|okay|well|so|um|uh|yes|yeah|no|please|kindly|and|also|but|then|now"
    r"|just|plus|thanks|great|right|quickly|actually|maybe|good morning|by the way|additionally"
    r"|sorry|alright)\b[\s,.!:–-]*",
    re.IGNORECASE,
)
# What asks somebody politely; what follows is what is wanted.
_ASKING = re.compile(
    r"^(?:(?:can|could|would|will|won['’]t|can['’]t|couldn['’]t) you(?: (?:please|kindly|also|just|"
    r"maybe|possibly|then))*"
    r"|(?:can|could|may|might) (?:i|we)(?: (?:please|also|just))*(?= (?:get|have|see|book|order"
    r"|reserve|ask|make|send|play|add|know))"
    r"|(?:i|we)(?:['’]d| would)(?: really)? (?:like|love)(?: you)? to"
    r"|(?:i|we) (?:just |really |also )*(?:want|wanna|wish)(?: you)?(?: to)?"
    r"|(?:i|we) need you to|help (?:me|us)(?: to)?|let['’]?s|let us"
    r"|(?:would|do) you mind|is it possible to|would it be possible to"
    r"|i(?:['’]d| would) (?:appreciate|be grateful|be glad|be happy) (?:it )?if you (?:could|would)"
    r"|it would be (?:great|nice|good|helpful|lovely|wonderful|cool) if you (?:could|would|can)"
    r"|(?:are|would|will) you (?:be )?able to"
    r"|i was wondering (?:if|whether) you (?:could|can|would)|be so kind (?:as to|and)"
    r"|i(?:['’]m| am)(?= (?:looking for|searching)))\b\s*",
    re.IGNORECASE,
)
_WISHED_THING = re.compile(
    r"^(?:i|we)(?:['’]d| would)? (?:still |also |just )?(?:need|like|want|require|could use) "
    r"(?=(?:a|an|the|some|my|our|another|any|one|two|three|\d+)\b)",
    re.IGNORECASE,
)
_DUTY = re.compile(
    r"^(?:i|we)(?:['’]ll| will|['’]ve| have)?(?: (?:still|really|also|just|probably|always))* "
    r"(?:(?:need|have|got|ought) to|must|should|gotta)\b\s+",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^(?:(?:new|another|add) )?(?:to-?dos?|tasks?|reminders?|notes?)\s*[:–]", re.IGNORECASE
)
_REPORT = re.compile(
    r"^i(?:['’]ve| have)? (?:just |already )?(?:finished|completed|done|did|closed)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|am|do|does|did|has|have|had"
    r"|will|would|should|could|can|any)\b|^(?:what|who|how|where|when)['’]s\b",
    re.IGNORECASE,
)
_EXCLAMATION = re.compile(
    r"^(?:what an?|such an?|good|great|bad|sad|nice|happy|merry|lovely|congratulations)\b"
    r"[^.!?]{0,40}!$",
    re.IGNORECASE,
)
_BAN = re.compile(
    r"^(?:don['’]?t|do not|never|no need to|you (?:must|should)(?: not|n['’]t))\b", re.I
)
# Questions about the world, and about the one who is asked: no skill is meant.
_KNOWLEDGE = re.compile(
    r"^(?:what(?:['’]s| is| are) an? (?!good|nice|quick)"
    r"|what(?:['’]s| is) the (?:meaning|definition|difference|history|origin)\b|what does .* mean\b"
    r"|how (?:does|do|did|can) (?:an? |the )?"
    r"[\w -]+ (?:work|function)\b|why\b|explain\b|define\b|teach\b|describe\b"
    r"|who (?:first )?(?:invented|wrote|discovered|founded|built|painted|made|composed|created"
    r"|won)\b"
    r"|when (?:was|were) .* (?:invented|born|founded|built|discovered|written|created)\b)",
    re.IGNORECASE,
)
_ABOUT_YOU = re.compile(
    r"^(?:how|who|what|where|which|why|when|how old|how many)?\b[^.?!]*"
    r"\b(?:are|do|did|can|were|have|would|will) you\b"
    r"(?! (?:have|know|see|find|show|get|tell|offer|sell|recommend))",
    re.IGNORECASE,
)
_HAVING = re.compile(r"^do (?:you|we) (?:have|know|offer|sell)\b|^have you got\b", re.IGNORECASE)
_SUBJECTS = frozenset(
    "i i'm i've i'd i'll we we're we've he he's she she's they they're it it's there there's "
    "this that that's these those you you're somebody someone nobody everybody everyone".split()
)
_DETERMINERS = frozenset("my our his her their your the a an some every each all no both".split())
_FINITE = frozenset(
    "is are was were am has had does did will would should could can isn't aren't wasn't weren't "
    "hasn't didn't doesn't won't sent got went came gave said made took told broke keeps keep "
    "became left lost saw thought ran wants need needs seems looks makes".split()
)


@dataclass(frozen=True)
class Clause:
    """A part of a message. `plain` is what is left without courtesies, phrases as one word."""

    start: int
    end: int
    act: Act
    plain: str
    polite: bool = False
    beside: bool = False
    """Whether it asks about the world or the model rather than for something to be done."""

    @cached_property
    def words(self) -> tuple[Token, ...]:
        return tuple(tokens(self.plain))


def clauses(message: str) -> list[Clause]:
    """Cut a message into its sentences, and those that turn from telling to asking."""
    quotes = [match.span() for match in QUOTED.finditer(message)]
    found = []
    start = 0
    for border in _BORDER.finditer(message):
        if any(begin < border.start() < end for begin, end in quotes):
            continue
        text = message[start : border.start()].strip()
        if _INTERJECTION.fullmatch(text) and border[0].startswith(","):
            continue
        if text:
            found.append(clause_of(message, start, border.start()))
        start = border.end()
    if message[start:].strip():
        found.append(clause_of(message, start, len(message)))
    return found


def ands(message: str, clause: Clause) -> Iterator[tuple[Clause, Clause]]:
    """Yield the ways to cut a clause at an "and" before a verb."""
    for match in re.finditer(
        r",?\s+and\s+(?:also\s+|please\s+)?", message[clause.start : clause.end]
    ):
        at, go_on = clause.start + match.start(), clause.start + match.end()
        following = tokens(message[go_on : go_on + 40])[:1]
        if following and following[0].is_verb:
            yield clause_of(message, clause.start, at), clause_of(message, go_on, clause.end)


def clause_of(message: str, start: int, end: int) -> Clause:
    text = message[start:end].strip()
    if _GREETING.match(text) or _THANKS.match(text):
        return Clause(start, end, "courtesy", text)
    plain, polite = _without_courtesy(text)
    beside = bool(_KNOWLEDGE.match(plain) or (not polite and _ABOUT_YOU.match(plain)))
    return Clause(start, end, _act(plain, polite=polite), plain, polite, beside)


def _without_courtesy(text: str) -> tuple[str, bool]:
    plain = normalize(text)
    polite = False
    while True:
        shorter = _INTERJECTION.sub("", plain)
        asked = _ASKING.sub("", shorter)
        if asked == shorter:
            thing = _WISHED_THING.sub("", shorter)
            asked = _HAVING.sub("are there", thing)
            polite = polite or thing != shorter
        else:
            polite = True
        if asked == plain:
            return plain, polite
        plain = asked


def _act(plain: str, *, polite: bool) -> Act:
    plain = _day_off(plain)
    words = tokens(plain)
    if not words:
        return "fragment"
    if _LABEL.match(plain):
        return "request"
    if _EXCLAMATION.match(plain):
        return "statement"
    if _BAN.match(plain):
        return "ban"
    if polite:
        return "request"
    if _REPORT.match(plain):
        return "report"
    if _DUTY.match(plain):
        return "duty"
    if _QUESTION.match(plain):
        return "question"
    if words[0].word in _SUBJECTS:
        return "statement"
    if words[0].word in _DETERMINERS:
        return "statement" if any(map(_is_finite, words[2:])) else "fragment"
    return "request" if words[0].is_verb else "fragment"


def _is_finite(token: Token) -> bool:
    return token.word in _FINITE or (token.word.endswith("ed") and len(token.word) > 4)


def without_courtesy(text: str) -> str:
    """Return the text as it was said, without what makes it polite at the beginning."""
    while True:
        shorter = _WISHED_THING.sub("", _ASKING.sub("", _INTERJECTION.sub("", text))).lstrip()
        if shorter == text:
            return text
        text = shorter


def announced(text: str) -> str | None:
    """Return what follows a "todo: …" or "I have to …", `None` when it does not begin so."""
    for pattern in (_LABEL, _DUTY):
        match = pattern.match(text)
        if match:
            return text[match.end() :].lstrip()
    return None


def duty(plain: str) -> str:
    """Return what is to be done by oneself."""
    return _DUTY.sub("", _day_off(plain))


def is_label(plain: str) -> bool:
    """Whether the text is announced as something to keep ("todo: …")."""
    return bool(_LABEL.match(plain))


def _day_off(plain: str) -> str:
    """Leave out a day that a clause begins with ("Tomorrow I have to …")."""
    match = DAY.match(plain)
    return (plain[match.end() :].lstrip(" ,") or plain) if match else plain
