"""What the offline model says when it calls no skill: courtesies, and what it can do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bindings.openai.models.doing import doing
from bindings.openai.models.matching import Skill
from bindings.openai.models.speech import clauses
from bindings.openai.models.telling import short
from bindings.openai.models.words import tokens

_GREETING = re.compile(r"^(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings)\b", re.I)
_GOODBYE = re.compile(r"\b(?:bye|goodbye|good night|see you)\b", re.I)
_THANKS = re.compile(r"\b(?:thanks|thank you|thx|cheers|appreciated)\b", re.I)
_ABOUT_ME = re.compile(
    r"\b(?:what can you do|who are you|what are you|how are you|who made you|help)\b", re.I
)
_ASKING = frozenset(
    "who whose who's what what's which when where where's why how is are was were do does did can "
    "could would will you please tell me about explain describe i i'd like want to know".split()
)
_MOST_OFFERS = 8


def answer_without_skills(user: str) -> str:
    """Answer when the app offers no skills: repeat what it is about, say what would help."""
    text = user.strip()
    courtesy = _courtesy(text)
    if courtesy:
        return courtesy
    if _GREETING.match(text) and len(text.split()) < 4:
        return "Hello! I am the offline model of the local host. How can I help you?"
    topic = _topic(text)
    about = f"You asked about {short(topic)}. " if topic else f'You said "{short(text)}". '
    return (
        f"{about}I am the offline model of the local host: I understand skills, but I know "
        "nothing about the world. Connect a model service for a real answer."
    )


def ask_back(user: str, skills: Sequence[Skill]) -> str:
    """Say what can be done when nothing offered fits."""
    text = user.strip()
    courtesy = _courtesy(text)
    if courtesy:
        return courtesy
    parts = clauses(text[:1000])
    acts = {part.act for part in parts}
    offers = _offers(skills)
    if acts == {"courtesy"}:
        return f"Hello! {offers} What can I do for you?"
    if acts == {"ban"}:
        return "All right, I will not do that."
    if _ABOUT_ME.search(text):
        return f"I am the offline model of the local host. {offers}"
    if acts == {"question"}:
        return f'I cannot answer "{short(text)}". {offers}'
    return f'I am not sure what you would like me to do with "{short(text)}". {offers}'


def _courtesy(text: str) -> str:
    if any(part.act != "courtesy" for part in clauses(text[:1000])) or not text:
        return ""
    if _THANKS.search(text):
        return "You're welcome."
    if _GOODBYE.search(text):
        return "Goodbye!"
    return "" if _GREETING.match(text) else "All right."


def _offers(skills: Sequence[Skill]) -> str:
    """Say what the skills do, as far as people want to hear that."""
    offered = [_offer(skill) for skill in skills]
    shown, more = offered[:_MOST_OFFERS], offered[_MOST_OFFERS:]
    if more:
        return f"I can {'; '.join(shown)}; and {len(more)} more things."
    if len(shown) == 1:
        return f"I can {shown[0]}."
    return f"I can {'; '.join(shown[:-1])}; or {shown[-1]}."


def _offer(skill: Skill) -> str:
    whole = doing(skill, skill.name).whole
    return f"{whole} ({skill.name})" if whole else f"call {skill.name}"


def _topic(text: str) -> str:
    """Return what a question is about: the text without the words it begins with."""
    words = tokens(text)
    first = next((token for token in words if token.word not in _ASKING), None)
    if first is None or first is words[0]:
        return ""
    return text[first.start :].rstrip(" .,!?\n")
