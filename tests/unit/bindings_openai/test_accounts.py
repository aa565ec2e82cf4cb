"""From a connection setting to the account whose chats are meant."""

from __future__ import annotations

import pytest

from bindings.openai.chats.accounts import find_account
from tests.support.openai_host import FakeSettings

REAL = "DefaultEndpointsProtocol=https;AccountName=Shop;AccountKey=c2VjcmV0;EndpointSuffix=x"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"AzureWebJobsStorage": ""},
        {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
        {"AzureWebJobsStorage": "usedevelopmentstorage=True;"},
        {"AzureWebJobsStorage": "<your storage connection string>"},
        {"AzureWebJobsStorage": "AccountName=devstoreaccount1;AccountKey=x"},
        {"AzureWebJobsStorage__accountName": "<account>"},
        {"AzureWebJobsStorage__tableServiceUri": "https://<account>.table.core.windows.net"},
    ],
)
@pytest.mark.parametrize("connection", [None, "", "AzureWebJobsStorage"])
def test_development_storage_nothing_and_placeholders_mean_the_embedded_store(
    values: dict[str, str], connection: str | None
) -> None:
    assert find_account(FakeSettings(values), connection).is_embedded


@pytest.mark.parametrize(
    ("values", "name", "setting"),
    [
        ({"Other": REAL}, "shop", "Other"),
        ({"Other__accountName": "Shop"}, "shop", "Other__accountName"),
        (
            {"Other__tableServiceUri": "https://Shop.table.core.windows.net/"},
            "shop",
            "Other__tableServiceUri",
        ),
        (
            {"Other:tableServiceUri": "http://127.0.0.1:9/x"},
            "127.0.0.1:9",
            "Other__tableServiceUri",
        ),
        (
            {"Other": "TableEndpoint=https://shop.table.core.windows.net;SharedAccessSignature=s"},
            "shop",
            "Other",
        ),
    ],
)
def test_a_real_account_is_known_by_its_name(
    values: dict[str, str], name: str, setting: str
) -> None:
    account = find_account(FakeSettings(values), "Other")
    assert (account.name, account.setting, account.is_embedded) == (name, setting, False)


def test_two_settings_of_one_account_mean_the_same_chats() -> None:
    settings = FakeSettings({"One": REAL, "Two__accountName": "shop"})
    assert find_account(settings, "One").name == find_account(settings, "Two").name


def test_nothing_secret_is_in_what_is_known_of_an_account() -> None:
    for text in (REAL, "SharedAccessSignature=c2VjcmV0"):
        assert "c2VjcmV0" not in repr(find_account(FakeSettings({"Other": text}), "Other"))
