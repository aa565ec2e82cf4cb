"""Bodies in pieces, through a whole host."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.support.serving import FIXTURES, served
from tests.support.streaming import streaming_extension

APP = FIXTURES / "apps/streaming"


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The extension in a folder of its own: importing it changes every app of a process."""
    return streaming_extension(tmp_path_factory.mktemp("site"))


@pytest.fixture(autouse=True)
def importable(
    channel: str, extension: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    if channel == "inprocess":
        monkeypatch.syspath_prepend(extension["PYTHONPATH"])
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] == "azurefunctions"]:
        del sys.modules[name]


async def test_a_response_arrives_piece_by_piece(channel: str, extension: dict[str, str]) -> None:
    async with (
        served(APP, channel=channel, settings=extension) as host,
        aiohttp.ClientSession() as session,
    ):
        loop = asyncio.get_running_loop()
        async with session.get(f"{host.url}/api/count?to=5") as answer:
            arrived = [(loop.time(), chunk) async for chunk in answer.content.iter_any()]
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        assert b"".join(chunk for _, chunk in arrived) == b"".join(
            f"line {number}\n".encode() for number in range(5)
        )
        assert len(arrived) >= 3


async def test_a_chunked_upload_arrives_whole(channel: str, extension: dict[str, str]) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 100_000

    async with served(APP, channel=channel, settings=extension) as host:
        answer = await host.post("/api/size", data=body())
        assert (answer.status, answer.json) == (200, "5000000 bytes")


async def test_route_parameters_and_json_values_work(
    channel: str, extension: dict[str, str]
) -> None:
    async with served(APP, channel=channel, settings=extension) as host:
        assert (await host.get("/api/items/42")).json == {"id": "42"}


async def test_a_response_that_fails_half_way_is_cut_off(
    channel: str, extension: dict[str, str]
) -> None:
    async with served(APP, channel=channel, settings=extension) as host:
        with pytest.raises(aiohttp.ClientPayloadError):
            await host.get("/api/broken")
        await host.until_printed("ValueError: half way")
        assert (await host.get("/api/items/1")).status == 200


async def test_cors_headers_are_there_before_the_first_piece(
    channel: str, extension: dict[str, str]
) -> None:
    async with served(
        APP, "--cors", "http://a.example", channel=channel, settings=extension
    ) as host:
        answer = await host.get("/api/count?to=2", headers={"Origin": "http://a.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "http://a.example"
