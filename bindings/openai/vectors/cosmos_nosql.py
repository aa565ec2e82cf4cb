"""Azure Cosmos DB for NoSQL: one container for each collection, ordered by vector distance."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bindings.openai.models.embedding import Vector
from bindings.openai.vectors.base import Document, Hit, timestamp_text
from bindings.openai.vectors.connection import SearchConnection
from bindings.openai.vectors.extras import Access, azure_errors, bounded, needing
from bindings.openai.vectors.host_json import ProviderOptions
from emulator.sdk import BindingError

if TYPE_CHECKING:
    from azure.cosmos.aio import ContainerProxy, CosmosClient

KIND = "cosmosDBNoSqlSearch"

_LEAST_THROUGHPUT = 400


class CosmosNoSqlOptions(ProviderOptions, frozen=True):
    database_name: str = "openai-functions-database"
    vector_dimensions: int = 1536
    vector_data_type: str = "float32"
    vector_distance_function: str = "cosine"
    vector_index_type: str = "quantizedFlat"
    embedding_key: str = "embedding"
    database_throughput: int = _LEAST_THROUGHPUT
    container_throughput: int = _LEAST_THROUGHPUT
    where_filter_clause: str = ""
    limit_offset_filter_clause: str = ""
    application_name: str = "OpenAI-Functions-CDBNoSql-VectorStore"


class CosmosNoSqlStore:
    """One account and database. `retries` is how often a connection is tried again."""

    name = KIND

    def __init__(
        self,
        options: CosmosNoSqlOptions,
        connection: SearchConnection,
        access: Access,
        *,
        retries: int = 3,
    ) -> None:
        for name, value in (
            ("databaseThroughput", options.database_throughput),
            ("containerThroughput", options.container_throughput),
        ):
            if value < _LEAST_THROUGHPUT:
                raise BindingError(
                    f"The '{name}' in host.json should be at least {_LEAST_THROUGHPUT}, not "
                    f"{value}.",
                    code="search-provider-invalid",
                )
        self._options = options
        self._connection = connection
        self._access = access
        self._retries = retries
        # Azure's samples write it as a path; it names one property either way.
        self._key = options.embedding_key.strip("/")
        if not self._key.isidentifier():
            raise BindingError(
                f"The 'embeddingKey' in host.json should be the name of a property, not "
                f"'{options.embedding_key}'.",
                code="search-provider-invalid",
            )
        self._client: CosmosClient | None = None
        self._containers: dict[str, ContainerProxy] = {}

    async def add(self, collection: str, documents: Sequence[Document]) -> None:
        client = self._open()
        with azure_errors(self._connection):
            async with bounded(self._connection, self._access):
                container = await self._ensure_container(client, collection)
            for document in documents:
                async with bounded(self._connection, self._access):
                    await container.upsert_item(self._item(document))

    async def search(self, collection: str, vector: Vector, text: str, *, top: int) -> list[Hit]:
        if top < 1:
            return []
        client = self._open()
        with azure_errors(self._connection):
            container = self._containers.get(collection) or client.get_database_client(
                self._options.database_name
            ).get_container_client(collection)
            found = container.query_items(
                self._query(top), parameters=[{"name": "@vector", "value": list(vector)}]
            )
            async with bounded(self._connection, self._access):
                return [
                    Hit(item.get("title") or "", item.get("text") or "", item.get("score") or 0.0)
                    async for item in found
                ]

    async def aclose(self) -> None:
        client, self._client = self._client, None
        self._containers.clear()
        if client is not None:
            await client.close()

    def _query(self, top: int) -> str:
        options = self._options
        distance = f"VectorDistance(c.{self._key}, @vector)"
        where = options.where_filter_clause.strip()
        if where and not where.upper().startswith("WHERE"):
            where = f"WHERE {where}"
        window = options.limit_offset_filter_clause.strip()
        return " ".join(
            part
            for part in (
                "SELECT" if window else f"SELECT TOP {top}",
                f"c.id, c.text, c.title, c.timestamp, {distance} AS score FROM c",
                where,
                f"ORDER BY {distance}",
                window,
            )
            if part
        )

    def _item(self, document: Document) -> dict[str, Any]:
        return {
            "id": document.id,
            "text": document.text,
            "title": document.title,
            self._key: list(document.vector),
            "timestamp": timestamp_text(document.timestamp),
        }

    async def _ensure_container(self, client: CosmosClient, collection: str) -> ContainerProxy:
        """Return the container; it and the database are made when they are missing."""
        if collection not in self._containers:
            # Here for start-up cost.
            from azure.core.exceptions import ResourceExistsError
            from azure.cosmos import PartitionKey

            database = client.get_database_client(self._options.database_name)
            # Somebody else may make either between the client's look and its making.
            with suppress(ResourceExistsError):
                await client.create_database_if_not_exists(self._options.database_name)
            with suppress(ResourceExistsError):
                await database.create_container_if_not_exists(
                    collection,
                    PartitionKey("/id"),
                    indexing_policy=self._indexing_policy(),
                    vector_embedding_policy=self._vector_policy(),
                )
            self._containers[collection] = database.get_container_client(collection)
        return self._containers[collection]

    def _open(self) -> CosmosClient:
        if self._client is None:
            with needing(KIND, package="azure-cosmos", extra="cosmos"):
                from azure.cosmos.aio import CosmosClient  # here for start-up cost

            options: dict[str, Any] = {
                "user_agent_suffix": self._options.application_name,
                "retry_total": self._retries,
            }
            connection = self._connection
            if connection.connection_string:
                self._client = CosmosClient.from_connection_string(
                    connection.connection_string, **options
                )
            else:
                access = connection.key or self._access.sign_in()
                self._client = CosmosClient(connection.endpoint, access, **options)
        return self._client

    def _vector_policy(self) -> dict[str, Any]:
        options = self._options
        return {
            "vectorEmbeddings": [
                {
                    "path": f"/{self._key}",
                    "dataType": options.vector_data_type,
                    "dimensions": options.vector_dimensions,
                    "distanceFunction": options.vector_distance_function,
                }
            ]
        }

    def _indexing_policy(self) -> dict[str, Any]:
        return {
            "indexingMode": "consistent",
            "automatic": True,
            "includedPaths": [{"path": "/*"}],
            # Vectors are found through their own index; the usual one would only cost.
            "excludedPaths": [{"path": '/"_etag"/?'}, {"path": f"/{self._key}/*"}],
            "vectorIndexes": [{"path": f"/{self._key}", "type": self._options.vector_index_type}],
        }
