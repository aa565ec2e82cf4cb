"""Azure AI Search over its own SDK: what goes over the wire, and how refusals are told."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bindings.openai.vectors.ai_search import AISearchOptions, AISearchStore
from bindings.openai.vectors.base import Document, Hit
from bindings.openai.vectors.connection import SearchConnection
from bindings.openai.vectors.extras import Access
from emulator.sdk import BindingError
from tests.support.search_services import AISearchService, Refusal
from tests.support.sign_in import StubCredential

Make = Callable[..., Document]
_QUERY = array("f", [1.0, 0.0])


@asynccontextmanager
async def _store(
    service: AISearchService | None, *, url: str = "", **options: Any
) -> AsyncIterator[AISearchStore]:
    endpoint = url if service is None else service.url
    connection = SearchConnection("AISearch", endpoint=endpoint, key="secret")
    store = AISearchStore(AISearchOptions(**options), connection, Access(), retries=0)
    try:
        yield store
    finally:
        await store.aclose()


async def test_the_index_is_made_as_the_official_extension_does(
    ai_search: AISearchService, document: Make
) -> None:
    async with _store(ai_search, vector_search_dimensions=2) as store:
        await store.add("openai-index", [document("one")])
    [created] = ai_search.of("POST", "/indexes")
    assert created.headers["api-key"] == "secret"
    assert "api-version" in created.query
    index = created.body
    assert index["name"] == "openai-index"
    fields = {field["name"]: field for field in index["fields"]}
    assert {name: field["type"] for name, field in fields.items()} == {
        "id": "Edm.String",
        "text": "Edm.String",
        "title": "Edm.String",
        "embeddings": "Collection(Edm.Single)",
        "timestamp": "Edm.DateTimeOffset",
    }
    assert fields["id"]["key"]
    assert (fields["text"]["searchable"], fields["text"]["analyzer"]) == (True, "en.microsoft")
    assert fields["title"]["facetable"]
    assert fields["timestamp"]["facetable"]
    assert fields["embeddings"]["dimensions"] == 2
    assert fields["embeddings"]["vectorSearchProfile"] == "openai-vector-profile"
    [algorithm] = index["vectorSearch"]["algorithms"]
    assert algorithm == {"name": "openai-vector-config", "kind": "hnsw"}
    [profile] = index["vectorSearch"]["profiles"]
    assert profile == {"name": "openai-vector-profile", "algorithm": "openai-vector-config"}
    [semantic] = index["semantic"]["configurations"]
    assert semantic["name"] == "default"
    assert semantic["prioritizedFields"] == {
        "titleField": {"fieldName": "title"},
        "prioritizedContentFields": [{"fieldName": "text"}],
    }


async def test_the_index_is_looked_for_once(ai_search: AISearchService, document: Make) -> None:
    async with _store(ai_search) as store:
        for text in ("one", "three"):
            await store.add("openai-index", [document(text)])
    assert len(ai_search.of("GET", "/indexes('openai-index')")) == 1
    assert len(ai_search.of("POST", "/indexes")) == 1
    async with _store(ai_search) as store:
        await store.add("openai-index", [document("five5")])
    assert len(ai_search.of("POST", "/indexes")) == 1


async def test_documents_are_merged_or_uploaded(ai_search: AISearchService, document: Make) -> None:
    async with _store(ai_search) as store:
        await store.add("openai-index", [document("one", 0.5, -1.0)])
    [sent] = ai_search.of("POST", "/docs/search.index")
    assert sent.path == "/indexes('openai-index')/docs/search.index"
    assert sent.body["value"] == [
        {
            "@search.action": "mergeOrUpload",
            "id": "00000000000000000000000000000003",
            "text": "one",
            "title": "title",
            "embeddings": [0.5, -1.0],
            "timestamp": "2026-08-05T10:11:12.345Z",
        }
    ]


async def test_a_thousand_documents_go_in_one_request(
    ai_search: AISearchService, document: Make
) -> None:
    async with _store(ai_search) as store:
        await store.add("openai-index", [document("x" * number) for number in range(1, 1202)])
    sent = ai_search.of("POST", "/docs/search.index")
    assert [len(request.body["value"]) for request in sent] == [1000, 201]
    assert len(ai_search.documents["openai-index"]) == 1201


async def test_words_and_vectors_are_searched_at_once(
    ai_search: AISearchService, document: Make
) -> None:
    async with _store(ai_search) as store:
        await store.add("openai-index", [document("one")])
        assert await store.search("openai-index", _QUERY, "what?", top=3) == [
            Hit("title", "one", 1.0)
        ]
    [asked] = ai_search.of("POST", "/docs/search.post.search")
    assert asked.body["search"] == "what?"
    assert asked.body["top"] == 3
    [vector] = asked.body["vectorQueries"]
    assert vector == {"kind": "vector", "vector": [1.0, 0.0], "k": 3, "fields": "embeddings"}
    assert "queryType" not in asked.body


@pytest.mark.parametrize(("top", "neighbours"), [(3, 50), (80, 80)])
async def test_the_semantic_ranker_gets_more_to_choose_from(
    ai_search: AISearchService, document: Make, top: int, neighbours: int
) -> None:
    async with _store(ai_search, is_semantic_search_enabled=True) as store:
        await store.add("openai-index", [document("one")])
        await store.search("openai-index", _QUERY, "what?", top=top)
    [asked] = ai_search.of("POST", "/docs/search.post.search")
    assert asked.body["queryType"] == "semantic"
    assert asked.body["semanticConfiguration"] == "default"
    assert asked.body["captions"] == "none"
    assert asked.body["vectorQueries"][0]["k"] == neighbours
    assert asked.body["top"] == top


async def test_captions_take_the_place_of_the_text(
    ai_search: AISearchService, document: Make
) -> None:
    ai_search.captions = ["first part", "second part"]
    async with _store(
        ai_search, is_semantic_search_enabled=True, use_semantic_captions=True
    ) as store:
        await store.add("openai-index", [document("one")])
        [hit] = await store.search("openai-index", _QUERY, "what?", top=1)
    assert hit.text == "first part . second part"
    [asked] = ai_search.of("POST", "/docs/search.post.search")
    assert asked.body["captions"].startswith("extractive")


async def test_captions_without_semantic_search_mean_nothing(
    ai_search: AISearchService, document: Make
) -> None:
    async with _store(ai_search, use_semantic_captions=True) as store:
        await store.add("openai-index", [document("one")])
        await store.search("openai-index", _QUERY, "what?", top=1)
    [asked] = ai_search.of("POST", "/docs/search.post.search")
    assert "captions" not in asked.body


async def test_documents_that_were_not_taken_are_told(
    ai_search: AISearchService, document: Make
) -> None:
    ai_search.refused_documents = {"bad"}
    async with _store(ai_search) as store:
        with pytest.raises(BindingError, match="did not take 1 of 2 documents: too odd"):
            await store.add("openai-index", [document("good"), document("bad")])


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_leads_to_its_setting(
    ai_search: AISearchService, document: Make, status: int
) -> None:
    ai_search.refusal = Refusal(status, {"error": {"code": "Forbidden", "message": "no entry"}})
    async with _store(ai_search) as store:
        with pytest.raises(BindingError, match="service of 'AISearch' .*no entry") as caught:
            await store.add("openai-index", [document("one")])
    assert caught.value.hint == "Check the key in the settings of 'AISearch'."


async def test_a_missing_index_is_told(ai_search: AISearchService) -> None:
    async with _store(ai_search) as store:
        with pytest.raises(BindingError, match="answered 404: .*'none'.*not found") as caught:
            await store.search("none", _QUERY, "what?", top=1)
    assert "when a document is stored" in (caught.value.hint or "")


async def test_a_service_that_is_not_there_is_told(unused_tcp_port: int) -> None:
    async with _store(None, url=f"http://127.0.0.1:{unused_tcp_port}") as store:
        with pytest.raises(BindingError, match="service of 'AISearch' cannot be reached") as caught:
            await store.search("openai-index", _QUERY, "what?", top=1)
    assert "'AISearch'" in (caught.value.hint or "")


@pytest.mark.parametrize("dimensions", [1, 3073])
def test_dimensions_have_limits(dimensions: int) -> None:
    connection = SearchConnection("AISearch", endpoint="https://x")
    with pytest.raises(BindingError, match="'vectorSearchDimensions' .* from 2 to 3072"):
        AISearchStore(AISearchOptions(vector_search_dimensions=dimensions), connection, Access())


def test_a_connection_string_is_no_address() -> None:
    connection = SearchConnection("AISearch", connection_string="abc")
    with pytest.raises(BindingError, match="'AISearch' should be the address of a search service"):
        AISearchStore(AISearchOptions(), connection, Access())


async def test_without_a_key_an_identity_is_used(document: Make) -> None:
    connection = SearchConnection("AISearch", endpoint="http://localhost:1", identity=())
    credential = StubCredential()
    store = AISearchStore(AISearchOptions(), connection, Access(lambda: credential), retries=0)
    # The client refuses to send a token over plain http, which proves that it would send one.
    with pytest.raises(BindingError, match="Bearer token authentication"):
        await store.add("openai-index", [document("one")])
    await store.aclose()
    assert credential.closed == 0
