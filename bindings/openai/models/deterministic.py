"""A model without a network: it understands skills by their words and answers by rule.

The same conversation gets the same answer on every machine. It calls the skill that fits best what
was said, never twice for one request; it tells what a skill returned; and where no skill fits it
says what it can do. It knows nothing about the world and does not pretend to.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bindings.openai.models.base import ChatReply, ChatRequest, ToolCall, estimate_usage
from bindings.openai.models.lexical import answer_from_documents
from bindings.openai.models.matching import Skill, skill_of
from bindings.openai.models.outcomes import Outcome, outcome_of
from bindings.openai.models.phrasing import answer_without_skills, ask_back
from bindings.openai.models.telling import answer_about
from bindings.openai.models.understanding import Previous, wanted
from emulator.sdk import Clock

_AGAIN = re.compile(
    r"^(?:yes|yeah|sure|ok|okay)?[\s,.!]*(?:please|please do|retry|again|go ahead"
    r"|(?:please )?(?:try|do it|once) (?:it )?(?:again|more))?[\s.!]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A user message and what came of it."""

    user: str
    calls: tuple[ToolCall, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


class DeterministicBackend:
    name = "deterministic"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def chat(self, request: ChatRequest) -> ChatReply:
        """Answer at once; this never fails."""
        turn = _turn(request.messages)
        skills = [skill_of(tool) for tool in request.tools]
        if turn.outcomes:
            return _talk(request, answer_about(turn.outcomes, skills))
        if request.documents:
            return _talk(request, answer_from_documents(turn.user, request.documents))
        if not skills:
            return _talk(request, answer_without_skills(turn.user))
        calls = self._calls(turn, request, skills)
        if not calls:
            return _talk(request, ask_back(turn.user, skills))
        text = "".join(call.name + call.arguments for call in calls)
        return ChatReply(
            tool_calls=calls,
            finish_reason="tool_calls",
            usage=estimate_usage(request, text),
        )

    async def aclose(self) -> None:
        """Nothing to give back."""

    def _calls(
        self, turn: _Turn, request: ChatRequest, skills: Sequence[Skill]
    ) -> tuple[ToolCall, ...]:
        previous = _previous_turn(request.messages)
        said = turn.user.strip()
        if said and len(said) < 60 and _AGAIN.match(said):
            failed = _failed_calls(previous)
            if failed:
                return tuple(
                    _call(each.name, each.arguments, request, index)
                    for index, each in enumerate(failed)
                )
        now = self._clock.now()
        asked = wanted(turn.user, skills, _last_call(previous, skills), now)
        return tuple(
            _call(
                each.skill.name,
                json.dumps(each.arguments(now), ensure_ascii=False),
                request,
                index,
            )
            for index, each in enumerate(asked)
        )


def _last_call(previous: _Turn | None, skills: Sequence[Skill]) -> Previous | None:
    if previous is None or not previous.calls:
        return None
    call = previous.calls[-1]
    skill = next((each for each in skills if each.name.lower() == call.name.lower()), None)
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = {}
    if skill is None:
        return None
    return Previous(skill, arguments if isinstance(arguments, dict) else {})


def _failed_calls(previous: _Turn | None) -> list[ToolCall]:
    if previous is None:
        return []
    failed = {outcome.call_id for outcome in previous.outcomes if outcome.failed}
    return [call for call in previous.calls if call.id in failed]


def _turn(messages: Sequence[Mapping[str, Any]]) -> _Turn:
    """Return the turn the conversation is in: from the last user message on."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].get("role") == "user":
            return _read_turn(messages[index:])
    return _Turn("")


def _previous_turn(messages: Sequence[Mapping[str, Any]]) -> _Turn | None:
    users = 0
    end = len(messages)
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].get("role") == "user":
            users += 1
            if users == 2:
                return _read_turn(messages[index:end])
            end = index
    return None


def _read_turn(messages: Sequence[Mapping[str, Any]]) -> _Turn:
    calls: dict[str, ToolCall] = {}
    outcomes = []
    for message in messages[1:]:
        for entry in message.get("tool_calls") or ():
            function = entry["function"]
            calls[entry["id"]] = ToolCall(entry["id"], function["name"], function["arguments"])
        if message.get("role") == "tool":
            identity = str(message.get("tool_call_id"))
            outcomes.append(outcome_of(str(message.get("content")), calls.get(identity), identity))
    return _Turn(_text_of(messages[0].get("content")), tuple(calls.values()), tuple(outcomes))


def _text_of(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)


def _call(name: str, arguments: str, request: ChatRequest, index: int) -> ToolCall:
    """Name the call after its place in the conversation, so that it is the same everywhere."""
    place = f"{request.assistant}\n{len(request.messages)}\n{index}\n{name}\n{arguments}"
    return ToolCall(f"call_{hashlib.sha256(place.encode()).hexdigest()[:24]}", name, arguments)


def _talk(request: ChatRequest, text: str) -> ChatReply:
    return ChatReply(content=text, usage=estimate_usage(request, text))
