"""The model that answers from recordings, and records what it does not know when asked to.

In a replay the model's messages in a chat are our own recorded replies, so the chat itself tells
which exchange a request continues. Nothing here talks to a service: `otherwise` does, if at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from bindings.openai.models.base import (
    ChatReply,
    ChatRequest,
    ModelBackend,
    ToolCall,
    estimate_usage,
)
from bindings.openai.models.retrying import ServiceError
from bindings.openai.recordings.facets import describe_drift, facets_of
from bindings.openai.recordings.keep import kept_reply, reply_to_keep, scope_of
from bindings.openai.recordings.match import Hit, Miss, Question, explain, find
from bindings.openai.recordings.store import RecordingStore
from bindings.openai.recordings.tree import (
    Exchange,
    Recording,
    Reply,
    Scope,
    history_digest,
    said_key,
)
from bindings.openai.seen import Tally
from emulator.sdk import BindingError, Clock

Mode = Literal["auto", "replay", "record", "rerecord"]

NOT_FOUND = "recording_not_found"
_RECORD_HINT = "Record it: funcemu start --models record, with a model service configured."


class RecordingBackend:
    """`otherwise` answers what is not recorded: a service while recording, an offline model in the
    mode `auto`, nobody in the mode `replay`."""

    name = "recordings"

    def __init__(
        self,
        store: RecordingStore,
        *,
        mode: Mode,
        otherwise: ModelBackend | None,
        clock: Clock,
        tally: Tally,
    ) -> None:
        self._store = store
        self._mode = mode
        self._otherwise = otherwise
        self._clock = clock
        self._tally = tally
        self._asked: dict[tuple[Scope, str], int] = {}
        """By scope and request: how often it was made, for several replies to one request."""
        self._told: set[object] = set()

    async def chat(self, request: ChatRequest) -> ChatReply:
        self._store.refresh()
        question = self._question(request)
        if self._mode == "rerecord":
            return await self._record(request, question)
        count = self._count(question)
        found = find(self._store, question, only_own=self._mode == "record")
        if isinstance(found, Hit):
            exchange = self._sample(found, count)
            if exchange is not None:
                return await self._play(found, exchange, request, question)
        elif self._mode != "record":
            return await self._unrecorded(found, request)
        return await self._record(request, question)

    def skill_result(self, call: ToolCall) -> str | None:
        """Return what a skill returned when this call of a recorded reply was made; `None` when
        the skill shall run. Raises `BindingError` when it must not run and nothing is known."""
        if self._store.rules.skills != "replay" or self._mode not in {"auto", "replay"}:
            return None
        for recording in self._store:
            for exchange in recording.asked_by(call.id):
                at = [each.id for each in exchange.reply.calls].index(call.id)
                for following in recording.children(exchange.id):
                    results = [each for each in following.delta if each.role == "result"]
                    if at < len(results):
                        return results[at].text
        if self._mode == "auto":
            return None
        raise BindingError(
            f"What '{call.name}' returned for {call.arguments} is not recorded in "
            f"{self._store.folder.name}, and skills are replayed.",
            hint=_RECORD_HINT,
            code=NOT_FOUND,
        )

    async def aclose(self) -> None:
        if self._otherwise is not None:
            await self._otherwise.aclose()

    def _question(self, request: ChatRequest) -> Question:
        normaliser = self._store.normaliser
        history = normaliser.history(request.messages)
        facets = facets_of(request, history.instructions, normaliser.redactor)
        return Question(scope_of(request), request.function, history, facets)

    def _count(self, question: Question) -> int:
        """Return how often this was asked before, if that matters."""
        if self._store.rules.samples <= 1:
            return 0
        key = (question.scope, history_digest(question.history.turns))
        count = self._asked[key] = self._asked.get(key, -1) + 1
        return count

    def _sample(self, hit: Hit, count: int) -> Exchange | None:
        """Return the reply whose turn it is; `None` when another is still to be recorded."""
        samples = self._store.rules.samples
        if samples <= 1:
            return hit.exchange
        known = sorted(hit.equal, key=lambda each: (len(each.id), each.id))
        if self._mode == "record" and len(known) <= count < samples:
            return None
        return known[count % len(known)]

    async def _play(
        self, hit: Hit, exchange: Exchange, request: ChatRequest, question: Question
    ) -> ChatReply:
        drift = self._drift(hit, exchange, request, question)
        if self._store.rules.pace:
            await self._clock.sleep(exchange.seconds * self._store.rules.pace)
        reply = exchange.reply
        if reply.error:
            raise _refusal(reply.error)
        usage = reply.usage
        if not usage.total:
            text = reply.text + "".join(call.name + call.arguments for call in reply.calls)
            usage = estimate_usage(request, text)
        return ChatReply(
            reply.text,
            reply.calls,
            reply.finish_reason,
            usage,
            served_by=self.name,
            drift=drift,
        )

    def _drift(
        self, hit: Hit, exchange: Exchange, request: ChatRequest, question: Question
    ) -> tuple[str, ...]:
        """Tell what is not as recorded, by the policy of each facet; return the names."""
        noted = []
        for name in hit.drift:
            policy = getattr(self._store.rules.facets, name, "note")
            if policy == "ignore":
                continue
            noted.append(name)
            if policy == "note":
                continue
            told = self._describe(name, hit.recording, exchange, question)
            if policy == "fail":
                raise BindingError(
                    f"{told}, and the rules of the recordings do not allow that.",
                    hint="Record anew: funcemu start --models rerecord.",
                    code="recording-drifted",
                )
            key = (hit.recording.scope, name, question.facets.keys[name])
            if key not in self._told:
                self._told.add(key)
                request.tell(f"{told}. The recorded replies are played all the same.")
        return tuple(noted)

    def _describe(
        self, name: str, recording: Recording, exchange: Exchange, question: Question
    ) -> str:
        recorded = recording.facets.get(name, {}).get(exchange.facets.get(name, ""))
        actual = question.facets.values[name]
        how = "" if recorded is None else f" ({describe_drift(name, recorded, actual)})"
        verb = "is" if name == "model" else "are"
        file = self._store.path(recording).name
        return f"The {name} {verb} not as recorded in {self._store.folder.name}/{file}{how}"

    async def _unrecorded(self, miss: Miss, request: ChatRequest) -> ChatReply:
        self._tally.missed()
        why = explain(miss, self._store.folder)
        if self._otherwise is None:
            raise BindingError(why, hint=_RECORD_HINT, code=NOT_FOUND)
        if miss.question.scope not in self._told:
            self._told.add(miss.question.scope)
            request.tell(f"{why} The offline model answers instead. {_RECORD_HINT}")
        reply = await self._otherwise.chat(request)
        return replace(reply, served_by=reply.served_by or self._otherwise.name)

    async def _record(self, request: ChatRequest, question: Question) -> ChatReply:
        assert self._otherwise is not None, "something must answer what is recorded"
        began = self._clock.monotonic()
        try:
            reply = await self._otherwise.chat(request)
        except ServiceError as error:
            if self._store.rules.keep_errors and error.status is not None and not error.is_passing:
                kept = Reply(error=_error(error, self._store.normaliser.redactor.text))
                await self._keep(question, kept, 0.0)
            raise
        seconds = round(self._clock.monotonic() - began, 2)
        wanted = reply_to_keep(reply, self._store.normaliser.redactor)
        exchange = await self._keep(question, wanted, seconds)
        served = reply.served_by or self._otherwise.name
        if said_key(exchange.reply) != said_key(wanted):  # another request was there first
            stored = exchange.reply
            return ChatReply(
                stored.text, stored.calls, stored.finish_reason, stored.usage, served_by=self.name
            )
        calls = tuple(
            ToolCall(kept.id, call.name, call.arguments)
            for kept, call in zip(exchange.reply.calls, reply.tool_calls, strict=True)
        )
        return replace(reply, tool_calls=calls, served_by=served)

    async def _keep(self, question: Question, reply: Reply, seconds: float) -> Exchange:
        return await self._store.change(
            question.scope,
            question.function,
            lambda recording: kept_reply(
                recording,
                question,
                reply,
                seconds=seconds,
                renew=self._mode == "rerecord",
                samples=self._store.rules.samples,
            ),
        )


def _error(error: ServiceError, clean: Any) -> dict[str, Any]:
    return {
        "status": error.status,
        "message": clean(error.message),
        "code": error.reason,
        "param": error.parameter,
    }


def _refusal(error: Mapping[str, Any]) -> ServiceError:
    return ServiceError(
        str(error.get("message") or "The model service refused."),
        status=int(error.get("status") or 400),
        reason=str(error.get("code") or ""),
        parameter=str(error.get("param") or ""),
    )
