"""Who a settings section says we are, in words and as keys."""

from __future__ import annotations

import pytest

from bindings.openai.signin import completed, describe, identity_keys, kind_of
from emulator.sdk import BindingError
from tests.support.openai_host import FakeSettings

SECRET = {"AI__tenantId": "t", "AI__clientId": "c", "AI__clientSecret": "s3cret"}
VARIABLES = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "e", "AZURE_CLIENT_SECRET": "s3cret"}
MACHINE = "the Azure sign-in of this machine, such as 'az login'"


def described(values: dict[str, str]) -> str:
    settings = FakeSettings(values)
    return describe(identity_keys(settings.section("AI")), "AI", settings)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, MACHINE),
        ({"AI__clientId": "c"}, MACHINE),
        (SECRET, "client secret of 'c' by AI__clientSecret, local.settings.json"),
        (
            {"AI__tenantId": "t", "AI__clientId": "c", "AI__clientCertificate": "/c.pem"},
            "client certificate of 'c' by AI__clientCertificate, local.settings.json",
        ),
        (
            {"AI__credential": "managedidentity"},
            "managed identity by AI__credential, local.settings.json",
        ),
        (
            {"AI__credential": "ManagedIdentity", "AI__managedIdentityClientId": "m"},
            "managed identity 'm' by AI__credential, local.settings.json",
        ),
        (
            {"AI__managedIdentityResourceId": "/subscriptions/x"},
            "managed identity by AI__managedIdentityResourceId, local.settings.json",
        ),
        (
            {"AI__credential": "workloadidentity", "AI__clientId": "c"},
            "workload identity 'c' by AI__credential, local.settings.json",
        ),
        (
            {"AI__tokenFilePath": "/token", "AI__clientId": "c"},
            "workload identity 'c' by AI__tokenFilePath, local.settings.json",
        ),
        (
            {"AI__credential": "azurepipelines", "AI__clientId": "c"},
            "service connection of Azure Pipelines by AI__credential, local.settings.json",
        ),
        (VARIABLES, "client secret of 'e' by AZURE_CLIENT_SECRET, local.settings.json"),
        ({**VARIABLES, "AI__credential": "managedidentity"}, "managed identity by AI__credential"),
        ({**VARIABLES, **SECRET}, "client secret of 'c' by AI__clientSecret"),
        (
            {"AI__clientSecret": "s3cret", "AI__clientId": "c"},
            f"{MACHINE}; AI__clientSecret is nothing without tenantId",
        ),
        (
            {"AI__clientSecret": "s3cret"},
            f"{MACHINE}; AI__clientSecret is nothing without tenantId and clientId",
        ),
    ],
)
def test_who_we_are_is_told_with_the_setting_that_says_so(
    values: dict[str, str], words: str
) -> None:
    told = described(values)
    assert told.startswith(words)
    assert "s3cret" not in told


def test_keys_with_sample_text_and_other_keys_count_for_nothing() -> None:
    section = {
        "endpoint": "https://x",
        "key": "k",
        "credential": "managedidentity",
        "clientid": "Placeholder: e.g. 00000000-0000-0000-0000-000000000000",
        "tenantid": "",
    }
    assert identity_keys(section) == (("credential", "managedidentity"),)


@pytest.mark.parametrize(
    ("section", "variables", "expected"),
    [
        ({}, {}, {}),
        ({}, {"AZURE_CLIENT_ID": "e"}, {}),
        ({}, {"AZURE_CLIENT_SECRET": "<secret>", "AZURE_CLIENT_ID": "e"}, {}),
        ({}, VARIABLES, {"tenantid": "t", "clientid": "e", "clientsecret": "s3cret"}),
        (
            {"clientid": "c"},
            VARIABLES,
            {"tenantid": "t", "clientid": "e", "clientsecret": "s3cret"},
        ),
        (
            {"credential": "workloadidentity", "clientid": "c"},
            {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "e", "AZURE_FEDERATED_TOKEN_FILE": "f"},
            {
                "credential": "workloadidentity",
                "clientid": "c",
                "tenantid": "t",
                "tokenfilepath": "f",
            },
        ),
        (
            {"credential": "managedidentity"},
            VARIABLES,
            {"credential": "managedidentity"},
        ),
        (
            {"credential": "managedidentity"},
            {"AZURE_AUTHORITY_HOST": "https://login.test"},
            {"credential": "managedidentity", "authorityhost": "https://login.test"},
        ),
    ],
)
def test_what_the_sdk_would_find_in_the_environment_is_added(
    section: dict[str, str], variables: dict[str, str], expected: dict[str, str]
) -> None:
    keys = completed(tuple(sorted(section.items())), FakeSettings(variables))
    assert dict(keys) == expected


def test_a_credential_nobody_knows_is_told_with_those_that_are_known() -> None:
    with pytest.raises(
        BindingError, match="no credential of the kind 'managed-identity'"
    ) as caught:
        kind_of({"credential": "managed-identity"})
    assert "managedidentity, workloadidentity or azurepipelines" in str(caught.value.hint)
