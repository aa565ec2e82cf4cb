"""Which hosts pages are read from: the address often comes out of a request, and a request must
not reach into this machine's network.

Public addresses are fine. Those of this machine and of private networks are not, unless the
setting lists their host; `localhost` is listed by default, for pages that the app or a server
beside it serves. Names are judged by what they resolve to, so none can stand for another.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult

from emulator.sdk import BindingError

URL_HOSTS_SETTING = "FUNCEMU_EMBEDDINGS_URL_HOSTS"

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_PORTS = {"http": 80, "https": 443}
# Those that mean other machines of the same network. Of what is "not global" the rest leads
# nowhere, or is what VPN clients make up for public names.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "0.0.0.0/8", "fc00::/7"),
    )
)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts, with or without a port, that may be in this machine or in its networks."""

    listed: frozenset[tuple[str, int | None]]

    @classmethod
    def of(cls, text: str | None) -> Hosts:
        """Read the setting: `localhost, wiki.corp, 10.0.0.5:8080`."""
        if text is None:
            return LOCALHOST
        return cls(frozenset(_entry(each.strip()) for each in text.split(",") if each.strip()))

    def lists(self, url: SplitResult) -> bool:
        """Whether the host of a URL is one of them."""
        name = (url.hostname or "").rstrip(".")
        port = url.port or _PORTS.get(url.scheme)
        names = {"localhost", name} if name in LOCAL_NAMES else {name}
        return any((each, of) in self.listed for each in names for of in (None, port))


LOCALHOST = Hosts(frozenset({("localhost", None)}))
"""Where no setting says anything else."""


def check_address(address: str, host: str) -> None:
    """Raise `BindingError` for an address that a request must not reach."""
    if is_inside(address):
        shown = host if host == address else f"{host} ({address})"
        raise BindingError(
            f"{shown} is an address of this machine or of its network, from which nothing is read.",
            hint=f"List the host in the setting {URL_HOSTS_SETTING}, separated by ',', if requests "
            "may have it read.",
            code="embeddings-url-inside",
        )


def is_inside(address: str) -> bool:
    """Whether an address belongs to this machine, its link or a private network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False  # a name
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or _translated(found)
        if inner is not None:
            return is_inside(str(inner))
    return (
        found.is_loopback
        or found.is_link_local
        or found.is_multicast
        or found.is_unspecified
        or any(found in network for network in _PRIVATE if network.version == found.version)
    )


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the address behind NAT64, through which a network reaches IPv4."""
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _entry(text: str) -> tuple[str, int | None]:
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or "/" in host or (port and not (port.isdecimal() and len(port) < 6)):
        raise BindingError(
            f"'{text}' in the setting {URL_HOSTS_SETTING} is not a host, with or without a port.",
            hint="Write it as localhost, wiki.example or 10.0.0.5:8080.",
            code="setting-invalid",
        )
    return host.lower().rstrip("."), int(port) if port else None
