"""The port for chat models: what is asked, what is answered, in the chat-completion protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


def _keep_quiet(text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """`messages` and `tools` have the shape of the chat-completion protocol. `assistant` and
    `function` say who asks; a service never sees them. `tell` takes what a waiting person should
    know, such as another attempt."""

    model: str
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    reasoning_effort: str | None = None
    assistant: str = ""
    function: str = ""
    documents: Sequence[tuple[str, str]] = ()
    """Titles and texts the answer shall come from. Services find them in the messages."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further parameters of the protocol, which services get as they are."""
    recording: str = ""
    """The file of recordings a request of the app's own belongs to, if it names one."""
    tell: Callable[[str], None] = _keep_quiet


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is the model's own text: JSON if all went well."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    total: int = 0
    prompt: int = 0
    completion: int = 0


@dataclass(frozen=True, slots=True)
class ChatReply:
    """`raw` is the whole chat completion as it came; empty from models without a service.
    `served_by` is the back end that answered, where another was asked first. `drift` names what
    is not as it was when the reply was recorded."""

    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: Usage = Usage()
    raw: Mapping[str, Any] = field(default_factory=dict)
    served_by: str = ""
    drift: tuple[str, ...] = ()


class ModelBackend(Protocol):
    """One way to get replies."""

    name: str
    """What it is called in records: `azure-openai`, `openai`, `script`, `deterministic`,
    `recordings`."""

    async def chat(self, request: ChatRequest) -> ChatReply:
        """Answer, or raise `BindingError` with a text for the user."""
        ...

    async def aclose(self) -> None: ...


CHARACTERS_A_TOKEN = 4


def estimate_usage(request: ChatRequest, reply_text: str) -> Usage:
    """Count tokens by rule of thumb: four characters each, four more for every message."""
    prompt = sum(
        4 + len(str(message.get("content") or "")) // CHARACTERS_A_TOKEN
        for message in request.messages
    )
    completion = max(1, len(reply_text) // CHARACTERS_A_TOKEN)
    return Usage(prompt + completion, prompt, completion)
