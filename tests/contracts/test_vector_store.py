"""What every `VectorStore` must do; run over the local one and each service's double."""

from __future__ import annotations

import asyncio
import base64
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bindings.openai.models.lexical import embed_text
from bindings.openai.vectors.ai_search import AISearchOptions, AISearchStore
from bindings.openai.vectors.base import Document, Hit, VectorStore
from bindings.openai.vectors.connection import SearchConnection
from bindings.openai.vectors.cosmos_mongo import CosmosMongoOptions, CosmosMongoStore
from bindings.openai.vectors.cosmos_nosql import CosmosNoSqlOptions, CosmosNoSqlStore
from bindings.openai.vectors.extras import Access
from bindings.openai.vectors.kusto import KustoStore
from bindings.openai.vectors.local import MIGRATIONS, LocalVectorStore
from bindings.openai.vectors.ranking import Ranking, rank, rank_with_numpy
from emulator.state.sqlite import SqliteDatabase
from tests.support.mongo_service import MongoService
from tests.support.search_services import AISearchService, CosmosService, KustoService

_NOW = datetime(2026, 8, 5, 10, 11, 12, 345678, UTC)
_DIMENSIONS = 64


@pytest.fixture(
    params=["local-pure", "local-numpy", "local-file", "ai-search", "nosql", "mongo", "kusto"]
)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorStore]:
    async with AsyncExitStack() as stack:
        made = await _made(request.param, tmp_path, stack)
        yield made
        await made.aclose()


async def _made(kind: str, folder: Path, stack: AsyncExitStack) -> VectorStore:
    match kind:
        case "ai-search":
            search = await stack.enter_async_context(AISearchService().running())
            connection = SearchConnection("S", endpoint=search.url, key="k")
            return AISearchStore(AISearchOptions(), connection, Access())
        case "nosql":
            cosmos = await stack.enter_async_context(CosmosService().running())
            key = base64.b64encode(b"key").decode()
            text = f"AccountEndpoint={cosmos.url}/;AccountKey={key};"
            connection = SearchConnection("S", connection_string=text)
            return CosmosNoSqlStore(CosmosNoSqlOptions(), connection, Access())
        case "mongo":
            mongo = await stack.enter_async_context(MongoService().running())
            connection = SearchConnection("S", connection_string=mongo.connection_string)
            return CosmosMongoStore(CosmosMongoOptions(), connection, Access())
        case "kusto":
            kusto = await stack.enter_async_context(KustoService("docs", "more").running())
            text = f"{kusto.url};Initial Catalog=db"
            return KustoStore(SearchConnection("S", endpoint=text), Access())
    rankings: dict[str, Ranking] = {"local-pure": rank, "local-numpy": rank_with_numpy}
    path = folder / "vectors.db" if kind == "local-file" else None
    database = SqliteDatabase(path, MIGRATIONS)
    stack.push_async_callback(database.aclose)
    return LocalVectorStore(database, ranking=rankings.get(kind))


def _documents(*texts: str, title: str = "title") -> list[Document]:
    return [
        Document(f"{hash(text) & (2**128 - 1):032x}", text, title, _vector(text), _NOW)
        for text in texts
    ]


def _vector(text: str) -> array[float]:
    return embed_text(text, _DIMENSIONS)


async def _texts(
    store: VectorStore, question: str, *, top: int, collection: str = "docs"
) -> list[str]:
    hits = await store.search(collection, _vector(question), question, top=top)
    return [hit.text for hit in hits]


async def test_the_nearest_document_is_found_first(store: VectorStore) -> None:
    await store.add("docs", _documents("cats sleep", "invoices are paid", "dogs bark"))
    assert await _texts(store, "who pays invoices", top=1) == ["invoices are paid"]
    assert (await _texts(store, "sleeping cats", top=3))[0] == "cats sleep"


async def test_as_many_as_wished_are_found(store: VectorStore) -> None:
    await store.add("docs", _documents("one cat", "two cats", "three cats"))
    for top in (1, 2, 3):
        assert len(await _texts(store, "cats", top=top)) == top
    assert len(await _texts(store, "cats", top=50)) == 3
    assert await _texts(store, "cats", top=0) == []


async def test_nearer_documents_score_higher(store: VectorStore) -> None:
    await store.add("docs", _documents("dogs bark", "cats sleep all day", "cats sleep"))
    hits = await store.search("docs", _vector("cats sleep"), "cats sleep", top=3)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(1.0, abs=1e-5)
    assert len(set(scores)) == 3


async def test_texts_and_titles_come_back_as_they_were(store: VectorStore) -> None:
    text = "Grüße, \"quoted\" 'single' \\ <b>\n\ttab\u2028 😀 {x} %y% ;|"
    await store.add("docs", _documents(text, title="Übersicht 'a' 😀"))
    [hit] = await store.search("docs", _vector(text), text, top=1)
    assert hit == Hit("Übersicht 'a' 😀", text, hit.score)


async def test_later_documents_are_found_too(store: VectorStore) -> None:
    await store.add("docs", _documents("cats sleep"))
    assert await _texts(store, "dogs bark", top=1) == ["cats sleep"]
    await store.add("docs", _documents("dogs bark"))
    assert await _texts(store, "dogs bark", top=1) == ["dogs bark"]


async def test_collections_are_apart(store: VectorStore) -> None:
    await store.add("docs", _documents("cats sleep"))
    await store.add("more", _documents("dogs bark"))
    assert await _texts(store, "dogs", top=5) == ["cats sleep"]
    assert await _texts(store, "cats", top=5, collection="more") == ["dogs bark"]


async def test_documents_added_at_once_are_all_kept(store: VectorStore) -> None:
    async def add(number: int) -> None:
        await store.add("docs", _documents(f"cat number {number}", f"dog number {number}"))

    await asyncio.gather(*(add(number) for number in range(5)))
    assert len(await _texts(store, "cat", top=50)) == 10


async def test_nothing_may_be_added(store: VectorStore) -> None:
    await store.add("docs", [])
    await store.add("docs", _documents("cats sleep"))
    assert await _texts(store, "cats", top=2) == ["cats sleep"]


async def test_closing_twice_is_harmless(
    store: VectorStore, request: pytest.FixtureRequest
) -> None:
    await store.add("docs", _documents("cats sleep"))
    await store.aclose()
    await store.aclose()


def test_every_adapter_has_a_name_of_its_own() -> None:
    kinds: list[Callable[..., VectorStore]] = [
        AISearchStore,
        CosmosMongoStore,
        CosmosNoSqlStore,
        KustoStore,
        LocalVectorStore,
    ]
    assert len({kind.name for kind in kinds}) == 5  # type: ignore[attr-defined]
