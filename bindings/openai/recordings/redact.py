"""What must not get into a file of recordings: the values of secret settings, and what looks like
a key. The same is done to every request before it is compared, so nothing is missed by it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bindings.openai.placeholders import is_placeholder
from emulator.sdk import SettingsView, secret_texts, spellings

REDACTED = "[redacted]"

_SHAPES = re.compile(
    r"""(?x)
      -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z\ ]*PRIVATE\ KEY-----|\Z)
    | \bsk-[A-Za-z0-9_-]{16,}
    | \bgh[pousr]_[A-Za-z0-9]{20,}
    | \bAKIA[0-9A-Z]{16}\b
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*
    | (?<=AccountKey=)[^;\s"']+
    | (?<=SharedAccessKey=)[^;\s"']+
    | (?<=SharedAccessSignature=)[^;\s"']+
    | (?<=[?&;]sig=)[^&;\s"']{8,}
    | (?i:(?<=bearer\ )[A-Za-z0-9._~+/=-]{12,})
    | (?i:(?<=api-key:\ )\S{8,})
    | (?<=://)[^/\s:@"']+:[^/\s@"']+(?=@)
    """,
    re.DOTALL,
)


class Redactor:
    """Takes secrets out of texts and of data."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = frozenset(secrets)
        every = {form for each in self.secrets for form in spellings(each)}
        wanted = sorted(every, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, wanted))) if wanted else None

    @classmethod
    def of(cls, settings: SettingsView, host_json: Mapping[str, Any] | None = None) -> Redactor:
        """Return one that knows the secrets among the settings and in host.json."""
        return cls(secret_values(settings, host_json or {}))

    def text(self, text: str) -> str:
        if self._values is not None:
            text = self._values.sub(REDACTED, text)
        return _SHAPES.sub(REDACTED, text)

    def data(self, value: Any) -> Any:
        """Return plain data with every text redacted, keys included."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(str(key)): self.data(each) for key, each in value.items()}
            case list() | tuple():
                return [self.data(each) for each in value]
            case _:
                return value


def secret_values(settings: SettingsView, host_json: Mapping[str, Any]) -> frozenset[str]:
    """Return the values that are secret by their names or looks, but for sample texts."""
    values = ((name, settings.get(name) or "") for name in settings.names())
    given = [(name, value) for name, value in values if not is_placeholder(value)]
    return frozenset(secret_texts(given, host_json))
