"""What the offline model says: plain sentences about results, skills and itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bindings.openai.models.base import ToolCall
from bindings.openai.models.matching import Skill
from bindings.openai.models.words import tokens

_RESULT = re.compile(
    r"Function Name: '(?P<name>.*?)' and Function Result: '(?P<result>.*)'", re.DOTALL
)
_SUCCEEDED = "The function call succeeded."
_FAILED = "The function call failed."
_NOT_CALLED = "The function was not called"

_GREETING = re.compile(r"^(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings)\b", re.I)
_THANKS = re.compile(r"^(?:thanks|thank you|cheers|great|perfect|nice|good)\b[^?]*$", re.I)

# Under which key the part of a record stands that people would read out.
_SPEAKING_KEYS = ("task", "title", "name", "text", "description", "summary", "subject", "message")

_ASKING = frozenset(
    "who whose who's what what's which when where where's why how is are was were do does did can "
    "could would will you please tell me about explain describe i i'd like want to know".split()
)
_LONGEST_LIST = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a skill call. `value` is the parsed result, `None` when it returned nothing."""

    call_id: str
    name: str
    argument: str
    value: Any = None
    succeeded: bool = True
    failed: bool = False


def outcome_of(content: str, call: ToolCall | None, call_id: str) -> Outcome:
    """Read a tool message, which names the function and quotes its result."""
    match = _RESULT.fullmatch(content)
    name = match["name"] if match else (call.name if call else "the function")
    result = match["result"] if match else content
    argument = _said(call.arguments) if call else ""
    if result.startswith(_FAILED):
        return Outcome(call_id, name, argument, failed=True, succeeded=False)
    if result.startswith(_NOT_CALLED):
        return Outcome(call_id, name, argument, succeeded=False)
    value = None if result.startswith(_SUCCEEDED) else parse_result(result)
    return Outcome(call_id, name, argument, value)


def parse_result(text: str) -> Any:
    """Parse a result, also one that is JSON inside a JSON text."""
    value: Any = text
    for _ in range(2):
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value)
        except ValueError:
            break
    return value


def answer_about(outcomes: Sequence[Outcome]) -> str:
    """Tell what the skills did, one sentence each."""
    return " ".join(_sentence(outcome) for outcome in outcomes)


def answer_without_skills(user: str) -> str:
    """Answer when the app offers no skills: repeat what it is about, say what would help."""
    text = user.strip()
    if _GREETING.match(text):
        return "Hello! I am the offline model of the local host. How can I help you?"
    if _THANKS.match(text):
        return "You're welcome."
    topic = _topic(text)
    about = f"You asked about {_short(topic)}. " if topic else f'You said "{_short(text)}". '
    return (
        f"{about}I am the offline model of the local host: I understand skills, but I know "
        "nothing about the world. Connect a model service for a real answer."
    )


def ask_back(user: str, skills: Sequence[Skill]) -> str:
    """Say what can be done when nothing offered fits."""
    text = user.strip()
    offers = "; ".join(_offer(skill) for skill in skills[:_LONGEST_LIST])
    if _GREETING.match(text):
        return f"Hello! I can help you with: {offers}."
    if _THANKS.match(text):
        return "You're welcome."
    return (
        f'I am not sure which of my skills "{_short(text)}" asks for. I can help you with: '
        f"{offers}. Which one do you mean?"
    )


def _offer(skill: Skill) -> str:
    description = skill.description.strip().rstrip(".")
    return f"{skill.name} ({description})" if description else skill.name


def _sentence(outcome: Outcome) -> str:
    about = f' with "{_short(outcome.argument)}"' if outcome.argument else ""
    if outcome.failed:
        return f"Calling {outcome.name}{about} failed. Would you like me to try again?"
    if not outcome.succeeded:
        return f"I did not call {outcome.name}{about}, because too many calls were asked for."
    if outcome.value is None:
        return f"Done: I called {outcome.name}{about}."
    return f"{outcome.name} {_told(outcome.value)}"


def _told(value: Any) -> str:
    if isinstance(value, list):
        return _told_list(value)
    if isinstance(value, dict):
        return f"returned {_pairs(value)}." if value else "returned nothing."
    if isinstance(value, str):
        text = value.strip()
        return f"returned: {text}" if text else "returned an empty text."
    return f"returned {json.dumps(value)}."


def _told_list(value: Sequence[Any]) -> str:
    if not value:
        return "found nothing: the list is empty."
    shown = [item_text(each) for each in value[:_LONGEST_LIST]]
    more = len(value) - len(shown)
    ending = f" and {more} more" if more else ""
    count = "1 entry" if len(value) == 1 else f"{len(value)} entries"
    return f"found {count}: {'; '.join(shown)}{ending}."


def item_text(value: Any) -> str:
    """Return how a person would read an entry of a list out."""
    if not isinstance(value, dict):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    members = {key.lower(): member for key, member in value.items()}
    for key in _SPEAKING_KEYS:
        if isinstance(members.get(key), str) and members[key].strip():
            return str(members[key])
    speaking = [
        member
        for key, member in members.items()
        if isinstance(member, str) and key.endswith(_SPEAKING_KEYS) and member.strip()
    ]
    return speaking[0] if speaking else _pairs(value)


def _pairs(value: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key}: {each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)}"
        for key, each in value.items()
    )


def _said(arguments: str) -> str:
    """Return the texts among the arguments of a call."""
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        return ""
    if not isinstance(value, dict):
        return ""
    return ", ".join(str(each) for each in value.values() if each not in ("", None, [], {}))


def _topic(text: str) -> str:
    """Return what a question is about: the text without the words it begins with."""
    words = tokens(text)
    first = next((token for token in words if token.word not in _ASKING), None)
    if first is None or first is words[0]:
        return ""
    return text[first.start :].rstrip(" .,!?\n")


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"
