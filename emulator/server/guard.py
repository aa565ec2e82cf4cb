"""Who may talk to the admin API: this machine's user, not a web page that found the port.

A browser sends `Host` and `Origin` as they are, whatever a page wants; so a name that was rebound
to this machine, or a page of another site, is recognised by them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def is_foreign(headers: Mapping[str, str], *, served_as: frozenset[str]) -> str | None:
    """Say why the request is refused, or return `None`.

    `served_as` are host names beside the loopback ones under which the server was told to answer.
    """
    host = headers.get("Host", "")
    name = _host_name(host)
    if not _is_ours(name, served_as):
        return f"The Host header '{host[:100]}' is not a name of this machine."
    origin = headers.get("Origin")
    if origin is not None and origin != "null":
        parts = urlsplit(origin)
        if not _is_ours(parts.hostname or "", served_as):
            return f"Requests of the origin '{origin[:100]}' are refused."
    elif origin == "null":
        return "Requests without an origin of their own are refused."
    if headers.get("Sec-Fetch-Site") == "cross-site":
        return "Cross-site requests are refused."
    return None


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _is_ours(name: str, served_as: frozenset[str]) -> bool:
    lowered = name.lower().rstrip(".")
    if lowered == "localhost" or lowered.endswith(".localhost") or lowered in served_as:
        return True
    try:
        return ipaddress.ip_address(lowered).is_loopback
    except ValueError:
        return False
