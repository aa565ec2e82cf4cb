"""The port for search providers: documents with vectors go in, the nearest come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from bindings.openai.models.embedding import Vector
from emulator.sdk import BindingError


@dataclass(frozen=True, slots=True)
class Document:
    """One chunk of a text, as every provider stores it. `id` has 32 hex digits, `title` no
    extension; `timestamp` is aware, UTC."""

    id: str
    text: str
    title: str
    vector: Vector
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found; a higher `score` is nearer, its scale is the provider's."""

    title: str
    text: str
    score: float = 0.0


class VectorStore(Protocol):
    """One search service. Collections are its indexes, containers or tables."""

    name: str
    """What it is called in records: `local`, `azureAISearch` …"""

    async def add(self, collection: str, documents: Sequence[Document]) -> None:
        """Store the documents; the collection is made when it is missing."""
        ...

    async def search(self, collection: str, vector: Vector, text: str, *, top: int) -> list[Hit]:
        """Return up to `top` documents, nearest first. `text` is what `vector` was made of."""
        ...

    async def aclose(self) -> None: ...


def timestamp_text(moment: datetime) -> str:
    """Write a UTC time as ISO 8601 with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def dimensions_differ(collection: str, stored: int, given: int) -> BindingError:
    return BindingError(
        f"The collection '{collection}' holds vectors of {stored} numbers, but this one has "
        f"{given}.",
        hint="Embed with the model the collection was made with, or use another collection.",
        code="vectors-dimensions-differ",
    )
