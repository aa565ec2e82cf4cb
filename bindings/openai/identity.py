"""From the identity keys of a settings section to an Azure credential.

Differences
- `managedidentity` cannot work on a developer's machine, so the sign-ins of the Azure CLI and
  other tools are tried after it, and the use of one is told.
- `clientCertificate` is the path of a certificate file; Azure takes a thumbprint, which means
  something in a Windows certificate store only.
- The variables of Azure's SDKs (`AZURE_CLIENT_ID` …) count in local.settings.json too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bindings.openai.placeholders import is_placeholder
from bindings.openai.signin import AUTHORITY, VARIABLES, Keys, kind_of, user_assigned
from emulator.sdk import BindingError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_AUTHORITIES = {
    "usgov": "login.microsoftonline.us",
    "china": "login.chinacloudapi.cn",
}


class Credentials:
    """Makes credentials and keeps them, one for each identity: each has tokens of its own, which
    it renews in time. `tell` is called with what a person should know."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._made: dict[Keys, AsyncTokenCredential] = {}

    def get(self, keys: Keys) -> AsyncTokenCredential:
        if keys not in self._made:
            self._made[keys] = credential_for(dict(keys), tell=self._tell)
        return self._made[keys]

    async def aclose(self) -> None:
        made, self._made = self._made, {}
        for credential in made.values():
            await credential.close()


def credential_for(
    identity: Mapping[str, str], *, tell: Callable[[str], None] = lambda text: None
) -> AsyncTokenCredential:
    """Return the credential the keys (lower-case) describe, as Azure's extensions understand them.

    Keys that still hold sample text count for nothing.
    """
    from azure.identity import aio  # here for start-up cost

    given = {key: value for key, value in identity.items() if value and not is_placeholder(value)}
    options = _options(given)
    tenant, client = given.get("tenantid"), given.get("clientid")
    match kind_of(given):
        case "pipelines":
            return aio.AzurePipelinesCredential(
                tenant_id=_needed(given, "tenantId"),
                client_id=_needed(given, "clientId"),
                service_connection_id=_needed(given, "serviceConnectionId"),
                system_access_token=_needed(given, "systemAccessToken"),
                **options,
            )
        case "workload":
            return aio.WorkloadIdentityCredential(
                tenant_id=_needed(given, "tenantId"),
                client_id=_needed(given, "clientId"),
                token_file_path=_needed(given, "tokenFilePath"),
                **options,
            )
        case "secret":
            return aio.ClientSecretCredential(
                str(tenant), str(client), given["clientsecret"], **options
            )
        case "certificate":
            return aio.CertificateCredential(
                str(tenant), str(client), _certificate(given), **options
            )
        case "managed":
            return _managed(aio, given, options, tell)
        case "default":
            if client := user_assigned(given):
                options["managed_identity_client_id"] = client
            return aio.DefaultAzureCredential(**options)


def refused(error: Exception, *, where: str, identity: str) -> BindingError:
    """Return the error for a sign-in that failed. `identity` is what `describe` said."""
    return BindingError(
        f"No sign-in to Azure for {where}: {_reason(str(error))}",
        hint=f"It was tried with {identity}. Sign in with 'az login', or name a service principal "
        "by tenantId, clientId and clientSecret in the same section of the settings, or set a key.",
        code="identity-refused",
    )


def _reason(text: str) -> str:
    """Return one line of what the SDK tells in many: a chain lists every credential it tried."""
    tried = re.findall(r"^\s+(\w+Credential): ", text, re.MULTILINE)
    if tried:
        return f"none of these worked: {', '.join(dict.fromkeys(tried))}."
    return next(iter(text.strip().splitlines()), "no reason was given")


def _managed(
    aio: Any, given: Mapping[str, str], options: Mapping[str, Any], tell: Callable[[str], None]
) -> AsyncTokenCredential:
    chosen: dict[str, Any] = {}
    if client := user_assigned(given):
        chosen["client_id"] = client
    else:
        names = (
            ("managedidentityresourceid", "resource_id"),
            ("managedidentityobjectid", "object_id"),
        )
        config = {name: given[key] for key, name in names if key in given}
        if len(config) > 1:
            raise BindingError(
                "A managed identity is named by its resource id or its object id, not by both.",
                hint="Remove managedIdentityResourceId or managedIdentityObjectId.",
                code="identity-ambiguous",
            )
        if config:
            chosen["identity_config"] = config
    # In a chain the SDK gives a managed identity that is not there up after a second.
    return aio.ChainedTokenCredential(  # type: ignore[no-any-return]
        aio.ManagedIdentityCredential(**chosen),
        _Fallback(
            aio.DefaultAzureCredential(exclude_managed_identity_credential=True, **options), tell
        ),
    )


class _Fallback:
    """The sign-in of this machine, told about when it is used for the first time."""

    def __init__(self, credential: AsyncTokenCredential, tell: Callable[[str], None]) -> None:
        self._credential = credential
        self._tell = tell
        self._told = False

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        token = await self._credential.get_token(*scopes, **options)
        self._say()
        return token

    async def get_token_info(self, *scopes: str, **options: Any) -> Any:
        # Credentials of the SDK have it, whatever the protocol says.
        token = await self._credential.get_token_info(*scopes, **options)  # type: ignore[attr-defined]
        self._say()
        return token

    async def close(self) -> None:
        await self._credential.close()

    async def __aenter__(self) -> _Fallback:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def _say(self) -> None:
        if not self._told:
            self._told = True
            self._tell(
                "There is no managed identity on this machine; its own Azure sign-in (such as "
                "'az login') is used instead."
            )


def _options(given: Mapping[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    tenants = [each.strip() for each in given.get("additionallyallowedtenants", "").split(";")]
    if any(tenants):
        options["additionally_allowed_tenants"] = [each for each in tenants if each]
    authority = _AUTHORITIES.get(given.get("azurecloud", "").lower()) or given.get(AUTHORITY)
    if authority:
        options["authority"] = authority
    return options


def _needed(given: Mapping[str, str], name: str) -> str:
    value = given.get(name.lower())
    if not value:
        variable = VARIABLES.get(name.lower())
        kind = given.get("credential", "workloadidentity")
        raise BindingError(
            f"The credential '{kind}' needs the key '{name}'.",
            hint=f"Add it beside 'credential' in the same section, as <NAME>__{name}"
            + (f", or set {variable}." if variable else "."),
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
