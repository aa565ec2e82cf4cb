"""`queue`: puts what the function gives into a queue.

Differences: queues are kept in the app's state, and messages are text or bytes as the function gave
them, whatever `messageEncoding` of host.json says. An object in a JSON array becomes compact JSON;
Azure indents it.
"""

from __future__ import annotations

from typing import Any

from bindings.storage.account import refuse_other_accounts
from bindings.storage.extension import Storage
from bindings.storage.queues import queue_name
from emulator.sdk import Call, Datum, Options, Output, Resolved, items, to_text


class QueueOutputOptions(Options, frozen=True):
    """`connection` names the setting with the storage account."""

    queue_name: Resolved
    connection: str = ""


class QueueOutput(Output[QueueOutputOptions]):
    type_name = "queue"
    summary = "Adds messages to a queue."
    options_type = QueueOutputOptions
    extension = Storage

    shared: Storage

    def __init__(self, **bound: Any) -> None:
        super().__init__(**bound)
        refuse_other_accounts(self.services.settings, self.options.connection)

    async def write(self, call: Call, value: Datum) -> None:
        queue = queue_name(call.options.queue_name)
        bodies = [
            bytes(each.value) if each.kind == "bytes" else to_text(each).encode("utf-8")
            for each in items(value)
            if not each.is_none
        ]
        if bodies:
            await self.shared.queues.put(queue, *bodies)
