"""From the identity keys of a settings section to an Azure credential.

Differences
- `managedidentity` cannot work on a developer's machine, so the sign-ins of the Azure CLI and
  other tools are tried after it.
- `clientCertificate` is the path of a certificate file; Azure takes a thumbprint, which means
  something in a Windows certificate store only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bindings.openai.placeholders import is_placeholder
from emulator.sdk import BindingError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_AUTHORITIES = {
    "usgov": "login.microsoftonline.us",
    "china": "login.chinacloudapi.cn",
}


def credential_for(identity: Mapping[str, str]) -> AsyncTokenCredential:
    """Return the credential the keys (lower-case) describe, as Azure's extensions understand them.

    Keys that still hold sample text count for nothing.
    """
    from azure.identity import aio  # here for start-up cost

    given = {key: value for key, value in identity.items() if not is_placeholder(value)}
    kind = given.get("credential", "").lower()
    options = _options(given)
    tenant, client = given.get("tenantid"), given.get("clientid")
    if kind == "azurepipelines":
        return aio.AzurePipelinesCredential(
            tenant_id=_needed(given, "tenantId"),
            client_id=_needed(given, "clientId"),
            service_connection_id=_needed(given, "serviceConnectionId"),
            system_access_token=_needed(given, "systemAccessToken"),
            **options,
        )
    if kind == "workloadidentity" or "tokenfilepath" in given:
        return aio.WorkloadIdentityCredential(
            tenant_id=tenant,
            client_id=client,
            token_file_path=given.get("tokenfilepath"),
            **options,
        )
    if not kind and tenant and client and "clientsecret" in given:
        return aio.ClientSecretCredential(tenant, client, given["clientsecret"], **options)
    if not kind and tenant and client and "clientcertificate" in given:
        return aio.CertificateCredential(tenant, client, _certificate(given), **options)
    user_assigned = given.get("managedidentityclientid") or client
    if user_assigned:
        options["managed_identity_client_id"] = user_assigned
    for key, name in (
        ("managedidentityresourceid", "resource_id"),
        ("managedidentityobjectid", "object_id"),
    ):
        if key in given and not user_assigned:
            return _managed(aio, {name: given[key]})
    return aio.DefaultAzureCredential(**options)


def _managed(aio: Any, config: Mapping[str, str]) -> AsyncTokenCredential:
    """Prefer the identity named by another id than the client id, which the default chain cannot
    be told."""
    return aio.ChainedTokenCredential(  # type: ignore[no-any-return]
        aio.ManagedIdentityCredential(identity_config=config),
        aio.DefaultAzureCredential(exclude_managed_identity_credential=True),
    )


def _options(given: Mapping[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    tenants = [each.strip() for each in given.get("additionallyallowedtenants", "").split(";")]
    if any(tenants):
        options["additionally_allowed_tenants"] = [each for each in tenants if each]
    authority = _AUTHORITIES.get(given.get("azurecloud", "").lower())
    if authority:
        options["authority"] = authority
    return options


def _needed(given: Mapping[str, str], name: str) -> str:
    value = given.get(name.lower())
    if not value:
        raise BindingError(
            f"The credential '{given.get('credential')}' needs the key '{name}'.",
            hint=f"Add it beside 'credential' in the same section, as <NAME>__{name}.",
            code="identity-incomplete",
        )
    return value


def _certificate(given: Mapping[str, str]) -> str:
    path = Path(given["clientcertificate"])
    if not path.is_file():
        raise BindingError(
            f"There is no certificate file '{path}'.",
            hint="On this machine 'clientCertificate' is the path of a PEM or PKCS12 file; a "
            "thumbprint works on Windows servers only.",
            code="identity-incomplete",
        )
    return str(path)
