"""Apps in TypeScript: compiled before they are loaded, and again when they are saved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import node
from tests.support.patience import PATIENCE
from tests.support.serving import Served, served, write_app
from tests.support.typescript import with_compiler

HELLO = """\
import { app, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';

interface Greeting {
  word: string;
}

const greeting: Greeting = { word: 'Hello' };

app.http('hello', {
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> => {
    if (request.query.get('fail')) {
      throw new Error('as asked');
    }
    return { body: greeting.word };
  },
});
"""
FILE = "src/functions/hello.ts"
BUILD = {"build": "tsc"}
BOTH = {**BUILD, "watch": "tsc -w"}


OPTIONS = {
    "module": "node16",
    "moduleResolution": "node16",
    "target": "es2022",
    "outDir": "dist",
    "rootDir": ".",
    "sourceMap": True,
    "strict": True,
    "skipLibCheck": True,
}


def typescript(root: Path, source: str, scripts: Mapping[str, str]) -> Path:
    """Write an app of one function; the compiler is installed."""
    package = {"main": "dist/src/functions/*.js", "scripts": dict(scripts)}
    config = {"compilerOptions": OPTIONS, "include": ["src"]}
    files = {"package.json": json.dumps(package), "tsconfig.json": json.dumps(config)}
    return with_compiler(write_app(root, {**files, FILE: source}))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return typescript(tmp_path_factory.mktemp("compiled"), HELLO, BUILD)


async def until(host: Served, text: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await host.get("/api/hello")).text != text:  # noqa: ASYNC110 - a file is compiled
            await asyncio.sleep(0.02)


async def test_an_app_is_compiled_before_it_is_loaded(compiled: Path) -> None:
    async with served(compiled) as host:
        assert (await host.get("/api/hello")).text == "Hello"
        await host.until_printed("Building the app: npm run build")
    async with served(compiled) as host:
        assert (await host.get("/api/hello")).text == "Hello"
        assert "Building" not in host.printed  # nothing was changed


async def test_a_failure_is_told_with_the_line_of_the_source(compiled: Path) -> None:
    async with served(compiled) as host:
        assert (await host.get("/api/hello?fail=1")).status == 500
        await host.until_printed(f"{FILE}:14")
        assert "hello.js" not in host.printed


@pytest.mark.parametrize("scripts", [BUILD, BOTH], ids=["build", "watch"])
async def test_a_save_is_compiled_and_served(tmp_path: Path, scripts: dict[str, str]) -> None:
    app = typescript(tmp_path, HELLO, scripts)
    async with served(app, watch=True) as host:
        assert (await host.get("/api/hello")).text == "Hello"
        for word in ("Hallo", "Hola"):
            (app / FILE).write_text(HELLO.replace("Hello", word), "utf-8")
            await until(host, word)
        (app / FILE).write_text(HELLO.replace("'Hello'", "5"), "utf-8")
        await host.until_printed("TS2322: Type 'number' is not assignable to type 'string'.")
        await host.until_printed(f"at {FILE}:7:")
        (app / FILE).write_text(HELLO.replace("Hello", "Ciao"), "utf-8")
        await until(host, "Ciao")
    assert not _working_in(app)  # the compiler ended with the host


async def test_what_does_not_compile_is_told_at_the_start(tmp_path: Path) -> None:
    app = typescript(tmp_path, HELLO.replace("'Hello'", "5"), BUILD)
    async with served(app) as host:
        await host.until_printed(f"at {FILE}:7:")
        assert (await host.get("/api/hello")).status == 200  # it is compiled all the same


async def test_a_start_that_failed_does_not_end_the_compiling(tmp_path: Path) -> None:
    copy = "mkdir -p dist && cp src/hello.ts dist/hello.js"
    function = "require('@azure/functions').app.http('hello', { handler: () => ({ body: 'Hi' }) });"
    files = {
        "package.json": json.dumps({"main": "dist/*.js", "scripts": {"build": copy}}),
        "tsconfig.json": "{}",
        "src/hello.ts": function,
        "host.json": '{"version": "3.0"}',
    }
    app = node.with_packages(write_app(tmp_path, files))
    async with served(app, watch=True) as host:
        await host.until_printed("'3.0' is an invalid value for host.json 'version'")
        (app / "host.json").write_text('{"version": "2.0"}', "utf-8")
        await until(host, "Hi")
        (app / "src/hello.ts").write_text(function.replace("Hi", "Hello"), "utf-8")
        await until(host, "Hello")


async def test_without_its_packages_the_next_step_is_told(tmp_path: Path) -> None:
    files = {
        "package.json": '{"main": "dist/*.js", "scripts": {"build": "tsc"}}',
        "tsconfig.json": "{}",
        "src/hello.ts": HELLO,
    }
    async with served(write_app(tmp_path, files)) as host:
        await host.until_printed("The app cannot be built: npm run build failed")
        await host.until_printed("npm install")
        assert (await host.get("/api/hello")).status == 503


async def test_compiling_can_be_left_to_others(tmp_path: Path) -> None:
    app = typescript(tmp_path, HELLO, BUILD)
    async with served(app, "--no-build") as host:
        assert "Building" not in host.printed
        assert not (app / "dist").exists()


def _working_in(folder: Path) -> list[str]:
    """Return the command lines of processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder.resolve():
                found.append((process / "cmdline").read_text())
        except OSError:  # it ended meanwhile
            continue
    return found
