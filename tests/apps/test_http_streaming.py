"""Bodies in pieces, through a whole host."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.serving import FIXTURES, served, write_app
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


async def test_the_answer_of_the_framework_to_a_failure_arrives_whole(
    channel: str, extension: dict[str, str], tmp_path: Path
) -> None:
    code = (
        "import azure.functions as func\n"
        "from azurefunctions.extensions.http.fastapi import Request\n"
        "app = func.FunctionApp(http_auth_level='ANONYMOUS')\n"
        "@app.route(route='fails')\n"
        "async def fails(req: Request):\n"
        "    raise ValueError('on purpose')\n"
    )
    app = write_app(tmp_path, {"function_app.py": code})
    async with served(app, channel=channel, settings=extension) as host:
        answer = await host.get("/api/fails")
        assert (answer.status, answer.text) == (500, "Internal Server Error")
        await host.until_printed("ValueError: on purpose")


async def test_cors_headers_are_there_before_the_first_piece(
    channel: str, extension: dict[str, str]
) -> None:
    async with served(
        APP, "--cors", "http://a.example", channel=channel, settings=extension
    ) as host:
        answer = await host.get("/api/count?to=2", headers={"Origin": "http://a.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "http://a.example"
