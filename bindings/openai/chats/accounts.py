"""Which storage account a chat belongs to, from the name of its connection setting.

Differences
- Development storage, nothing at all and sample text mean the embedded store. With the setting
  `FUNCEMU_CHAT_STORE` at `azurite` they mean Azurite on this machine; at `embedded`, everything
  means the embedded store.
- Without a name, the section `AzureWebJobsStorage` counts too, and an account's name is enough;
  Azure's extension reads a connection string there and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bindings.openai.placeholders import is_placeholder
from bindings.openai.signin import Keys, completed, describe, identity_keys
from emulator.sdk import BindingError, SettingsView

DEFAULT_CONNECTION = "AzureWebJobsStorage"
CHAT_STORE_SETTING = "FUNCEMU_CHAT_STORE"

_AZURITE = "UseDevelopmentStorage=true"
_AZURITE_TABLES = "127.0.0.1:10002/devstoreaccount1"


@dataclass(frozen=True, slots=True)
class TableConnection:
    """How a table service is reached: by a connection string, or by its address and an identity.

    `access` says the latter for people; nothing secret is in it.
    """

    setting: str
    access: str
    connection_string: str = field(default="", repr=False)
    endpoint: str = ""
    identity: Keys = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """Where chats are kept. The embedded store has no name and no connection; its `setting` is
    where an account would have been named."""

    name: str
    setting: str
    connection: TableConnection | None = None

    @property
    def is_embedded(self) -> bool:
        return self.connection is None


def find_account(settings: SettingsView, connection: str | None) -> Account:
    """Follow the connection setting to an account; raise `BindingError` when its text means
    none."""
    setting = connection or DEFAULT_CONNECTION
    wanted = _wanted(settings)
    if wanted == "embedded":
        return Account("", setting)
    section = settings.section(setting)
    uri = (section.get("tableserviceuri") or "").strip()
    if uri and not is_placeholder(uri):
        return _by_address(settings, setting, section, "tableServiceUri", uri)
    text = (settings.get(setting) or "").strip()
    if text and not is_placeholder(text):
        members = _members(text)
        if not _is_development(members):
            return _by_string(settings, setting, text, members)
    else:
        name = (section.get("accountname") or "").strip()
        if name and not is_placeholder(name):
            uri = f"https://{name.lower()}.table.core.windows.net"
            return _by_address(settings, setting, section, "accountName", uri)
    if wanted == "azurite":
        reached = TableConnection(setting, f"{CHAT_STORE_SETTING}=azurite", _AZURITE)
        return Account(_AZURITE_TABLES, setting, reached)
    return Account("", setting)


def _wanted(settings: SettingsView) -> str:
    text = settings.get(CHAT_STORE_SETTING) or ""
    if text.strip().lower() not in {"", "azurite", "embedded"}:
        raise BindingError(
            f"The setting {CHAT_STORE_SETTING} should be azurite or embedded, not '{text}'.",
            hint="Leave it out to keep chats where their connection setting says.",
        )
    return text.strip().lower()


def _by_address(
    settings: SettingsView, setting: str, section: Mapping[str, str], key: str, uri: str
) -> Account:
    identity = identity_keys(section)
    named = _told(settings, f"{setting}__{key}")
    # An address may bring its own signature.
    who = "its signature" if "sig=" in uri else describe(identity, setting, settings)
    reached = TableConnection(
        setting,
        f"{named}; {who}",
        endpoint=uri.rstrip("/"),
        identity=completed(identity, settings),
    )
    return Account(_place(uri), f"{setting}__{key}", reached)


def _by_string(
    settings: SettingsView, setting: str, text: str, members: Mapping[str, str]
) -> Account:
    endpoint = members.get("tableendpoint", "")
    name = members.get("accountname", "").lower()
    if not endpoint and not name:
        raise BindingError(
            f"The setting '{setting}' is not the connection string of a storage account.",
            hint="It should have AccountName and AccountKey, or TableEndpoint and "
            "SharedAccessSignature. Copy it from the account's page 'Access keys', or leave it "
            "empty for the embedded store.",
            code="connection-string-invalid",
        )
    access = "key" if members.get("accountkey") else "signature"
    reached = TableConnection(
        setting, f"{access} from {_told(settings, setting)}", connection_string=text
    )
    return Account(_place(endpoint) if endpoint else name, setting, reached)


def _members(connection_string: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in connection_string.split(";"))
    return {key.strip().lower(): value.strip() for key, _, value in pairs if value}


def _is_development(members: Mapping[str, str]) -> bool:
    """Whether the string means the emulator of this machine without saying where it listens."""
    if members.get("usedevelopmentstorage", "").lower() == "true":
        return True
    return members.get("accountname") == "devstoreaccount1" and "tableendpoint" not in members


def _place(uri: str) -> str:
    """Return the account an address means: its name, where Azure hosts it."""
    place = re.sub(r"^[a-z]+://", "", uri.strip().lower()).partition("?")[0].rstrip("/")
    return place.removesuffix(".table.core.windows.net")


def _told(settings: SettingsView, name: str) -> str:
    source = settings.source(name)
    return f"{name}, {source}" if source else name
