"""Search services on a bad day, over each SDK: bounded, and told in one sentence."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable
from typing import Any

import pytest

from bindings.openai.vectors.ai_search import AISearchOptions, AISearchStore
from bindings.openai.vectors.base import Document, VectorStore
from bindings.openai.vectors.connection import SearchConnection
from bindings.openai.vectors.cosmos_mongo import CosmosMongoOptions, CosmosMongoStore
from bindings.openai.vectors.cosmos_nosql import CosmosNoSqlOptions, CosmosNoSqlStore
from bindings.openai.vectors.extras import Access, SearchServiceError
from bindings.openai.vectors.kusto import KustoStore
from tests.support.patience import PATIENCE
from tests.support.tcp_service import HEAD, OK, TcpService

_QUERY = array("f", [1.0, 0.0])
_PAGE = OK.replace(b"application/json", b"text/html") + b"Connection: close\r\n\r\n<html>Hi</html>"

FAULTS: dict[str, tuple[list[bytes], Any]] = {
    "silent": ([], "hang"),
    "silent within": ([HEAD, b'{"value":'], "hang"),
    "reset": ([], "reset"),
    "reset within": ([HEAD, b'{"value":'], "reset"),
    "page": ([_PAGE], "close"),
    "half": ([OK + b'Connection: close\r\n\r\n{"value": [{"te'], "close"),
    "another shape": ([OK + b"Content-Length: 9\r\n\r\n[1, null]"], "close"),
    "bytes": ([bytes(range(256)) * 4], "close"),
}


def _store(kind: str, port: int) -> VectorStore:
    url = f"http://127.0.0.1:{port}"
    access = Access(timeout=0.2)
    match kind:
        case "azureAISearch":
            connection = SearchConnection("Search", endpoint=url, key="k")
            return AISearchStore(AISearchOptions(), connection, access, retries=0)
        case "cosmosDBNoSqlSearch":
            connection = SearchConnection("Search", endpoint=url, key="a2V5")
            return CosmosNoSqlStore(CosmosNoSqlOptions(), connection, access, retries=0)
        case "cosmosDBSearch":
            address = f"mongodb://127.0.0.1:{port}/?directConnection=true"
            connection = SearchConnection("Search", connection_string=address)
            return CosmosMongoStore(CosmosMongoOptions(), connection, access, patience=0.2)
        case _:
            return KustoStore(
                SearchConnection("Search", endpoint=f"{url};Initial Catalog=d"), access
            )


@pytest.mark.parametrize(
    "kind", ["azureAISearch", "cosmosDBNoSqlSearch", "cosmosDBSearch", "kusto"]
)
@pytest.mark.parametrize("fault", list(FAULTS))
async def test_a_service_on_a_bad_day_is_bounded_and_told(
    kind: str, fault: str, document: Callable[..., Document]
) -> None:
    parts, ending = FAULTS[fault]
    binary = kind == "cosmosDBSearch"  # which speaks no HTTP
    async with TcpService(*parts, ending=ending, any_request=binary).running() as service:
        store = _store(kind, service.port)
        async with asyncio.timeout(PATIENCE):
            for attempt in (
                lambda: store.search("docs", _QUERY, "what?", top=1),
                lambda: store.add("docs", [document("one")]),
            ):
                with pytest.raises(SearchServiceError) as caught:
                    await attempt()
                assert "The search service of 'Search' " in caught.value.message
                assert "\n" not in caught.value.message
                assert "'Search'" in (caught.value.hint or "")
        await store.aclose()
