"""What a message asks for: skills, each with the part of the message that is meant for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bindings.openai.models.arguments import LONGEST, fill, said_arguments
from bindings.openai.models.matching import Ranking, Skill, Values
from bindings.openai.models.speech import Clause, ands, clause_of, clauses, without_courtesy
from bindings.openai.models.subject import each_name, plain

_BLANKS = re.compile(r"[^\S\n]{2,}")
_CONTINUATION = re.compile(
    r"^(?:(?:oh|ah|okay|ok|right|yes|yeah|um)\b[\s,.!]*)?"
    r"(?:(?:and|also|plus|additionally|another(?: one)?|one more(?: thing)?|(?:what|how) about"
    r"|(?:the )?same (?:for|with|in)?|now)\b[\s,.:;]*)+",
    re.IGNORECASE,
)
_JOINT = re.compile(r"[\s,;]+(?:and|then|also|please|[\s,;])*$", re.IGNORECASE)
_ALSO = re.compile(r"[\s,]+(?:too|as well|also)[\s.!?]*$", re.IGNORECASE)
_GOING_ON = 1.0
"""How much more a new request must speak for another skill than for the one that was called."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A skill that is asked for. `before` are the arguments of the call this goes on from."""

    skill: Skill
    text: str
    context: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self, now: datetime) -> dict[str, Any]:
        return fill(self.skill, self.text, now, context=self.context, before=self.before)


@dataclass(frozen=True, slots=True)
class Previous:
    """The last call before a message."""

    skill: Skill
    arguments: Mapping[str, Any]


def wanted(
    message: str, skills: Sequence[Skill], previous: Previous | None, now: datetime
) -> list[Wanted]:
    """Return what a message asks for, in its order."""
    message = _BLANKS.sub(" ", message.strip())
    head, tail = message[:LONGEST], message[LONGEST:]
    ranking = Ranking(skills)
    parts = clauses(head)
    going_on = _going_on(head, parts, ranking, previous, now)
    if going_on is not None:
        return [going_on]
    found = _each(head, parts, ranking, now) or _together(head, parts, ranking)
    if found and tail:
        last = found[-1]
        found[-1] = Wanted(last.skill, last.text + tail, last.context)
    return [one for each in found for one in _for_each_place(each)]


def _for_each_place(asked: Wanted) -> list[Wanted]:
    """Ask about several places one after the other where a skill knows one at a time."""
    places = [each for each in asked.skill.slots if each.role == "place"]
    if asked.skill.intent != "read" or len(places) != 1 or not places[0].is_free_text:
        return [asked]
    return [replace(asked, text=text) for text in each_name(asked.text)]


def _each(message: str, parts: Sequence[Clause], ranking: Ranking, now: datetime) -> list[Wanted]:
    """Find the skill of each clause; clauses without one belong to the request before them."""
    starts: list[tuple[Clause, Skill]] = []
    empty = [part for part in parts if part.act == "courtesy"]
    for part in parts:
        for clause in _cut(message, part, ranking):
            best = ranking.best(clause, Values(message[clause.start : clause.end]))
            if best is None:
                continue
            if _repeats(message, clause, best[1], starts, now):
                empty.append(clause)
            else:
                starts.append((clause, best[1]))
    found = []
    for index, (clause, skill) in enumerate(starts):
        end = starts[index + 1][0].start if index + 1 < len(starts) else len(message)
        text = message[clause.start : _without_end(clause, parts, empty, end)]
        if index + 1 < len(starts):
            text = _JOINT.sub("", text)
        context = message[: clause.start] if index == 0 else ""
        found.append(Wanted(skill, text, context))
    return found


def _cut(message: str, part: Clause, ranking: Ranking) -> list[Clause]:
    """Cut a clause in two where both ask for something and the first cannot hold the second."""
    for left, right in ands(message, part):
        first = ranking.best(left, Values(message[left.start : left.end]))
        again = left.words[:1] and right.words[:1] and left.words[0].word == right.words[0].word
        if first is None or (_takes_any_text(first[1]) and not again):
            continue
        if ranking.best(right, Values(message[right.start : right.end])) is not None:
            return [left, *_cut(message, right, ranking)]
    return [part]


def _together(message: str, parts: Sequence[Clause], ranking: Ranking) -> list[Wanted]:
    """Find the one skill that what is said in several clauses asks for together."""
    if len(parts) < 2:
        return []
    values = Values(message)
    best: tuple[float, Skill] | None = None
    asking = None
    for part in _pointed_at(parts):
        found = ranking.best(part, values)
        if found is not None and (best is None or found[0] > best[0]):
            best, asking = found, part
    if best is None or asking is None:
        return []
    empty = [part for part in parts if part.act == "courtesy"]
    text = message[asking.start : _without_end(asking, parts, empty, len(message))]
    return [Wanted(best[1], text, message[: asking.start])]


def _pointed_at(parts: Sequence[Clause]) -> list[Clause]:
    """Read "…, can you do that?" as asking for what was said before it."""
    found = list(parts)
    for index, part in enumerate(parts[1:], 1):
        if part.act == "request" and not any(each.carries_meaning for each in part.words):
            before = parts[index - 1]
            found[index - 1] = replace(before, act="request", plain=without_courtesy(before.plain))
    return found


def _without_end(clause: Clause, parts: Sequence[Clause], empty: Sequence[Clause], end: int) -> int:
    """Return where a request ends when what follows it says nothing."""
    following = [each for each in parts if clause.start < each.start < end]
    while following and following[-1] in empty:
        end = following.pop().start
    return end


def _repeats(
    message: str,
    clause: Clause,
    skill: Skill,
    starts: Sequence[tuple[Clause, Skill]],
    now: datetime,
) -> bool:
    """Whether a clause only asks once more for what one before it asked for."""
    if not any(each is skill for _, each in starts):
        return False
    return not said_arguments(skill, message[clause.start : clause.end], now)


def _takes_any_text(skill: Skill) -> bool:
    return any(
        each.is_free_text and each.role == "content" and not each.is_ignored for each in skill.slots
    )


def _going_on(
    message: str,
    parts: Sequence[Clause],
    ranking: Ranking,
    previous: Previous | None,
    now: datetime,
) -> Wanted | None:
    """Return the skill of the turn before when the message goes on with it ("and also …")."""
    if previous is None or len(parts) != 1:
        return None
    rest = _ALSO.sub("", _CONTINUATION.sub("", message))
    clause = parts[0]
    bare = clause_of(rest, 0, len(rest))
    short = (
        len(clause.words) <= 4 and clause.act == "fragment" and not _takes_any_text(previous.skill)
    )
    if (rest == message and not short) or not rest or bare.act in {"courtesy", "ban"}:
        return None
    values = Values(rest)
    scores = {id(skill): rate for rate, skill in ranking.score(clause, values)}
    best = ranking.best(clause, values)
    own = scores.get(id(previous.skill), 0.0)
    if best is not None and best[1] is not previous.skill and best[0] > own + _GOING_ON:
        return None
    if bare.act == "question" and previous.skill.intent != "read":
        return None
    if bare.beside or (bare.act == "request" and _asks_for_words(bare, previous.skill)):
        return None
    said = said_arguments(previous.skill, rest, now)
    if not any(value not in ("", None) for value in said.values()):
        if best is None or best[1] is not previous.skill:
            return None
    before = previous.arguments
    if _takes_any_text(previous.skill) and len(previous.skill.slots) == 1:
        before = {}
    return Wanted(previous.skill, plain(rest), "", before)


def _asks_for_words(clause: Clause, skill: Skill) -> bool:
    """Whether the clause asks to be told something while the skill does something."""
    return bool(clause.words) and clause.words[0].intent == "read" and skill.intent != "read"
