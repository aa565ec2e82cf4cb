"""What the models were asked: one record for each call, and a summary at the end of a run."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bindings.openai.models.base import ChatReply, ChatRequest, ModelBackend
from bindings.openai.models.embedding import EmbeddingBackend, EmbeddingReply, EmbeddingRequest
from emulator.sdk import BindingError, Call, HostServices


class Tally:
    """Counts the calls of a run."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._texts: Counter[str] = Counter()
        self._drift: Counter[str] = Counter()
        self._tokens = 0
        self._failed = 0
        self._misses = 0

    def answered(self, backend: str, reply: ChatReply) -> None:
        self._calls[backend] += 1
        self._tokens += reply.usage.total
        self._drift.update({name.partition(":")[0] for name in reply.drift})

    def embedded(self, backend: str, texts: int, reply: EmbeddingReply) -> None:
        self._texts[backend] += texts
        self._tokens += reply.usage.total

    def failed(self) -> None:
        self._failed += 1

    def missed(self) -> None:
        self._misses += 1

    def lines(self) -> tuple[str, ...]:
        """Return the summary; nothing when no model was asked."""
        parts = []
        if self._calls:
            parts.append(f"{_number(self._calls.total(), 'call')} ({_counted(self._calls)})")
        if self._texts:
            texts = _number(self._texts.total(), "text")
            parts.append(f"{texts} embedded ({_counted(self._texts)})")
        if self._failed:
            parts.append(f"{self._failed} failed")
        if not parts:
            return ()
        parts.append(f"{self._tokens:,} tokens")
        if self._drift:
            parts.append(f"not as recorded: {_counted(self._drift)}")
        if self._misses:
            parts.append(f"not in the recordings: {self._misses}")
        return (f"Models: {'; '.join(parts)}.",)


class Seen:
    """Asks models and leaves one record of each call."""

    def __init__(self, host: HostServices, tally: Tally) -> None:
        self._host = host
        self._tally = tally

    async def chat(
        self, backend: ModelBackend, request: ChatRequest, *, call: Call | None
    ) -> ChatReply:
        """Ask a chat model; `call` is the call of a function that wants to know, if any."""
        data: dict[str, Any] = {
            "function": request.function,
            "assistant": request.assistant,
            "model": request.model,
            "backend": backend.name,
            "messages": len(request.messages),
            "tools": [each["function"]["name"] for each in request.tools],
        }
        clock = self._host.clock
        started = clock.monotonic()
        try:
            reply = await backend.chat(request)
        except BindingError as error:
            self._tally.failed()
            data |= {"duration": clock.monotonic() - started, "error": error.message}
            self._host.record("openai", "model-call", call=call, data=data)
            raise
        data |= {
            "backend": reply.served_by or backend.name,
            "duration": clock.monotonic() - started,
            "tokens": reply.usage.total,
            "promptTokens": reply.usage.prompt,
            "completionTokens": reply.usage.completion,
            "finishReason": reply.finish_reason,
            "toolCalls": [each.name for each in reply.tool_calls],
        }
        if reply.drift:
            data["drift"] = list(reply.drift)
        self._tally.answered(data["backend"], reply)
        self._host.record("openai", "model-call", call=call, data=data)
        return reply

    async def embed(
        self, backend: EmbeddingBackend, request: EmbeddingRequest, *, call: Call | None
    ) -> EmbeddingReply:
        """Get vectors; `call` as above."""
        data: dict[str, Any] = {
            "function": "" if call is None else call.function.name,
            "model": request.model,
            "backend": backend.name,
            "texts": len(request.texts),
        }
        clock = self._host.clock
        started = clock.monotonic()
        try:
            reply = await backend.embed(request)
        except BindingError as error:
            self._tally.failed()
            data |= {"duration": clock.monotonic() - started, "error": error.message}
            self._host.record("openai", "embeddings", call=call, data=data)
            raise
        self._tally.embedded(backend.name, len(request.texts), reply)
        data |= {"duration": clock.monotonic() - started, "tokens": reply.usage.total}
        self._host.record("openai", "embeddings", call=call, data=data)
        return reply


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
