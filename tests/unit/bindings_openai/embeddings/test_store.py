"""Storing documents: what the function may set, and what is kept of it."""

from __future__ import annotations

import json
from array import array
from typing import Any

import pytest

from bindings.openai.models.lexical import embed_text
from bindings.openai.vectors.documents import short_title
from bindings.openai.vectors.local import DATABASE, MIGRATIONS
from emulator.clock import ManualClock
from emulator.sdk import BindingError
from tests.support.model_service import ModelService
from tests.support.openai_host import OpenAIHost
from tests.support.retrieval import bind_store, connect, use_provider


@pytest.fixture
def storing(host: OpenAIHost) -> OpenAIHost:
    host.clock = ManualClock()
    use_provider(host)
    return host


async def _rows(host: OpenAIHost) -> list[tuple[Any, ...]]:
    columns = "collection, id, title, text, vector, timestamp"
    return await host.database(DATABASE, MIGRATIONS).read(
        lambda connection: connection.execute(
            f"SELECT {columns} FROM document ORDER BY number"
        ).fetchall()
    )


async def test_five_fields_are_kept_of_every_chunk(storing: OpenAIHost) -> None:
    binding = bind_store(storing, maxChunkLength=20, maxOverlap=0)
    await storing.write(
        binding, {"title": "https://x.test/a/open.ai.txt"}, {"text": "First one here. Second one."}
    )
    rows = await _rows(storing)
    assert [(row[0], row[2], row[3], row[5]) for row in rows] == [
        ("openai-index", "open.ai", "First one here.", "2026-01-01T00:00:00.000Z"),
        ("openai-index", "open.ai", "Second one.", "2026-01-01T00:00:00.000Z"),
    ]
    assert rows[0][4] == array("f", embed_text("First one here.")).tobytes()
    for row in rows:
        assert len(row[1]) == 32
        assert set(row[1]) <= set("0123456789abcdef")
    assert rows[0][1] != rows[1][1]
    assert storing.messages("Information") == [
        "Stored 2 chunk(s) of 'open.ai' in the collection 'openai-index' (local)"
    ]


async def test_storing_a_file_again_adds_it_again(storing: OpenAIHost) -> None:
    binding = bind_store(storing)
    for _ in range(2):
        await storing.write(binding, {"title": "a.txt"}, {"text": "Same."})
    assert [row[3] for row in await _rows(storing)] == ["Same.", "Same."]


@pytest.mark.parametrize(
    ("value", "titles"),
    [
        pytest.param({"title": "a.txt"}, ["a"], id="object"),
        pytest.param({"Title": "a.txt", "connectionInfo": {}}, ["a"], id="other case, more keys"),
        pytest.param('{"title": "a.txt"}', ["a"], id="text"),
        pytest.param(b'{"title": "a.txt"}', ["a"], id="bytes"),
        pytest.param('[{"title": "a"}, {"title": "b"}, null]', ["a", "b"], id="several"),
        pytest.param({"searchableDocument": {"Title": "a.txt"}}, ["a"], id="one level down"),
        pytest.param({}, [""], id="no title"),
        pytest.param({"title": None}, [""], id="null title"),
        pytest.param("[]", [], id="nothing"),
    ],
)
async def test_titles_are_found(storing: OpenAIHost, value: Any, titles: list[str]) -> None:
    await storing.write(bind_store(storing), value, {"text": "x"})
    assert [row[2] for row in await _rows(storing)] == titles


async def test_several_documents_cost_one_embedding(
    storing: OpenAIHost, service: ModelService
) -> None:
    connect(storing, service)
    await storing.write(bind_store(storing), [{"title": "a"}, {"title": "b"}], {"text": "x"})
    assert len(service.requests) == 1
    assert len(await _rows(storing)) == 2


@pytest.mark.parametrize("value", ["plain text", "[1]", '"text"', 5])
async def test_what_is_no_object_is_refused(storing: OpenAIHost, value: Any) -> None:
    with pytest.raises(BindingError, match="is not a JSON object") as caught:
        await storing.write(bind_store(storing), value, {"text": "x"})
    assert caught.value.hint == 'Set something like {"title": "handbook.pdf"}.'


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"storeConnectionName": ""}, "No connection string information was provided."),
        ({"collection": ""}, "No collection name information was provided."),
    ],
)
async def test_missing_names_are_told_with_azures_texts(
    storing: OpenAIHost, service: ModelService, properties: dict[str, str], message: str
) -> None:
    connect(storing, service)
    with pytest.raises(BindingError) as caught:
        await storing.write(bind_store(storing, **properties), {"title": "x"}, {"text": "x"})
    assert caught.value.message == message
    assert service.requests == []


async def test_without_a_provider_nothing_is_embedded(
    host: OpenAIHost, service: ModelService
) -> None:
    connect(host, service)
    with pytest.raises(BindingError, match=r"^No search provider is configured\."):
        await host.write(bind_store(host), {"title": "x"}, {"text": "x"})
    assert service.requests == []


@pytest.mark.parametrize("missing", ["storeConnectionName", "collection", "input", "inputType"])
def test_required_properties_are_required(host: OpenAIHost, missing: str) -> None:
    with pytest.raises(BindingError, match="Can't figure out which ctor to call"):
        bind_store(host, **{missing: None})


async def test_settings_work_in_names_and_the_old_property_is_understood(
    storing: OpenAIHost,
) -> None:
    storing.settings.values |= {"INDEX": "mine", "CONNECTION": "Search"}
    binding = bind_store(
        storing, storeConnectionName=None, connectionName="%CONNECTION%", collection="%INDEX%"
    )
    assert binding.options.store_connection_name == "Search"
    await storing.write(binding, {"title": "x"}, {"text": "x"})
    assert [row[0] for row in await _rows(storing)] == ["mine"]


async def test_stored_documents_are_recorded(storing: OpenAIHost) -> None:
    await storing.write(bind_store(storing), json.dumps({"title": "x.md"}), {"text": "x"})
    [data] = [data for _, kind, data in storing.records if kind == "documents-stored"]
    assert data == {
        "function": "IngestFile",
        "store": "local",
        "collection": "openai-index",
        "title": "x",
        "documents": 1,
        "duration": 0.0,
    }


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("a.b.txt", "a.b"),
        ("README", "README"),
        ("folder/a.txt", "a"),
        (r"C:\files\a.txt", "a"),
        (".env", ""),
        ("https://x.test/page", "page"),
        ("", ""),
    ],
)
def test_titles_lose_folder_and_extension(title: str, expected: str) -> None:
    assert short_title(title) == expected
