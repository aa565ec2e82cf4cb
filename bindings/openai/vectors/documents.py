"""What functions give to be stored, and storing it chunk by chunk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bindings.openai.models.embedding import Vector
from bindings.openai.vectors.base import Document, VectorStore
from emulator.sdk import BindingError, Call, Datum, HostServices, items, to_json, to_text


@dataclass(frozen=True, slots=True)
class Given:
    """One document as a function describes it. `context` is its ready `embeddingsContext`."""

    title: str
    context: Any = None


def given_documents(value: Datum) -> list[Given]:
    """Read what a function set: a JSON object, or an array of them for several documents."""
    if value.kind == "bytes":
        value = Datum("text", to_text(value))
    return [_given(item) for item in items(value) if not item.is_none]


async def store_chunks(
    chunks: Sequence[tuple[str, Vector]],
    *,
    title: str,
    store: VectorStore,
    collection: str,
    host: HostServices,
    call: Call,
) -> None:
    """Store the chunks of one document."""
    now = host.clock.now()
    documents = [
        Document(
            id=host.random_id().replace("-", ""),
            text=text,
            title=title,
            vector=vector,
            timestamp=now,
        )
        for text, vector in chunks
    ]
    started = host.clock.monotonic()
    await store.add(collection, documents)
    host.record(
        "openai",
        "documents-stored",
        call=call,
        data={
            "function": call.function.name,
            "store": store.name,
            "collection": collection,
            "title": title,
            "documents": len(documents),
            "duration": host.clock.monotonic() - started,
        },
    )
    call.log(
        "Information",
        f"Stored {len(documents)} chunk(s) of '{title}' in the collection '{collection}' "
        f"({store.name})",
    )


def short_title(title: str) -> str:
    """Return the file name in a title, without folders and extension."""
    name = re.split(r"[/\\]", title)[-1]
    stem, dot, _ = name.rpartition(".")
    return stem if dot else name


def _given(item: Datum) -> Given:
    try:
        value = to_json(item)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BindingError(
            f"A document cannot be stored from {str(item.value)[:60]!r}: the value is not a JSON "
            "object.",
            hint='Set something like {"title": "handbook.pdf"}.',
            code="document-value-invalid",
        )
    members = {key.lower(): member for key, member in value.items()}
    title = members.get("title")
    if title is None and isinstance(members.get("searchabledocument"), dict):
        nested = {key.lower(): member for key, member in members["searchabledocument"].items()}
        title = nested.get("title")
    return Given(
        title="" if title is None else short_title(str(title)),
        context=members.get("embeddingscontext"),
    )
