"""The local store: what the contract does not say about it."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bindings.openai.vectors.base import Document
from bindings.openai.vectors.local import MIGRATIONS, CollectionSummary, LocalVectorStore
from emulator.sdk import BindingError
from emulator.state.sqlite import SqliteDatabase

Make = Callable[..., Document]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path / "vectors.db", MIGRATIONS)
    yield database
    await database.aclose()


async def test_documents_outlive_the_host(
    database: SqliteDatabase, document: Make, tmp_path: Path
) -> None:
    await LocalVectorStore(database).add("docs", [document("one")])
    await database.aclose()
    again = SqliteDatabase(tmp_path / "vectors.db", MIGRATIONS)
    hits = await LocalVectorStore(again).search("docs", array("f", [1.0, 0.0]), "", top=1)
    await again.aclose()
    assert [hit.text for hit in hits] == ["one"]


async def test_an_unknown_collection_is_empty(database: SqliteDatabase) -> None:
    assert await LocalVectorStore(database).search("none", array("f", [1.0]), "", top=1) == []


async def test_vectors_of_another_length_are_refused(
    database: SqliteDatabase, document: Make
) -> None:
    store = LocalVectorStore(database)
    await store.add("docs", [document("one", 1.0, 2.0)])
    expected = "'docs' holds vectors of 2 numbers, but this one has 3"
    with pytest.raises(BindingError, match=expected):
        await store.add("docs", [document("three", 1.0, 2.0, 3.0)])
    with pytest.raises(BindingError, match=expected) as caught:
        await store.search("docs", array("f", [1.0, 2.0, 3.0]), "", top=1)
    assert "model the collection was made with" in (caught.value.hint or "")
    with pytest.raises(BindingError, match="'new' holds vectors of 1 numbers, but this one has 2"):
        await store.add("new", [document("one", 1.0), document("two", 1.0, 2.0)])
    assert await store.collections() == [CollectionSummary("docs", 1, 2)]


async def test_collections_can_be_listed_and_removed(
    database: SqliteDatabase, document: Make
) -> None:
    store = LocalVectorStore(database)
    await store.add("b", [document("one"), document("three")])
    await store.add("a", [document("one", 1.0, 2.0, 3.0)])
    assert await store.collections() == [
        CollectionSummary("a", 1, 3),
        CollectionSummary("b", 2, 2),
    ]
    assert await store.delete("b") == 2
    assert await store.delete("b") == 0
    assert [each.name for each in await store.collections()] == ["a"]


async def test_a_document_is_stored_once(database: SqliteDatabase, document: Make) -> None:
    store = LocalVectorStore(database)
    await store.add("docs", [document("one")])
    with pytest.raises(Exception, match="UNIQUE"):
        await store.add("docs", [document("two"), document("one")])
    assert await store.collections() == [CollectionSummary("docs", 1, 2)]
