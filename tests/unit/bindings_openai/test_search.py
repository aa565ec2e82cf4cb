"""Semantic search: from a question over documents to an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bindings.openai.models.lexical import embed_text
from bindings.openai.search import DEFAULT_SYSTEM_PROMPT, system_message
from bindings.openai.vectors.base import Hit
from emulator.clock import ManualClock
from emulator.sdk import BindingError
from tests.support.model_service import ModelService, Reply, chat
from tests.support.openai_host import OpenAIHost
from tests.support.retrieval import (
    bind_embeddings,
    bind_search,
    bind_store,
    connect,
    delivered,
    golden,
    use_provider,
)

REFUNDS = "Refunds are paid within ten days.\r\nAsk support\nfor more."
CATS = "Cats sleep most of the day."


@pytest.fixture
async def library(host: OpenAIHost) -> OpenAIHost:
    """A host with two documents in the local store."""
    use_provider(host)
    store = bind_store(host)
    await host.write(store, {"title": "docs/refunds.2026.txt"}, {"text": REFUNDS})
    await host.write(store, {"title": "cats.pdf"}, {"text": CATS})
    return host


async def test_the_nearest_document_is_put_before_the_model(
    library: OpenAIHost, service: ModelService
) -> None:
    connect(library, service)
    question = "When are refunds paid?"
    service.reply(Reply({"data": [{"embedding": list(embed_text(question))}]}), chat("Ten days."))
    search = bind_search(library, systemPrompt="Use these:\n")
    value = await library.read(search, {"prompt": question})
    assert value["Response"] == "Ten days."
    asked = service.requests[1]
    assert asked.messages == [
        {
            "role": "system",
            "content": "Use these:\n\n"
            "refunds.2026: Refunds are paid within ten days. Ask support for more.\n",
        },
        {"role": "user", "content": question},
    ]
    assert "tools" not in asked.body


async def test_azures_json_is_delivered(host: OpenAIHost, service: ModelService) -> None:
    use_provider(host)
    connect(host, service)
    search = bind_search(host, chatModel="gpt-test", embeddingsModel="%EMBEDDINGS%")
    host.settings.values["EMBEDDINGS"] = "ada"
    service.fallback = lambda request: chat("A cloud <3\n\nReference: azure")
    text = await delivered(host, search, prompt='What\'s "Azure"?')
    assert text == golden("semantic_search_context.json")
    [embedded, asked] = service.requests
    assert embedded.path.endswith("/deployments/ada/embeddings")
    assert embedded.body == {
        "input": 'What\'s "Azure"?',
        "model": "ada",
        "encoding_format": "base64",
    }
    assert asked.path.endswith("/deployments/gpt-test/chat/completions")
    assert asked.body.keys() == {"model", "messages", "temperature", "max_tokens"}


async def test_as_many_documents_as_wished_are_used(library: OpenAIHost) -> None:
    for wished, titles in ((1, ["refunds.2026"]), (2, ["refunds.2026", "cats"]), (0, [])):
        search = bind_search(library, maxKnowledgeCount=str(wished))
        library.records.clear()
        await library.read(search, {"prompt": "refunds paid"})
        [found] = [data for _, kind, data in library.records if kind == "documents-searched"]
        assert [hit["title"] for hit in found["hits"]] == titles
        assert found["store"] == "local"


async def test_old_property_names_are_understood(library: OpenAIHost) -> None:
    search = bind_search(
        library,
        searchConnectionName=None,
        connectionName="SearchEndpoint",
        maxKnowledgeLength=2,
    )
    assert search.options.search_connection_name == "SearchEndpoint"
    assert search.options.max_knowledge_count == 2


async def test_an_offline_answer_has_the_shape_of_a_services(library: OpenAIHost) -> None:
    library.clock = ManualClock()
    value = await library.read(bind_search(library), {"prompt": "refunds"})
    assert list(value) == ["Embeddings", "Chat", "Response"]
    assert value["Embeddings"] == {"request": ["refunds"], "count": 0}
    chat_json = value["Chat"]
    assert chat_json["choices"][0]["message"]["content"] == value["Response"]
    assert chat_json["object"] == "chat.completion"
    assert chat_json["created"] == 1767225600
    assert chat_json["usage"]["total_tokens"] > 0


async def test_the_offline_model_answers_from_the_documents(library: OpenAIHost) -> None:
    value = await library.read(bind_search(library), {"prompt": "When are refunds paid?"})
    assert value["Response"] == (
        "Refunds are paid within ten days. Ask support for more.\n\nReference: refunds.2026"
    )


async def test_a_collection_nobody_filled_finds_nothing(library: OpenAIHost) -> None:
    search = bind_search(library, collection="{c}")
    await library.read(search, {"prompt": "refunds", "c": "other"})
    assert library.messages("Warning") == [
        "No document was found in the collection 'other' (local)."
    ]


async def test_without_a_provider_azures_text_is_told(host: OpenAIHost) -> None:
    with pytest.raises(BindingError) as caught:
        await host.read(bind_search(host), {"prompt": "x"})
    assert caught.value.message == (
        "No search provider is configured. Search providers are configured in the host.json file. "
        "For .NET apps, the appropriate nuget package must also be added to the app's project "
        "file."
    )


async def test_an_empty_query_is_refused(library: OpenAIHost) -> None:
    with pytest.raises(BindingError, match=r"^The query must be specified\.$"):
        await library.read(bind_search(library), {"prompt": ""})
    with pytest.raises(BindingError, match=r"^The query must be specified\.$"):
        await library.read(bind_search(library, query=None))


async def test_an_answer_without_text_fails_as_on_azure(
    library: OpenAIHost, service: ModelService
) -> None:
    connect(library, service)
    use_provider(library)
    service.fallback = lambda request: chat(None, finish_reason="content_filter")
    search = bind_search(library, collection="empty")
    with pytest.raises(BindingError, match="answered without text .*content_filter"):
        await library.read(search, {"prompt": "x"})


def test_line_breaks_in_documents_become_spaces() -> None:
    hits = [Hit("a\nb", "one\r\ntwo\rthree\n\nfour"), Hit("c", "five")]
    assert system_message("P", hits) == "P\na b: one two three  four\nc: five\n"
    assert system_message("P", []) == "P\n"


def test_the_default_prompt_says_what_it_must() -> None:
    for part in ("do not know", "emails and documents", "[filename]: [text]", "Reference: <file>"):
        assert part in DEFAULT_SYSTEM_PROMPT
    assert DEFAULT_SYSTEM_PROMPT.endswith(":\n")


async def test_direction_out_stores_ready_embeddings(library: OpenAIHost) -> None:
    made = await library.read(
        bind_embeddings(library, maxChunkLength=30, maxOverlap=0),
        {"rawText": "Dogs bark at night. Birds sing at dawn."},
    )
    legacy = bind_search(
        library, searchConnectionName=None, connectionName="SearchEndpoint", query=None
    )
    out = library.bind(type(legacy), direction="out", connectionName="S", collection="openai-index")
    old_form = {**made, "request": {"input": made["request"], "model": "x"}}
    await library.write(out, {"title": "animals.txt", "embeddingsContext": made})
    await library.write(out, json.dumps([{"Title": "b.txt", "EmbeddingsContext": old_form}]))
    search = bind_search(library, maxKnowledgeCount=2)
    library.records.clear()
    await library.read(search, {"prompt": "birds sing"})
    found = next(data for _, kind, data in library.records if kind == "documents-searched")
    assert [hit["title"] for hit in found["hits"]] == ["animals", "b"]


async def test_direction_out_without_embeddings_leads_to_the_right_type(
    library: OpenAIHost,
) -> None:
    out = library.bind(
        type(bind_search(library)), direction="out", connectionName="S", collection="c"
    )
    with pytest.raises(BindingError, match="come with their 'embeddingsContext'") as caught:
        await library.write(out, {"title": "x"})
    assert "embeddingsStore" in (caught.value.hint or "")
    assert not out.reads()
    assert out.writes()


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ({}, "it has no texts"),
        ({"request": ["a"], "response": {"data": []}}, "it has 1 texts and 0 vectors"),
        ({"request": ["a"], "response": {"data": [{"embedding": "?"}]}}, "cannot be read"),
        ({"request": ["a"], "response": {"data": [{}]}}, "cannot be read"),
        ({"request": [1], "response": {"data": [{"embedding": [1]}]}}, "it has no texts"),
    ],
)
async def test_embeddings_that_do_not_fit_are_told(
    library: OpenAIHost, context: Any, reason: str
) -> None:
    out = library.bind(
        type(bind_search(library)), direction="out", connectionName="S", collection="c"
    )
    with pytest.raises(BindingError, match=reason):
        await library.write(out, {"title": "x", "embeddingsContext": context})
