"""Who we are for Azure, as the keys of a settings section say it.

The keys mean the same for models, tables and search services.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bindings.openai.placeholders import is_placeholder
from emulator.sdk import BindingError, SettingsView

Keys = tuple[tuple[str, str], ...]
"""Identity keys in lower case with their values, sorted, so that equal identities are equal."""

Kind = Literal["pipelines", "workload", "secret", "certificate", "managed", "default"]

_NAMES = (
    "additionallyAllowedTenants",
    "azureCloud",
    "clientCertificate",
    "clientId",
    "clientSecret",
    "credential",
    "managedIdentityClientId",
    "managedIdentityObjectId",
    "managedIdentityResourceId",
    "serviceConnectionId",
    "systemAccessToken",
    "tenantId",
    "tokenFilePath",
)
_SPELLED = {name.lower(): name for name in _NAMES}

VARIABLES = {
    "tenantid": "AZURE_TENANT_ID",
    "clientid": "AZURE_CLIENT_ID",
    "clientsecret": "AZURE_CLIENT_SECRET",
    "clientcertificate": "AZURE_CLIENT_CERTIFICATE_PATH",
    "tokenfilepath": "AZURE_FEDERATED_TOKEN_FILE",
}
"""What Azure's SDKs read from the environment, which on Azure holds all app settings."""

AUTHORITY = "authorityhost"
"""Where to sign in; no key of Azure's, but what `completed` finds in AZURE_AUTHORITY_HOST."""

# In a person's words, then the keys that decide for the kind, the first one present counting.
_WORDS: Mapping[Kind, tuple[str, ...]] = {
    "pipelines": ("service connection of Azure Pipelines", "credential"),
    "workload": ("workload identity", "credential", "tokenfilepath"),
    "secret": ("client secret of", "clientsecret"),
    "certificate": ("client certificate of", "clientcertificate"),
    "managed": (
        "managed identity",
        "credential",
        "managedidentityresourceid",
        "managedidentityobjectid",
    ),
}

_MANAGED = frozenset({"managedidentity", "managedidentityasfederatedidentity"})


def identity_keys(section: Mapping[str, str]) -> Keys:
    """Return the identity keys of a section; those that still hold sample text count for
    nothing."""
    return tuple(
        sorted(
            (key, value)
            for key, value in section.items()
            if key in _SPELLED and value and not is_placeholder(value)
        )
    )


def completed(keys: Keys, settings: SettingsView) -> Keys:
    """Add what Azure's SDKs would find in the environment, where the keys do not decide."""
    given = dict(keys)
    kind = kind_of(given)
    found = {key: settings.get(name) for key, name in VARIABLES.items()}
    usable = {key: text for key, text in found.items() if text and not is_placeholder(text)}
    if kind == "workload":
        given = usable | given
    elif kind == "default":
        usable.pop("tokenfilepath", None)
        if kind_of(usable) != "default":
            given |= usable
    authority = settings.get("AZURE_AUTHORITY_HOST")
    if authority:
        given.setdefault(AUTHORITY, authority)
    return tuple(sorted(given.items()))


def describe(keys: Keys, section: str, settings: SettingsView) -> str:
    """Say in a person's words who we are, and which setting says so; never anything secret."""
    own = dict(keys)
    given = dict(completed(keys, settings))
    kind = kind_of(given)
    if kind == "default":
        lacking = _lacking(own)
        note = f"; {section}__{lacking[0]} is nothing without {lacking[1]}" if lacking else ""
        return f"the Azure sign-in of this machine, such as 'az login'{note}"
    words, *deciding = _WORDS[kind]
    key = next((each for each in deciding if each in own), deciding[-1])
    setting = f"{section}__{_SPELLED[key]}" if key in own else VARIABLES.get(key, "")
    source = settings.source(setting)
    client = user_assigned(given)
    named = f"{words} '{client}'" if client and kind != "pipelines" else words
    return f"{named} by {setting}" + (f", {source}" if source else "")


def kind_of(given: Mapping[str, str]) -> Kind:
    kind = given.get("credential", "").lower()
    if kind == "azurepipelines":
        return "pipelines"
    if kind == "workloadidentity" or (not kind and "tokenfilepath" in given):
        return "workload"
    if kind in _MANAGED:
        return "managed"
    if kind:
        raise BindingError(
            f"There is no credential of the kind '{given['credential']}'.",
            hint="The key 'credential' is managedidentity, workloadidentity or azurepipelines, or "
            "left out.",
            code="identity-unknown",
        )
    if "tenantid" in given and "clientid" in given:
        if "clientsecret" in given:
            return "secret"
        if "clientcertificate" in given:
            return "certificate"
    other = "managedidentityresourceid" in given or "managedidentityobjectid" in given
    # The default chain can be told the client id of an identity, no other of its ids.
    return "managed" if other and not user_assigned(given) else "default"


def user_assigned(given: Mapping[str, str]) -> str | None:
    return given.get("managedidentityclientid") or given.get("clientid")


def _lacking(own: Mapping[str, str]) -> tuple[str, str] | None:
    """Return a key that counts for nothing, and what it lacks."""
    for key in ("clientsecret", "clientcertificate"):
        missing = [name for name in ("tenantId", "clientId") if name.lower() not in own]
        if key in own and missing:
            return _SPELLED[key], " and ".join(missing)
    return None
