"""From a connection setting to the account whose chats are meant."""

from __future__ import annotations

import pytest

from bindings.openai.chats.accounts import find_account
from emulator.sdk import BindingError
from tests.support.openai_host import FakeSettings

REAL = "DefaultEndpointsProtocol=https;AccountName=Shop;AccountKey=c2VjcmV0;EndpointSuffix=x"

AZURITE = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=x"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"AzureWebJobsStorage": ""},
        {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
        {"AzureWebJobsStorage": "usedevelopmentstorage=True;"},
        {"AzureWebJobsStorage": "<your storage connection string>"},
        {"AzureWebJobsStorage": AZURITE},
        {
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "AzureWebJobsStorage__accountName": "a",
        },
        {"AzureWebJobsStorage": REAL, "FUNCEMU_CHAT_STORE": "Embedded"},
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
            {"Other:tableServiceUri": "http://127.0.0.1:9/x/"},
            "127.0.0.1:9/x",
            "Other__tableServiceUri",
        ),
        (
            {"Other": "TableEndpoint=https://shop.table.core.windows.net;SharedAccessSignature=s"},
            "shop",
            "Other",
        ),
        (
            {"Other": f"{AZURITE};TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"},
            "127.0.0.1:10002/devstoreaccount1",
            "Other",
        ),
        ({"Other": REAL, "Other__accountName": "ignored"}, "shop", "Other"),
        (
            {"Other": "<connection string>", "Other__accountName": "shop"},
            "shop",
            "Other__accountName",
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
    signed = "TableEndpoint=https://shop.table.core.windows.net;SharedAccessSignature=c2VjcmV0"
    for text in (REAL, signed):
        assert "c2VjcmV0" not in repr(find_account(FakeSettings({"Other": text}), "Other"))


@pytest.mark.parametrize("text", ["SharedAccessSignature=c2VjcmV0", "shop", "AccountKey=c2VjcmV0"])
def test_what_is_no_connection_string_is_told_without_showing_it(text: str) -> None:
    with pytest.raises(BindingError) as caught:
        find_account(FakeSettings({"Other": text}), "Other")
    assert caught.value.message == (
        "The setting 'Other' is not the connection string of a storage account."
    )
    assert "c2VjcmV0" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "values",
    [
        {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
        {"AzureWebJobsStorage": ""},
        {"AzureWebJobsStorage": AZURITE},
        {},
    ],
)
def test_azurite_serves_development_storage_when_asked_for(values: dict[str, str]) -> None:
    account = find_account(FakeSettings({**values, "FUNCEMU_CHAT_STORE": "azurite"}), None)
    assert account.name == "127.0.0.1:10002/devstoreaccount1"
    assert account.connection is not None
    assert account.connection.connection_string == "UseDevelopmentStorage=true"


def test_a_real_account_is_used_though_azurite_is_asked_for() -> None:
    settings = FakeSettings({"Other": REAL, "FUNCEMU_CHAT_STORE": "azurite"})
    assert find_account(settings, "Other").name == "shop"


def test_a_store_nobody_knows_is_told() -> None:
    settings = FakeSettings({"FUNCEMU_CHAT_STORE": "cloud"})
    with pytest.raises(BindingError, match="FUNCEMU_CHAT_STORE should be azurite or embedded"):
        find_account(settings, None)


@pytest.mark.parametrize(
    ("values", "access"),
    [
        ({"Other": REAL}, "key from Other, local.settings.json"),
        (
            {"Other": "TableEndpoint=https://a.table.core.windows.net;SharedAccessSignature=s"},
            "signature from Other, local.settings.json",
        ),
        (
            {"Other__accountName": "shop", "Other__credential": "managedidentity"},
            "Other__accountName, local.settings.json; "
            "managed identity by Other__credential, local.settings.json",
        ),
        (
            {"Other__tableServiceUri": "https://shop.table.core.windows.net"},
            "Other__tableServiceUri, local.settings.json; "
            "the Azure sign-in of this machine, such as 'az login'",
        ),
        (
            {"Other__tableServiceUri": "https://shop.table.core.windows.net?sv=1&sig=s3cret"},
            "Other__tableServiceUri, local.settings.json; its signature",
        ),
    ],
)
def test_how_an_account_lets_us_in_is_told(values: dict[str, str], access: str) -> None:
    account = find_account(FakeSettings(values), "Other")
    assert account.connection is not None
    assert account.connection.access == access
