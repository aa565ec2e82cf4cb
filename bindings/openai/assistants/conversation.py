"""One turn: the model is asked, the skills it wants are run, until it has nothing more to ask."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bindings.openai.assistants.history import request_messages, trimmed
from bindings.openai.assistants.skills import (
    NOT_CALLED,
    AssistantSkillTrigger,
    run_skill,
    tool_message,
    tools,
)
from bindings.openai.assistants.state import fitting, write_tool_calls
from bindings.openai.chats.base import (
    COLUMN_LIMIT,
    Chat,
    Message,
    storable,
    ticks,
    utf16_length,
)
from bindings.openai.models.base import ChatReply, ChatRequest, ModelBackend, ToolCall
from bindings.openai.options import AssistantPostOptions
from bindings.openai.seen import Seen
from emulator.sdk import BindingError, Call, Clock, HostServices, SettingsView

LIMIT = 50
"""Once more than this many rows are queued in a turn, no further function is called."""

_SHORTENED = " [shortened: Table storage holds no more]"


class Stamps:
    """Times that only go forward, so that "newer than" never misses a row."""

    def __init__(self, clock: Clock, *, after: int) -> None:
        self.clock = clock
        self._last = after

    def next(self) -> int:
        self._last = max(ticks(self.clock.now()), self._last + 1)
        return self._last


class Conversation:
    """`new` are the rows of this turn, unnumbered; nothing is stored here."""

    def __init__(
        self,
        *,
        call: Call,
        chat: Chat,
        host: HostServices,
        settings: SettingsView,
        backend: ModelBackend,
        skills: Mapping[str, AssistantSkillTrigger],
        seen: Seen,
        replayed: Callable[[ToolCall], str | None] = lambda call: None,
    ) -> None:
        """`replayed` knows what a skill returned when its call was recorded, where results are
        replayed."""
        self.new: list[Message] = []
        self.total_tokens = chat.state.total_tokens
        self.stamps = Stamps(host.clock, after=chat.state.last_updated_at)
        self._call = call
        self._chat = chat
        self._host = host
        self._settings = settings
        self._backend = backend
        self._skills = skills
        self._seen = seen
        self._replayed = replayed
        self._ran: list[str] = []

    async def run(self, message: str) -> None:
        """Take in a user message and go on until the model only talks."""
        self._log("Information", f"Posting message to assistant entity '{self._chat.assistant}'")
        self._say("Information", f"Received message: {message}")
        self._add("User", message)
        offered = tools(self._skills)
        while True:
            reply = await self._ask(offered)
            calls = self._take(reply)
            if not calls:
                return
            if len(self.new) > LIMIT:
                await self._stop_at_limit(calls)
                return
            self._say("Information", f"Found {len(calls)} function call(s) in response")
            for wanted in calls:
                result = await self._result(wanted)
                self._add("Tool", tool_message(wanted.name, result), name=wanted.id)

    async def _result(self, wanted: ToolCall) -> str:
        recorded = self._replayed(wanted)
        if recorded is not None:
            self._say(
                "Information",
                f"Function '{wanted.name}' is not run, its recorded result is used: {recorded}",
            )
            return recorded
        result = await run_skill(
            self._skills, wanted, call=self._call, assistant=self._chat.assistant
        )
        self._ran.append(wanted.name)
        return result

    async def _ask(self, offered: Sequence[Mapping[str, Any]]) -> ChatReply:
        request = self._request(offered)
        try:
            return await self._seen.chat(self._backend, request, call=self._call)
        except BindingError:
            self.lost()
            raise

    def lost(self) -> None:
        """Tell what a turn that is not stored has done already."""
        if self._ran:
            self._say(
                "Warning",
                f"The turn is lost, but these skills have run already: {', '.join(self._ran)}.",
            )

    def _request(self, offered: Sequence[Mapping[str, Any]]) -> ChatRequest:
        options: AssistantPostOptions = self._call.options
        rows = [*self._chat.messages, *self.new]
        limit = self._settings.get("FUNCEMU_ASSISTANT_MAX_HISTORY") or ""
        if limit.isdecimal() and int(limit) > 0:
            rows = trimmed(rows, int(limit))
        reasoning = options.is_reasoning_model
        return ChatRequest(
            model=options.effective_model(),
            messages=request_messages(rows),
            tools=offered,
            temperature=None if reasoning else number(options.temperature),
            top_p=number(options.top_p),
            max_tokens=None if reasoning else whole_number(options.max_tokens),
            reasoning_effort=options.reasoning_effort or None,
            assistant=self._chat.assistant,
            function=self._call.function.name,
            tell=lambda text: self._say("Warning", text),
        )

    def _take(self, reply: ChatReply) -> tuple[ToolCall, ...]:
        """Queue the reply; return the calls it asks for, each with an id of its own."""
        self.total_tokens = reply.usage.total
        calls = self._with_ids(reply.tool_calls)
        if reply.content.strip() or calls:
            stored = fitting(calls)
            if len(stored) < len(calls):
                self._say(
                    "Warning",
                    f"The model asked for {len(calls):,} function calls at once; the first "
                    f"{len(stored):,} are taken, as Table storage holds no more.",
                )
                calls = calls[: len(stored)]
            if stored != list(calls):
                self._say("Warning", "Arguments of calls are too long for Table storage to keep.")
            self._add("Assistant", reply.content, tool_calls=write_tool_calls(stored))
        else:
            self._say(
                "Warning",
                f"The model answered nothing (finish_reason '{reply.finish_reason}').",
            )
        self._say(
            "Information",
            f"Got LLM response consisting of {reply.usage.completion} tokens: "
            f"[{reply.content}] && {len(calls)} ToolCalls",
        )
        if reply.finish_reason == "length":
            self._say(
                "Warning",
                f"The reply was cut at {self._call.options.max_tokens} tokens; set 'maxTokens' "
                "of the binding for longer ones.",
            )
        return calls

    def _with_ids(self, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
        """Give calls without id, or with one used twice, a new one; local servers send such."""
        seen: set[str] = set()
        result = []
        for call in calls:
            identity = call.id
            if not identity or identity in seen:
                identity = f"call_{self._host.random_id().replace('-', '')[:24]}"
            seen.add(identity)
            result.append(ToolCall(identity, storable(call.name), storable(call.arguments)))
        return tuple(result)

    async def _stop_at_limit(self, calls: Sequence[ToolCall]) -> None:
        """Answer every call in the chat, then ask for a last word without offering skills."""
        self._say(
            "Warning",
            f"Ignoring {len(calls)} function call(s) in response due to exceeding the limit "
            f"of {LIMIT}.",
        )
        for ignored in calls:
            self._add("Tool", tool_message(ignored.name, NOT_CALLED), name=ignored.id)
        try:
            reply = await self._ask(())
        except BindingError as error:
            self._say("Warning", f"The model gave no last word: {error.message}")
            return
        self.total_tokens = reply.usage.total
        if reply.content.strip():
            self._add("Assistant", reply.content)

    def _add(
        self, role: str, content: str, *, name: str | None = None, tool_calls: str = ""
    ) -> None:
        self.new.append(
            Message(
                number=0,
                role=role,
                content=fitted(content),
                created_at=self.stamps.next(),
                name=name,
                tool_calls=tool_calls,
            )
        )

    def _say(self, level: Any, text: str) -> None:
        self._log(level, f"[{self._chat.assistant}] {text}")

    def _log(self, level: Any, text: str) -> None:
        self._call.log(level, text)


def fitted(text: str) -> str:
    """Return the text, shortened with a note when a column of Table storage cannot hold it."""
    text = storable(text)
    if len(text) * 2 <= COLUMN_LIMIT or utf16_length(text) <= COLUMN_LIMIT:
        return text
    room = (COLUMN_LIMIT - len(_SHORTENED)) * 2
    kept = text.encode("utf-16-le", "surrogatepass")[:room].decode("utf-16-le", "ignore")
    return kept + _SHORTENED


def number(text: str | None) -> float | None:
    """Read an option as a number; what is none is not sent (rule of the official extension)."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in str(text) else None


def whole_number(text: str | None) -> int | None:
    try:
        return int(text or "") if "_" not in str(text) else None
    except ValueError:
        return None
