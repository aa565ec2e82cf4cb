"""Clients that are slow, silent, rude or many: the others are served as if they were not there."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.hosted import HEAD, hosted, raw
from tests.support.patience import PATIENCE
from tests.support.processes import resident, until
from tests.support.serving import Served
from tests.support.tcp_service import reset

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

CODE = (
    HEAD
    + """
@app.route(route="fine")
async def fine(req: func.HttpRequest) -> str:
    return "fine"


@app.route(route="echo", methods=["POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body())


@app.route(route="large")
def large(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(b"x" * 5_000_000)
"""
)

host = hosted({"function_app.py": CODE}, channels=("subprocess",))

ASK = b"GET /api/fine HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
LARGE = b"GET /api/large HTTP/1.1\r\nHost: localhost\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(host: Served, count: int) -> AsyncIterator[list[Connection]]:
    """Connect many times; afterwards check that the host let go of every one."""
    port, fds = int(host.url.rsplit(":", 1)[1]), f"/proc/{host.process.pid}/fd"
    assert (await host.get("/api/fine")).text == "fine"
    before, memory = len(os.listdir(fds)), resident(host.process.pid)
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        yield opened
        async with asyncio.timeout(PATIENCE):  # who is waited for never says more
            assert (await host.get("/api/fine")).text == "fine"
    finally:
        for _, writer in opened:
            writer.transport.abort()
    await until(lambda: len(os.listdir(fds)) <= before + 1)
    assert resident(host.process.pid) < memory + 150
    assert "Traceback" not in host.printed
    assert "funcemu itself failed" not in host.printed


async def test_a_thousand_silent_connections(host: Served) -> None:
    async with connected(host, 1_000) as opened:
        for _, writer in opened[:500]:
            writer.write(ASK[:30])
        async with asyncio.timeout(PATIENCE):
            for _ in range(20):
                assert (await host.get("/api/fine")).text == "fine"


async def test_requests_that_come_byte_by_byte_are_answered(host: Served) -> None:
    post = (
        b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n"
    )
    async with connected(host, 40) as opened:
        for at in range(max(len(ASK), len(post) + 5)):
            for number, (_, writer) in enumerate(opened):
                request = ASK if number % 2 else post + b"\r\nabc"
                writer.write(request[at : at + 1])
            await asyncio.sleep(0.005)
        for number, (reader, _) in enumerate(opened):
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 200 OK")
            assert answer.endswith(b"fine" if number % 2 else b"abc")


async def test_clients_that_leave_at_any_moment(host: Served) -> None:
    post = b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nabc"
    async with connected(host, 90) as opened:
        for number, (reader, writer) in enumerate(opened):
            writer.write((ASK[:-2], post, LARGE)[number % 3])
            if number % 2:
                await asyncio.sleep(0.005)
            if number % 6 == 5:
                await reader.read(1_000)
            if number % 4 < 2:
                reset(writer)
            else:
                writer.close()


async def test_clients_that_never_read(host: Served) -> None:
    async with connected(host, 10) as opened:
        for _, writer in opened:
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's has it
            writer.write(LARGE * 100)
        await until(lambda: host.printed.count("GET /api/large → 200") >= 10)


async def test_garbage_of_every_kind(host: Served) -> None:
    dice = random.Random(5)
    kinds = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + dice.randbytes(300),  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"GET  /  HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x00" * 1_000 + b"\r\n\r\n",
        *(dice.randbytes(400) + b"\r\n\r\n" for _ in range(20)),
    ]
    async with connected(host, 1):
        for kind in kinds:
            answer = await raw(host, kind)
            assert answer[:10] in (b"HTTP/1.0 4", b"HTTP/1.1 4", b"HTTP/1.0 5", b"HTTP/1.1 5", b"")
