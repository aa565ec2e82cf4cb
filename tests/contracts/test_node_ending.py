"""What is special about the end of processes that run JavaScript; see `test_process_ending.py`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.errors import WorkerLost
from tests.support.node import javascript
from tests.support.processes import gone, is_alive
from tests.support.workers import serving, started, text_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "node"
ROOT = Path(__file__).resolve().parents[2]

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


async def test_a_hook_of_the_end_cannot_hold_it_up(tmp_path: Path) -> None:
    root = javascript(tmp_path, "app.hook.appTerminate(() => new Promise(() => {}));\n")
    async with started(KIND, root) as worker:
        await worker.channel.index()
        await worker.channel.aclose(0.4)
        assert worker.channel.closed.result().code == 0


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
