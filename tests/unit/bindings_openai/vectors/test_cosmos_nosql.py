"""Cosmos DB for NoSQL over its own SDK: what goes over the wire, and how refusals are told."""

from __future__ import annotations

import base64
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bindings.openai.vectors.base import Document
from bindings.openai.vectors.connection import SearchConnection
from bindings.openai.vectors.cosmos_nosql import CosmosNoSqlOptions, CosmosNoSqlStore
from bindings.openai.vectors.extras import Access
from emulator.sdk import BindingError
from tests.support.search_services import CosmosService, Refusal

Make = Callable[..., Document]
_QUERY = array("f", [1.0, 0.0])
_KEY = base64.b64encode(b"key").decode()


@asynccontextmanager
async def _store(service: CosmosService, **options: Any) -> AsyncIterator[CosmosNoSqlStore]:
    text = f"AccountEndpoint={service.url}/;AccountKey={_KEY};"
    connection = SearchConnection("Cosmos", connection_string=text)
    store = CosmosNoSqlStore(CosmosNoSqlOptions(**options), connection, Access(), retries=0)
    try:
        yield store
    finally:
        await store.aclose()


def _asked(cosmos: CosmosService) -> str:
    queries = [request for request in cosmos.requests if "query" in (request.body or {})]
    return str(queries[0].body["query"])


async def test_database_and_container_are_made_with_a_vector_policy(
    cosmos: CosmosService, document: Make
) -> None:
    async with _store(cosmos) as store:
        await store.add("openai-index", [document("one")])
    [database] = cosmos.of("POST", "/dbs")
    assert database.body == {"id": "openai-functions-database"}
    assert database.headers["user-agent"].endswith(" OpenAI-Functions-CDBNoSql-VectorStore")
    [container] = cosmos.of("POST", "/colls")
    assert container.path == "/dbs/openai-functions-database/colls"
    assert container.body["id"] == "openai-index"
    assert container.body["partitionKey"]["paths"] == ["/id"]
    assert container.body["vectorEmbeddingPolicy"] == {
        "vectorEmbeddings": [
            {
                "path": "/embedding",
                "dataType": "float32",
                "dimensions": 1536,
                "distanceFunction": "cosine",
            }
        ]
    }
    indexing = container.body["indexingPolicy"]
    assert indexing["vectorIndexes"] == [{"path": "/embedding", "type": "quantizedFlat"}]
    assert {"path": "/embedding/*"} in indexing["excludedPaths"]


async def test_items_have_the_five_fields(cosmos: CosmosService, document: Make) -> None:
    async with _store(cosmos) as store:
        await store.add("openai-index", [document("one", 0.5, -1.0)])
    [sent] = cosmos.of("POST", "/docs")
    assert sent.body == {
        "id": "00000000000000000000000000000003",
        "text": "one",
        "title": "title",
        "embedding": [0.5, -1.0],
        "timestamp": "2026-08-05T10:11:12.345Z",
    }
    assert sent.headers["x-ms-documentdb-is-upsert"] == "True"


async def test_options_of_host_json_are_used(cosmos: CosmosService, document: Make) -> None:
    async with _store(
        cosmos,
        database_name="mine",
        embedding_key="/vector",
        vector_dimensions=2,
        vector_index_type="diskANN",
        vector_distance_function="dotproduct",
        vector_data_type="int8",
        application_name="App",
    ) as store:
        await store.add("openai-index", [document("one")])
        await store.search("openai-index", _QUERY, "what?", top=1)
    [container] = cosmos.of("POST", "/colls")
    assert container.path == "/dbs/mine/colls"
    [vectors] = container.body["vectorEmbeddingPolicy"]["vectorEmbeddings"]
    assert vectors == {
        "path": "/vector",
        "dataType": "int8",
        "dimensions": 2,
        "distanceFunction": "dotproduct",
    }
    assert container.body["indexingPolicy"]["vectorIndexes"] == [
        {"path": "/vector", "type": "diskANN"}
    ]
    assert container.headers["user-agent"].endswith(" App")
    assert "VectorDistance(c.vector, @vector)" in _asked(cosmos)


@pytest.mark.parametrize(
    ("options", "query"),
    [
        pytest.param(
            {},
            "SELECT TOP 2 c.id, c.text, c.title, c.timestamp, "
            "VectorDistance(c.embedding, @vector) AS score FROM c "
            "ORDER BY VectorDistance(c.embedding, @vector)",
            id="plain",
        ),
        pytest.param(
            {"where_filter_clause": "WHERE c.title != 'x'"},
            "SELECT TOP 2 c.id, c.text, c.title, c.timestamp, "
            "VectorDistance(c.embedding, @vector) AS score FROM c WHERE c.title != 'x' "
            "ORDER BY VectorDistance(c.embedding, @vector)",
            id="filter",
        ),
        pytest.param(
            {
                "where_filter_clause": "c.title != 'x'",
                "limit_offset_filter_clause": "OFFSET 0 LIMIT 1",
            },
            "SELECT c.id, c.text, c.title, c.timestamp, "
            "VectorDistance(c.embedding, @vector) AS score FROM c WHERE c.title != 'x' "
            "ORDER BY VectorDistance(c.embedding, @vector) OFFSET 0 LIMIT 1",
            id="window",
        ),
    ],
)
async def test_the_query_orders_by_distance(
    cosmos: CosmosService, document: Make, options: dict[str, Any], query: str
) -> None:
    async with _store(cosmos, **options) as store:
        await store.add("openai-index", [document("one"), document("other", 0.0, 1.0)])
        hits = await store.search("openai-index", _QUERY, "what?", top=2)
    assert [hit.text for hit in hits] == ["one", "other"][: 1 if "LIMIT" in query else 2]
    assert _asked(cosmos) == query


async def test_searching_makes_nothing(cosmos: CosmosService) -> None:
    async with _store(cosmos) as store:
        with pytest.raises(BindingError, match="service of 'Cosmos' answered 404") as caught:
            await store.search("none", _QUERY, "what?", top=1)
    assert "when a document is stored" in (caught.value.hint or "")
    assert cosmos.of("POST", "/colls") == []


async def test_a_refused_key_leads_to_its_setting(cosmos: CosmosService, document: Make) -> None:
    cosmos.refusal = Refusal(401, {"code": "Unauthorized", "message": "wrong key"})
    async with _store(cosmos) as store:
        with pytest.raises(BindingError, match="'Cosmos'.*wrong key") as caught:
            await store.add("openai-index", [document("one")])
    assert caught.value.hint == "Check the key in the settings of 'Cosmos'."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"database_throughput": 399}, "'databaseThroughput' in host.json should be at least 400"),
        ({"container_throughput": 0}, "'containerThroughput' in host.json should be at least 400"),
        ({"embedding_key": "/a/b"}, "'embeddingKey' in host.json should be the name of a property"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BindingError, match=message):
        CosmosNoSqlStore(CosmosNoSqlOptions(**options), SearchConnection("Cosmos"), Access())
