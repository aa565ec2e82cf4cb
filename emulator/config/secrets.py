"""Which settings are secrets, and what is shown instead of them."""

from __future__ import annotations

import re

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


def is_secret(name: str, value: str) -> bool:
    """Whether a setting's value must not be shown; in doubt it must not."""
    if re.fullmatch(_HARMLESS_VALUE, value.strip()):
        return False
    return bool(re.search(_SECRET_NAME, name) or re.search(_SECRET_VALUE, value))


def masked(name: str, value: str) -> str:
    """Return what people may see of a setting's value."""
    return MASK if is_secret(name, value) else value
