"""Azure Cosmos DB for MongoDB (vCore): one collection each, with a vector index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from bindings.openai.models.embedding import Vector
from bindings.openai.vectors.base import Document, Hit
from bindings.openai.vectors.connection import SearchConnection
from bindings.openai.vectors.extras import Access, SearchServiceError, bounded, needing
from bindings.openai.vectors.host_json import ProviderOptions
from emulator.sdk import BindingError

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient
    from pymongo.asynchronous.database import AsyncDatabase

KIND = "cosmosDBSearch"


class CosmosMongoOptions(ProviderOptions, frozen=True):
    database_name: str = "openai-functions-database"
    index_name: str = "openai-functions-index"
    embedding_key: str = "embedding"
    text_key: str = "text"
    vector_search_dimensions: int = 1536
    kind: Literal["vector-ivf", "vector-hnsw", "vector-diskann"] = "vector-ivf"
    similarity: Literal["COS", "L2", "IP"] = "COS"
    num_lists: int = 1
    number_of_connections: int = 16
    ef_construction: int = 64
    ef_search: int = 40
    max_degree: int = 32
    l_build: int = 50
    l_search: int = 40


class CosmosMongoStore:
    """One cluster and database. `patience` is how many seconds a server is waited for."""

    name = KIND

    def __init__(
        self,
        options: CosmosMongoOptions,
        connection: SearchConnection,
        access: Access,
        *,
        patience: float = 10.0,
    ) -> None:
        if not connection.connection_string.startswith(("mongodb://", "mongodb+srv://")):
            raise BindingError(
                f"The setting '{connection.name}' should be a MongoDB connection string "
                "(mongodb+srv://…).",
                code="search-connection-invalid",
            )
        self._options = options
        self._connection = connection
        self._access = access
        self._patience = patience
        self._client: AsyncMongoClient[dict[str, Any]] | None = None
        self._indexed: set[str] = set()

    async def add(self, collection: str, documents: Sequence[Document]) -> None:
        database = self._open()
        with self._errors():
            if collection not in self._indexed:
                async with bounded(self._connection, self._access):
                    await database.command(self._index(collection))
                self._indexed.add(collection)
            if documents:
                async with bounded(self._connection, self._access):
                    await database[collection].insert_many([self._row(each) for each in documents])

    async def search(self, collection: str, vector: Vector, text: str, *, top: int) -> list[Hit]:
        if top < 1:
            return []
        database = self._open()
        with self._errors():
            async with bounded(self._connection, self._access):
                cursor = await database[collection].aggregate(self._query(vector, top))
                return [self._hit(row) async for row in cursor]

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _open(self) -> AsyncDatabase[dict[str, Any]]:
        if self._client is None:
            with needing(KIND, package="pymongo", extra="mongo"):
                from pymongo import AsyncMongoClient  # here for start-up cost

            with self._errors():
                self._client = AsyncMongoClient(
                    self._connection.connection_string,
                    appname="funcemu",
                    serverSelectionTimeoutMS=int(self._patience * 1000),
                )
        return self._client[self._options.database_name]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Translate what the driver raises."""
        from pymongo import errors  # here for start-up cost

        where = f"The search service of '{self._connection.name}'"
        try:
            yield
        except errors.ServerSelectionTimeoutError as error:
            raise SearchServiceError(
                f"{where} cannot be reached: {error}",
                hint=f"Check the address in the setting '{self._connection.name}' and the network.",
            ) from error
        except errors.OperationFailure as error:
            reason = (error.details or {}).get("errmsg") or str(error)
            hint = None
            if error.code in {13, 18}:  # Unauthorized, AuthenticationFailed
                hint = f"Check user and password in the setting '{self._connection.name}'."
            raise SearchServiceError(f"{where} refused: {reason}", hint=hint) from error
        except (errors.PyMongoError, ValueError) as error:
            raise SearchServiceError(f"{where} cannot be used: {error}") from error

    def _index(self, collection: str) -> dict[str, Any]:
        options = self._options
        search: dict[str, Any] = {
            "kind": options.kind,
            "similarity": options.similarity,
            "dimensions": options.vector_search_dimensions,
        }
        match options.kind:
            case "vector-ivf":
                search["numLists"] = options.num_lists
            case "vector-hnsw":
                search["m"] = options.number_of_connections
                search["efConstruction"] = options.ef_construction
            case "vector-diskann":
                search["maxDegree"] = options.max_degree
                search["lBuild"] = options.l_build
        return {
            "createIndexes": collection,
            "indexes": [
                {
                    "name": options.index_name,
                    "key": {options.embedding_key: "cosmosSearch"},
                    "cosmosSearchOptions": search,
                }
            ],
        }

    def _row(self, document: Document) -> dict[str, Any]:
        return {
            "id": document.id,
            self._options.text_key: document.text,
            "title": document.title,
            self._options.embedding_key: list(document.vector),
            "timestamp": document.timestamp,
        }

    def _query(self, vector: Vector, top: int) -> list[dict[str, Any]]:
        options = self._options
        search: dict[str, Any] = {
            "vector": list(vector),
            "path": options.embedding_key,
            "k": top,
        }
        if options.kind == "vector-hnsw":
            search["efSearch"] = options.ef_search
        elif options.kind == "vector-diskann":
            search["lSearch"] = options.l_search
        return [
            {"$search": {"cosmosSearch": search, "returnStoredSource": True}},
            {
                "$project": {
                    "_id": 0,
                    "title": 1,
                    options.text_key: 1,
                    "score": {"$meta": "searchScore"},
                }
            },
        ]

    def _hit(self, row: dict[str, Any]) -> Hit:
        return Hit(
            str(row.get("title") or ""),
            str(row.get(self._options.text_key) or ""),
            float(row.get("score") or 0.0),
        )
