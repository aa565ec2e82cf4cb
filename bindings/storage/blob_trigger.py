"""`blobTrigger`: runs the function for each new or changed blob of a container.

Differences: blobs are kept in the app's state, so they come from this host's own functions, at once
and without scanning; of several hosts on one folder each runs its functions. Each function has
`maxDegreeOfParallelism` runs for itself; on Azure they share them. In tests of the app no blob runs
a function.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from bindings.storage.account import refuse_other_accounts, section, whole
from bindings.storage.blobs import Blob, PathPattern, blob_path, shown_json
from bindings.storage.content import content_datum
from bindings.storage.extension import LOOK_AGAIN, Storage, Trouble
from emulator.sdk import (
    MANUAL_REASON,
    BindingError,
    Datum,
    EmulatorError,
    Fire,
    Fired,
    Options,
    SettingText,
    Trigger,
)

_CATEGORY = "Host.Triggers.Blob"
_POISON = "webjobs-blobtrigger-poison"


class BlobTriggerOptions(Options, frozen=True):
    """`path` is container/pattern, such as samples/{name}.txt; `connection` names the setting with
    the storage account."""

    path: SettingText
    connection: str = ""


class BlobTrigger(Trigger[BlobTriggerOptions]):
    type_name = "blobTrigger"
    summary = "Runs the function for each new or changed blob of a container."
    options_type = BlobTriggerOptions
    extension = Storage
    sample = Datum("text", "samples/name.txt")

    shared: Storage

    def __init__(self, **bound: Any) -> None:
        super().__init__(**bound)
        refuse_other_accounts(self.services.settings, self.options.connection)
        self._pattern = PathPattern(self.options.path)
        options = section(self.services.host, "blobs")
        self._tries = whole(options.get("poisonblobthreshold"), 5)
        most = whole(options.get("maxdegreeofparallelism"), 8 * (os.cpu_count() or 1))
        self._places = asyncio.Semaphore(most)
        self._fire: Fire | None = None
        self._trouble = Trouble(
            self.services.host, _CATEGORY, f"Blobs of '{self._pattern.container}'"
        )
        self._listening: asyncio.Task[None] | None = None

    def manual(self, text: str) -> Fired:
        raise BindingError("a blob is read first")

    async def requested(self, text: str) -> Fired:
        """Run for the blob whose path is given, as Azure does."""
        blob = await self.shared.blobs.get(*blob_path(text))
        if blob is None:
            raise BindingError(
                f"There is no blob '{text}'.",
                hint=f'The input of {self.function.name} is a path: {{"input": "container/name"}}.',
                code="blob-missing",
            )
        return self._fired(
            blob, self._pattern.match(blob.container, blob.name) or {}, MANUAL_REASON
        )

    async def start(self, fire: Fire) -> None:
        self._fire = fire
        self.shared.blobs.watch(self._written)
        self._listening = self.shared.run(self._listen())

    async def stop(self) -> None:
        """Take no more; what a function was begun for is worked on to its end."""
        self.shared.blobs.unwatch(self._written)
        self._fire = None
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    def _written(self, blob: Blob) -> None:
        self._begin(blob.name, blob.etag, blob)

    def _begin(self, name: str, etag: str, blob: Blob | None = None) -> None:
        """Run the function when there is room for it, unless it is or was for this content."""
        container = self._pattern.container if blob is None else blob.container
        if self._pattern.match(container, name) is None:
            return
        if self.shared.blobs.begin(self.function.name, f"{container}/{name}", etag):
            self.shared.run(self._work(name, etag, blob))

    async def _listen(self) -> None:
        while True:
            await self._catch_up()
            await self.services.host.clock.sleep(LOOK_AGAIN)

    async def _catch_up(self) -> None:
        """Run for what was written while nobody was there, or by another program."""
        blobs = self.shared.blobs
        try:
            for name, etag in await blobs.unseen(self.function.name, self._pattern.container):
                self._begin(name, etag)
        except EmulatorError as error:
            self._trouble.tell(error)
        else:
            self._trouble.mended()

    async def _work(self, name: str, etag: str, blob: Blob | None) -> None:
        try:
            async with self._places:
                if blob is None:  # not read before there is room for it
                    blob = await self.shared.blobs.get(self._pattern.container, name)
                if blob is not None and blob.etag == etag:
                    await self._try(blob)
        except EmulatorError as error:
            self._trouble.tell(error)
        finally:
            self.shared.blobs.end(self.function.name, etag)

    async def _try(self, blob: Blob) -> None:
        parts, fire = self._pattern.match(blob.container, blob.name), self._fire
        if parts is None or fire is None:
            return
        fired = self._fired(blob, parts, f"New blob detected(LogsAndContainerScan): {blob.path}")
        for _ in range(self._tries):
            try:
                await fire(fired)
                break
            except EmulatorError:  # told by the call's own events
                if self._fire is None:
                    return  # its worker may have been ended: whoever listens next tries anew
        else:
            await self._poison(blob)
        await self.shared.blobs.seen(self.function.name, blob)

    async def _poison(self, blob: Blob) -> None:
        told = {
            "Type": "BlobTrigger",
            "FunctionId": f"Host.Functions.{self.function.name}",
            "BlobType": "BlockBlob",
            "ContainerName": blob.container,
            "BlobName": blob.name,
            "ETag": blob.etag,
        }
        self.services.host.log(
            "Warning",
            _CATEGORY,
            f"The function '{self.function.name}' failed {self._tries} times for the blob "
            f"'{blob.path}'. Moving message to queue '{_POISON}'.",
        )
        await self.shared.queues.put(_POISON, shown_json(told).encode("utf-8"))

    def _fired(self, blob: Blob, parts: Mapping[str, str], reason: str) -> Fired:
        binary = self.declared.data_type == "binary"
        known = blob.metadata()
        metadata = {
            name: Datum("text", each) if isinstance(each, str) else Datum("json", shown_json(each))
            for name, each in known.items()
        }
        data = {"blobTrigger": blob.path, **known, **parts}
        return Fired(
            content_datum(blob.content, binary=binary),
            reason,
            lambda: data,
            metadata={**metadata, **{name: Datum("text", each) for name, each in parts.items()}},
        )
