"""The names by which what listens on an address is reached."""

from __future__ import annotations


def shown(address: str) -> str:
    """Return what people are told."""
    return "localhost" if address in {"127.0.0.1", "0.0.0.0", "::1", "::"} else address


def reachable(address: str) -> str:
    """Return the address by which a process of this machine reaches what listens on `address`."""
    if address in {"localhost", "0.0.0.0"}:
        return "127.0.0.1"
    if address == "::":
        return "[::1]"
    return f"[{address}]" if ":" in address else address
