"""A request's messages to what counts when conversations are compared.

White space in texts is folded. Results of skills lose the sentence around them and are read as
data, also where JSON stands in a JSON text; they are ordered as they were asked for. The
instructions, which stand first, are kept apart.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bindings.openai.models.base import ToolCall
from bindings.openai.recordings.paths import JsonPath
from bindings.openai.recordings.redact import Redactor

_TEMPLATE = re.compile(
    r"Function Name: '(?P<name>[^']*)' and Function Result: '(?P<result>.*)'", re.DOTALL
)
_INSTRUCTIONS = frozenset({"system", "developer"})
_CACHED = 20_000
"""Texts whose normal form is kept: chats are sent whole with each request."""

DEEPEST = 100
"""Levels of data in results; what is nested deeper counts as text."""

Role = Literal["user", "system", "result"]


@dataclass(frozen=True, slots=True)
class Added:
    """One message that was added to a chat. `value` is a folded text, or data; `text` is the
    message as it came, without secrets."""

    role: Role
    value: Any
    skill: str = ""
    text: str = ""


Delta = tuple[Added, ...]
"""What was added to a chat between two replies of the model."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message of the model, as it stands in a chat."""

    text: str
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """What was added, and what the model said to it; the last turn waits for that."""

    delta: Delta
    said: Spoken | None = None


@dataclass(frozen=True, slots=True)
class History:
    instructions: str
    turns: tuple[Turn, ...]


class Normaliser:
    """`ignored` are paths by skill, in lower case, that do not count in results."""

    def __init__(
        self, redactor: Redactor, ignored: Mapping[str, Sequence[JsonPath]] | None = None
    ) -> None:
        self.redactor = redactor
        self._ignored = dict(ignored or {})
        self._texts: dict[str, tuple[str, str]] = {}
        self._results: dict[tuple[str, str], Added] = {}

    def history(self, messages: Sequence[Mapping[str, Any]]) -> History:
        """Cut a chat at the model's own messages."""
        instructions: list[str] = []
        turns: list[Turn] = []
        added: list[tuple[int, Added]] = []
        calls: Mapping[str, tuple[int, str]] = {}
        for message in messages:
            role = message.get("role")
            if role in _INSTRUCTIONS and not added and not turns:
                instructions.append(content_text(message.get("content")))
            elif role == "assistant":
                spoken = self.spoken(message)
                turns.append(Turn(_in_order(added), spoken))
                added = []
                calls = {call.id: (at, call.name) for at, call in enumerate(spoken.calls)}
            elif role in {"tool", "function"}:
                identity = str(message.get("tool_call_id") or message.get("name") or "")
                at, skill = calls.get(identity, (len(added), str(message.get("name") or "")))
                result = self.result(skill, content_text(message.get("content")))
                added.append((at, result))
            else:
                added.append((len(added), self._said(message)))
        turns.append(Turn(_in_order(added)))
        return History(self.redactor.text("\n".join(instructions)), tuple(turns))

    def spoken(self, message: Mapping[str, Any]) -> Spoken:
        """Read an assistant message."""
        calls = []
        for entry in message.get("tool_calls") or ():
            function = entry.get("function") or {}
            name, arguments = str(function.get("name") or ""), function.get("arguments")
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            calls.append(ToolCall(str(entry.get("id") or ""), name, self.redactor.text(text)))
        return Spoken(self.folded(content_text(message.get("content")))[0], tuple(calls))

    def folded(self, text: str) -> tuple[str, str]:
        """Return a text with its white space folded, and as it is; both without secrets."""
        known = self._texts.get(text)
        if known is None:
            if len(self._texts) >= _CACHED:
                self._texts.clear()
            clean = self.redactor.text(text)
            known = self._texts[text] = (" ".join(clean.split()), clean)
        return known

    def result(self, skill: str, content: str) -> Added:
        """Read what a skill returned."""
        known = self._results.get((skill, content))
        if known is None:
            if len(self._results) >= _CACHED:
                self._results.clear()
            known = self._results[(skill, content)] = self._result(skill, content)
        return known

    def masked(self, skill: str, value: Any) -> Any:
        """Return the value of a result without what does not count."""
        for path in self._ignored.get(skill.lower(), ()):
            value = path.mask(value)
        return value

    def _result(self, skill: str, content: str) -> Added:
        match = _TEMPLATE.fullmatch(content)
        text = self.redactor.text(match["result"] if match else content)
        name = skill or (match["name"] if match else "")
        return Added("result", self.masked(name, read_value(text)), name, text)

    def _said(self, message: Mapping[str, Any]) -> Added:
        role: Role = "system" if message.get("role") in _INSTRUCTIONS else "user"
        content = message.get("content")
        if isinstance(content, list) and any(part.get("type") != "text" for part in content):
            return Added(role, normal(self.redactor.data(content)))
        folded, clean = self.folded(content_text(content))
        return Added(role, folded, text=clean)


def content_text(content: Any) -> str:
    """Return the text of a message's content, which may come in parts."""
    if isinstance(content, list):
        return "\n\n".join(str(part.get("text") or "") for part in content)
    return "" if content is None else str(content)


def read_value(text: str) -> Any:
    """Read a result: JSON, JSON inside a JSON text, or the text itself."""
    try:
        value = json.loads(text)
        if isinstance(value, str):
            value = _loaded(value)
        return normal(value)
    except (ValueError, RecursionError):
        return text


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def normal(value: Any, depth: int = 0) -> Any:
    """Return data in which the spelling of numbers and of nested JSON does not count.

    Raises `RecursionError` for what is nested deeper than can be compared.
    """
    if depth > DEEPEST:
        raise RecursionError
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: normal(each, depth + 1) for key, each in value.items()}
        case list():
            return [normal(each, depth + 1) for each in value]
        case str() if value[:1] in {"{", "["}:
            try:
                return normal(json.loads(value), depth + 1)
            except (ValueError, RecursionError):
                return value
        case _:
            return value


def delta_key(delta: Delta) -> str:
    """Return a text that is the same for deltas that are equal."""
    return canonical([[each.role, each.skill.lower(), each.value] for each in delta])


def reply_key(text: str, calls: Sequence[ToolCall]) -> str:
    """Return a text that is the same for replies that say and ask for the same."""
    return canonical([text, [[call.name, read_value(call.arguments)] for call in calls]])


def canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str, length: int = 12) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _in_order(added: list[tuple[int, Added]]) -> Delta:
    return tuple(each for _, each in sorted(added, key=lambda pair: pair[0]))
