"""A model that says what a script says: the conversation decides, then the first turn that fits.

A script is a list of turns. Where a chat stands in it is read off the chat's own history, so the
same chat gets the same answers, in parallel and after a restart: the turn after the last one that
was used is tried first, then every turn from the top.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bindings.openai.models.base import (
    ChatReply,
    ChatRequest,
    ModelBackend,
    ToolCall,
    estimate_usage,
)
from bindings.openai.models.faults import Fault
from bindings.openai.models.outcomes import Outcome, outcome_of
from bindings.openai.models.script import (
    ModelScript,
    ResultMatch,
    ScriptedChat,
    ScriptTurn,
    read_script,
)
from bindings.openai.models.templates import TemplateError, render
from emulator.sdk import BindingError


@dataclass(frozen=True, slots=True)
class _Step:
    """What was added to a chat between two replies: a user's text, or results."""

    user: str
    outcomes: tuple[Outcome, ...] = ()
    arguments: Mapping[str, Any] | None = None


class ScriptedBackend:
    """`otherwise` answers what the script does not, unless the script says that is an error."""

    name = "script"

    def __init__(self, path: Path, *, otherwise: ModelBackend) -> None:
        self._path = path
        self._otherwise = otherwise
        self._script: ModelScript | None = None
        self._read_at: tuple[int, int] | None = None

    async def chat(self, request: ChatRequest) -> ChatReply:
        script = self.current()
        steps = _steps(request.messages)
        for chat in script.chats:
            if fnmatch.fnmatchcase(request.assistant, chat.assistant):
                found = _find(chat, steps)
                if found is not None:
                    return _reply(script, found, steps[-1], request)
        if script.when_unmatched == "error":
            raise _unmatched(script, steps[-1], request)
        reply = await self._otherwise.chat(request)
        return replace(reply, served_by=reply.served_by or self._otherwise.name)

    def faults(self) -> Sequence[Fault]:
        """Return the trouble the script wants, as it is in the file now."""
        return self.current().faults

    async def aclose(self) -> None:
        await self._otherwise.aclose()

    def current(self) -> ModelScript:
        """Return the script as it is in the file now."""
        try:
            status = os.stat(self._path)
            changed = (status.st_mtime_ns, status.st_size)
        except OSError:
            changed = None
        if self._script is None or changed is None or changed != self._read_at:
            self._script = read_script(self._path)
            self._read_at = changed
        return self._script


def _find(chat: ScriptedChat, steps: Sequence[_Step]) -> ScriptTurn | None:
    """Follow the chat through the script; return the turn that answers its last step."""
    position = -1
    found: int | None = None
    for step in steps:
        found = _next(chat, position, step)
        if found is not None:
            position = found
    return None if found is None else chat.turns[found]


def _next(chat: ScriptedChat, position: int, step: _Step) -> int | None:
    order = [position + 1, *range(len(chat.turns))]
    return next(
        (
            index
            for index in order
            if index < len(chat.turns) and _fits(chat.turns[index], step) is not None
        ),
        None,
    )


def _fits(turn: ScriptTurn, step: _Step) -> Mapping[str, str] | None:
    """Return what the turn's condition caught, or `None` when the step is not like that."""
    if turn.user is not None:
        return None if step.outcomes else turn.user.match(step.user)
    caught: dict[str, str] = {}
    for wanted in turn.results:
        matches = [_result_fits(wanted, outcome) for outcome in step.outcomes]
        fitting = next((match for match in matches if match is not None), None)
        if fitting is None:
            return None
        caught.update(fitting)
    return caught


def _result_fits(wanted: ResultMatch, outcome: Outcome) -> Mapping[str, str] | None:
    if wanted.skill is not None and wanted.skill.lower() != outcome.name.lower():
        return None
    if wanted.failed is not None and wanted.failed == outcome.succeeded:
        return None
    value = outcome.value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return wanted.text.match(text)


def _reply(script: ModelScript, turn: ScriptTurn, step: _Step, request: ChatRequest) -> ChatReply:
    names = _names(turn, step, request)
    try:
        says = render(turn.says, names)
        calls = tuple(
            ToolCall(
                _call_id(request, index),
                call.name,
                json.dumps(_rendered(call.arguments, names), ensure_ascii=False),
            )
            for index, call in enumerate(turn.calls)
        )
    except TemplateError as error:
        raise BindingError(
            f"{script.file}:{turn.line}: {error}.",
            hint="Correct the model script.",
            code="model-script-invalid",
        ) from error
    content = says if isinstance(says, str) else json.dumps(says, ensure_ascii=False)
    text = content + "".join(call.name + call.arguments for call in calls)
    return ChatReply(
        content, calls, "tool_calls" if calls else "stop", estimate_usage(request, text)
    )


def _names(turn: ScriptTurn, step: _Step, request: ChatRequest) -> dict[str, Any]:
    names: dict[str, Any] = {"user": step.user, "assistant": request.assistant}
    if step.outcomes:
        names["result"] = step.outcomes[-1].value
        names["results"] = [outcome.value for outcome in step.outcomes]
        names["call"] = dict(step.arguments or {})
        names["skill"] = step.outcomes[-1].name
    return names | dict(_fits(turn, step) or {})


def _rendered(value: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return render(value, names)
    if isinstance(value, Mapping):
        return {key: _rendered(member, names) for key, member in value.items()}
    if isinstance(value, list):
        return [_rendered(member, names) for member in value]
    return value


def _steps(messages: Sequence[Mapping[str, Any]]) -> list[_Step]:
    """Cut the history at the model's own messages."""
    steps: list[_Step] = []
    user = ""
    calls: dict[str, ToolCall] = {}
    outcomes: list[Outcome] = []
    said = False

    def close() -> None:
        nonlocal said
        if outcomes:
            last = calls.get(outcomes[-1].call_id)
            steps.append(_Step(user, tuple(outcomes), _arguments(last)))
        elif said:
            steps.append(_Step(user))
        outcomes.clear()
        said = False

    for message in messages:
        role = message.get("role")
        if role == "user":
            user = str(message.get("content") or "")
            said = True
        elif role == "tool":
            identity = str(message.get("tool_call_id"))
            outcomes.append(outcome_of(str(message.get("content")), calls.get(identity), identity))
        elif role == "assistant":
            close()
            for entry in message.get("tool_calls") or ():
                function = entry["function"]
                calls[entry["id"]] = ToolCall(entry["id"], function["name"], function["arguments"])
    close()
    return steps or [_Step("")]


def _arguments(call: ToolCall | None) -> Mapping[str, Any]:
    try:
        value = json.loads(call.arguments) if call else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _call_id(request: ChatRequest, index: int) -> str:
    place = f"{request.assistant}\n{len(request.messages)}\n{index}"
    return f"call_{hashlib.sha256(place.encode()).hexdigest()[:24]}"


def _unmatched(script: ModelScript, step: _Step, request: ChatRequest) -> BindingError:
    asked = (
        "the result of " + ", ".join(f"'{outcome.name}'" for outcome in step.outcomes)
        if step.outcomes
        else f'"{step.user[:120]}"'
    )
    chats = [
        f"'{chat.name}' (line {chat.line}, {len(chat.turns)} turns)"
        for chat in script.chats
        if fnmatch.fnmatchcase(request.assistant, chat.assistant)
    ]
    tried = f"Tried {', '.join(chats)}." if chats else "No script is for this assistant."
    return BindingError(
        f"{script.file} has no turn that answers {asked} for assistant '{request.assistant}'. "
        f"{tried}",
        hint="Add a turn, or set 'when_unmatched: deterministic'.",
        code="model-script-unmatched",
    )
