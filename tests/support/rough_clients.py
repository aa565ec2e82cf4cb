"""Clients of every kind for a while: `python -m tests.support.rough_clients PORT SECONDS`.

Prints, as JSON, how many requests of each kind were made and what became of them.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.support.tcp_service import reset

HEAD = b"Host: localhost\r\nConnection: close\r\n"


class Clients:
    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._until = time.monotonic() + seconds
        self.counts: Counter[str] = Counter()

    async def run(self) -> None:
        kinds = [self.ordinary] * 6 + [
            self.posted,
            self.failing,
            self.slow,
            self.slow_body,
            self.malformed,
            self.oversized,
            self.oversized_chunks,
            self.aborted_request,
            self.aborted_answer,
            self.aborted_call,
            self.unknown,
            self.admin,
            self.large_answer,
        ]
        await asyncio.gather(*(self._keep_on(kind) for kind in kinds))

    async def _keep_on(self, kind: Callable[[], Awaitable[str]]) -> None:
        while time.monotonic() < self._until:
            try:
                async with asyncio.timeout(20):
                    outcome = await kind()
            except TimeoutError:
                outcome = "hung"
            except OSError as error:
                outcome = type(error).__name__
            self.counts[f"{kind.__name__}: {outcome}"] += 1
            await asyncio.sleep(random.uniform(0, 0.01))

    async def ordinary(self) -> str:
        return await self._ask(b"GET /api/hello?name=x HTTP/1.1\r\n" + HEAD + b"\r\n")

    async def posted(self) -> str:
        body = random.randbytes(random.randrange(200_000))
        head = b"POST /api/echo HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
        return await self._ask(head + body)

    async def failing(self) -> str:
        return await self._ask(b"GET /api/boom HTTP/1.1\r\n" + HEAD + b"\r\n")

    async def slow(self) -> str:
        return await self._ask(b"GET /api/slow HTTP/1.1\r\n" + HEAD + b"\r\n")

    async def unknown(self) -> str:
        return await self._ask(b"GET /%s HTTP/1.1\r\n" % random.randbytes(8).hex().encode()
                               + HEAD + b"\r\n")  # fmt: skip

    async def admin(self) -> str:
        return await self._ask(b"GET /admin/host/status HTTP/1.1\r\n" + HEAD + b"\r\n")

    async def large_answer(self) -> str:
        return await self._ask(b"GET /api/large HTTP/1.1\r\n" + HEAD + b"\r\n")

    async def slow_body(self) -> str:
        reader, writer = await self._open()
        writer.write(b"POST /api/echo HTTP/1.1\r\n" + HEAD + b"Content-Length: 20\r\n\r\n")
        for _ in range(20):
            writer.write(b"x")
            await asyncio.sleep(0.02)
        return await self._read(reader, writer)

    async def malformed(self) -> str:
        return await self._ask(
            random.choice(
                [
                    random.randbytes(200) + b"\r\n\r\n",
                    b"GET / HTTP/9.9\r\n\r\n",
                    b"GET /api/hello HTTP/1.1\r\nBroken\r\n\r\n",
                    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n",
                    b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
                    b"GET / HTTP/1.1\r\nX: " + b"y" * 60_000 + b"\r\n\r\n",
                ]
            )
        )

    async def oversized(self) -> str:
        head = b"POST /api/echo HTTP/1.1\r\n" + HEAD + b"Content-Length: 2000000\r\n\r\n"
        return await self._ask(head + b"x" * 2_000_000)

    async def oversized_chunks(self) -> str:
        head = b"POST /api/echo HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        return await self._ask(head + chunk * 30 + b"0\r\n\r\n")

    async def aborted_request(self) -> str:
        _, writer = await self._open()
        writer.write(b"POST /api/echo HTTP/1.1\r\n" + HEAD + b"Content-Length: 99999\r\n\r\nab")
        await asyncio.sleep(random.uniform(0, 0.02))
        return self._reset(writer)

    async def aborted_answer(self) -> str:
        reader, writer = await self._open()
        writer.write(b"GET /api/large HTTP/1.1\r\n" + HEAD + b"\r\n")
        await reader.read(1000)
        return self._reset(writer)

    async def aborted_call(self) -> str:
        _, writer = await self._open()
        writer.write(b"GET /api/slow HTTP/1.1\r\n" + HEAD + b"\r\n")
        await asyncio.sleep(random.uniform(0, 0.05))
        return self._reset(writer)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def _ask(self, data: bytes) -> str:
        reader, writer = await self._open()
        writer.write(data)
        return await self._read(reader, writer)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        try:
            answer = await reader.read()
        finally:
            writer.close()
        parts = answer[:20].split(b" ")
        return parts[1].decode() if len(parts) > 1 else "no answer"

    def _reset(self, writer: asyncio.StreamWriter) -> str:
        reset(writer)
        return "reset"


def main() -> None:
    clients = Clients(int(sys.argv[1]), float(sys.argv[2]))
    asyncio.run(clients.run())
    print(json.dumps(clients.counts))


if __name__ == "__main__":
    main()
