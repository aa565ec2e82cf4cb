"""Azure AI Search: one index for each collection, searched by words and vectors at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bindings.openai.models.embedding import Vector
from bindings.openai.vectors.base import Document, Hit, timestamp_text
from bindings.openai.vectors.connection import SearchConnection
from bindings.openai.vectors.extras import (
    Access,
    SearchServiceError,
    azure_errors,
    bounded,
    needing,
)
from bindings.openai.vectors.host_json import ProviderOptions
from emulator.sdk import BindingError

if TYPE_CHECKING:
    from azure.search.documents.aio import SearchClient
    from azure.search.documents.indexes.aio import SearchIndexClient
    from azure.search.documents.indexes.models import SearchIndex

KIND = "azureAISearch"

_BATCH = 1000
"""Documents the service takes in one request."""

_SEMANTIC_NEIGHBOURS = 50
"""The semantic ranker wants at least this many documents to choose from."""

_ALGORITHM = "openai-vector-config"
_PROFILE = "openai-vector-profile"
_SEMANTIC = "default"


class AISearchOptions(ProviderOptions, frozen=True):
    is_semantic_search_enabled: bool = False
    use_semantic_captions: bool = False
    vector_search_dimensions: int = 1536


class AISearchStore:
    """One search service. `retries` is how often a request is tried again."""

    name = KIND

    def __init__(
        self,
        options: AISearchOptions,
        connection: SearchConnection,
        access: Access,
        *,
        retries: int = 3,
    ) -> None:
        if not 2 <= options.vector_search_dimensions <= 3072:
            raise BindingError(
                f"The 'vectorSearchDimensions' in host.json should be from 2 to 3072, not "
                f"{options.vector_search_dimensions}.",
                code="search-provider-invalid",
            )
        if not connection.endpoint:
            raise BindingError(
                f"The setting '{connection.name}' should be the address of a search service "
                "(https://….search.windows.net).",
                code="search-connection-invalid",
            )
        self._options = options
        self._connection = connection
        self._access = access
        self._retries = retries
        self._indexes: SearchIndexClient | None = None
        self._clients: dict[str, SearchClient] = {}
        self._present: set[str] = set()

    async def add(self, collection: str, documents: Sequence[Document]) -> None:
        rows = [_row(document) for document in documents]
        with azure_errors(self._connection):
            async with bounded(self._connection, self._access):
                await self._ensure_index(collection)
            client = self._client(collection)
            for start in range(0, len(rows), _BATCH):
                async with bounded(self._connection, self._access):
                    results = await client.merge_or_upload_documents(rows[start : start + _BATCH])
                _check(results)

    async def search(self, collection: str, vector: Vector, text: str, *, top: int) -> list[Hit]:
        if top < 1:
            return []
        client = self._client(collection)
        from azure.search.documents.models import VectorizedQuery  # here for start-up cost

        semantic = self._options.is_semantic_search_enabled
        query: dict[str, Any] = {
            "vector_queries": [
                VectorizedQuery(
                    vector=list(vector),
                    k_nearest_neighbors=max(_SEMANTIC_NEIGHBOURS, top) if semantic else top,
                    fields="embeddings",
                )
            ],
            "top": top,
            "select": ["id", "text", "title", "timestamp"],
        }
        if semantic:
            captions = "extractive" if self._options.use_semantic_captions else "none"
            query |= {
                "query_type": "semantic",
                "semantic_configuration_name": _SEMANTIC,
                "query_caption": captions,
            }
        with azure_errors(self._connection):
            async with bounded(self._connection, self._access):
                return [_hit(result) async for result in await client.search(text, **query)]

    async def aclose(self) -> None:
        clients = [*self._clients.values(), self._indexes]
        self._clients.clear()
        self._indexes = None
        for client in clients:
            if client is not None:
                await client.close()

    def _client(self, collection: str) -> SearchClient:
        if collection not in self._clients:
            with needing(KIND, package="azure-search-documents", extra="search"):
                from azure.search.documents.aio import SearchClient  # here for start-up cost

            self._clients[collection] = SearchClient(
                self._connection.endpoint,
                collection,
                self._credential(),
                retry_total=self._retries,
            )
        return self._clients[collection]

    def _credential(self) -> Any:
        if not self._connection.key:
            return self._access.sign_in()
        from azure.core.credentials import AzureKeyCredential  # here for start-up cost

        return AzureKeyCredential(self._connection.key)

    async def _ensure_index(self, collection: str) -> None:
        """Make the index unless it is there; somebody else may be making it too."""
        if collection in self._present:
            return
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        indexes = self._index_client()
        try:
            await indexes.get_index(collection)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):
                await indexes.create_index(self._index(collection))
        self._present.add(collection)

    def _index_client(self) -> SearchIndexClient:
        if self._indexes is None:
            with needing(KIND, package="azure-search-documents", extra="search"):
                from azure.search.documents.indexes.aio import (  # here for start-up cost
                    SearchIndexClient,
                )

            self._indexes = SearchIndexClient(
                self._connection.endpoint, self._credential(), retry_total=self._retries
            )
        return self._indexes

    def _index(self, name: str) -> SearchIndex:
        from azure.search.documents.indexes import models as m  # here for start-up cost

        text, title = (m.SemanticField(field_name=each) for each in ("text", "title"))
        return m.SearchIndex(
            name=name,
            fields=[
                m.SimpleField(name="id", type="Edm.String", key=True),
                m.SearchableField(name="text", analyzer_name="en.microsoft"),
                m.SimpleField(name="title", type="Edm.String", facetable=True),
                m.SearchField(
                    name="embeddings",
                    type="Collection(Edm.Single)",
                    searchable=True,
                    vector_search_dimensions=self._options.vector_search_dimensions,
                    vector_search_profile_name=_PROFILE,
                ),
                m.SimpleField(name="timestamp", type="Edm.DateTimeOffset", facetable=True),
            ],
            semantic_search=m.SemanticSearch(
                configurations=[
                    m.SemanticConfiguration(
                        name=_SEMANTIC,
                        prioritized_fields=m.SemanticPrioritizedFields(
                            title_field=title, content_fields=[text]
                        ),
                    )
                ]
            ),
            vector_search=m.VectorSearch(
                algorithms=[m.HnswAlgorithmConfiguration(name=_ALGORITHM)],
                profiles=[
                    m.VectorSearchProfile(name=_PROFILE, algorithm_configuration_name=_ALGORITHM)
                ],
            ),
        )


def _row(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "text": document.text,
        "title": document.title,
        "embeddings": list(document.vector),
        "timestamp": timestamp_text(document.timestamp),
    }


def _check(results: Sequence[Any]) -> None:
    """The service takes some documents of a batch and refuses others with success."""
    refused = [each for each in results if not each.succeeded]
    if refused:
        raise SearchServiceError(
            f"Azure AI Search did not take {len(refused)} of {len(results)} documents: "
            f"{refused[0].error_message}"
        )


def _hit(result: dict[str, Any]) -> Hit:
    captions = result.get("@search.captions") or ()
    snippet = " . ".join(caption.text for caption in captions if caption.text)
    score = result.get("@search.reranker_score") or result.get("@search.score") or 0.0
    return Hit(result.get("title") or "", snippet or result.get("text") or "", score)
