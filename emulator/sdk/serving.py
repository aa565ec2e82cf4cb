"""What a package may answer over HTTP beside the app's functions, and tell the app's process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StreamedResponse:
    """A response whose body is sent as it comes.

    When `chunks` raises `ConnectionError`, the connection is broken off, so that nobody takes what
    arrived for the whole.
    """

    chunks: AsyncIterator[bytes]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerEnvironment:
    """What a package adds to the environment of the app's code.

    A function named by an entry point of the group `emulator.environment` returns it. It is called
    with `settings`, `app_root`, `url` (where this host serves, without `/` at the end) and `flags`
    before the worker starts, so it must be quick: it imports little and asks nobody. The bindings
    never see these variables among the settings. `notes` are lines for the start banner.

        def environment(*, settings, app_root, url, flags) -> WorkerEnvironment:
            return WorkerEnvironment({"GREETING_URL": f"{url}/_greeting"})
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
