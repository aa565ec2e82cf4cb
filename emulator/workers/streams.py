"""The host's side of a call whose HTTP bodies are streams: chunks both ways, as far as granted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from emulator.model import InvocationResult
from emulator.workers.channel import ResponseStream
from emulator.workers.pyworker.streaming import CHUNK, WINDOW
from emulator.workers.pyworker.wire import Header

Send = Callable[[Header, Sequence[bytes]], None]


class Exchange:
    """One request and its response on their way to and from the worker."""

    def __init__(
        self, call_id: str, send: Send, *, body: AsyncIterator[bytes], respond: ResponseStream
    ) -> None:
        self._id = call_id
        self._send = send
        self._body = body
        self._respond = respond
        self._credit = asyncio.Semaphore(WINDOW)
        self._said: asyncio.Queue[tuple[Header, Sequence[bytes]] | None] = asyncio.Queue()

    def take(self, header: Header, blobs: Sequence[bytes]) -> None:
        """Accept what the worker says about this call."""
        if header["kind"] == "more":
            for _ in range(header["n"]):
                self._credit.release()
        else:
            self._said.put_nowait((header, blobs))

    async def run(self, answer: asyncio.Future[InvocationResult]) -> InvocationResult:
        """Move the bodies until the answer is there and everything said before it is written.

        Raises what `respond` raises when the client is gone, and `body` when it breaks off.
        """
        sending = asyncio.create_task(self._pump())
        writing = asyncio.create_task(self._write())
        try:
            waited: list[asyncio.Future[object]] = [answer, writing]  # type: ignore[list-item]
            all_of_it: list[asyncio.Future[object]] = [*waited, sending]  # type: ignore[list-item]
            await asyncio.wait(all_of_it, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not answer.done():
                await sending  # of a body that broke off the function would never see the end
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                self._said.put_nowait(None)
            await writing
            return await answer
        finally:
            sending.cancel()
            writing.cancel()
            await asyncio.gather(sending, writing, return_exceptions=True)

    async def _pump(self) -> None:
        async for part in self._body:
            for at in range(0, len(part), CHUNK):
                await self._credit.acquire()
                self._send({"kind": "chunk", "id": self._id}, [bytes(part[at : at + CHUNK])])
        self._send({"kind": "chunk", "id": self._id, "end": True}, ())

    async def _write(self) -> None:
        while (said := await self._said.get()) is not None:
            header, blobs = said
            if header["kind"] == "head":
                headers = tuple((name, value) for name, value in header["headers"])
                await self._respond.start(header["status"], headers)
                continue
            for blob in blobs:
                await self._respond.write(blob)
            if header.get("end"):
                self._respond.complete()
            else:
                self._send({"kind": "more", "id": self._id, "n": 1}, ())
