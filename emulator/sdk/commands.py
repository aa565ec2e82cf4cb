"""Commands that a binding package adds to `funcemu`.

An entry point in the group `emulator.commands` names a function that takes `CommandServices` and
returns a `click.Command`; the command is called as the entry point is. It is loaded when it is run,
or when all commands are listed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from emulator.sdk.services import HostServices

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class CommandServices(Protocol):
    """Lent to a function that makes a command."""

    def app_options(self, command: F) -> F:
        """Give a command what every command about an app's state has: the argument PATH, and the
        options --state-dir and --output."""
        ...

    def output(self, given: Mapping[str, object]) -> str:
        """Return how to write, wherever that was chosen: `json`, or for people."""
        ...

    def run(self, given: Mapping[str, object], work: Callable[[HostServices], Awaitable[T]]) -> T:
        """Open the app and the state those options name, do the work, and close it.

        The app's settings and host.json are read, its code is not run. A database that does not
        exist yet is one in memory: looking leaves no trace.
        """
        ...
