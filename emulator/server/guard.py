"""Who may talk to the admin API: this machine's user, not a web page that found the port.

A browser sends `Host` and `Origin` as they are, whatever a page wants; so a name that was rebound
to this machine, or a page of another site, is recognised by them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping


def is_foreign(
    headers: Mapping[str, str],
    *,
    served_as: frozenset[str],
    trusts: Callable[[str], bool] = lambda origin: False,
) -> str | None:
    """Say why the request is refused, or return `None`.

    `served_as` are host names beside the loopback ones under which the server was told to answer;
    `trusts` knows the origins that the person who started the host named.
    """
    host = headers.get("Host", "")
    name = _host_name(host)
    if not (_is_loopback(name) or _is_served_as(name, served_as)):
        return f"The Host header '{host[:100]}' is not a name of this machine."
    origin = headers.get("Origin")
    if origin is None:
        if headers.get("Sec-Fetch-Site") == "cross-site":
            return "Cross-site requests are refused."
        return None
    if trusts(origin):
        return None
    if origin == "null":
        return "Requests without an origin of their own are refused."
    theirs = _origin_name(origin)
    if not (_is_loopback(theirs) or theirs == name):
        return f"Requests of the origin '{origin[:100]}' are refused."
    return None


def authority(target: str) -> str | None:
    """Return the host that a request target in absolute form names (`GET http://host/path`)."""
    if target.startswith("/"):
        return None
    _, scheme, rest = target.partition("://")
    return re.split(r"[/?#]", rest, maxsplit=1)[0] if scheme else None


def _host_name(host: str) -> str:
    """Return the name before the port; nothing for what no client sends."""
    found = _HOST.fullmatch(host)
    if found is None:
        return ""
    address = found["address"] or found["bare"]
    return (address or found["name"].removesuffix(".")).lower()


def _origin_name(origin: str) -> str:
    found = _ORIGIN.fullmatch(origin)
    return _host_name(found[1]) if found is not None else ""


_HOST = re.compile(
    r"(?a)(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(?::\d{0,5})?"
    r"|(?P<bare>(?=[^:]*:[^:]*:)[0-9A-Fa-f:.]+)"
)
_ORIGIN = re.compile(r"https?://(.+)", re.DOTALL | re.IGNORECASE)


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def _is_served_as(name: str, served_as: frozenset[str]) -> bool:
    if name in served_as:
        return True
    # Served to every machine, it answers at any address; only names can be rebound.
    return not served_as.isdisjoint(_EVERYWHERE) and _address(name) is not None


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


_EVERYWHERE = ("0.0.0.0", "::")
