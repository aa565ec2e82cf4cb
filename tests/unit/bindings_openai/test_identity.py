from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bindings.openai import identity
from bindings.openai.identity import Credentials, credential_for, refused
from emulator.sdk import BindingError
from tests.support.sign_in import StubCredential

_SECRET = {"tenantid": "t", "clientid": "c", "clientsecret": "s"}
_PIPELINES = {
    "credential": "azurepipelines",
    "tenantid": "t",
    "clientid": "c",
    "serviceconnectionid": "s",
    "systemaccesstoken": "a",
}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param({}, "DefaultAzureCredential", id="nothing"),
        pytest.param({"clientid": "c"}, "DefaultAzureCredential", id="user"),
        pytest.param({"credential": "managedidentity"}, "ChainedTokenCredential", id="managed"),
        pytest.param(
            {"credential": "ManagedIdentity", "clientid": "c"},
            "ChainedTokenCredential",
            id="managed user",
        ),
        pytest.param(
            {"credential": "managedidentityasfederatedidentity", **_SECRET},
            "ChainedTokenCredential",
            id="federated",
        ),
        pytest.param(
            {"managedidentityresourceid": "/subscriptions/x"},
            "ChainedTokenCredential",
            id="resource",
        ),
        pytest.param({"managedidentityobjectid": "o"}, "ChainedTokenCredential", id="object"),
        pytest.param(_SECRET, "ClientSecretCredential", id="secret"),
        pytest.param(
            {**_SECRET, "clientsecret": "<secret>"}, "DefaultAzureCredential", id="placeholder"
        ),
        pytest.param(
            {
                "credential": "workloadidentity",
                "tenantid": "t",
                "clientid": "c",
                "tokenfilepath": "f",
            },
            "WorkloadIdentityCredential",
            id="workload",
        ),
        pytest.param(_PIPELINES, "AzurePipelinesCredential", id="pipelines"),
    ],
)
async def test_the_keys_of_a_section_choose_the_credential(
    keys: dict[str, str], expected: str
) -> None:
    credential: Any = credential_for(keys)
    assert type(credential).__name__ == expected
    await credential.close()


async def test_a_certificate_is_a_file(tmp_path: Path) -> None:
    keys = {"tenantid": "t", "clientid": "c", "clientcertificate": str(tmp_path / "none.pem")}
    with pytest.raises(BindingError, match="There is no certificate file") as caught:
        credential_for(keys)
    assert "thumbprint" in (caught.value.hint or "")


def test_what_pipelines_need_is_named() -> None:
    given = {key: value for key, value in _PIPELINES.items() if key != "serviceconnectionid"}
    with pytest.raises(BindingError, match="'azurepipelines' needs the key 'serviceConnectionId'"):
        credential_for(given)


@pytest.mark.parametrize(
    ("cloud", "authority"),
    [
        ("usgov", {"authority": "login.microsoftonline.us"}),
        ("China", {"authority": "login.chinacloudapi.cn"}),
        ("public", {}),
    ],
)
def test_sovereign_clouds_and_tenants_are_passed_on(cloud: str, authority: dict[str, str]) -> None:
    # What a credential made of them is its own secret.
    options = identity._options({"azurecloud": cloud, "additionallyallowedtenants": "x; y"})
    assert options == {"additionally_allowed_tenants": ["x", "y"], **authority}


def test_a_managed_identity_has_one_id() -> None:
    both = {"managedidentityresourceid": "/subscriptions/x", "managedidentityobjectid": "o"}
    with pytest.raises(BindingError, match="not by both"):
        credential_for(both)


@pytest.mark.parametrize("missing", ["tenantId", "clientId", "tokenFilePath"])
def test_what_a_workload_identity_needs_is_named(missing: str) -> None:
    given = {"tenantid": "t", "clientid": "c", "tokenfilepath": "f"}
    del given[missing.lower()]
    with pytest.raises(BindingError, match=f"needs the key '{missing}'") as caught:
        credential_for({"credential": "workloadidentity", **given})
    assert "or set AZURE_" in str(caught.value.hint)


async def test_each_identity_has_one_credential_that_is_closed_at_the_end() -> None:
    told: list[str] = []
    credentials = Credentials(told.append)
    keys = tuple(sorted(_SECRET.items()))
    first = credentials.get(keys)
    assert credentials.get(keys) is first
    assert credentials.get(()) is not first
    await credentials.aclose()
    assert credentials.get(keys) is not first
    await credentials.aclose()
    assert told == []


async def test_the_use_of_the_machines_own_sign_in_is_told_once() -> None:
    told: list[str] = []
    stub = StubCredential()
    fallback = identity._Fallback(stub, told.append)
    for _ in range(2):
        assert (await fallback.get_token("scope")).token.startswith("token-")
    assert len(told) == 1
    assert told[0].startswith("There is no managed identity on this machine")
    await fallback.close()
    assert stub.closed == 1


async def test_a_sign_in_that_fails_is_not_told_as_used() -> None:
    told: list[str] = []
    fallback = identity._Fallback(StubCredential(error=ValueError("no")), told.append)
    with pytest.raises(ValueError, match="no"):
        await fallback.get_token("scope")
    assert told == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "AADSTS7000215: Invalid client secret.\nTrace ID: x",
            "AADSTS7000215: Invalid client secret.",
        ),
        ("", "no reason was given"),
        (
            "DefaultAzureCredential failed to retrieve a token.\nAttempted credentials:\n"
            "\tEnvironmentCredential: unavailable\nVisit https://x\n"
            "\tAzureCliCredential: Please run 'az login'.\nTo mitigate this, go on.",
            "none of these worked: EnvironmentCredential, AzureCliCredential.",
        ),
    ],
)
def test_why_a_sign_in_failed_is_one_line(text: str, reason: str) -> None:
    error = refused(Exception(text), where="https://x", identity="a key")
    assert error.message == f"No sign-in to Azure for https://x: {reason}"
    assert str(error.hint).startswith("It was tried with a key. Sign in with 'az login'")
