"""What the models were asked: one record for each call, and a summary at the end of a run."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bindings.openai.models.base import ChatReply, ChatRequest
from bindings.openai.models.embedding import EmbeddingReply


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
            parts.append(f"{self._calls.total()} model calls ({_counted(self._calls)})")
        if self._texts:
            parts.append(f"{self._texts.total()} texts embedded ({_counted(self._texts)})")
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


def call_data(request: ChatRequest, backend: str, duration: float) -> dict[str, Any]:
    """Return what a record says about a call of a chat model, however it ended."""
    data: dict[str, Any] = {
        "function": request.function,
        "assistant": request.assistant,
        "model": request.model,
        "backend": backend,
        "messages": len(request.messages),
        "tools": [each.get("function", {}).get("name") for each in request.tools],
        "duration": duration,
    }
    return data


def reply_data(reply: ChatReply) -> dict[str, Any]:
    """Return what a record says about a reply."""
    data: dict[str, Any] = {
        "tokens": reply.usage.total,
        "promptTokens": reply.usage.prompt,
        "completionTokens": reply.usage.completion,
        "finishReason": reply.finish_reason,
        "toolCalls": [each.name for each in reply.tool_calls],
    }
    if reply.drift:
        data["drift"] = list(reply.drift)
    return data


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
