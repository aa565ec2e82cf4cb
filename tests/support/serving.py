"""Apps under test, talked to over HTTP: as a real `funcemu start`, or inside the test's loop."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from emulator.clock import Clock
from tests.support.patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / "fixtures"
FUNCEMU = Path(sys.executable).parent / "funcemu"

CLEARED = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_KEY",
    "PYTHONDONTWRITEBYTECODE",
    "VIRTUAL_ENV",
)
"""Variables of the person who runs the tests that would change what the apps do."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """One app that is being served."""

    def __init__(self, url: str, output: list[str], process: Any = None) -> None:
        self.url = url
        self.output = output
        self.process = process
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self, method: str, path: str, *, encoded: bool = False, **more: Any
    ) -> Answer:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        async with self._session.request(
            method, URL(self.url + path, encoded=encoded), allow_redirects=False, **more
        ) as response:
            body = await response.read()
            cookies = tuple(response.headers.getall("Set-Cookie", ()))
            return Answer(response.status, response.headers, body, cookies)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.request("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Answer:
        return await self.request("POST", path, **more)

    async def put(self, path: str, **more: Any) -> Answer:
        return await self.request("PUT", path, **more)

    async def served_again(self, path: str) -> Answer:
        """Ask until it is answered with 200: where calls have a second, a machine that stands still
        for longer may cost one that long."""
        async with asyncio.timeout(PATIENCE):
            while (answer := await self.get(path)).status != 200:  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.01)
        return answer

    @property
    def printed(self) -> str:
        return "\n".join(self.output)

    async def until_printed(self, text: str, *, within: float = PATIENCE) -> None:
        """Wait until the console shows `text`."""
        try:
            async with asyncio.timeout(within):
                while text not in self.printed:  # noqa: ASYNC110 - lines come from elsewhere
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{text!r} was not printed:\n{self.printed}") from None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


def write_app(folder: Path, files: Mapping[str, str]) -> Path:
    """Write an app's files below `folder`; host.json is added when it is not among them."""
    for name, text in {"host.json": '{"version": "2.0"}', **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@asynccontextmanager
async def served(
    app: Path,
    *arguments: str,
    channel: str = "subprocess",
    settings: Mapping[str, str] | None = None,
    state: Path | None = None,
    watch: bool = False,
    clock: Clock | None = None,
) -> AsyncIterator[Served]:
    """Serve an app and stop it again; state is kept in `state`, or forgotten. Only in process
    there can be another `clock`."""
    kept = ["--state-dir", str(state)] if state else ["--ephemeral"]
    kept += [] if watch else ["--no-watch"]
    opened = _process if channel == "subprocess" else partial(_in_loop, clock=clock)
    async with opened(app, [*kept, *arguments], dict(settings or {})) as host:
        try:
            yield host
        finally:
            await host.aclose()


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in CLEARED} | dict(settings)


@asynccontextmanager
async def _process(
    app: Path, arguments: list[str], settings: dict[str, str]
) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        FUNCEMU, "start", app, "--port", "0", *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(settings),
        limit=2**20,
    )  # fmt: skip
    output: list[str] = []
    serving: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def lines() -> AsyncIterator[str]:
        assert process.stdout is not None
        begun: list[bytes] = []  # lines may be of any length
        while chunk := await process.stdout.read(2**20):
            *whole, rest = chunk.split(b"\n")
            for line in whole:
                yield b"".join([*begun, line]).decode("utf-8", "replace")
                begun = []
            begun.append(rest)
        if last := b"".join(begun):
            yield last.decode("utf-8", "replace")

    async def read() -> None:
        async for line in lines():
            output.append(line)
            ready = "Ready" in line or "Nothing is served" in line or '"listening"' in line
            found = re.search(r"http://localhost:\d+", line) if ready else None
            if found is not None and not serving.done():
                serving.set_result(found.group())
        if not serving.done():
            serving.set_exception(AssertionError("it did not start:\n" + "\n".join(output)))

    reading = asyncio.create_task(read())
    try:
        async with asyncio.timeout(PATIENCE):
            url = await serving
        yield Served(url, output, process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(PATIENCE):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        await reading


@asynccontextmanager
async def _in_loop(
    app: Path, arguments: list[str], settings: dict[str, str], *, clock: Clock | None = None
) -> AsyncIterator[Served]:

    from emulator.assemble import Emulator, Starter
    from emulator.cli.start import start
    from emulator.cli.telling import announcement
    from emulator.config.options import resolve_options
    from emulator.console.console import Console
    from emulator.runtime.launch import AppUnusable
    from emulator.server.listening import listen

    context = start.make_context(
        "start", [str(app), "--port", "0", "--channel", "inprocess", *arguments]
    )
    environ = environment(settings)
    starter = Starter(resolve_options(context.params, environ, Path.cwd()), environ=environ)
    configuration = starter.configure()
    options = starter.options
    listening = listen("127.0.0.1", 0)
    starter.port = listening.getsockname()[1]
    emulator = Emulator(starter, listening, clock=clock)
    output = _Lines()
    console = Console(
        clock=emulator.clock,
        colour=False,
        verbose=starter.options.verbose,
        strict=starter.options.strict,
        user_level=options.user_log_level if "user_log_level" in options.given else None,
        stream=output,
    )
    console.configure(configuration)
    starter.configured = console.learn
    console.attach(emulator.events)
    try:
        first = starter.spawn(configuration)
    except AppUnusable:
        first = None
    try:
        await emulator.start(first)
        console.write(announcement(emulator, console))
        yield Served(emulator.url, output.lines)
    finally:
        await emulator.aclose()
        console.flush()


class _Lines(io.TextIOBase):
    """A stream that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> int:
        self.lines.extend(text.rstrip("\n").split("\n"))
        return len(text)
