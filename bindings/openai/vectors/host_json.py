"""The search provider an app names in host.json."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from emulator.sdk import BindingError

LOCAL_TYPE = "local"
CLOUD_TYPES = ("azureAISearch", "cosmosDBSearch", "cosmosDBNoSqlSearch", "kusto")

_NOT_CONFIGURED = (
    "No search provider is configured. Search providers are configured in the host.json file. "
    "For .NET apps, the appropriate nuget package must also be added to the app's project file."
)
_HINT = (
    'Add {"extensions": {"openai": {"searchProvider": {"type": "azureAISearch"}}}} to host.json, '
    f"or the type '{LOCAL_TYPE}' to keep documents on this machine only."
)


def lower_key(name: str) -> str:
    """Name a struct's field as the keys of a section are compared: no case, no `_`."""
    return name.replace("_", "")


class ProviderOptions(msgspec.Struct, frozen=True, kw_only=True, rename=lower_key):
    """Base of what one provider reads from the section; unknown keys are other providers'."""


P = TypeVar("P", bound=ProviderOptions)


@dataclass(frozen=True, slots=True)
class ProviderSection:
    """The section `searchProvider`: its type as Azure spells it, and all keys in lower case."""

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def options(self, wanted: type[P]) -> P:
        """Read the section as one provider's options."""
        try:
            return msgspec.convert(self.values, wanted, strict=False)
        except msgspec.ValidationError as error:
            raise BindingError(
                f"The search provider '{self.kind}' in host.json is not configured well: "
                f"{str(error)[:1].lower()}{str(error)[1:]}.",
                hint="Look at extensions.openai.searchProvider.",
                code="search-provider-invalid",
            ) from error


def search_provider(host_json: Mapping[str, Any]) -> ProviderSection:
    """Return the provider an app uses; raise `BindingError` when it names none we know."""
    section: Any = host_json
    for name in ("extensions", "openai", "searchProvider"):
        section = _member(section, name)
    given = _member(section, "type")
    if not isinstance(given, str) or not given.strip():
        raise BindingError(_NOT_CONFIGURED, hint=_HINT, code="search-provider-missing")
    known = {name.lower(): name for name in (LOCAL_TYPE, *CLOUD_TYPES)}
    kind = known.get(given.strip().lower())
    if kind is None:
        close = difflib.get_close_matches(given.lower(), known, n=1)
        meant = f" Did you mean '{known[close[0]]}'?" if close else ""
        raise BindingError(
            _NOT_CONFIGURED,
            hint=f"host.json names the type '{given}', which is none of "
            f"{', '.join(known.values())}.{meant}",
            code="search-provider-unknown",
        )
    return ProviderSection(kind, {str(key).lower(): value for key, value in section.items()})


def _member(section: Any, name: str) -> Any:
    """Find a member without case, as .NET's configuration does."""
    if not isinstance(section, Mapping):
        return None
    return next((value for key, value in section.items() if str(key).lower() == name.lower()), None)
