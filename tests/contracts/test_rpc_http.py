"""Requests that are passed on to the server of an official worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from emulator.model import FunctionError, Invocation
from emulator.workers.functionrpc.channel import RpcChannel
from tests.support.rpcapps import HELLO, loaded
from tests.support.workers import decorated, request


class Client:
    """Takes a response as it comes; keeps what is small."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []

    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        self.status, self.headers = status, dict(headers)

    async def write(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def complete(self) -> None: ...


async def _body(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(size)


def _streamed(call_id: str, path: str, **headers: str) -> Invocation:
    given = {"host": "shop.test:7071", "transfer-encoding": "chunked", **headers}
    url = f"https://shop.test:7071{path}"
    return Invocation(call_id, "f", {"req": request(url=url, method="POST", headers=given)})


async def test_requests_go_to_the_worker_s_own_server(tmp_path: Path) -> None:
    async with loaded(decorated(tmp_path, HELLO), "http") as worker:
        channel = worker.channel
        assert isinstance(channel, RpcChannel)
        assert worker.index.streams
        client = Client()
        call = _streamed("one", "/api/f/%C3%A9?a=1%2F2")
        result = await channel.stream(call, _body(1 << 20, 50), client)
        assert result.error is None
        assert (client.status, client.headers["x-length"]) == (201, str(50 << 20))
        assert client.headers["x-host"] == "shop.test:7071"
        assert client.headers["x-proto"] == "https"
        assert b"".join(client.chunks).startswith(b"/api/f/%C3%A9?a=1%2F2 0;/api")
        assert channel.running == 0
        # Where nobody can take it in pieces it is answered whole.
        answer = await worker.call("f", req=request(b"12345", method="POST"))
        assert answer.return_value.value.status == 201
        assert dict(answer.return_value.value.headers)["x-length"] == "5"
        result = await channel.stream(_streamed("two", "/api/fail"), _body(1, 1), Client())
        assert result.error == FunctionError("ValueError", "after all")


async def test_a_function_that_returns_nothing_is_answered_by_the_host(tmp_path: Path) -> None:
    """The worker for Node.js leaves such a request unanswered."""
    async with loaded(decorated(tmp_path, HELLO), "http") as worker:
        channel = worker.channel
        assert isinstance(channel, RpcChannel)
        client = Client()
        result = await channel.stream(_streamed("one", "/api/nothing"), _body(1, 1), client)
        assert (result.error, client.status, client.chunks) == (None, 204, [])
        assert channel.running == 0


async def test_a_client_that_goes_away_ends_the_exchange(tmp_path: Path) -> None:
    class Gone(Client):
        async def write(self, chunk: bytes) -> None:
            raise ConnectionResetError

    async with loaded(decorated(tmp_path, HELLO), "http") as worker:
        channel = worker.channel
        assert isinstance(channel, RpcChannel)
        with pytest.raises(ConnectionResetError):
            await channel.stream(_streamed("one", "/api/f"), _body(1, 1), Gone())
        assert channel.running == 0
