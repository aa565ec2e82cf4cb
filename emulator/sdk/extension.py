"""What the bindings of one package share; lives with the host and survives reloads."""

from __future__ import annotations

from emulator.sdk.services import HostServices


class Extension:
    """Made once per host, when an app first uses one of the package's bindings.

    Clients, caches and stores belong here: a chat in memory must not vanish on save.
    """

    def __init__(self, host: HostServices) -> None:
        self.host = host

    def banner(self) -> tuple[str, ...]:
        """Lines for the start banner: what serves, and why. Asked after the app is bound."""
        return ()

    async def aclose(self) -> None:
        """Give everything back; called once, after the last call ended."""
