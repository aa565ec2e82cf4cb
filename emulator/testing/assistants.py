"""A chat as a test looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SkillCall:
    """A call of a skill the model asked for. `arguments` are parsed, `result` is what the skill
    returned, parsed if it is JSON; `failed` says that it did not run to its end."""

    name: str
    arguments: Mapping[str, Any]
    result: Any = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """One message; `role` is `System`, `User`, `Assistant` or `Tool`, as stored, and `tool_calls`
    are the skills that a message of the assistant asks for."""

    role: str
    content: str
    tool_calls: tuple[SkillCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Assistant:
    """What is stored of one assistant; when it does not, `exists` is false and there are no
    messages. `total_tokens` is what its last turn took."""

    id: str
    exists: bool = False
    messages: tuple[AssistantMessage, ...] = ()
    total_tokens: int = 0

    @property
    def tool_calls(self) -> tuple[SkillCall, ...]:
        """All calls of skills, in order."""
        return tuple(call for message in self.messages for call in message.tool_calls)

    @property
    def answer(self) -> str:
        """The last text the assistant said; empty when it has not said any."""
        said = [each.content for each in self.messages if each.role == "Assistant"]
        return next((text for text in reversed(said) if text.strip()), "")

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> Assistant:
        """Read what the package with the chats shows of one."""
        return cls(
            view["id"],
            True,
            tuple(
                AssistantMessage(
                    each["role"],
                    each["content"],
                    tuple(SkillCall(**call) for call in each["tool_calls"]),
                )
                for each in view["messages"]
            ),
            view["total_tokens"],
        )
