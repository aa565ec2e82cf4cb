"""A connection name to a connection string, or to a section of fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.config.settings import Settings

_PREFIX = "AzureWebJobs"
# A text, not a compiled pattern: most starts ask for none, and `re` keeps what it compiled.
_PLACEHOLDER = r"""(?xi)\s*(?:
        <[^<>]*>                                     # <your key>
      | \{\{?[\w .-]*\}\}?                            # {your key}
      | \[\s*your[^\[\]]*\]                          # [your key]
      | (?:https?://)?<[^<>]*>[\w./:@-]*             # https://<name>.openai.azure.com
      | (?:https?://)?\{[\w .-]*\}[\w./:@-]*
      | (?:https?://)?your[-_ ][\w. /:-]*            # your-key-here, https://your-resource.openai…
      | (?:(?:insert|enter|put|paste|add)[-_ ])(?:your|the)[-_ ][\w. -]*
      | (?:change|replace)[-_ ]?me
      | x{4,} | \.{3,} | …
    )?\s*"""


@dataclass(frozen=True, slots=True)
class Connection:
    """What a connection name stands for.

    `setting` is the name that was found, `value` its text, `fields` the settings below it with
    lower-case keys; a text wins over fields. Nothing found: all are empty.
    """

    name: str
    setting: str | None = None
    value: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None

    @property
    def exists(self) -> bool:
        return self.setting is not None

    @property
    def missing_message(self) -> str:
        return (
            f"Storage account connection string '{_PREFIX}{self.name}' does not exist. "
            "Make sure that it is a defined App Setting."
        )


def connection(settings: Settings, name: str | None) -> Connection:
    """Look a connection up: `AzureWebJobs{name}`, then `{name}`; connection strings first."""
    wanted = name or "Storage"
    for candidate in (_PREFIX + wanted, wanted):
        for setting in (f"ConnectionStrings:{candidate}", candidate):
            value = settings.get(setting)
            fields = settings.section(setting)
            if value is not None or fields:
                return Connection(
                    wanted, setting, value, {} if value else fields, settings.source(setting)
                )
    return Connection(wanted)


def is_placeholder(value: str) -> bool:
    """Whether a value is nothing yet: empty, `<your key>`, `{your key}`, `your-key-here` …

    In doubt it is a value.
    """
    return re.fullmatch(_PLACEHOLDER, value) is not None


def is_development_storage(value: str) -> bool:
    """Whether a connection string means the storage emulator of this machine."""
    parts = {
        part.partition("=")[0].strip().lower(): part.partition("=")[2].strip()
        for part in value.split(";")
    }
    return (
        parts.get("usedevelopmentstorage", "").lower() == "true"
        or parts.get("accountname", "").lower() == "devstoreaccount1"
    )
