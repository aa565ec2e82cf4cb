"""Kusto over its own SDK: which commands are sent, and how refusals are told."""

from __future__ import annotations

import json
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bindings.openai.vectors import kusto as module
from bindings.openai.vectors.base import Document
from bindings.openai.vectors.connection import SearchConnection
from bindings.openai.vectors.extras import Access
from bindings.openai.vectors.kusto import KustoStore, table_name
from emulator.sdk import BindingError
from tests.support.search_services import KustoService, Refusal
from tests.support.sign_in import StubCredential

Make = Callable[..., Document]
_QUERY = array("f", [1.0, 0.0])


@asynccontextmanager
async def _store(text: str) -> AsyncIterator[KustoStore]:
    store = KustoStore(SearchConnection("Kusto", connection_string=text), Access())
    try:
        yield store
    finally:
        await store.aclose()


async def test_documents_are_ingested_as_json_lines(kusto: KustoService, document: Make) -> None:
    async with _store(f"Data Source={kusto.url};Initial Catalog=mine") as store:
        await store.add("docs", [document("one\nline", 0.5, -1.0), document("two")])
    [sent] = kusto.of("POST", "/v1/rest/mgmt")
    assert sent.body["db"] == "mine"
    command, *lines = sent.body["csl"].split("\n")
    assert command == ".ingest inline into table ['docs'] with (format='json') <|"
    assert [json.loads(line)["Text"] for line in lines] == ["one\nline", "two"]
    assert json.loads(lines[0]) == {
        "Id": "00000000000000000000000000000008",
        "Title": "title",
        "Text": "one\nline",
        "Embeddings": [0.5, -1.0],
        "Timestamp": "2026-08-05T10:11:12.345Z",
    }


async def test_large_documents_go_in_several_commands(
    kusto: KustoService, document: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMMAND_SIZE", 400)
    async with _store(f"{kusto.url};Initial Catalog=mine") as store:
        await store.add("docs", [document("x" * number) for number in range(1, 8)])
    sent = kusto.of("POST", "/v1/rest/mgmt")
    assert [request.body["csl"].count("\n") for request in sent] == [2, 2, 2, 1]
    assert len(kusto.tables["docs"]) == 7


async def test_the_query_ranks_by_cosine(kusto: KustoService, document: Make) -> None:
    async with _store(f"{kusto.url};Initial Catalog=mine") as store:
        await store.add("docs", [document("far", 0.0, 1.0), document("near")])
        [hit] = await store.search("docs", _QUERY, "what?", top=1)
    assert (hit.title, hit.text, hit.score) == ("title", "near", 1.0)
    [asked] = kusto.of("POST", "/v2/rest/query")
    assert asked.body["csl"] == (
        "declare query_parameters(vector:dynamic);\n"
        "['docs']\n"
        "| extend Similarity = series_cosine_similarity(vector, Embeddings)\n"
        "| top 1 by Similarity desc\n"
        "| project Title, Text, Similarity"
    )


@pytest.mark.parametrize("name", ["a/b", "a;b", "a b", "a\tb", "a\nb", ""])
async def test_names_no_table_can_have_are_refused(name: str) -> None:
    with pytest.raises(BindingError) as caught:
        table_name(name)
    assert caught.value.message == f"The table name '{name}' is invalid."


async def test_quotes_in_a_table_name_are_safe(kusto: KustoService) -> None:
    kusto.tables["it's\\here"] = []
    async with _store(f"{kusto.url};Initial Catalog=mine") as store:
        assert await store.search("it's\\here", _QUERY, "what?", top=1) == []


async def test_a_missing_table_is_told_with_the_command_that_makes_it(kusto: KustoService) -> None:
    async with _store(f"{kusto.url};Initial Catalog=mine") as store:
        with pytest.raises(BindingError, match="'Kusto' refused: .*resolve table 'none'") as caught:
            await store.search("none", _QUERY, "what?", top=1)
    assert (caught.value.hint or "").endswith(
        ".create table ['none'] (Id:string, Title:string, Text:string, Embeddings:dynamic, "
        "Timestamp:datetime)"
    )


async def test_other_refusals_are_told(kusto: KustoService) -> None:
    kusto.refusal = Refusal(503, {"error": {"@message": "busy", "code": "x", "message": "busy"}})
    async with _store(f"{kusto.url};Initial Catalog=mine") as store:
        with pytest.raises(BindingError, match="service of 'Kusto' refused"):
            await store.search("docs", _QUERY, "what?", top=1)


async def test_a_cluster_that_is_not_there_is_told(unused_tcp_port: int) -> None:
    async with _store(f"http://127.0.0.1:{unused_tcp_port};Initial Catalog=mine") as store:
        with pytest.raises(BindingError, match="service of 'Kusto' cannot be reached"):
            await store.search("docs", _QUERY, "what?", top=1)


async def test_what_is_no_connection_string_is_told() -> None:
    async with _store("Server=x;Color=blue") as store:
        with pytest.raises(
            BindingError, match="'Kusto' is not a Kusto connection string"
        ) as caught:
            await store.search("docs", _QUERY, "what?", top=1)
    assert "Initial Catalog" in (caught.value.hint or "")


async def test_a_cluster_over_https_is_asked_with_an_identity() -> None:
    credential = StubCredential()
    store = KustoStore(
        SearchConnection("Kusto", endpoint="https://x.kusto.windows.net"),
        Access(lambda: credential),
    )
    builder = store._builder()
    assert builder.token_credential_login
    assert builder.azure_credential is not None
    assert (await builder.azure_credential.get_token("scope")).token == "token-1"
    # The client closes it; it is not the client's alone.
    await builder.azure_credential.close()
    assert credential.closed == 0
    given = "Data Source=https://x;AppClientId=a;AppKey=k;Authority Id=t;Fed=true"
    own = KustoStore(SearchConnection("Kusto", connection_string=given), Access())._builder()
    assert own.application_client_id == "a"
    assert not own.token_credential_login
