"""What must not get into a file of recordings: the values of secret settings, and what looks like
a key. The same is done to every request before it is compared, so nothing is missed by it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from bindings.openai.placeholders import is_placeholder
from emulator.sdk import SettingsView

REDACTED = "[redacted]"

_SHORTEST = 6
"""Characters; a shorter value would blank out ordinary words."""

_SECRET_NAME = re.compile(r"(?:KEY|SECRET|TOKEN|CONNECTION|CONNECTIONSTRING|PASSWORD|PWD)$", re.I)
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
        wanted = sorted({each for each in secrets if len(each) >= _SHORTEST}, key=len, reverse=True)
        self.secrets = frozenset(wanted)
        self._values = re.compile("|".join(map(re.escape, wanted))) if wanted else None

    @classmethod
    def of(cls, settings: SettingsView) -> Redactor:
        return cls(secret_values(settings))

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


def secret_values(settings: SettingsView) -> frozenset[str]:
    """Return the values of the settings whose names say that they are secret."""
    found = set()
    for name in settings.names():
        if _SECRET_NAME.search(name):
            value = settings.get(name) or ""
            if len(value) >= _SHORTEST and not is_placeholder(value):
                found.add(value)
    return frozenset(found)
