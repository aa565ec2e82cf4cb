"""A search service an app names by a setting, and how to be let in."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bindings.openai.placeholders import is_placeholder
from bindings.openai.signin import Keys, completed, identity_keys
from emulator.sdk import SettingsView


@dataclass(frozen=True, slots=True)
class SearchConnection:
    """Either `endpoint`, with `key` or an identity, or a whole `connection_string`.

    `identity` says who we are.
    """

    name: str
    endpoint: str = ""
    key: str = field(default="", repr=False)
    connection_string: str = field(default="", repr=False)
    identity: Keys = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Unconnected:
    """No usable connection, and why; `to_fill_in` says that a placeholder stands there."""

    reason: str
    to_fill_in: bool = field(default=False, compare=False)


def find_connection(settings: SettingsView, name: str) -> SearchConnection | Unconnected:
    """Follow a connection name to its section, or to its plain setting: the address of a service,
    or a connection string."""
    section = settings.section(name)
    endpoint = (section.get("endpoint") or "").strip()
    if endpoint:
        return _checked(
            SearchConnection(
                name,
                endpoint=endpoint.rstrip("/"),
                key=section.get("apikey") or section.get("key") or "",
                identity=completed(identity_keys(section), settings),
            ),
            f"{name}__endpoint",
        )
    plain = (settings.get(name) or "").strip()
    if not plain:
        return Unconnected(f"Configuration section or endpoint '{name}' does not exist")
    if is_url(plain):
        return _checked(
            SearchConnection(
                name,
                endpoint=plain.rstrip("/"),
                identity=completed(identity_keys(section), settings),
            ),
            name,
        )
    return _checked(SearchConnection(name, connection_string=plain), name)


def is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _checked(connection: SearchConnection, setting: str) -> SearchConnection | Unconnected:
    if is_placeholder(connection.endpoint or connection.connection_string):
        return Unconnected(f"{setting} is a placeholder", to_fill_in=True)
    if connection.endpoint and not is_url(connection.endpoint):
        return Unconnected(f"{setting} is not a service address")
    if connection.key and is_placeholder(connection.key):
        return Unconnected(f"the key of {connection.name} is a placeholder", to_fill_in=True)
    return connection
