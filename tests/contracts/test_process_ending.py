"""How a worker's process ends, by itself, with its calls, and with its host."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emulator.errors import WorkerLost
from emulator.workers.channel import AppSpec
from emulator.workers.subprocess import SubprocessChannel
from tests.support.patience import PATIENCE
from tests.support.processes import gone, is_alive
from tests.support.workers import OURS, decorated, environment, serving, started, text_of, written

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "subprocess"
ROOT = Path(__file__).resolve().parents[2]

every_process = pytest.mark.parametrize("kind", ["subprocess", "node"])

CRASHES = {
    "exits": ("os._exit(3)", "ended with exit code 3", 3),
    "is killed": (
        "os.kill(os.getpid(), 9)",
        "was ended by the signal SIGKILL, which the system sends when memory runs out",
        -9,
    ),
    "segfaults": (
        "import ctypes; ctypes.string_at(0)",
        "was ended by the signal SIGSEGV",
        -11,
    ),
}


@pytest.mark.parametrize("case", CRASHES)
async def test_a_crash_ends_running_calls_with_the_last_words(tmp_path: Path, case: str) -> None:
    code, told, exit_code = CRASHES[case]
    root = decorated(
        tmp_path,
        f"""
        import asyncio, os, sys

        @app.route()
        def f(req):
            os.write(2, b"last words\\n")
            {code}

        @app.route()
        async def other(req):
            await asyncio.sleep(30)
        """,
    )
    async with serving(KIND, root) as worker:
        other = asyncio.create_task(worker.call("other"))
        await asyncio.sleep(0)
        with pytest.raises(WorkerLost) as raised:
            await worker.call("f")
        assert raised.value.message.startswith(f"the worker {told}; its last words:\nlast words")
        with pytest.raises(WorkerLost):
            await other
        exit_info = await worker.channel.closed
        assert (exit_info.code, exit_info.expected) == (exit_code, False)
        assert exit_info.tail[0] == "last words"
        if case == "segfaults":
            assert any("function_app.py" in line for line in exit_info.tail)
        with pytest.raises(WorkerLost):
            await worker.call("f")


async def test_an_answer_given_before_the_end_still_counts(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import os, threading

        @app.route()
        def f(req):
            threading.Timer(0.01, os._exit, (0,)).start()
            return "x" * 100_000
        """,
    )
    async with serving(KIND, root) as worker:
        call = asyncio.create_task(worker.call("f"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(0.05)  # noqa: ASYNC251 - so that answer and end arrive together
        assert len(text_of(await call)) == 100_000


@every_process
async def test_a_process_that_ends_while_the_app_is_loaded_is_an_index_error(
    kind: str, tmp_path: Path
) -> None:
    code = {"python": "import os\nos._exit(4)\n", "node": "process.exit(4);\n"}
    async with started(kind, written(kind, tmp_path, code)) as worker:
        error = (await worker.channel.index()).error
    assert error is not None
    assert error.title == "WorkerLost: the worker ended with exit code 4"


async def test_a_worker_that_hangs_up_and_lives_on_is_ended(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import contextlib, os, socket

        @app.route()
        async def f(req):
            for number in range(3, 64):
                with contextlib.suppress(OSError):
                    socket.socket(fileno=os.dup(number)).shutdown(socket.SHUT_RDWR)
            while True:
                pass
        """,
    )
    async with serving(KIND, root) as worker:
        with pytest.raises(WorkerLost, match="was ended: it had closed its connection"):
            await worker.call("f")


HANGING = {
    "python": """
        import asyncio, logging, os, subprocess, sys, time, threading

        @app.route()
        def spins(req):
            logging.info("begun")
            while True:
                pass

        @app.route()
        async def blocks(req):
            logging.info("begun")
            time.sleep(60)

        @app.route()
        async def deaf(req):
            logging.info("begun")
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    pass

        @app.route()
        def waits(req):
            logging.info("begun")
            time.sleep(0.05)
            return "late"

        @app.route()
        def brood(req):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            return str(child.pid)

        @app.route()
        def fine(req):
            return "fine"
    """,
    "node": """
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
    """,
}


@pytest.mark.parametrize(
    ("kind", "function"),
    [("subprocess", "spins"), ("subprocess", "blocks"), ("subprocess", "deaf"), ("node", "spins")],
)
async def test_closing_is_bounded_when_the_app_hangs(
    kind: str, tmp_path: Path, function: str
) -> None:
    async with serving(kind, written(kind, tmp_path, HANGING)) as worker:
        call = asyncio.create_task(worker.call(function, id="1"))
        await worker.begun("1")
        async with asyncio.timeout(PATIENCE):  # the call would take longer, by far
            await worker.channel.aclose(0.1)
        assert await gone(worker.info.pid)
        await asyncio.gather(call, return_exceptions=True)


@every_process
async def test_what_the_app_started_ends_with_it(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, HANGING)) as worker:
        child = int(await worker.text("brood"))
        assert is_alive(child)
        await worker.channel.aclose()
        assert await gone(child)
        assert worker.channel.closed.result().code == 0


@every_process
async def test_what_the_app_started_ends_with_a_crash(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, HANGING)) as worker:
        child = int(await worker.text("brood"))
        os.kill(worker.info.pid, signal.SIGKILL)
        await worker.channel.closed
        assert await gone(child)


async def test_atexit_of_the_app_runs_when_it_is_stopped(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        "import atexit, pathlib\natexit.register(lambda: pathlib.Path('bye').write_text('bye'))\n",
    )
    async with started(KIND, root) as worker:
        await worker.channel.index()
    assert (root / "bye").read_text() == "bye"


@every_process
async def test_a_call_that_ran_too_long_ends_the_worker(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, HANGING)) as worker:
        call = asyncio.create_task(worker.call("spins", id="slow"))
        await worker.begun("slow")
        call.cancel()
        await worker.channel.abandon("slow", grace=0.02)
        exit_info = await worker.channel.closed
        assert exit_info.reason == "one of its calls ran too long and could not be stopped"
        assert await gone(worker.info.pid)


async def test_a_call_given_up_before_it_was_sent_leaves_nothing(tmp_path: Path) -> None:
    async with serving(
        "subprocess", decorated(tmp_path, "@app.route()\ndef f(req): return ''\n")
    ) as (worker):
        channel = worker.channel
        assert isinstance(channel, SubprocessChannel)
        assert channel._connection is not None
        channel._connection.pause_writing()  # as when the worker does not read
        call = asyncio.create_task(worker.call("f", id="one"))
        await asyncio.sleep(0)
        assert channel.running == 1
        lingering = channel._calls.lingering("one")
        assert lingering is not None
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert lingering.done()
        assert channel.running == 0
        assert channel._calls.lingering("one") is None
        channel._connection.resume_writing()
        assert await worker.text("f", id="one") == ""


@every_process
async def test_a_call_that_stops_in_time_does_not_end_the_worker(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, HANGING)) as worker:
        call = asyncio.create_task(worker.call("waits", id="slow"))
        await worker.begun("slow")
        call.cancel()
        await worker.channel.abandon("slow", grace=PATIENCE)
        await worker.channel.abandon("slow", grace=PATIENCE)
        assert await worker.text("fine") == "fine"


HOST = """
import asyncio, os, sys
from pathlib import Path
from emulator.workers.channel import AppSpec, Interpreter
from emulator.workers.subprocess import SubprocessChannel

async def main():
    channel = SubprocessChannel.spawn(
        AppSpec(Path(sys.argv[1]), dict(os.environ)),
        Interpreter(Path(sys.executable), "test"),
        lambda log: print(log.message, flush=True),
    )
    await channel.start()
    await channel.index()
    await asyncio.sleep(60)

asyncio.run(main())
"""

STUCK = """
import re
print("ready")
re.match("(a+)+b", "a" * 60)  # never lets another thread run
"""


@pytest.mark.parametrize(
    "code",
    [
        "print('ready')",
        "print('ready')\ntime.sleep(60)",
        "print('ready')\nwhile True: pass",
        STUCK,
    ],
    ids=["idle", "sleeping import", "spinning import", "stuck in C"],
)
async def test_nothing_is_left_when_the_host_is_killed(tmp_path: Path, code: str) -> None:
    root = decorated(tmp_path, f"import os, time\nprint(os.getpid())\n{code}\n")
    host = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOST, str(root), stdout=subprocess.PIPE, cwd=ROOT
    )
    assert host.stdout is not None
    pid = int(await host.stdout.readline())
    assert await host.stdout.readline() == b"ready\n"
    assert is_alive(pid)
    host.kill()
    await host.wait()
    assert await gone(pid)


async def test_a_worker_spawned_and_never_started_goes_with_its_channel(tmp_path: Path) -> None:
    channel = SubprocessChannel.spawn(AppSpec(tmp_path, environment()), OURS, lambda log: None)
    pid = channel._process.pid
    await channel.aclose()
    assert await gone(pid)
    assert channel.closed.result().expected
