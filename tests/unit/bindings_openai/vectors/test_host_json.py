from __future__ import annotations

from typing import Any

import pytest

from bindings.openai.vectors.host_json import ProviderOptions, search_provider
from emulator.sdk import BindingError


def _host_json(**provider: Any) -> dict[str, Any]:
    return {"version": "2.0", "extensions": {"openai": {"searchProvider": provider}}}


class _Options(ProviderOptions, frozen=True):
    vector_search_dimensions: int = 1536
    use_semantic_captions: bool = False


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("azureAISearch", "azureAISearch"),
        ("AZUREAISEARCH", "azureAISearch"),
        ("cosmosdbsearch", "cosmosDBSearch"),
        ("CosmosDBNoSqlSearch", "cosmosDBNoSqlSearch"),
        ("Kusto", "kusto"),
        (" local ", "local"),
    ],
)
def test_types_have_no_case(given: str, expected: str) -> None:
    assert search_provider(_host_json(type=given)).kind == expected


@pytest.mark.parametrize(
    "host_json",
    [
        {},
        {"extensions": {}},
        {"extensions": {"openai": None}},
        {"extensions": {"openai": {"searchProvider": {}}}},
        {"extensions": {"openai": {"searchProvider": "azureAISearch"}}},
        _host_json(type=""),
        _host_json(type=5),
        _host_json(kind="azureAISearch"),
    ],
)
def test_no_type_is_azures_error(host_json: dict[str, Any]) -> None:
    with pytest.raises(BindingError, match=r"^No search provider is configured\.") as caught:
        search_provider(host_json)
    assert "'local'" in (caught.value.hint or "")


def test_an_unknown_type_is_azures_error_and_says_which_there_are() -> None:
    with pytest.raises(BindingError, match=r"^No search provider is configured\.") as caught:
        search_provider(_host_json(type="azureSearch"))
    assert caught.value.hint == (
        "host.json names the type 'azureSearch', which is none of local, azureAISearch, "
        "cosmosDBSearch, cosmosDBNoSqlSearch, kusto. Did you mean 'azureAISearch'?"
    )


def test_sections_and_keys_have_no_case() -> None:
    host_json = {"Extensions": {"OpenAI": {"SearchProvider": {"Type": "kusto", "X": 1}}}}
    assert search_provider(host_json).values == {"type": "kusto", "x": 1}


def test_options_take_text_as_environment_variables_give_it() -> None:
    section = search_provider(
        _host_json(type="azureAISearch", VectorSearchDimensions="256", useSemanticCaptions="true")
    )
    assert section.options(_Options) == _Options(
        vector_search_dimensions=256, use_semantic_captions=True
    )


def test_options_that_do_not_fit_are_told() -> None:
    section = search_provider(_host_json(type="azureAISearch", vectorSearchDimensions="many"))
    with pytest.raises(BindingError, match="'azureAISearch' in host.json is not configured well"):
        section.options(_Options)
