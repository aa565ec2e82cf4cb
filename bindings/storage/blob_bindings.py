"""`blob`: reads a blob before the function runs, or writes one after it returned.

Differences: blobs are kept in the app's state. A blob that is no text arrives as bytes, whatever
`dataType` says; Azure damages it unless that is `binary`.
"""

from __future__ import annotations

import struct
from typing import Any

from bindings.storage.account import refuse_other_accounts
from bindings.storage.blobs import blob_path
from bindings.storage.content import content_datum
from bindings.storage.extension import Storage
from emulator.sdk import NONE, Call, Datum, Input, Options, Output, Resolved, to_text


class BlobOptions(Options, frozen=True):
    """`path` is container/name; `connection` names the setting with the storage account."""

    path: Resolved
    connection: str = ""


class BlobBinding(Input[BlobOptions], Output[BlobOptions]):
    type_name = "blob"
    summary = "Reads a blob, or writes one."
    options_type = BlobOptions
    extension = Storage

    shared: Storage

    def __init__(self, **bound: Any) -> None:
        super().__init__(**bound)
        refuse_other_accounts(self.services.settings, self.options.connection)

    async def read(self, call: Call) -> Datum:
        """Return the content; nothing when there is no such blob."""
        found = await self.shared.blobs.get(*blob_path(call.options.path))
        if found is None:
            return NONE
        return content_datum(found.content, binary=self.declared.data_type == "binary")

    async def write(self, call: Call, value: Datum) -> None:
        await self.shared.blobs.put(*blob_path(call.options.path), _bytes(value))


def _bytes(value: Datum) -> bytes:
    match value.kind:
        case "bytes":
            return bytes(value.value)
        case "int":  # numbers are written as the official host's streams write them
            return struct.pack("<i", ((value.value + 2**31) % 2**32) - 2**31)
        case "float":
            return struct.pack("<d", value.value)
        case _:
            return to_text(value).encode("utf-8")
