"""HTTP bodies as streams with Azure's extension for FastAPI, where a Python has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emulator.workers.channel import AppSpec, Interpreter, WorkerLog
from emulator.workers.subprocess import SubprocessChannel
from tests.support.pieces import Client, parts, streamed
from tests.support.workers import Worker, decorated, environment, request


def pythons() -> list[Path]:
    """Interpreters named in FUNCEMU_TEST_PYTHONS that have Azure's extension for FastAPI."""
    named = os.environ.get("FUNCEMU_TEST_PYTHONS", "").split(os.pathsep)
    return [
        Path(each)
        for each in named
        if any(
            Path(each).parent.parent.glob(
                "lib/python3.*/site-packages/azurefunctions/extensions/http/fastapi/__init__.py"
            )
        )
    ]


@pytest.mark.skipif(not pythons(), reason="no Python with azurefunctions-extensions-http-fastapi")
@pytest.mark.parametrize("python", pythons(), ids=str)
async def test_with_azures_extension_for_fastapi(tmp_path: Path, python: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import asyncio
        from azurefunctions.extensions.http.fastapi import (
            JSONResponse, Request, Response, StreamingResponse)
        from pydantic import BaseModel

        class Item(BaseModel):
            name: str

        @app.route(route="items/{id}")
        async def text(req: Request) -> str:
            return f"{req.path_params['id']} {req.query_params['q']} {await req.json()}"

        @app.route()
        async def number(req: Request) -> int:
            return 1000

        @app.route()
        def model(req: Request) -> Item:
            return Item(name="n")

        @app.route()
        async def stream(req: Request) -> StreamingResponse:
            async def chunks():
                async for chunk in req.stream():
                    yield b"%d," % len(chunk)
            return StreamingResponse(chunks(), media_type="text/event-stream", status_code=202)

        @app.route()
        async def fails(req: Request) -> Response:
            raise KeyError("k")
        """,
    )
    logs: list[WorkerLog] = []
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()), Interpreter(python, "the test's"), logs.append
    )
    worker = Worker(channel, logs, await channel.start())
    try:
        await worker.load_all()
        assert worker.index.streams
        assert worker.errors == {}
        told = request(b'{"a":1}', method="POST", url="http://h/x?q=1", params={"id": "7"})
        assert await worker.text("text", req=told) == "\"7 1 {'a': 1}\""
        assert await worker.text("number") == "1000"
        assert await worker.text("model") == '{"name":"n"}'
        client = Client()
        result = await streamed(worker, "stream", client, parts(b"1", b"22"), method="POST")
        assert result.error is None
        assert client.head is not None
        assert client.head[0] == 202
        assert ("content-type", "text/event-stream; charset=utf-8") in client.head[1]
        assert client.body.startswith(b"1,2,")
        failed = await worker.call("fails")
        assert failed.error.title == "KeyError: 'k'"
    finally:
        await channel.aclose()
