"""Which store serves a connection, and what is said about it."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable

import pytest

from bindings.openai.extension import OpenAIExtension
from bindings.openai.vectors.ai_search import AISearchStore
from bindings.openai.vectors.base import Document, VectorStore
from bindings.openai.vectors.local import LocalVectorStore
from bindings.openai.vectors.stores import VectorStores
from emulator.sdk import BindingError
from tests.support.openai_host import OpenAIHost
from tests.support.retrieval import bind_search, bind_store, use_provider
from tests.support.search_services import AISearchService

_CONNECTIONS = {
    "azureAISearch": "https://x.search.windows.net",
    "cosmosDBSearch": "mongodb://localhost:1/",
    "cosmosDBNoSqlSearch": "AccountEndpoint=https://x;AccountKey=a2V5;",
    "kusto": "https://x.kusto.windows.net;Initial Catalog=db",
}
_MODULES = {
    "azureAISearch": ("azure.search.documents.aio", "azure-search-documents", "search"),
    "cosmosDBSearch": ("pymongo", "pymongo", "mongo"),
    "cosmosDBNoSqlSearch": ("azure.cosmos.aio", "azure-cosmos", "cosmos"),
    "kusto": ("azure.kusto.data.aio", "azure-kusto-data", "kusto"),
}


@pytest.fixture
def stores(host: OpenAIHost) -> VectorStores:
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    return extension.vectors


def _open(host: OpenAIHost, stores: VectorStores, name: str = "Search") -> VectorStore:
    return stores.open(host.settings, name, "openai-index")


@pytest.mark.parametrize("kind", list(_CONNECTIONS))
def test_a_connection_leads_to_the_service(
    host: OpenAIHost, stores: VectorStores, kind: str
) -> None:
    use_provider(host, kind)
    host.settings.values["Search"] = _CONNECTIONS[kind]
    store = _open(host, stores)
    assert store.name == kind
    assert _open(host, stores) is store
    assert stores.describe(host.settings, "Search") == f"{kind} at Search"
    assert host.logged == []


@pytest.mark.parametrize("kind", list(_CONNECTIONS))
async def test_a_missing_package_is_named_with_its_extra(
    host: OpenAIHost, stores: VectorStores, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, package, extra = _MODULES[kind]
    monkeypatch.setitem(sys.modules, module, None)
    use_provider(host, kind)
    host.settings.values["Search"] = _CONNECTIONS[kind]
    expected = f"The search provider '{kind}' needs the package '{package}'"
    with pytest.raises(BindingError, match=expected) as caught:
        await _open(host, stores).search("docs", array("f", [1.0]), "", top=1)
    assert caught.value.hint == f'Run: pip install "funcemu[{extra}]"'


def test_connections_of_one_identity_share_its_sign_in(
    host: OpenAIHost, stores: VectorStores
) -> None:
    use_provider(host, "azureAISearch")
    for name in ("One", "Two"):
        host.settings.values |= {
            f"{name}__endpoint": f"https://{name}.search.windows.net",
            f"{name}__credential": "managedidentity",
            f"{name}__clientId": "11111111-2222-3333-4444-555555555555",
        }
    one, two = _open(host, stores, "One"), _open(host, stores, "Two")
    assert isinstance(one, AISearchStore)
    assert isinstance(two, AISearchStore)
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    keys = (
        ("clientid", "11111111-2222-3333-4444-555555555555"),
        ("credential", "managedidentity"),
    )
    assert one._credential() is two._credential()
    assert one._credential() is extension.credentials.get(keys)


def test_each_connection_has_its_own_client(host: OpenAIHost, stores: VectorStores) -> None:
    use_provider(host, "azureAISearch")
    host.settings.values |= {"A": "https://a", "B": "https://b"}
    assert _open(host, stores, "A") is not _open(host, stores, "B")
    first = _open(host, stores, "A")
    use_provider(host, "azureAISearch", isSemanticSearchEnabled=True)
    assert _open(host, stores, "A") is not first


def test_the_local_type_needs_no_connection_and_no_words(
    host: OpenAIHost, stores: VectorStores
) -> None:
    use_provider(host, "Local")
    assert isinstance(_open(host, stores), LocalVectorStore)
    assert host.logged == []
    assert stores.describe(host.settings, "x") == (
        "local store (as host.json asks by the type 'local')"
    )


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "Configuration section or endpoint 'Search' does not exist"),
        (
            {"Search__endpoint": "https://<name>.search.windows.net"},
            "Search__endpoint is a placeholder",
        ),
    ],
)
def test_without_a_connection_the_local_store_serves_and_that_is_said_once(
    host: OpenAIHost, stores: VectorStores, settings: dict[str, str], reason: str
) -> None:
    use_provider(host, "azureaisearch")
    host.settings.values |= settings
    for _ in range(2):
        assert isinstance(_open(host, stores), LocalVectorStore)
    assert host.messages("Warning") == [
        f"{reason}, so 'azureAISearch' is not asked: documents of 'Search' are kept and searched "
        "in the local store on this machine."
    ]


def test_names_must_be_there(host: OpenAIHost, stores: VectorStores) -> None:
    use_provider(host)
    with pytest.raises(BindingError, match=r"^No connection string information was provided\.$"):
        stores.open(host.settings, "", "docs")
    with pytest.raises(BindingError, match=r"^No collection name information was provided\.$"):
        stores.open(host.settings, "Search", "")


def test_only_the_chosen_providers_options_are_checked(
    host: OpenAIHost, stores: VectorStores
) -> None:
    use_provider(host, "kusto", databaseThroughput=1, vectorSearchDimensions=99999)
    host.settings.values["Search"] = _CONNECTIONS["kusto"]
    assert _open(host, stores).name == "kusto"
    use_provider(host, "azureAISearch", vectorSearchDimensions=99999)
    host.settings.values["Search"] = _CONNECTIONS["azureAISearch"]
    with pytest.raises(BindingError, match="vectorSearchDimensions"):
        _open(host, stores)


def test_the_banner_says_where_documents_are(host: OpenAIHost) -> None:
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    bindings = [
        bind_store(host, storeConnectionName="A"),
        bind_search(host, searchConnectionName="B"),
        bind_search(host, searchConnectionName="{c}"),
    ]
    assert [line for line in extension.banner() if line.startswith("Documents: none")]
    use_provider(host, "azureAISearch")
    host.settings.values["A"] = "https://a"
    documents = [line for line in extension.banner() if line.startswith("Documents:")]
    assert documents == [
        "Documents: azureAISearch at A",
        "Documents: local store (Configuration section or endpoint 'B' does not exist)",
    ]
    assert len(bindings) == 3


async def test_documents_go_from_the_binding_to_the_service_and_back(
    host: OpenAIHost, ai_search: AISearchService, document: Callable[..., Document]
) -> None:
    use_provider(host, "azureAISearch")
    host.settings.values |= {"S__endpoint": ai_search.url, "S__apiKey": "k"}
    store = bind_store(host, storeConnectionName="S")
    search = bind_search(host, searchConnectionName="S")
    await host.write(store, {"title": "a.txt"}, {"text": "Refunds take ten days."})
    await host.read(search, {"prompt": "refunds?"})
    [asked] = ai_search.of("POST", "/docs/search.post.search")
    assert asked.body["search"] == "refunds?"
    found = next(data for _, kind, data in host.records if kind == "documents-searched")
    assert found["store"] == "azureAISearch"
    assert [hit["title"] for hit in found["hits"]] == ["a"]
