"""`queueTrigger`: runs the function for each message of a queue.

Differences: queues are kept in the app's state, so messages come from this host's own functions and
from the admin API, at once and without polling. In tests of the app no message runs a function.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from bindings.storage.account import refuse_other_accounts, section, whole
from bindings.storage.content import content_datum
from bindings.storage.extension import LOOK_AGAIN, Storage, Trouble
from bindings.storage.queues import Message, moment, queue_name
from emulator.sdk import (
    MANUAL_REASON,
    Datum,
    EmulatorError,
    Fire,
    Fired,
    Options,
    SettingText,
    Trigger,
    json_datum,
)

_CATEGORY = "Host.Triggers.Queue"


class QueueTriggerOptions(Options, frozen=True):
    """`connection` names the setting with the storage account."""

    queue_name: SettingText
    connection: str = ""


class QueueTrigger(Trigger[QueueTriggerOptions]):
    type_name = "queueTrigger"
    summary = "Runs the function for each message of a queue."
    options_type = QueueTriggerOptions
    extension = Storage
    sample = Datum("text", '{"name": "Azure"}')

    shared: Storage

    def __init__(self, **bound: Any) -> None:
        super().__init__(**bound)
        refuse_other_accounts(self.services.settings, self.options.connection)
        self._binary = self.declared.data_type == "binary"
        self._queue = queue_name(self.options.queue_name)
        options = section(self.services.host, "queues")
        self._batch = whole(options.get("batchsize"), 16)
        self._most = self._batch + whole(options.get("newbatchthreshold"), self._batch // 2)
        self._tries = whole(options.get("maxdequeuecount"), 5)
        self._pause = _seconds(options.get("visibilitytimeout"))
        self._queues = self.shared.queues
        self._arrived = asyncio.Event()
        self._stopped = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._running = 0
        self._trouble = Trouble(self.services.host, _CATEGORY, f"The queue '{self._queue}'")

    def manual(self, text: str) -> Fired:
        """Run with `text` as the message; no queue has it."""
        now = self.services.host.clock.now().timestamp()
        message = Message(
            0,
            self._queue,
            self.services.host.random_id(),
            text.encode("utf-8"),
            now,
            now,
            now,
            1,
            "",
        )
        return _fired(message, MANUAL_REASON, binary=self._binary)

    async def start(self, fire: Fire) -> None:
        self._queues.watch(self._queue, self._arrived)
        self._listening = self.shared.run(self._listen(fire))

    async def stop(self) -> None:
        """Take no more; what was taken is worked on to its end."""
        self._queues.unwatch(self._queue, self._arrived)
        self._stopped.set()
        if self._listening is not None:
            await asyncio.wait([self._listening])

    async def _listen(self, fire: Fire) -> None:
        while not self._stopped.is_set():
            self._arrived.clear()
            free = min(self._batch, self._most - self._running)
            taken = await self._taken(free) if free > 0 else []
            for message in taken:
                self._running += 1
                self.shared.run(self._work(message, fire))
            if not taken:
                await self._wait()

    async def _taken(self, most: int) -> list[Message]:
        try:
            taken = await self._queues.take(self._queue, most)
        except EmulatorError as error:
            self._trouble.tell(error)
            return []
        self._trouble.mended()
        return taken

    async def _wait(self) -> None:
        """Wait until a message may be there, a new one or one that was put off, or for the end."""
        try:
            delay = await self._queues.next_visible(self._queue)
        except EmulatorError:
            delay = None  # told already; the next message tries anew
        waits: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._arrived.wait()),
            asyncio.create_task(self._stopped.wait()),
        ]
        if self._running < self._most:
            # At least a moment: the time is read anew, and may not have gone on.
            soon = LOOK_AGAIN if delay is None else max(min(delay, LOOK_AGAIN), 0.001)
            waits.append(asyncio.create_task(self._sleep(soon)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def _sleep(self, seconds: float) -> None:
        await self.services.host.clock.sleep(seconds)

    async def _work(self, message: Message, fire: Fire) -> None:
        self._queues.hold(message)
        try:
            await self._try(message, fire)
        except EmulatorError as error:
            self._trouble.tell(error)
        finally:
            self._queues.let_go(message)
            self._running -= 1
            self._arrived.set()

    async def _try(self, message: Message, fire: Fire) -> None:
        try:
            reason = f"New queue message detected on '{self._queue}'."
            await fire(_fired(message, reason, binary=self._binary))
        except EmulatorError:  # told by the call's own events
            await self._failed(message)
        else:
            await self._queues.delete(message)

    async def _failed(self, message: Message) -> None:
        # What the end of a worker broke off is no failure; whoever listens next tries anew.
        if message.dequeued < self._tries or self._stopped.is_set():
            await self._queues.give_back(message, self._pause)
            return
        poison = f"{self._queue}-poison"
        self.services.host.log(
            "Warning",
            _CATEGORY,
            f"Message has reached MaxDequeueCount of {self._tries}. Moving message to queue "
            f"'{poison}'.",
        )
        await self._queues.move(message, poison)


def _fired(message: Message, reason: str, *, binary: bool) -> Fired:
    text = content_datum(message.body)
    inserted = moment(message.inserted).isoformat()
    shown: dict[str, Any] = {
        "Id": message.id,
        "DequeueCount": message.dequeued,
        "InsertionTime": inserted,
        "ExpirationTime": moment(message.expires).isoformat(),
        "NextVisibleTime": moment(message.visible).isoformat(),
        "PopReceipt": message.receipt,
    }
    metadata = {
        name: Datum("text", each)
        if name in {"Id", "PopReceipt"}
        else Datum("int", each)
        if name == "DequeueCount"
        else json_datum(each)
        for name, each in shown.items()
    }
    details = (
        f"MessageId: {message.id}, DequeueCount: {message.dequeued}, InsertionTime: {inserted}"
    )
    return Fired(
        content_datum(message.body, binary=binary),
        reason,
        lambda: _data(text, shown),
        metadata={"QueueTrigger": text, **metadata},
        detail=details if reason != MANUAL_REASON else "",
    )


def _data(value: Datum, shown: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer `{name}`: a member of a JSON message counts before what is known of every message."""
    text = value.value if value.kind == "text" else ""
    data = {"queueTrigger": text, **shown}
    try:
        parsed = json.loads(text) if text.lstrip().startswith("{") else {}
    except (ValueError, RecursionError):
        parsed = {}
    members = {name.lower() for name in parsed}
    return {**{name: each for name, each in data.items() if name.lower() not in members}, **parsed}


def _seconds(given: Any) -> float:
    parts = str(given or "0").split(":")
    if not all(part.isascii() and part.isdecimal() for part in parts) or len(parts) not in {1, 3}:
        return 0.0
    hours, minutes, seconds = (int(part) for part in parts) if len(parts) == 3 else (0, 0, 0)
    return hours * 3600.0 + minutes * 60.0 + seconds
