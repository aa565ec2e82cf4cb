"""Which settings are secrets, and what is shown instead of them."""

from __future__ import annotations

import re

MASK = "*****"

_SECRET_NAME = re.compile(
    r"key|secret|token|passw|pwd|credential|connection(?!_*name)|storage|signature|\bsas\b|_sas",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"AccountKey=|SharedAccess|Password=|Pwd=|[?&;]sig=|^sk-|^ey[JI]|://[^/@\s]+:[^/@\s]+@"
    r"|InstrumentationKey=|-----BEGIN",
    re.IGNORECASE,
)
_HARMLESS_VALUE = re.compile(
    r"(UseDevelopmentStorage=true;?|true|false|<[^<>]*>|@Microsoft\.KeyVault\(.*\))?", re.IGNORECASE
)


def is_secret(name: str, value: str) -> bool:
    """Whether a setting's value must not be shown; in doubt it must not."""
    if _HARMLESS_VALUE.fullmatch(value.strip()):
        return False
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))


def masked(name: str, value: str) -> str:
    """Return what people may see of a setting's value."""
    return MASK if is_secret(name, value) else value
