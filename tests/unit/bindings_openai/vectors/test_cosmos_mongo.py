"""Cosmos DB for MongoDB over pymongo: which commands are sent, and how refusals are told."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from bindings.openai.vectors.base import Document
from bindings.openai.vectors.connection import SearchConnection
from bindings.openai.vectors.cosmos_mongo import CosmosMongoOptions, CosmosMongoStore
from bindings.openai.vectors.extras import Access
from bindings.openai.vectors.host_json import ProviderSection
from emulator.sdk import BindingError
from tests.support.mongo_service import MongoService

Make = Callable[..., Document]
_QUERY = array("f", [1.0, 0.0])


@asynccontextmanager
async def _store(
    service: MongoService | None, *, text: str = "", **options: Any
) -> AsyncIterator[CosmosMongoStore]:
    address = text if service is None else service.connection_string
    connection = SearchConnection("Mongo", connection_string=address)
    store = CosmosMongoStore(CosmosMongoOptions(**options), connection, Access(), patience=0.05)
    try:
        yield store
    finally:
        await store.aclose()


@pytest.mark.parametrize(
    ("options", "expected", "search"),
    [
        pytest.param({}, {"kind": "vector-ivf", "similarity": "COS", "numLists": 1}, {}, id="ivf"),
        pytest.param(
            {"kind": "vector-hnsw", "similarity": "L2"},
            {"kind": "vector-hnsw", "similarity": "L2", "m": 16, "efConstruction": 64},
            {"efSearch": 40},
            id="hnsw",
        ),
        pytest.param(
            {"kind": "vector-diskann", "similarity": "IP", "l_search": 7},
            {"kind": "vector-diskann", "similarity": "IP", "maxDegree": 32, "lBuild": 50},
            {"lSearch": 7},
            id="diskann",
        ),
    ],
)
async def test_each_kind_of_index_is_made_and_searched(
    mongo: MongoService,
    document: Make,
    options: dict[str, Any],
    expected: dict[str, Any],
    search: dict[str, Any],
) -> None:
    async with _store(mongo, vector_search_dimensions=2, **options) as store:
        await store.add("openai-index", [document("one")])
        await store.add("openai-index", [document("three")])
        await store.search("openai-index", _QUERY, "what?", top=2)
    [created] = mongo.of("createIndexes")
    assert created["$db"] == "openai-functions-database"
    assert created["indexes"] == [
        {
            "name": "openai-functions-index",
            "key": {"embedding": "cosmosSearch"},
            "cosmosSearchOptions": {**expected, "dimensions": 2},
        }
    ]
    [found] = mongo.of("aggregate")
    first, second = found["pipeline"]
    assert first["$search"]["cosmosSearch"] == {
        "vector": [1.0, 0.0],
        "path": "embedding",
        "k": 2,
        **search,
    }
    assert first["$search"]["returnStoredSource"] is True
    assert second["$project"] == {
        "_id": 0,
        "title": 1,
        "text": 1,
        "score": {"$meta": "searchScore"},
    }


async def test_documents_have_the_five_fields(mongo: MongoService, document: Make) -> None:
    async with _store(mongo) as store:
        await store.add("openai-index", [document("one", 0.5, -1.0)])
    [inserted] = mongo.of("insert")
    [row] = inserted["documents"]
    del row["_id"]
    assert row == {
        "id": "00000000000000000000000000000003",
        "text": "one",
        "title": "title",
        "embedding": [0.5, -1.0],
        # The protocol keeps milliseconds.
        "timestamp": datetime(2026, 8, 5, 10, 11, 12, 345000),
    }


async def test_other_names_of_host_json_are_used(mongo: MongoService, document: Make) -> None:
    section = ProviderSection(
        "cosmosDBSearch",
        {
            "databasename": "db",
            "indexname": "ix",
            "embeddingkey": "v",
            "textkey": "body",
            "kind": "vector-ivf",
            "numlists": "3",
            "applicationname": "ignored",
        },
    )
    connection = SearchConnection("Mongo", connection_string=mongo.connection_string)
    store = CosmosMongoStore(section.options(CosmosMongoOptions), connection, Access())
    await store.add("openai-index", [document("one")])
    [hit] = await store.search("openai-index", _QUERY, "what?", top=1)
    await store.aclose()
    assert (hit.title, hit.text) == ("title", "one")
    [created] = mongo.of("createIndexes")
    assert created["$db"] == "db"
    assert created["indexes"][0]["name"] == "ix"
    assert created["indexes"][0]["key"] == {"v": "cosmosSearch"}
    assert created["indexes"][0]["cosmosSearchOptions"]["numLists"] == 3
    assert "body" in mongo.of("insert")[0]["documents"][0]


async def test_refusals_are_told(mongo: MongoService, document: Make) -> None:
    async with _store(mongo) as store:
        mongo.refusal = {"ok": 0.0, "code": 2, "errmsg": "vector-hnsw is not enabled"}
        with pytest.raises(BindingError, match="'Mongo' refused: vector-hnsw is not enabled"):
            await store.add("openai-index", [document("one")])
        mongo.refusal = {"ok": 0.0, "code": 13, "errmsg": "not allowed"}
        with pytest.raises(BindingError, match="refused: not allowed") as caught:
            await store.search("openai-index", _QUERY, "what?", top=1)
    assert "user and password in the setting 'Mongo'" in (caught.value.hint or "")


async def test_a_server_that_says_nothing_is_told() -> None:
    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    text = f"mongodb://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, _store(None, text=text) as store:
        with pytest.raises(BindingError, match="service of 'Mongo' cannot be reached") as caught:
            await store.search("openai-index", _QUERY, "what?", top=1)
    assert "'Mongo'" in (caught.value.hint or "")


async def test_a_broken_connection_string_is_told() -> None:
    async with _store(None, text="mongodb://host:port/") as store:
        with pytest.raises(BindingError, match="service of 'Mongo' cannot be used"):
            await store.search("openai-index", _QUERY, "what?", top=1)


def test_another_service_is_told_apart() -> None:
    connection = SearchConnection("Mongo", endpoint="https://x")
    with pytest.raises(BindingError, match="'Mongo' should be a MongoDB connection string"):
        CosmosMongoStore(CosmosMongoOptions(), connection, Access())


def test_an_unknown_kind_is_told() -> None:
    section = ProviderSection("cosmosDBSearch", {"kind": "vector-tree"})
    with pytest.raises(BindingError, match="'cosmosDBSearch' in host.json is not configured well"):
        section.options(CosmosMongoOptions)
