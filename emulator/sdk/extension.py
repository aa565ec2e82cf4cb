"""What the bindings of one package share; lives with the host and survives reloads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from emulator.model import HttpRequestData, HttpResponseData
from emulator.sdk.services import HostServices
from emulator.sdk.serving import StreamedResponse


class Finding(NamedTuple):
    """What `funcemu doctor` says about one thing: how it is, in a sentence, and the next step."""

    level: Literal["good", "warn", "bad"]
    text: str
    next_step: str | None = None


class Extension:
    """Made once per host, when an app first uses one of the package's bindings.

    Clients, caches and stores belong here: a chat in memory must not vanish on save.
    """

    log_category: ClassVar[str] = ""
    """The category that Azure's extension logs with: a level host.json gives it decides which lines
    of `Call.log` are shown."""

    def __init__(self, host: HostServices) -> None:
        self.host = host

    def banner(self) -> tuple[str, ...]:
        """Lines for the start banner: what serves, and why. Asked after the app is bound."""
        return ()

    def settings(self) -> Mapping[str, str]:
        """Return the settings the package reads, each with what for, in a few words."""
        return {}

    def examine(self) -> Sequence[Finding]:
        """Say how things are, for `funcemu doctor`: what would serve, and from which setting.

        Nothing is asked over the network, and no value of a setting is told.
        """
        return ()

    def views(self) -> Mapping[str, Callable[[str], Awaitable[Any]]]:
        """Name what tests may look at (`assistant`), each with a function that is given the name
        of one and returns it as plain JSON values, or `None` when there is no such."""
        return {}

    def seeds(self) -> Mapping[str, Callable[[Any], Awaitable[None]]]:
        """Name the parts of a seed file this package takes (`assistants`), each with a function
        that is given the JSON value. Raises `BindingError` saying what is wrong with it."""
        return {}

    async def serve(
        self, path: str, request: HttpRequestData
    ) -> HttpResponseData | StreamedResponse:
        """Answer a request to the package's own address, for classes that an entry point of the
        group `emulator.endpoints` names.

        The entry point's name begins with `_` and is the first part of the address; `path` is what
        follows. Only programs of this machine get here.
        """
        return HttpResponseData(404)

    def summary(self) -> tuple[str, ...]:
        """Lines for the end of a run: what was done. Asked once, before `aclose`."""
        return ()

    async def aclose(self) -> None:
        """Give everything back; called once, after the last call ended."""
