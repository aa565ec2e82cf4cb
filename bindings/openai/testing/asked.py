"""What a model was asked, as a test reads it, and what a request must be like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from bindings.openai.models.base import ChatRequest, ToolCall
from bindings.openai.models.embedding import EmbeddingRequest
from bindings.openai.models.outcomes import outcome_of

_LONGEST = 120


@dataclass(slots=True)
class ModelRequest:
    """One request to a model; `kind` is `chat` or `embeddings`.

    `messages` has the shape of the chat-completion protocol, `tools` are the names of the skills
    on offer, `user` is what the person said last, and `results` are the skills' results since then
    (parsed if they are JSON). `texts` are those of a request for embeddings. `attempts` counts the
    tries, `reply` is the text that came, `calls` the names of the skills it asks for, and `error`
    why there was none. `assistant` and `function` say who asks; `temperature` and `max_tokens` are
    `None` where none is sent.
    """

    kind: Literal["chat", "embeddings"]
    model: str
    messages: Sequence[Mapping[str, Any]] = ()
    tools: Sequence[str] = ()
    assistant: str = ""
    function: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    user: str = ""
    results: Sequence[Any] = ()
    texts: Sequence[str] = ()
    attempts: int = 0
    reply: str = ""
    calls: Sequence[str] = field(default_factory=tuple)
    error: str = ""

    @property
    def continues(self) -> bool:
        """Whether it brings results of skills, and nothing new was said."""
        return bool(self.messages) and self.messages[-1].get("role") == "tool"

    def __str__(self) -> str:
        if self.kind == "embeddings":
            return f"embeddings of {_short(self.texts[0] if self.texts else '')}"
        what = f"{_short(self.user)}"
        if self.continues:
            what = f"the results of {', '.join(_answered(self.messages))} to {what}"
        return f"{what} for assistant '{self.assistant}'" if self.assistant else what


Pattern: TypeAlias = "str | re.Pattern[str] | Callable[[ModelRequest], bool] | None"
"""What a request must be like: a text it contains, whatever the case; a regular expression found
in it; a function of the request; `None` takes any."""


def matches(pattern: Pattern, text: str, request: ModelRequest) -> bool:
    match pattern:
        case None:
            return True
        case str():
            return _folded(pattern) in _folded(text)
        case re.Pattern():
            return pattern.search(text) is not None
        case _:
            return bool(pattern(request))


def pattern_text(pattern: Pattern) -> str:
    """Return the pattern as it is written in a test."""
    match pattern:
        case None:
            return ""
        case str():
            return repr(pattern)
        case re.Pattern():
            return f"re.compile({pattern.pattern!r})"
        case _:
            return str(getattr(pattern, "__name__", repr(pattern)))


def of_chat(request: ChatRequest) -> ModelRequest:
    messages = request.messages
    return ModelRequest(
        "chat",
        request.model,
        messages=messages,
        tools=tuple(str(tool["function"]["name"]) for tool in request.tools),
        assistant=request.assistant,
        function=request.function,
        temperature=request.temperature,
        max_tokens=request.max_tokens,
        user=_last_said(messages),
        results=tuple(_results(messages)),
    )


def of_embeddings(request: EmbeddingRequest) -> ModelRequest:
    return ModelRequest("embeddings", request.model, texts=request.texts)


def last_calls(messages: Sequence[Mapping[str, Any]]) -> list[ToolCall]:
    """Return the calls the model asked for last."""
    for message in reversed(messages):
        if message.get("role") == "assistant":
            return [
                ToolCall(each["id"], each["function"]["name"], each["function"]["arguments"])
                for each in message.get("tool_calls") or ()
            ]
    return []


def _last_said(messages: Sequence[Mapping[str, Any]]) -> str:
    said = [each for each in messages if each.get("role") == "user"]
    content = said[-1].get("content") if said else ""
    if isinstance(content, list):
        return " ".join(str(part.get("text") or "") for part in content)
    return str(content or "")


def _results(messages: Sequence[Mapping[str, Any]]) -> list[Any]:
    values: list[Any] = []
    calls: dict[str, ToolCall] = {}
    for message in messages:
        match message.get("role"):
            case "user":
                values, calls = [], {}
            case "assistant":
                calls |= {call.id: call for call in last_calls([message])}
            case "tool":
                id = str(message.get("tool_call_id"))
                values.append(outcome_of(str(message.get("content")), calls.get(id), id).value)
    return values


def _answered(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"'{call.name}'" for call in last_calls(messages)] or ["a skill"]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= _LONGEST else f'"{line[:_LONGEST]}…"'
