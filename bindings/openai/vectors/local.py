"""Documents in the app's own state: one SQLite file, searched exactly by cosine."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from bindings.openai.models.embedding import Vector, to_bytes
from bindings.openai.vectors.base import Document, Hit, dimensions_differ, timestamp_text
from bindings.openai.vectors.ranking import Ranking, choose_ranking
from emulator.sdk import Database

DATABASE = "openai-vectors"
MIGRATIONS = (
    """
    CREATE TABLE document (
        number INTEGER PRIMARY KEY,
        collection TEXT NOT NULL,
        id TEXT NOT NULL,
        title TEXT NOT NULL,
        text TEXT NOT NULL,
        vector BLOB NOT NULL,
        timestamp TEXT NOT NULL,
        UNIQUE (collection, id)
    );
    """,
)

_BYTES_PER_NUMBER = 4


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """One collection in a list."""

    name: str
    documents: int
    dimensions: int


class LocalVectorStore:
    """Every collection of the app, whatever connection names it."""

    name = "local"

    def __init__(self, database: Database, *, ranking: Ranking | None = None) -> None:
        self._database = database
        self._ranking = ranking

    async def add(self, collection: str, documents: Sequence[Document]) -> None:
        rows = [
            (
                collection,
                document.id,
                document.title,
                document.text,
                to_bytes(document.vector),
                timestamp_text(document.timestamp),
            )
            for document in documents
        ]

        def work(connection: sqlite3.Connection) -> None:
            stored = _dimensions(connection, collection) or len(documents[0].vector)
            for document in documents:
                if len(document.vector) != stored:
                    raise dimensions_differ(collection, stored, len(document.vector))
            connection.executemany(
                "INSERT INTO document (collection, id, title, text, vector, timestamp)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )

        if documents:
            await self._database.run(work)

    async def search(self, collection: str, vector: Vector, text: str, *, top: int) -> list[Hit]:
        def work(connection: sqlite3.Connection) -> list[Hit]:
            stored = _dimensions(connection, collection)
            if stored is None:
                return []
            if stored != len(vector):
                raise dimensions_differ(collection, stored, len(vector))
            (count,) = connection.execute(
                "SELECT count(*) FROM document WHERE collection = ?", (collection,)
            ).fetchone()
            rows = connection.execute(
                "SELECT number, vector FROM document WHERE collection = ?", (collection,)
            )
            ranking = self._ranking or choose_ranking(count)
            return [_hit(connection, number, score) for score, number in ranking(vector, rows, top)]

        return await self._database.read(work)

    async def collections(self) -> list[CollectionSummary]:
        """Return every collection, by name."""

        def work(connection: sqlite3.Connection) -> list[CollectionSummary]:
            rows = connection.execute(
                "SELECT collection, count(*), max(length(vector)) FROM document"
                " GROUP BY collection ORDER BY collection"
            )
            return [
                CollectionSummary(name, count, size // _BYTES_PER_NUMBER)
                for name, count, size in rows
            ]

        return await self._database.read(work)

    async def delete(self, collection: str) -> int:
        """Remove a collection; return how many documents that were."""
        return await self._database.run(
            lambda connection: (
                connection.execute(
                    "DELETE FROM document WHERE collection = ?", (collection,)
                ).rowcount
            )
        )

    async def aclose(self) -> None:
        """The database is the host's."""


def _dimensions(connection: sqlite3.Connection, collection: str) -> int | None:
    row = connection.execute(
        "SELECT length(vector) FROM document WHERE collection = ? LIMIT 1", (collection,)
    ).fetchone()
    return None if row is None else row[0] // _BYTES_PER_NUMBER


def _hit(connection: sqlite3.Connection, number: int, score: float) -> Hit:
    title, text = connection.execute(
        "SELECT title, text FROM document WHERE number = ?", (number,)
    ).fetchone()
    return Hit(title, text, score)
