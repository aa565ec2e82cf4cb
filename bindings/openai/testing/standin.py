"""What the bindings of an app under test ask instead of a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from bindings.openai.models.base import (
    ChatReply,
    ChatRequest,
    ModelBackend,
    ToolCall,
    Usage,
    estimate_usage,
)
from bindings.openai.models.embedding import (
    EmbeddingBackend,
    EmbeddingReply,
    EmbeddingRequest,
    Vector,
)
from bindings.openai.models.retrying import RetryPolicy, with_retries
from bindings.openai.testing.asked import ModelRequest, of_chat, of_embeddings
from bindings.openai.testing.script import Place, Script
from bindings.openai.testing.turns import Failure, arguments_of
from emulator.sdk import BindingError, Clock


class ScriptedModels:
    """The models of one app. `lenient` says whether it may go on as usual where nothing is
    written."""

    def __init__(self, script: Script, clock: Clock, lenient: Callable[[], bool]) -> None:
        self._script = script
        self._clock = clock
        self._lenient = lenient

    def chat_model(self, otherwise: Callable[[], ModelBackend]) -> ModelBackend | None:
        return _ChatModel(self._script, self._clock, self._lenient, otherwise)

    def embeddings_model(
        self, otherwise: Callable[[], EmbeddingBackend]
    ) -> EmbeddingBackend | None:
        return _VectorModel(self._script, self._clock, otherwise)


class _ChatModel:
    name = "test"

    def __init__(
        self,
        script: Script,
        clock: Clock,
        lenient: Callable[[], bool],
        otherwise: Callable[[], ModelBackend],
    ) -> None:
        self._script = script
        self._clock = clock
        self._lenient = lenient
        self._otherwise = otherwise

    async def chat(self, request: ChatRequest) -> ChatReply:
        seen = of_chat(request)
        self._script.requests.append(seen)
        try:
            reply = await self._reply(request, seen)
        except BindingError as error:
            seen.error = error.message
            raise
        seen.reply, seen.calls = reply.content, tuple(call.name for call in reply.tool_calls)
        return reply

    async def _reply(self, request: ChatRequest, seen: ModelRequest) -> ChatReply:
        place = self._script.place_of(seen, lenient=self._lenient())
        if place is None:
            seen.attempts += 1
            model = self._otherwise()
            reply = await model.chat(request)
            return replace(reply, served_by=reply.served_by or model.name)
        wanted = place.reply
        await _suffer(wanted.failures, wanted.latency, seen, clock=self._clock, tell=request.tell)
        calls = self._calls(place, request)
        says = wanted.says(seen) if callable(wanted.says) else wanted.says or ""
        usage = estimate_usage(request, says + "".join(each.arguments for each in calls))
        return ChatReply(says, calls, "tool_calls" if calls else "stop", usage)

    def _calls(self, place: Place, request: ChatRequest) -> tuple[ToolCall, ...]:
        wanted = [arguments_of(each, request, str(place.turn)) for each in place.reply.calls]
        return tuple(self._script.call(name, arguments, place) for name, arguments in wanted)

    async def aclose(self) -> None:
        """Nothing is held; the app's own models are closed by who made them."""


class _VectorModel:
    name = "test"

    def __init__(
        self, script: Script, clock: Clock, otherwise: Callable[[], EmbeddingBackend]
    ) -> None:
        self._script = script
        self._clock = clock
        self._otherwise = otherwise

    async def embed(self, request: EmbeddingRequest) -> EmbeddingReply:
        seen = of_embeddings(request)
        self._script.requests.append(seen)
        if not self._script.vectors:
            seen.attempts += 1
            return await self._otherwise().embed(request)
        try:
            vectors = [await self._vector(text, request, seen) for text in request.texts]
        except BindingError as error:
            seen.error = error.message
            raise
        tokens = sum(max(1, len(text) // 4) for text in request.texts)
        return EmbeddingReply(tuple(vectors), request.model, Usage(total=tokens, prompt=tokens))

    async def _vector(self, text: str, request: EmbeddingRequest, seen: ModelRequest) -> Vector:
        turn = self._script.vector_of(text, seen)
        turn.used += 1
        await _suffer(turn.failures, 0.0, seen, clock=self._clock, tell=request.tell)
        if turn.vector is None:
            raise self._script.refusal(f"{turn} has no vector: add .returns([…]).")
        return turn.vector


async def _suffer(
    failures: Sequence[Failure],
    latency: float,
    seen: ModelRequest,
    *,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """Go through what is wrong before a reply, attempt by attempt, as with a service."""
    ahead = [replace(each) for each in failures]

    async def attempt() -> None:
        seen.attempts += 1
        if latency:
            await clock.sleep(latency)
        for failure in ahead:
            if failure.times is None:
                raise failure.error()
            if failure.times > 0:
                failure.times -= 1
                raise failure.error()

    await with_retries(attempt, policy=RetryPolicy(), clock=_Impatient(clock), tell=tell)


class _Impatient:
    """A clock that never waits, for the pauses between attempts."""

    def __init__(self, clock: Clock) -> None:
        self.now = clock.now
        self.monotonic = clock.monotonic

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
