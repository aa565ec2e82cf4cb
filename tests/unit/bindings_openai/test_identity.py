from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bindings.openai import identity
from bindings.openai.identity import credential_for
from emulator.sdk import BindingError

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
