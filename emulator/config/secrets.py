"""Which settings are secrets, and what is shown instead of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "*****"

# Texts, not compiled patterns: most starts show no setting, and `re` keeps what it compiled.
_SECRET_NAME = (
    r"(?i)key|secret|token|passw|pwd|credential|connection(?!_*name)|storage|signature|\bsas\b|_sas"
)
_SECRET_VALUE = (
    r"(?i)AccountKey=|SharedAccess|Password=|Pwd=|[?&;]sig=|^sk-|^ey[JI]|://[^/@\s]+:[^/@\s]+@"
    r"|InstrumentationKey=|-----BEGIN"
)
_HARMLESS_VALUE = (
    r"(?i)(UseDevelopmentStorage=true;?|true|false|<[^<>]*>|@Microsoft\.KeyVault\(.*\))?"
)


_HARMLESS_NAMES = ("PWD", "OLDPWD")
"""Folders, not passwords."""


def is_secret(name: str, value: str) -> bool:
    """Whether a setting's value must not be shown; in doubt it must not."""
    if re.fullmatch(_HARMLESS_VALUE, value.strip()) or name.upper() in _HARMLESS_NAMES:
        return False
    return bool(re.search(_SECRET_NAME, name) or re.search(_SECRET_VALUE, value))


def masked(name: str, value: str) -> str:
    """Return what people may see of a setting's value."""
    return MASK if is_secret(name, value) else value


_SHORTEST = 6
"""Secrets with fewer characters are words that stand elsewhere, too."""

_LONG_LINE = 16

_SECRET_TEXT = (
    r"(?i)(AccountKey=|SharedAccessKey=|SharedAccessSignature=|Password=|Pwd=|InstrumentationKey="
    r"|[?&;]sig=|[?&]code=|\bbearer\s+)[^\s;&\"']+|\bsk-[\w-]{16,}"
)


class SecretFilter:
    """Takes secrets out of texts that are kept: values of secret settings, and what looks so."""

    def __init__(self, settings: Iterable[tuple[str, str]]) -> None:
        # The longest first: one may begin with another.
        known = sorted(secret_texts(settings), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None
        self._likely = re.compile(_SECRET_TEXT)

    def __call__(self, text: str) -> str:
        text = self.without_values(text)
        return self._likely.sub(lambda found: (found[1] or "") + MASK, text)

    def without_values(self, text: str) -> str:
        """Take the values of settings out; 50 times cheaper than looking for what may be more."""
        return text if self._known is None else self._known.sub(MASK, text)


def secret_texts(settings: Iterable[tuple[str, str]]) -> set[str]:
    """Return the values of secret settings; of those with several lines each long line as well,
    since texts are shown line by line."""
    given = list(settings)
    # What only names another setting is no secret: "connection": "AzureWebJobsStorage".
    names = {name.lower() for name, _ in given}
    texts: set[str] = set()
    for name, value in given:
        if len(value) >= _SHORTEST and value.lower() not in names and is_secret(name, value):
            lines = value.splitlines()
            long = [each for each in lines if len(each) >= _LONG_LINE]
            texts |= {value, *long} if len(lines) > 1 else {value}
    return texts
