"""What the bindings of a storage account share: its queues, its blobs, and work for them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from bindings.storage.blobs import Blobs
from bindings.storage.queues import Queues
from emulator.sdk import Extension, HostServices

LOOK_AGAIN = 2.0
"""Seconds after which listeners look for what another program left, such as `funcemu call`."""

_PATIENCE = 1.0
"""Seconds that work which was broken off may take to say so."""


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
