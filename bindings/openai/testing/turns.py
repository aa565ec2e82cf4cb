"""Turns a test writes for the model: what it is asked, what it then says, calls or suffers.

    models.on("remind me").calls("AddTodo", "buy milk").then_says("Done.")

A turn is one line of replies. Those up to a text answer one message of a person; what stands
behind it answers the next one of that kind.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from bindings.openai.models.base import ChatRequest
from bindings.openai.models.retrying import ServiceError
from bindings.openai.testing.asked import ModelRequest, Pattern, matches, pattern_text
from emulator.sdk import BindingError

Says = str | Callable[[ModelRequest], str]


@dataclass(slots=True)
class Failure:
    """What goes wrong, and in how many attempts; `None` means in all."""

    status: int | None
    times: int | None
    retry_after: float | None = None
    message: str = ""

    def error(self) -> ServiceError:
        if self.status is None:
            text = "The model service did not answer in time (as the test asks)."
        else:
            told = f": {self.message}" if self.message else ""
            text = f"The model service answered {self.status}{told} (as the test asks)."
        return ServiceError(text, status=self.status, retry_after=self.retry_after)


class SkillCall(NamedTuple):
    """A skill the model asks for: with the value of its one parameter, or with named ones."""

    skill: str
    value: Any
    named: Mapping[str, Any]


@dataclass(slots=True)
class Reply:
    """One answer of the model: calls, or a text; before it comes what goes wrong."""

    says: Says | None = None
    calls: list[SkillCall] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    latency: float = 0.0

    @property
    def ends(self) -> bool:
        """Whether the person has the word after it."""
        return self.says is not None or self.fails_for_good

    @property
    def fails_for_good(self) -> bool:
        return any(each.times is None for each in self.failures)

    def __str__(self) -> str:
        parts = [f"fails with {each.status or 'a timeout'}" for each in self.failures]
        parts += [f"calls {each.skill}" for each in self.calls]
        if self.says is not None:
            parts.append(f"says {self.says!r}" if isinstance(self.says, str) else "says …")
        return " and ".join(parts)


class Turn:
    """Made by `models.on(…)`; each method returns the turn, so that they can be chained."""

    def __init__(
        self, pattern: Pattern, *, assistant: str, function: str | None, place: str
    ) -> None:
        self._pattern = pattern
        self._assistant = assistant
        self._function = function
        self._replies: list[Reply] = []
        self._pending = Reply()
        """Begun by `fails` or `after`, and not a reply yet."""
        self._used = 0
        self._times: int | None = 1
        self._optional = False
        self.place = place

    # Writing

    def says(self, text: Says) -> Self:
        """Let the model answer with a text, or with what a function of the `ModelRequest` returns.

        A further text, `.says("one").then_says("two")`, answers the next message of that kind.
        """
        reply = self._begin()
        reply.says = text
        return self

    def then_says(self, text: Says) -> Self:
        """The same as `says`, for the end of a chain."""
        return self.says(text)

    def calls(self, skill: str, value: Any = None, /, **arguments: Any) -> Self:
        """Let the model ask for a skill; the result comes back, and the next reply answers it.

        `value` is the skill's one parameter, or a dict with all of them; `arguments` name them.
        """
        self._begin().calls.append(SkillCall(skill, value, arguments))
        return self

    def then_calls(self, skill: str, value: Any = None, /, **arguments: Any) -> Self:
        """The same as `calls`: asked for after the results of the calls before."""
        return self.calls(skill, value, **arguments)

    def and_calls(self, skill: str, value: Any = None, /, **arguments: Any) -> Self:
        """Let the model ask for one more skill in the same reply; raises `ValueError` where there
        is none before it."""
        if not self._replies or not self._replies[-1].calls:
            raise ValueError("and_calls(…) follows calls(…): it adds to the same reply")
        self._replies[-1].calls.append(SkillCall(skill, value, arguments))
        return self

    def fails(
        self,
        status: int,
        *,
        times: int | None = None,
        retry_after: float | None = None,
        message: str = "",
    ) -> Self:
        """Let the service refuse with an HTTP status, 400 to 599.

        With `times` the first attempts fail, and the reply that follows answers the next one: the
        extension tries four times when the status is passing (408, 429, 5xx). Without, every
        attempt fails. Nothing is waited between attempts, whatever `retry_after` (seconds) says.
        Raises `ValueError` for another status.
        """
        if not 400 <= status <= 599:
            raise ValueError(f"a refusal has a status from 400 to 599, not {status}")
        return self._trouble(Failure(status, times, retry_after, message))

    def times_out(self, *, times: int | None = None) -> Self:
        """Let the service not answer in time; `times` as for `fails`."""
        return self._trouble(Failure(None, times))

    def after(self, seconds: float) -> Self:
        """Let the next reply take that long on the app's clock (`functions_app.clock`)."""
        self._pending.latency += seconds
        return self

    def times(self, count: int) -> Self:
        """Let all of this be said that many times, instead of once."""
        self._times = count
        return self

    def always(self) -> Self:
        """Let all of this be said as often as it is asked for, or never."""
        self._times, self._optional = None, True
        return self

    def optional(self) -> Self:
        """Do not ask that it is used."""
        self._optional = True
        return self

    def _begin(self) -> Reply:
        reply, self._pending = self._pending, Reply()
        self._replies.append(reply)
        return reply

    def _trouble(self, failure: Failure) -> Self:
        self._pending.failures.append(failure)
        if failure.times is None:
            self._begin()
        return self

    # Using

    def fits(self, request: ModelRequest) -> bool:
        """Whether it answers what a person said in this request, and is not used up."""
        return self._next_round() is not None and self._is_meant(request)

    def would_fit(self, request: ModelRequest) -> bool:
        """Whether it would answer this request if it were not used up."""
        return self._used > 0 and self._next_round() is None and self._is_meant(request)

    def _is_meant(self, request: ModelRequest) -> bool:
        return (
            fnmatch.fnmatchcase(request.assistant, self._assistant)
            and (self._function is None or request.function.lower() == self._function.lower())
            and matches(self._pattern, request.user, request)
        )

    def take(self) -> list[Reply]:
        """Use up the replies to one message and return them."""
        round_ = self._next_round()
        assert round_ is not None, "ask `fits` first"
        self._used += 1
        return round_

    def _next_round(self) -> list[Reply] | None:
        rounds = list(self._rounds())
        if not rounds or (self._times is not None and self._used >= len(rounds) * self._times):
            return None
        return rounds[self._used % len(rounds)]

    def _rounds(self) -> Iterator[list[Reply]]:
        current: list[Reply] = []
        for reply in self._replies:
            current.append(reply)
            if reply.ends:
                yield current
                current = []
        if current:
            yield current

    def unused(self) -> str | None:
        """Say what of it was never asked for; `None` when all was, or need not be."""
        rounds = list(self._rounds())
        if not rounds:
            return f"{self} has no reply: add .says(…) or .calls(…)"
        if self._pending.failures or self._pending.latency:
            return f"{self} ends with trouble but no reply: .fails(…) and .after(…) come before it"
        if self._optional or self._times is None or self._used >= len(rounds) * self._times:
            return None
        if self._used == 0:
            return f"{self} was never asked for"
        left = rounds[self._used % len(rounds)]
        count = f"{self._used} of {len(rounds) * self._times}"
        return f"{self} was used {count} times: left is {left[0]}"

    def __str__(self) -> str:
        more = [pattern_text(self._pattern)] if self._pattern is not None else []
        more += [f"assistant={self._assistant!r}"] if self._assistant != "*" else []
        more += [f"function={self._function!r}"] if self._function is not None else []
        return f"models.on({', '.join(more)}) in {self.place}"


def arguments_of(wanted: SkillCall, request: ChatRequest, turn: str) -> tuple[str, str]:
    """Return the skill's name as it is offered and the JSON text of its arguments."""
    skill, value, named = wanted
    offered: dict[str, Any] = {tool["function"]["name"]: tool["function"] for tool in request.tools}
    name = next((each for each in offered if each.lower() == skill.lower()), None)
    if name is None:
        told = ", ".join(offered) or "none"
        raise BindingError(
            f"{turn} calls the skill '{skill}', which the app does not offer. It offers: {told}.",
            hint="A skill is a function with an assistantSkillTrigger; its name counts.",
            code="model-script-skill",
        )
    arguments: dict[str, Any] = dict(named)
    if isinstance(value, Mapping):
        arguments = {**value, **named}
    elif value is not None:
        parameters = list(offered[name].get("parameters", {}).get("properties", {}))
        free = [each for each in parameters if each not in named]
        if len(free) != 1:
            raise BindingError(
                f"{turn} calls the skill '{name}' with {value!r}, but it has the parameters "
                f"{', '.join(parameters) or 'none'}.",
                hint=f'Name them: .calls("{name}", {"=…, ".join(parameters)}=…).',
                code="model-script-skill",
            )
        arguments[free[0]] = value
    return name, json.dumps(arguments, ensure_ascii=False)
