"""Which storage account a chat belongs to, from the name of its connection setting."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from bindings.openai.placeholders import is_placeholder
from emulator.sdk import SettingsView

DEFAULT_CONNECTION = "AzureWebJobsStorage"


@dataclass(frozen=True, slots=True)
class Account:
    """`name` is empty for the embedded store itself; `setting` is where the account came from."""

    name: str
    setting: str

    @property
    def is_embedded(self) -> bool:
        return not self.name


def find_account(settings: SettingsView, connection: str | None) -> Account:
    """Follow the connection setting to an account.

    Development storage, nothing at all and a placeholder all mean the embedded store.
    """
    setting = connection or DEFAULT_CONNECTION
    section = settings.section(setting)
    uri = section.get("tableserviceuri") or ""
    if uri and not is_placeholder(uri):
        return Account(_host(uri), f"{setting}__tableServiceUri")
    name = section.get("accountname") or ""
    if name and not is_placeholder(name):
        return Account(name.lower(), f"{setting}__accountName")
    return Account(_named_in(settings.get(setting) or ""), setting)


def _named_in(connection_string: str) -> str:
    """Return the account a connection string names; never anything secret."""
    text = connection_string.strip()
    if not text or is_placeholder(text):
        return ""
    parts = dict(re.findall(r"([A-Za-z]+)=([^;]*)", text))
    members = {key.lower(): value for key, value in parts.items()}
    if members.get("usedevelopmentstorage", "").lower() == "true":
        return ""
    name = members.get("accountname", "").lower()
    if name == "devstoreaccount1":
        return ""
    endpoint = members.get("tableendpoint", "")
    if not name and endpoint:
        return _host(endpoint)
    return name or hashlib.sha256(text.encode()).hexdigest()[:12]


def _host(uri: str) -> str:
    host = re.sub(r"^[a-z]+://", "", uri.strip().lower()).split("/")[0]
    return host.removesuffix(".table.core.windows.net")
