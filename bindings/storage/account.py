"""Which storage a connection means: what this host keeps itself, or an account it does not use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator.sdk import BindingError, HostServices, SettingsView

_NOTHING = re.compile(r"\s*(?:<[^<>]*>|\{[^{}]*\})?\s*")
"""No value yet, or a placeholder."""


def refuse_other_accounts(settings: SettingsView, connection: str) -> None:
    """Raise `BindingError` when the connection names an account on a network.

    Nothing, a placeholder and development storage mean the storage of this host.
    """
    wanted = connection or "Storage"
    for name in (f"AzureWebJobs{wanted}", wanted):
        for setting in (f"ConnectionStrings:{name}", name):
            value = settings.get(setting)
            fields = {} if value else settings.section(setting)
            if value is None and not fields:
                continue
            if fields or not _is_here(value or ""):
                raise BindingError(
                    f"The connection '{wanted}' is a storage account, which this host does not "
                    "use: it keeps queues and blobs itself.",
                    hint=f'Set {setting} to "UseDevelopmentStorage=true" in local.settings.json.',
                    code="storage-elsewhere",
                )
            return


def _is_here(value: str) -> bool:
    parts = {
        name.strip().lower(): rest.strip().lower()
        for name, _, rest in (part.partition("=") for part in value.split(";"))
    }
    return (
        _NOTHING.fullmatch(value) is not None
        or parts.get("usedevelopmentstorage") == "true"
        or parts.get("accountname") == "devstoreaccount1"
    )


def section(host: HostServices, name: str) -> Mapping[str, Any]:
    """Return `extensions.{name}` of host.json, keys lower-case."""
    found: Any = host.host_json
    for wanted in ("extensions", name):
        found = next((found[key] for key in found if key.lower() == wanted), {})
        if not isinstance(found, Mapping):
            return {}
    return {key.lower(): value for key, value in found.items()}


def whole(given: Any, default: int) -> int:
    """Return a number of host.json that counts something; anything else counts as not given."""
    counts = isinstance(given, int) and not isinstance(given, bool) and given > 0
    return given if counts else default
