"""What only a process of its own can do, for apps in JavaScript, and what can go wrong with one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from emulator.errors import WorkerLost, WorkerStartError
from emulator.workers import loading, process
from emulator.workers.channel import AppSpec, Interpreter, WorkerLog
from emulator.workers.standby import Standby
from emulator.workers.subprocess import SubprocessChannel
from tests.support import node
from tests.support.node import interpreter, javascript, with_packages
from tests.support.patience import PATIENCE
from tests.support.ports import free_port
from tests.support.processes import gone, is_alive, until
from tests.support.workers import (
    Worker,
    environment,
    request,
    serving,
    started,
    text_of,
    write,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "node"
ROOT = Path(__file__).resolve().parents[2]


async def test_standard_input_is_empty_and_nothing_of_ours_is_in_the_way(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        const fs = require('fs');
        const { spawnSync } = require('child_process');
        http('f', () => {
          const child = spawnSync('/bin/sh', ['-c', 'ls /proc/self/fd'], { stdio: 'inherit' });
          return { jsonBody: [fs.readFileSync(0, 'utf8'), process.argv.length, child.status,
            process.execArgv, require('./wire').who] };
        });
        """,
        {"wire.js": "exports.who = 'app';\n"},
    )
    async with AsyncExitStack() as stack:
        for _ in range(40):  # Node.js looks after low descriptors by itself
            stack.enter_context(open(os.devnull))
        worker = await stack.enter_async_context(serving(KIND, root))
        assert json.loads(await worker.text("f")) == ["", 2, 0, [], "app"]
        await until(lambda: "2" in worker.said())
        # A child has what it was given, the folder that `ls` reads, and nothing of ours.
        assert [line for line in worker.said() if line.isdigit()] == ["0", "1", "2", "3"]


async def test_raw_output_never_disturbs_the_connection(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        const fs = require('fs');
        const { spawnSync } = require('child_process');
        http('f', () => {
          fs.writeSync(1, Buffer.from('raw \\xff\\n', 'latin1'));
          fs.writeSync(2, 'error raw\\n');
          spawnSync('echo', ['from a child'], { stdio: 'inherit' });
          return { body: 'unharmed' };
        });
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f") == "unharmed"
        wanted = {"raw \ufffd", "error raw", "from a child"}
        await until(lambda: wanted <= {each.message for each in worker.logs})
        raw = {each.message: each for each in worker.logs}
        assert {raw[text].source for text in wanted} == {"stdout", "stderr"}
        assert raw["error raw"].level == "Error"


async def test_characters_may_be_cut_where_output_is_piped(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', () => {
          const text = Buffer.from('né\\nà la fin é');
          for (const byte of text.subarray(0, -1)) process.stdout.write(Buffer.from([byte]));
          return {};
        });
        """,
    )
    async with started("node", root) as worker:
        await worker.load_all()
        await worker.call("f", id="one")
        assert worker.said("one") == ["né", "à la fin \ufffd"]


async def test_a_flood_of_lines_arrives_whole_and_in_order(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', (request) => {
          for (let n = 0; n < 5000; n++) console.log(n, 'x'.repeat(100));
          console.log('y'.repeat(3 << 20));
          return { body: 'done' };
        });
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f", id="flood") == "done"
        said = worker.said("flood")
        assert [int(line.split()[0]) for line in said[:5000]] == list(range(5000))
        assert [len(line) for line in said[5000:]] == [1 << 20] * 3


# How it ends


CRASHES = {
    "exits": ("process.exit(3)", "the worker ended with exit code 3", 3),
    "is killed": (
        "process.kill(process.pid, 'SIGKILL')",
        "the worker was ended by the signal SIGKILL",
        -9,
    ),
}


@pytest.mark.parametrize("case", CRASHES)
async def test_a_crash_ends_running_calls_with_the_last_words(tmp_path: Path, case: str) -> None:
    code, told, exit_code = CRASHES[case]
    root = javascript(
        tmp_path,
        f"""
        http('f', async () => {{
          require('fs').writeSync(2, 'last words\\n');
          process.stdout.write('unfinished');
          {code};
          await new Promise(() => {{}});
        }});
        http('other', () => new Promise(() => {{}}));
        """,
    )
    async with serving(KIND, root) as worker:
        other = asyncio.create_task(worker.call("other"))
        await asyncio.sleep(0)
        with pytest.raises(WorkerLost) as raised:
            await worker.call("f")
        assert raised.value.message.startswith(told)
        assert raised.value.message.endswith("; its last words:\nlast words")
        with pytest.raises(WorkerLost):
            await other
        exit_info = await worker.channel.closed
        assert (exit_info.code, exit_info.expected) == (exit_code, False)
        assert ("unfinished" in [each.message for each in worker.logs]) is (case == "exits")


UNCAUGHT = {
    "an error nobody caught": (
        "setTimeout(() => { throw new TypeError('bad'); }, 1)",
        "bad (an error nobody caught: it ends the process)",
    ),
    "a rejection nobody handled": (
        "setTimeout(() => Promise.reject(new TypeError('bad')), 1)",
        "bad (a rejection nobody handled: it ends the process)",
    ),
}


@pytest.mark.parametrize("case", UNCAUGHT)
async def test_an_error_nobody_catches_fails_its_call_and_ends_the_worker(
    tmp_path: Path, case: str
) -> None:
    code, told = UNCAUGHT[case]
    root = javascript(
        tmp_path,
        f"""
        http('f', () => new Promise(() => {{ {code}; }}));
        http('other', () => new Promise(() => {{}}));
        """,
    )
    async with serving(KIND, root) as worker:
        other = asyncio.create_task(worker.call("other"))
        await asyncio.sleep(0)
        error = (await worker.call("f")).error
        assert (error.type, error.message) == ("TypeError", told)
        assert (error.file, error.line) == (str(root / "index.js"), 5)
        with pytest.raises(WorkerLost) as raised:
            await other
        assert raised.value.message.startswith(
            "the worker ended with exit code 1; its last words:\n"
        )
        assert "TypeError: bad" in raised.value.message
        assert "nodeworker" not in raised.value.message


async def test_an_app_may_handle_what_nobody_catches(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        process.on('uncaughtException', (error) => console.log('handled', error.message));
        http('f', async () => {
          setTimeout(() => { throw new Error('bad'); }, 1);
          await new Promise((resolve) => setTimeout(resolve, 5));
          return { body: 'alive' };
        });
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f", id="1") == "alive"
        assert worker.said("1") == ["handled bad"]


async def test_an_answer_given_before_the_end_still_counts(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', () => {
          setTimeout(() => process.exit(0), 10);
          return { body: 'x'.repeat(100_000) };
        });
        """,
    )
    async with serving(KIND, root) as worker:
        assert len(text_of(await worker.call("f"))) == 100_000
        await worker.channel.closed


async def test_a_process_that_ends_while_the_app_is_loaded_is_an_index_error(
    tmp_path: Path,
) -> None:
    async with started(KIND, javascript(tmp_path, "process.exit(4);\n")) as worker:
        error = (await worker.channel.index()).error
    assert error is not None
    assert "ended with exit code 4" in error.message


HANGING = """
    const { spawn } = require('child_process');

    http('spins', (request, context) => {
      context.log('begun');
      for (;;);
    });

    http('waits', (request, context) => {
      context.log('begun');
      return new Promise((resolve) => setTimeout(() => resolve({ body: 'late' }), 50));
    });

    http('brood', () => ({ body: String(spawn('sleep', ['60']).pid) }));

    http('fine', () => ({ body: 'fine' }));
"""


async def test_closing_is_bounded_when_the_app_hangs(tmp_path: Path) -> None:
    async with serving(KIND, javascript(tmp_path, HANGING)) as worker:
        call = asyncio.create_task(worker.call("spins", id="1"))
        await worker.begun("1")
        async with asyncio.timeout(PATIENCE):  # the call would take longer, by far
            await worker.channel.aclose(0.1)
        assert await gone(worker.info.pid)
        await asyncio.gather(call, return_exceptions=True)


async def test_a_hook_of_the_end_cannot_hold_it_up(tmp_path: Path) -> None:
    root = javascript(tmp_path, "app.hook.appTerminate(() => new Promise(() => {}));\n")
    async with started(KIND, root) as worker:
        await worker.channel.index()
        await worker.channel.aclose(0.4)
        assert worker.channel.closed.result().code == 0


async def test_what_the_app_started_ends_with_it(tmp_path: Path) -> None:
    async with serving(KIND, javascript(tmp_path, HANGING)) as worker:
        child = int(await worker.text("brood"))
        assert is_alive(child)
        await worker.channel.aclose()
        assert await gone(child)
        assert worker.channel.closed.result().code == 0


async def test_what_the_app_started_ends_with_a_crash(tmp_path: Path) -> None:
    async with serving(KIND, javascript(tmp_path, HANGING)) as worker:
        child = int(await worker.text("brood"))
        os.kill(worker.info.pid, signal.SIGKILL)
        await worker.channel.closed
        assert await gone(child)


async def test_a_call_that_ran_too_long_ends_the_worker(tmp_path: Path) -> None:
    async with serving(KIND, javascript(tmp_path, HANGING)) as worker:
        call = asyncio.create_task(worker.call("spins", id="slow"))
        await worker.begun("slow")
        call.cancel()
        await worker.channel.abandon("slow", grace=0.02)
        exit_info = await worker.channel.closed
        assert exit_info.reason == "one of its calls ran too long and could not be stopped"
        assert await gone(worker.info.pid)


async def test_a_call_that_stops_in_time_does_not_end_the_worker(tmp_path: Path) -> None:
    async with serving(KIND, javascript(tmp_path, HANGING)) as worker:
        call = asyncio.create_task(worker.call("waits", id="slow"))
        await worker.begun("slow")
        call.cancel()
        await worker.channel.abandon("slow", grace=5)
        assert await worker.text("fine") == "fine"


HOST = """
import asyncio, os, sys
from pathlib import Path
from emulator.workers.channel import AppSpec
from emulator.workers.node import find_node
from emulator.workers.subprocess import SubprocessChannel

async def main():
    root = Path(sys.argv[1])
    channel = SubprocessChannel.spawn(
        AppSpec(root, dict(os.environ)),
        find_node(root, os.environ),
        lambda log: print(log.message, flush=True),
    )
    await channel.start()
    await channel.index()
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "code",
    ["", "for (;;);", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"],
    ids=["idle", "spinning", "blocked"],
)
async def test_nothing_is_left_when_the_host_is_killed(tmp_path: Path, code: str) -> None:
    root = javascript(
        tmp_path,
        f"""
        const child = require('child_process').spawn('sleep', ['60']);
        console.log(process.pid, child.pid);
        {code}
        """,
    )
    host = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOST, str(root), stdout=subprocess.PIPE, cwd=ROOT
    )
    assert host.stdout is not None
    pids = [int(each) for each in (await host.stdout.readline()).split()]
    assert all(is_alive(each) for each in pids)
    host.kill()
    await host.wait()
    for pid in pids:
        assert await gone(pid)


async def test_a_load_that_takes_long_is_told_while_it_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "LONG_LOAD", 0.05)
    root = javascript(tmp_path, "while (!require('fs').existsSync('go'));\nhttp('f', () => ({}));")
    async with started(KIND, root) as worker:
        told = "The app is still being loaded after 0.05 s: it is at index.js"
        await until(lambda: told in worker.said())
        (root / "go").touch()
        assert (await worker.channel.index()).functions


# How it fails to start


async def start_error(root: Path, found: Interpreter) -> WorkerStartError:
    with pytest.raises(WorkerStartError) as raised:
        await SubprocessChannel.spawn(AppSpec(root, environment()), found, lambda log: None).start()
    return raised.value


async def test_a_node_that_is_not_there(tmp_path: Path) -> None:
    error = await start_error(tmp_path, Interpreter(tmp_path / "node", "set by X", (), "node"))
    assert error.message == f"there is no Node.js at {tmp_path / 'node'} (set by X)"
    assert error.hint == (
        "install it there, or choose another with languageWorkers__node__defaultExecutablePath"
    )


async def test_a_node_that_is_too_old(tmp_path: Path) -> None:
    node.require()
    main = Path(process.__file__).parent / "nodeworker" / "main.cjs"
    (tmp_path / "old.js").write_text(
        "Object.defineProperty(process.versions, 'node', { value: '16.20.1' });\n"
        f"require({json.dumps(str(main))});\n"
    )
    program = tmp_path / "node"
    real = interpreter(tmp_path).executable
    program.write_text(f"#!/bin/sh\nexec {real} {tmp_path / 'old.js'}\n")
    program.chmod(0o755)
    error = await start_error(tmp_path, Interpreter(program, "the test's", (), "node"))
    assert error.message.startswith("Node.js 16.20.1 of ")
    assert error.message.endswith("is too old, 18 or newer is needed")
    assert error.hint == (
        "choose a newer Node.js with languageWorkers__node__defaultExecutablePath"
    )


# The spare, and the debugger


async def test_a_spare_has_loaded_packages_and_nothing_of_the_app(tmp_path: Path) -> None:
    packages = {
        "node_modules/cjs/index.js": "console.log('cjs');\nexports.word = 'one';\n",
        "node_modules/esm/package.json": '{"type": "module", "exports": "./index.js"}',
        "node_modules/esm/index.js": "console.log('esm');\nexport const word = 'two';\n",
        "package.json": '{"main": "main.mjs"}',
        "main.mjs": "import './part.mjs';\nconsole.log('app');\n",
        "part.mjs": "import { word } from 'esm';\nimport cjs from 'cjs';\n"
        "console.log(word, cjs.word);\n",
    }
    node.require()
    root = write(tmp_path, packages)
    logs: list[WorkerLog] = []
    spec, found = AppSpec(root, environment()), interpreter(root)
    standby = Standby(logs.append)
    first = standby.take(spec, found)
    await first.start()
    assert (await first.index()).error is None
    names = await first.modules()
    assert [Path(name).name if name.startswith("/") else name for name in names] == [
        "index.js",
        "import:esm",
        "import:cjs",
    ]
    standby.prepare(spec, found, names)
    await first.aclose()
    assert [each.message for each in logs] == ["esm", "cjs", "two one", "app"]
    logs.clear()
    (root / "part.mjs").write_text("import { word } from 'esm';\nconsole.log('new', word);\n")
    second = standby.take(spec, found)
    try:
        await second.start()
        assert (await second.index()).error is None
        assert sorted(each.message for each in logs) == ["app", "cjs", "esm", "new two"]
    finally:
        await second.aclose()
        await standby.aclose()


async def test_a_package_that_changed_is_not_served_from_a_spare(tmp_path: Path) -> None:
    node.require()
    package = tmp_path / "node_modules/package/index.js"
    code = "console.log(require('package'));\n"
    root = write(tmp_path, {"package.json": '{"main": "main.js"}', "main.js": code})
    write(root, {"node_modules/package/index.js": "module.exports = 'one';\n"})
    logs: list[WorkerLog] = []
    spec, found = AppSpec(root, environment()), interpreter(root)
    standby = Standby(logs.append)
    first = standby.take(spec, found)
    await first.start()
    await first.index()
    standby.prepare(spec, found, await first.modules())
    await first.aclose()
    package.write_text("module.exports = 'two';\n")
    second = standby.take(spec, found)
    try:
        await second.start()
        await second.index()
        assert [each.message for each in logs] == ["one", "two"]
    finally:
        await second.aclose()
        await standby.aclose()


def debugged_at(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE) as answer:
        return str(json.load(answer)[0]["id"])


async def test_the_debugger_moves_on_with_the_worker(tmp_path: Path) -> None:
    root = javascript(tmp_path, "http('f', () => ({ body: 'x' }));\n")
    port = free_port()
    found = interpreter(root, f"--inspect={port}", "--stack-size=900")
    logs: list[WorkerLog] = []
    spec = AppSpec(root, environment())
    first = SubprocessChannel.spawn(spec, found, logs.append)
    second: Any = None
    try:
        await first.start()
        await first.index()
        before = await asyncio.to_thread(debugged_at, port)
        second = SubprocessChannel.spawn(spec, found, logs.append)
        worker = Worker(second, logs, await second.start())
        await worker.load_all()
        assert await worker.text("f") == "x"
        await first.aclose()
        await until(lambda: sum("Debugger listening" in each.message for each in logs) == 2)
        assert await asyncio.to_thread(debugged_at, port) != before
        assert not [each for each in logs if "failed" in each.message]
    finally:
        await first.aclose()
        if second is not None:
            await second.aclose()


# The connection


async def test_over_tcp_it_works_the_same(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', async (request) => {
          console.log('said');
          return { body: (await request.text()).slice(0, 3) };
        });
        """,
    )
    logs: list[WorkerLog] = []
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()), interpreter(root), logs.append, loopback=True
    )
    worker = Worker(channel, logs, await channel.start())
    await worker.load_all()
    large = request(b"abc" * 1_000_000, method="POST")
    assert await worker.text("f", id="1", req=large) == "abc"
    assert worker.said("1") == ["said"]
    await channel.aclose()
    assert channel.closed.result().code == 0


async def test_a_place_for_connections_may_be_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = javascript(tmp_path / "app", "http('f', () => ({ body: 'x' }));")
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()), interpreter(root), lambda log: None
    )
    worker = Worker(channel, [], await channel.start())
    await worker.load_all()
    assert await worker.text("f") == "x"
    await channel.aclose()
    assert list(deep.iterdir()) == []


async def test_a_worker_that_hears_nonsense_says_so_and_ends(tmp_path: Path) -> None:
    root = javascript(tmp_path, "http('f', () => ({ body: 'x' }));\n")
    async with serving(KIND, root) as worker:
        channel: Any = worker.channel
        channel._send({"kind": "cancel", "id": "none", "since": "tomorrow"})
        assert await worker.text("f") == "x"
        channel._send({"kind": "dance"})
        exit_info = await channel.closed
        assert exit_info.reason == (
            "the worker did not understand: a message of kind 'dance', which protocol 1 does not"
            " know (the other side speaks protocol 1)"
        )
    async with serving(KIND, root) as worker:
        channel = worker.channel
        channel._connection._transport.write(b"GET / HTTP/1.1\r\n\r\n")
        exit_info = await channel.closed
        assert exit_info.reason == (
            "the worker did not understand: a frame header of 1195725856 bytes"
        )


async def test_half_characters_do_not_break_the_connection(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', (request, context) => {
          context.log('half \\ud800');
          return { body: String(request.headers.get('x').length) };
        });
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f", id="1", req=request(headers={"x": "\udcff\udcfe"})) == "2"
        assert worker.said("1") == ["half ?"]


async def test_packages_can_be_linked(tmp_path: Path) -> None:
    """A package of the user's own, linked from beside the app, is never loaded ahead."""
    write(tmp_path / "shared", {"index.js": "module.exports = 1;\n"})
    root = with_packages(tmp_path / "app")
    (root / "node_modules").unlink()
    write(root, {"package.json": '{"main": "a.js"}', "a.js": "require('shared');\n"})
    (root / "node_modules").mkdir()
    (root / "node_modules/shared").symlink_to(tmp_path / "shared")
    async with started(KIND, root) as worker:
        assert (await worker.channel.index()).error is None
        channel: Any = worker.channel
        assert await channel.modules() == []
