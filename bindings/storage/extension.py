"""What the bindings of a storage account share: its queues, its blobs, and work for them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from bindings.storage.blobs import Blobs
from bindings.storage.queues import Queues
from emulator.sdk import EmulatorError, Extension, HostServices

LOOK_AGAIN = 2.0
"""Seconds after which listeners look for what another program left, such as `funcemu call`."""

_PATIENCE = 1.0
"""Seconds that work which was broken off may take to say so."""


class Trouble:
    """What keeps a listener from its state; told once, until it is mended."""

    def __init__(self, host: HostServices, category: str, what: str) -> None:
        self._host = host
        self._category = category
        self._what = what
        self._told = ""

    def tell(self, error: EmulatorError) -> None:
        told = f"{self._what} cannot be used: {error.message}"
        if told != self._told:
            self._told = told
            self._host.log("Error", self._category, f"{told} {error.hint or ''}".rstrip())

    def mended(self) -> None:
        self._told = ""


class Storage(Extension):
    """Lives with the host: messages and blobs survive reloads, and so does work for them."""

    def __init__(self, host: HostServices) -> None:
        super().__init__(host)
        self.queues = Queues(host)
        self.blobs = Blobs(host)
        self._tasks: set[asyncio.Task[None]] = set()

    def banner(self) -> tuple[str, ...]:
        return ("Queues and blobs: kept in the app's state; no account and no Azurite is used",)

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something for as long as the host lives."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def aclose(self) -> None:
        if self._tasks:  # nothing listens any more; what is left gives its messages back
            await asyncio.wait(self._tasks, timeout=_PATIENCE)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
