"""Asking for many vectors: in requests as large as a service takes, recorded as one."""

from __future__ import annotations

from collections.abc import Sequence

from bindings.openai.models.base import Usage
from bindings.openai.models.embedding import (
    EmbeddingBackend,
    EmbeddingReply,
    EmbeddingRequest,
    Vector,
)
from bindings.openai.seen import Tally
from emulator.sdk import BindingError, Call, HostServices, SettingsView

BATCH_SETTING = "FUNCEMU_EMBEDDINGS_BATCH"
_DEFAULT_BATCH = 2048


async def embed_texts(
    texts: Sequence[str],
    *,
    model: str,
    backend: EmbeddingBackend,
    settings: SettingsView,
    host: HostServices,
    call: Call,
    tally: Tally,
    single: bool = False,
) -> EmbeddingReply:
    """Return one reply for all texts, whatever number of requests that takes."""
    size = batch_size(settings)
    started = host.clock.monotonic()
    data = {
        "function": call.function.name,
        "model": model,
        "backend": backend.name,
        "texts": len(texts),
    }
    try:
        replies = [
            await backend.embed(
                EmbeddingRequest(
                    tuple(texts[start : start + size]),
                    model,
                    single=single,
                    tell=lambda text: call.log("Warning", text),
                )
            )
            for start in range(0, len(texts), size)
        ]
    except BindingError as error:
        tally.failed()
        data["duration"] = host.clock.monotonic() - started
        host.record("openai", "embeddings", call=call, data={**data, "error": error.message})
        raise
    merged = _merged(replies)
    tally.embedded(backend.name, len(texts), merged)
    data["duration"] = host.clock.monotonic() - started
    data["requests"] = len(replies)
    data["tokens"] = merged.usage.total
    host.record("openai", "embeddings", call=call, data=data)
    return merged


def batch_size(settings: SettingsView) -> int:
    """Return how many texts go into one request."""
    text = settings.get(BATCH_SETTING)
    if not text:
        return _DEFAULT_BATCH
    if not text.strip().isdecimal() or not 0 < len(text.strip()) < 10 or int(text) < 1:
        raise BindingError(
            f"The setting {BATCH_SETTING} should be a number of texts, not '{text}'.",
            code="setting-invalid",
        )
    return int(text)


def _merged(replies: Sequence[EmbeddingReply]) -> EmbeddingReply:
    vectors: list[Vector] = [vector for reply in replies for vector in reply.vectors]
    prompt = sum(reply.usage.prompt for reply in replies)
    total = sum(reply.usage.total for reply in replies)
    return EmbeddingReply(tuple(vectors), replies[0].model, Usage(total=total, prompt=prompt))
