"""From the settings to the model service in use, as the official extension finds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from bindings.openai.placeholders import is_placeholder
from bindings.openai.signin import Keys, completed, describe, identity_keys
from emulator.sdk import SettingsView

DEFAULT_BASE_URL = "https://api.openai.com/v1"

DEFAULT_SECTION = "AzureOpenAI"
"""What the documentation calls the section of settings with endpoint and key."""

OWN_PATH = "/_openai"
"""Where a host of ours serves models to the code of its app."""


@dataclass(frozen=True, slots=True)
class ModelConnection:
    """A model service and how to be let in. The sources name settings, never their values."""

    service: Literal["openai", "azure-openai"]
    endpoint: str
    endpoint_source: str
    key: str | None = field(default=None, repr=False)
    key_source: str = ""
    identity: Keys = field(default=(), repr=False)
    identity_source: str = ""
    overridden: str = ""
    """The connection name that counts for nothing because `OPENAI_API_KEY` is set."""

    @property
    def title(self) -> str:
        name = "OpenAI" if self.service == "openai" else "Azure OpenAI"
        access = f"key from {self.key_source}" if self.key else self.identity_source
        return f"{name} at {self.endpoint} ({self.endpoint_source}; {access})"


@dataclass(frozen=True, slots=True)
class Unconnected:
    """No usable connection, and why; `to_fill_in` says that a placeholder stands there."""

    reason: str
    to_fill_in: bool = field(default=False, compare=False)


def connect(settings: SettingsView, connection_name: str) -> ModelConnection | Unconnected:
    """Find the service as the official extension does.

    Differences: placeholders count as nothing, and a section with its own identity is not mixed
    with a key from the environment.
    """
    openai_key = settings.get("OPENAI_API_KEY") or ""
    base = settings.get("OPENAI_BASE_URL") or ""
    if openai_key and not is_placeholder(openai_key) and not is_own(base):
        if base and (is_placeholder(base) or not _is_url(base)):
            return Unconnected("OPENAI_BASE_URL is not a service address")
        return ModelConnection(
            "openai",
            base.rstrip("/") or DEFAULT_BASE_URL,
            _told_source(settings, "OPENAI_BASE_URL") if base else "default",
            openai_key,
            _told_source(settings, "OPENAI_API_KEY"),
            overridden=connection_name,
        )
    section = settings.section(connection_name) if connection_name else {}
    endpoint, endpoint_setting = _first(
        (section.get("endpoint"), f"{connection_name}__Endpoint"),
        (settings.get("AZURE_OPENAI_ENDPOINT"), "AZURE_OPENAI_ENDPOINT"),
    )
    if not endpoint:
        sample = bool(openai_key) and is_placeholder(openai_key)
        if sample:
            return Unconnected("OPENAI_API_KEY is a placeholder", to_fill_in=True)
        return Unconnected("no model connection is configured")
    if is_own(endpoint):
        return Unconnected(f"{endpoint_setting} is the address of a local host")
    if is_placeholder(endpoint) or not _is_url(endpoint):
        reason = f"{endpoint_setting} is not a service address yet"
        return Unconnected(reason, to_fill_in=is_placeholder(endpoint))
    return _azure(settings, connection_name, section, endpoint, endpoint_setting)


def _azure(
    settings: SettingsView,
    connection_name: str,
    section: Mapping[str, str],
    endpoint: str,
    endpoint_setting: str,
) -> ModelConnection | Unconnected:
    identity = identity_keys(section)
    keys = [(section.get("key"), f"{connection_name}__Key")]
    if not (section.get("endpoint") and identity):
        keys.append((settings.get("AZURE_OPENAI_KEY"), "AZURE_OPENAI_KEY"))
    key, key_setting = _first(*keys)
    if key and is_placeholder(key):
        if not identity:
            return Unconnected(f"{key_setting} is a placeholder", to_fill_in=True)
        key = ""
    if key:
        who, identity = "", ()
    else:
        who = describe(identity, connection_name, settings)
        identity = completed(identity, settings)
    return ModelConnection(
        "azure-openai",
        endpoint.rstrip("/"),
        _told_source(settings, endpoint_setting),
        key or None,
        _told_source(settings, key_setting) if key else "",
        identity=identity,
        identity_source=who,
    )


def unused_section(settings: SettingsView, used: Iterable[str]) -> str:
    """Return the section that is filled in though no binding names it, as `AzureOpenAI`."""
    if DEFAULT_SECTION.lower() in {name.lower() for name in used}:
        return ""
    endpoint = settings.section(DEFAULT_SECTION).get("endpoint") or ""
    return DEFAULT_SECTION if _is_url(endpoint) and not is_placeholder(endpoint) else ""


def is_own(address: str) -> bool:
    """Whether an address is that of models which a host like this one serves to its app."""
    try:
        path = urlsplit(address).path
    except ValueError:
        return False
    return path == OWN_PATH or path.startswith(f"{OWN_PATH}/")


def _first(*candidates: tuple[str | None, str]) -> tuple[str, str]:
    return next(((value, name) for value, name in candidates if value), ("", ""))


def _told_source(settings: SettingsView, name: str) -> str:
    source = settings.source(name)
    return f"{name}, {source}" if source else name


def _is_url(text: str) -> bool:
    parts = urlsplit(text.strip())
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
