"""What the offline model says about results: plain sentences that quote them and add nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bindings.openai.models.doing import Doing, doing, plural
from bindings.openai.models.matching import Skill
from bindings.openai.models.outcomes import Outcome
from bindings.openai.models.words import name_words

# Under which key the part of a record stands that people would read out.
_SPEAKING_KEYS = ("task", "title", "name", "text", "description", "summary", "subject", "message")
_QUOTED_ROLES = frozenset({"content", "topic", "name", "path", "code", "person"})
_FLAGS = frozenset("ok success succeeded status result done message".split())
_FINE = frozenset("ok okay success successful succeeded done created added saved updated".split())
_LONGEST_LIST = 20
_LONGEST_TEXT = 200


def answer_about(outcomes: Sequence[Outcome], skills: Sequence[Skill]) -> str:
    """Tell what the skills did and found, in their order."""
    by_name = {skill.name.lower(): skill for skill in skills}
    sentences: list[str] = []
    for outcome in outcomes:
        sentence = _sentence(outcome, by_name.get(outcome.name.lower()))
        begun = any(each.startswith("Done – I ") for each in sentences)
        sentences.append(sentence.replace("Done – I ", "I also ", 1) if begun else sentence)
    return " ".join(sentences)


def short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def joined(items: Sequence[str]) -> str:
    """Join as people do; with semicolons where an item has a comma of its own."""
    if len(items) < 2:
        return "".join(items)
    if any("," in item and not item.startswith('"') for item in items):
        return "; ".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _sentence(outcome: Outcome, skill: Skill | None) -> str:
    what = doing(skill, outcome.name)
    if outcome.failed:
        return f"Sorry, I could not {_done(what, outcome, skill, past=False)}. {_TRY_AGAIN}"
    if not outcome.succeeded:
        return (
            f"I did not {_done(what, outcome, skill, past=False)}, because too many calls were "
            "asked for."
        )
    if outcome.value is None:
        return f"Done – {_i_did(what, outcome, skill)}."
    if skill is not None and skill.intent not in {"", "read"} and not _is_message(outcome.value):
        news = _news(outcome)
        told = "" if news is None else f" {_result(news)}"
        return f"Done – {_i_did(what, outcome, skill)}.{told}"
    return _told(outcome.value, what, outcome, skill)


def _news(outcome: Outcome) -> Any:
    """Return what a result says beyond that it worked, and with what; `None` when that is all."""
    value = outcome.value
    if _is_fine(value):
        return None
    if not isinstance(value, Mapping):
        return value
    given = outcome.arguments
    texts = [each for each in given.values() if isinstance(each, str) and each]
    left = {
        name: each
        for name, each in value.items()
        if not (name in given and each == given[name])
        and each not in texts
        and not (name.lower() in _FLAGS and _is_fine(each))
    }
    return left or (None if value else value)


def _is_fine(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in _FINE)


_TRY_AGAIN = "Would you like me to try again?"


def _i_did(what: Doing, outcome: Outcome, skill: Skill | None) -> str:
    if not what.did:
        return f"{outcome.name}{_details(outcome, skill)} is finished"
    return f"I {_done(what, outcome, skill, past=True)}"


def _done(what: Doing, outcome: Outcome, skill: Skill | None, *, past: bool) -> str:
    if not what.do:
        return f"finish {outcome.name}{_details(outcome, skill)}"
    return f"{what.did if past else what.do} {what.the}".rstrip() + _details(outcome, skill)


def _details(outcome: Outcome, skill: Skill | None) -> str:
    """Say what a skill was called with: its text in quotes, the rest in brackets."""
    slots = {each.name: each for each in skill.slots} if skill else {}
    given = {
        name: value
        for name, value in outcome.arguments.items()
        if value not in ("", None, [], {}) and not (name in slots and slots[name].is_ignored)
    }
    is_read = skill is not None and skill.intent == "read"
    quoted = ""
    for name, value in given.items():
        role = slots[name].role if name in slots else "content"
        if isinstance(value, str) and role in _QUOTED_ROLES and not is_read:
            quoted = name
            if role != "person":  # a letter is told by its text rather than by its recipient
                break
    text = f' "{short(str(given[quoted]))}"' if quoted else ""
    others = [_detail(name, value) for name, value in given.items() if name != quoted]
    return f"{text} ({', '.join(others)})" if others else text


def _detail(name: str, value: Any) -> str:
    words = name_words(name).lower()
    if isinstance(value, bool):
        if words == "on":
            return "on" if value else "off"
        return words if value else f"not {words}"
    if isinstance(value, int | float) and words.endswith("s"):  # such as 10 minutes
        return f"{value:g} {words.split()[-1]}"
    return f"{words} {_value(value)}"


def _is_message(value: Any) -> bool:
    """Whether a result is a sentence somebody wrote for people."""
    return isinstance(value, str) and len(value.split()) > 2


def _result(value: Any) -> str:
    if isinstance(value, list):
        return f"The result is {_entries(value)}." if value else "The result is an empty list."
    if isinstance(value, Mapping):
        return f"The result is {pairs(value)}." if value else "The result is empty."
    if value == "":
        return "The result is an empty text."
    return f"The result is {_value(value)}."


def _told(value: Any, what: Doing, outcome: Outcome, skill: Skill | None) -> str:
    """Tell what was found or worked out."""
    if isinstance(value, list):
        return _told_list(value, what)
    if isinstance(value, Mapping):
        if not value:
            return f"I found nothing{_details(outcome, skill)}."
        return f"Here is {what.the or 'what I found'}: {pairs(value)}."
    if isinstance(value, str) and _is_message(value):
        return value.strip()
    if isinstance(value, bool) or not what.the or skill is None or skill.intent != "read":
        return _result(value)
    if not what.noun:
        return f"Here is {what.the}: {_value(value)}."
    subject = f"{what.the[:1].upper()}{what.the[1:]}"
    verb = "are" if plural(what.what, 2) else "is"
    return _result(value).replace("The result is", f"{subject}{_details(outcome, skill)} {verb}", 1)


def _told_list(value: Sequence[Any], what: Doing) -> str:
    noun = plural(what.noun, len(value))
    if not value:
        return f"I found no {noun or 'entries'}."
    noun = noun or ("entry" if len(value) == 1 else "entries")
    return f"I found {len(value)} {noun}: {_entries(value)}."


def _entries(value: Sequence[Any]) -> str:
    shown = [item_text(each) for each in value[:_LONGEST_LIST]]
    if any(" " in each and each[:1].islower() for each in shown) and not _has_pairs(value):
        # "call dad and take out the trash" would be one task to a reader.
        shown = [f'"{each}"' for each in shown]
    more = len(value) - len(shown)
    return f"{'; '.join(shown)} and {more} more" if more else joined(shown)


def _has_pairs(value: Sequence[Any]) -> bool:
    return any(not isinstance(each, str) and item_text(each) == _plainly(each) for each in value)


def _plainly(value: Any) -> str:
    return pairs(value) if isinstance(value, dict) else _value(value)


def item_text(value: Any) -> str:
    """Return how a person would read an entry of a list out."""
    if not isinstance(value, dict):
        return _value(value)
    members = {key.lower(): member for key, member in value.items()}
    for key in _SPEAKING_KEYS:
        if isinstance(members.get(key), str) and members[key].strip():
            return str(members[key])
    speaking = [
        member
        for key, member in members.items()
        if isinstance(member, str) and key.endswith(_SPEAKING_KEYS) and member.strip()
    ]
    return speaking[0] if speaking else _plainly(value)


def pairs(value: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name_words(str(key)).lower()} {_value(each)}" for key, each in value.items()
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
