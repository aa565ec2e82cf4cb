"""One app for all tests of a module, over both channels, with the bindings of `probe_package`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.support.patience import PATIENCE
from tests.support.serving import Answer, Served, served, write_app

PROBES = Path(__file__).parent / "probe_package"
CHANNELS = ("subprocess", "inprocess")

HEAD = (
    "import azure.functions as func\n"
    "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
)


def hosted(
    app: Path | Mapping[str, str],
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    channels: tuple[str, ...] = CHANNELS,
) -> Callable[..., AsyncIterator[Served]]:
    """Return a module-scoped fixture: the app (a folder, or files to write) being served."""

    @pytest_asyncio.fixture(scope="module", loop_scope="module", params=channels)
    async def host(request: Any, tmp_path_factory: Any) -> AsyncIterator[Served]:
        folder = app if isinstance(app, Path) else write_app(tmp_path_factory.mktemp("app"), app)
        async with probed(
            folder,
            *arguments,
            channel=request.param,
            settings=settings,
            kept=tmp_path_factory.mktemp("kept") / "kept.jsonl",
        ) as one:
            yield one

    return host


@asynccontextmanager
async def probed(
    app: Path,
    *arguments: str,
    channel: str,
    kept: Path,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Served]:
    """Serve `app` with the probe bindings; what its `kept` outputs get goes to the file `kept`."""
    given = {"PROBE_FILE": str(kept), **(settings or {})}
    if channel == "subprocess":
        given = {"PYTHONPATH": str(PROBES), **given}
    sys.path.append(str(PROBES))
    try:
        async with served(app, *arguments, channel=channel, settings=given) as host:
            host.kept = kept  # type: ignore[attr-defined]  # for `kept_by`
            host.channel = channel  # type: ignore[attr-defined]
            yield host
    finally:
        sys.path.remove(str(PROBES))


def kept_by(host: Served, function: str) -> list[tuple[str, str, Any]]:
    """Return what the outputs of one function were given: path, kind, value."""
    file: Path = host.kept  # type: ignore[attr-defined]  # set by `probed`
    if not file.exists():
        return []
    entries = map(json.loads, file.read_text("utf-8").splitlines())
    return [(e["path"], e["kind"], e["value"]) for e in entries if e["by"] == function]


def channel_of(host: Served) -> str:
    return str(host.channel)  # type: ignore[attr-defined]  # set by `probed`


async def send(host: Served, method: str, path: str, **more: Any) -> Answer:
    """Send a request whose address is already encoded, exactly as it is."""
    return await host.request(method, path, encoded=True, **more)


async def raw(host: Served, data: bytes) -> bytes:
    """Send bytes as they are; return everything until the host closes the connection."""
    name, _, port = host.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    finally:
        writer.close()
