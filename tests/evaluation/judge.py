"""What the model does with a phrasing, and whether that is right."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bindings.openai.models.base import ChatRequest
from bindings.openai.models.deterministic import DeterministicBackend
from emulator.clock import ManualClock
from tests.evaluation.table import Phrasing, Wanted

TODAY = datetime(2026, 3, 11, 8, tzinfo=UTC)
"""A Wednesday; the dates in the table are seen from it."""

_ARTICLE = re.compile(r"^(?:the|a|an|some)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    phrasing: Phrasing
    called: tuple[tuple[str, Mapping[str, Any]], ...]
    said: str

    @property
    def right_skill(self) -> bool:
        return [name for name, _ in self.called] == [each.skill for each in self.phrasing.calls]

    @property
    def right_arguments(self) -> bool:
        """Whether the skills are right, and each has what was said for it and no more."""
        return self.right_skill and all(
            _same(wanted, arguments)
            for wanted, (_, arguments) in zip(self.phrasing.calls, self.called, strict=True)
        )

    @property
    def false_call(self) -> bool:
        """Whether something was called that nobody asked for."""
        wanted = [each.skill for each in self.phrasing.calls]
        return any(name not in wanted for name, _ in self.called)


@dataclass(frozen=True)
class Score:
    """How many of `asked` phrasings went how. `with_calls` of them ask for a skill."""

    asked: int
    right_skill: int
    with_calls: int
    right_arguments: int
    false_calls: int

    @property
    def right_share(self) -> float:
        return self.right_skill / self.asked

    @property
    def false_share(self) -> float:
        return self.false_calls / self.asked

    @property
    def arguments_share(self) -> float:
        return self.right_arguments / self.with_calls


async def judge(phrasings: Sequence[Phrasing], tools: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    backend = DeterministicBackend(ManualClock(TODAY))
    verdicts = []
    for phrasing in phrasings:
        reply = await backend.chat(ChatRequest("m", phrasing.messages(), tools))
        called = tuple((call.name, json.loads(call.arguments)) for call in reply.tool_calls)
        verdicts.append(Verdict(phrasing, called, reply.content))
    return verdicts


def score(verdicts: Sequence[Verdict]) -> Score:
    with_calls = [each for each in verdicts if each.phrasing.calls]
    return Score(
        asked=len(verdicts),
        right_skill=sum(each.right_skill for each in verdicts),
        with_calls=len(with_calls),
        right_arguments=sum(each.right_arguments for each in with_calls),
        false_calls=sum(each.false_call for each in verdicts),
    )


def _same(wanted: Wanted, arguments: Mapping[str, Any]) -> bool:
    # An optional text may be left out or empty; both mean that it was not said.
    given = {key: value for key, value in arguments.items() if value != ""}
    return given.keys() == wanted.arguments.keys() and all(
        any(_equal(each, given[key]) for each in (value if isinstance(value, list) else [value]))
        for key, value in wanted.arguments.items()
    )


def _equal(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, str) and isinstance(given, str):
        return _bare(wanted) == _bare(given)
    return type(wanted) is type(given) and bool(wanted == given)


def _bare(text: str) -> str:
    """Leave out what makes no difference to a person: case, an article, marks at the ends."""
    return _ARTICLE.sub("", text.strip(" \"'.,!?").lower())
