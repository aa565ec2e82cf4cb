from __future__ import annotations

import pytest

from emulator.config.connections import (
    connection,
    is_development_storage,
    is_placeholder,
)
from emulator.config.settings import Settings


@pytest.mark.parametrize(
    ("values", "setting", "value"),
    [
        ({"Foo": "plain"}, "Foo", "plain"),
        ({"Foo": "plain", "AzureWebJobsFoo": "prefixed"}, "AzureWebJobsFoo", "prefixed"),
        ({"AzureWebJobsFoo": "p", "ConnectionStrings:Foo": "c"}, "AzureWebJobsFoo", "p"),
        ({"Foo": "plain", "ConnectionStrings:Foo": "c"}, "ConnectionStrings:Foo", "c"),
        (
            {"AzureWebJobsFoo": "p", "ConnectionStrings:AzureWebJobsFoo": "c"},
            "ConnectionStrings:AzureWebJobsFoo",
            "c",
        ),
        ({"FOO": "any case"}, "Foo", "any case"),
    ],
)
def test_looks_in_order(values: dict[str, str], setting: str, value: str) -> None:
    found = connection(Settings.of(values), "Foo")
    assert (found.setting, found.value, found.fields) == (setting, value, {})
    assert found.source == "environment"
    assert found.exists


def test_without_a_name_it_is_the_storage_of_the_host() -> None:
    settings = Settings.of({"AzureWebJobsStorage": "UseDevelopmentStorage=true"})
    found = connection(settings, None)
    assert (found.name, found.setting) == ("Storage", "AzureWebJobsStorage")
    assert connection(settings, "AzureWebJobsStorage").value == found.value


def test_a_section_gives_fields() -> None:
    settings = Settings.of({"Ai__Endpoint": "https://x", "Ai__clientId": "c"})
    found = connection(settings, "Ai")
    assert found.value is None
    assert found.fields == {"endpoint": "https://x", "clientid": "c"}


def test_a_text_wins_over_fields() -> None:
    found = connection(Settings.of({"Ai": "text", "Ai__Endpoint": "https://x"}), "Ai")
    assert (found.value, found.fields) == ("text", {})


def test_says_what_is_missing() -> None:
    found = connection(Settings.of({}), "Foo")
    assert not found.exists
    assert found.missing_message == (
        "Storage account connection string 'AzureWebJobsFoo' does not exist. "
        "Make sure that it is a defined App Setting."
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "  ",
        "<your key>",
        "<YOUR_API_KEY>",
        "{your-key}",
        "{{key}}",
        "[your key]",
        "https://<resource>.openai.azure.com/",
        "https://{name}.openai.azure.com",
        "your-key-here",
        "YOUR_OPENAI_KEY",
        "https://your-resource.openai.azure.com/",
        "insert your key",
        "enter-the-key",
        "change_me",
        "CHANGEME",
        "replace-me",
        "xxxx",
        "...",
        "…",
    ],
)
def test_is_a_placeholder(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value",
    [
        "UseDevelopmentStorage=true",
        "https://contoso.openai.azure.com/",
        "sk-abc",
        "0123456789abcdef",
        '{"a": 1}',
        "yourself",
        "xx",
        "<a><b>",
        "Server=x;Password=<none>",
        "test",
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=y",
    ],
)
def test_is_a_value(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("UseDevelopmentStorage=true", True),
        ("usedevelopmentstorage=TRUE;", True),
        ("DevelopmentStorageProxyUri=http://x;UseDevelopmentStorage=true", True),
        ("AccountName=devstoreaccount1;AccountKey=abc;BlobEndpoint=http://127.0.0.1:10000/x", True),
        ("UseDevelopmentStorage=false", False),
        ("AccountName=mine;AccountKey=abc", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_knows_the_storage_emulator(value: str, expected: bool) -> None:
    assert is_development_storage(value) is expected
