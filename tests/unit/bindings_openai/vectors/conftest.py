"""The search services' doubles, and documents to store in them."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from bindings.openai.vectors.base import Document
from tests.support.mongo_service import MongoService
from tests.support.search_services import AISearchService, CosmosService, KustoService

NOW = datetime(2026, 8, 5, 10, 11, 12, 345678, UTC)


@pytest.fixture
def document() -> Callable[..., Document]:
    """Make documents: `document("text", 1.0, 2.0)`."""

    def make(text: str, *vector: float) -> Document:
        return Document(f"{len(text):032x}", text, "title", array("f", vector or [1.0, 0.0]), NOW)

    return make


@pytest.fixture
async def ai_search() -> AsyncIterator[AISearchService]:
    async with AISearchService().running() as service:
        yield service


@pytest.fixture
async def cosmos() -> AsyncIterator[CosmosService]:
    async with CosmosService().running() as service:
        yield service


@pytest.fixture
async def mongo() -> AsyncIterator[MongoService]:
    async with MongoService().running() as service:
        yield service


@pytest.fixture
async def kusto() -> AsyncIterator[KustoService]:
    async with KustoService("docs", "it's \\ here").running() as service:
        yield service
