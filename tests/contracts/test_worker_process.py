"""What only a process of its own can do, and what can go wrong with one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from emulator.errors import WorkerLost, WorkerStartError
from emulator.workers import process
from emulator.workers import subprocess as workers_subprocess
from emulator.workers.channel import AppSpec, Interpreter, WorkerLog
from emulator.workers.subprocess import SubprocessChannel
from tests.support.patience import PATIENCE
from tests.support.processes import gone, is_alive, until
from tests.support.workers import (
    OURS,
    Worker,
    decorated,
    environment,
    request,
    serving,
    started,
    text_of,
    write,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "subprocess"
ROOT = Path(__file__).resolve().parents[2]


# Where the app finds itself


async def test_the_app_runs_in_its_folder_with_its_settings(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import json, os, sys

        @app.route()
        def f(req) -> str:
            names = ["MINE", "FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsScriptRoot",
                     "FUNCTIONS_APPLICATION_DIRECTORY", "AZURE_FUNCTIONS_ENVIRONMENT",
                     "FUNCTIONS_WORKER_RUNTIME_VERSION"]
            ours = [m for m in sys.modules if m.split(".")[0] in ("emulator", "wire", "bindings")]
            try:
                asked = input()
            except EOFError:
                asked = "no stdin"
            return json.dumps([os.getcwd(), [os.environ[n] for n in names], sys.path[-1], ours,
                               asked, os.getpgrp() == os.getpid()])
        """,
    )
    async with serving(KIND, root, {"MINE": "é"}) as worker:
        place = str(root)
        version = "{}.{}".format(*sys.version_info[:2])
        assert json.loads(await worker.text("f")) == [
            place,
            ["é", "python", place, place, "Development", version],
            place,
            [],
            "no stdin",
            True,
        ]


async def test_no_module_of_ours_is_in_the_way_of_the_apps(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        "import index, wire, logs, main\n@app.route()\ndef f(req):\n    return wire.WHO\n",
        **{f"{name}.py": "WHO = 'app'\n" for name in ("index", "wire", "logs", "main")},
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f") == "app"


async def test_a_module_of_the_app_s_does_not_hide_the_sdk(tmp_path: Path) -> None:
    root = decorated(
        tmp_path, "@app.route()\ndef f(req): return 'fine'\n", **{"azure/__init__.py": ""}
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f") == "fine"


async def test_an_sdk_in_the_folder_of_the_app_is_found(tmp_path: Path) -> None:
    root = decorated(tmp_path, "@app.route()\ndef f(req): return ''\n")
    for name in ("azure", "werkzeug", "markupsafe"):
        (root / name).symlink_to(Path(sysconfig.get_path("purelib")) / name)
    bare = Interpreter(Path(getattr(sys, "_base_executable", sys.executable)), "the tests'")
    channel = SubprocessChannel.spawn(AppSpec(root, environment()), bare, lambda log: None)
    try:
        await channel.start()
        assert [each.name for each in (await channel.index()).functions or ()] == ["f"]
    finally:
        await channel.aclose(1)


async def test_installed_packages_win_over_the_app_and_deployed_ones_lie_between(
    tmp_path: Path,
) -> None:
    root = decorated(
        tmp_path,
        """
        import sys, json, msgspec, both

        @app.route()
        def f(req):
            return json.dumps([hasattr(msgspec, "OURS"), both.WHO, sys.path[-2:]])
        """,
        **{
            "msgspec.py": "OURS = 1\n",
            "both.py": "WHO = 'app'\n",
            ".python_packages/lib/site-packages/both.py": "WHO = 'package'\n",
        },
    )
    async with serving(KIND, root) as worker:
        packages = str(root / ".python_packages/lib/site-packages")
        assert json.loads(await worker.text("f")) == [False, "package", [packages, str(root)]]


# What it prints


async def test_prints_carry_their_call_and_come_before_its_result(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import asyncio, logging, sys, warnings
        print("while imported", end="")

        @app.route()
        def f(req) -> str:
            print("one", 1)
            logging.info("between")
            print("two\\nthree")
            print("error: bad", file=sys.stderr)
            print("a warning", file=sys.stderr)
            print("note", file=sys.stderr)
            print("LanguageWorkerConsoleLog secret")
            sys.stdout.write("no line end")
            return ""

        @app.route()
        async def mixed(req) -> str:
            who = req.params["who"]
            print(who, end=" ")
            await asyncio.sleep(0.005)
            print(who)
            return ""
        """,
    )
    async with serving(KIND, root) as worker:
        assert [(each.message, each.source) for each in worker.logs] == [
            ("while imported", "stdout")
        ]
        await worker.call("f", id="1")
        assert [
            (each.level, each.message, each.source)
            for each in worker.logs
            if each.invocation_id == "1"
        ] == [
            ("Information", "one 1", "stdout"),
            ("Information", "between", "logging"),
            ("Information", "two", "stdout"),
            ("Information", "three", "stdout"),
            ("Error", "error: bad", "stderr"),
            ("Warning", "a warning", "stderr"),
            ("Information", "note", "stderr"),
            ("Information", "secret", "worker"),
            ("Information", "no line end", "stdout"),
        ]
        await asyncio.gather(
            *(worker.call("mixed", id=who, req=request(query={"who": who})) for who in "abc")
        )
        assert [worker.said(who) for who in "abc"] == [["a a"], ["b b"], ["c c"]]


async def test_raw_output_never_disturbs_the_connection(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import os, subprocess, sys

        @app.route()
        def f(req) -> str:
            os.write(1, b"raw \\xff\\n")
            os.write(2, b"\\x00\\x00\\x00\\x10" * 1000 + b"\\nerror raw\\n")
            sys.stdout.buffer.write(b"buffered\\n")
            subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
            for fd in range(3, 64):
                try:
                    os.write(fd, b"")
                except OSError:
                    pass
            return "unharmed"
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f") == "unharmed"
        wanted = {"raw \ufffd", "error raw", "buffered", "from a child"}
        await until(lambda: wanted <= {each.message for each in worker.logs})
        raw = {each.message: each for each in worker.logs}
        assert {raw[text].source for text in wanted} == {"stdout", "stderr"}
        assert raw["error raw"].level == "Error"
        assert all(each.invocation_id is None for each in worker.logs)


async def test_children_of_the_app_do_not_speak_with_the_host(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import logging, multiprocessing, os, sys
        from helper import double, say

        @app.route()
        def forks(req) -> str:
            pid = os.fork()
            if not pid:
                print("in the child", flush=True)
                logging.error("logged in the child")
                os._exit(0)
            os.waitpid(pid, 0)
            return "parent"

        @app.route()
        def pool(req) -> str:
            with multiprocessing.get_context("spawn").Pool(1) as workers:
                return str(workers.map(double, [1, 2]))
        """,
        **{"helper.py": "def double(x):\n    return 2 * x\n\ndef say(): ...\n"},
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("forks") == "parent"
        assert await worker.text("pool") == "[2, 4]"
        await until(lambda: "in the child" in worker.said())


async def test_a_flood_of_lines_arrives_whole_and_in_order(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.route()
        def f(req) -> str:
            for n in range(5000):
                print(n, "x" * 100)
            return "done"
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f", id="flood") == "done"
        assert [int(line.split()[0]) for line in worker.said("flood")] == list(range(5000))


async def test_half_characters_do_not_break_the_connection(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import logging

        @app.route()
        def f(req) -> str:
            logging.info("half \\ud800")
            return str(len(req.headers["x"]))
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f", id="1", req=request(headers={"x": "\udcff\udcfe"})) == "2"
        assert worker.said("1") == ["half ?"]


async def test_the_run_of_a_task_with_a_context_of_its_own_is_attributed(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import asyncio, contextvars, logging
        seen = contextvars.ContextVar("seen")

        async def child():
            logging.info("seen %s", seen.get("nothing"))

        @app.route()
        async def f(req) -> str:
            seen.set("mine")
            await asyncio.create_task(child(), context=contextvars.Context())
            await asyncio.create_task(child(), name="named")
            return ""
        """,
    )
    async with serving(KIND, root) as worker:
        await worker.call("f", id="1")
        assert worker.said("1") == ["seen nothing", "seen mine"]


# How it ends


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


async def test_a_process_that_ends_while_the_app_is_imported_is_an_index_error(
    tmp_path: Path,
) -> None:
    root = decorated(tmp_path, "import os\nos._exit(4)\n")
    async with started(KIND, root) as worker:
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


HANGING = """
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
    def brood(req):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        return str(child.pid)

    @app.route()
    def fine(req):
        return "fine"
"""


@pytest.mark.parametrize("function", ["spins", "blocks", "deaf"])
async def test_closing_is_bounded_when_the_app_hangs(tmp_path: Path, function: str) -> None:
    async with serving(KIND, decorated(tmp_path, HANGING)) as worker:
        call = asyncio.create_task(worker.call(function, id="1"))
        await worker.begun("1")
        async with asyncio.timeout(PATIENCE):  # the call would take longer
            await worker.channel.aclose(0.1)
        assert await gone(worker.info.pid)
        await asyncio.gather(call, return_exceptions=True)


async def test_what_the_app_started_ends_with_it(tmp_path: Path) -> None:
    async with serving(KIND, decorated(tmp_path, HANGING)) as worker:
        child = int(await worker.text("brood"))
        assert is_alive(child)
        await worker.channel.aclose()
        assert await gone(child)
        assert worker.channel.closed.result().code == 0


async def test_what_the_app_started_ends_with_a_crash(tmp_path: Path) -> None:
    async with serving(KIND, decorated(tmp_path, HANGING)) as worker:
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


async def test_a_call_that_ran_too_long_ends_the_worker(tmp_path: Path) -> None:
    async with serving(KIND, decorated(tmp_path, HANGING)) as worker:
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


async def test_a_call_that_stops_in_time_does_not_end_the_worker(tmp_path: Path) -> None:
    code = """
        import logging, time

        @app.route()
        def f(req):
            logging.info("begun")
            time.sleep(0.05)
            return "x"
    """
    async with serving(KIND, decorated(tmp_path, code)) as worker:
        call = asyncio.create_task(worker.call("f", id="slow"))
        await worker.begun("slow")
        call.cancel()
        await worker.channel.abandon("slow", grace=PATIENCE)
        await worker.channel.abandon("slow", grace=PATIENCE)
        assert await worker.text("f") == "x"


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


# How it fails to start


async def start_error(root: Path, interpreter: Interpreter) -> WorkerStartError:
    async def start() -> None:
        spec = AppSpec(root, environment())
        await SubprocessChannel.spawn(spec, interpreter, lambda log: None).start()

    with pytest.raises(WorkerStartError) as raised:
        await start()
    return raised.value


def script(path: Path, text: str) -> Interpreter:
    path.write_text(f"#!/bin/sh\n{textwrap.dedent(text)}\n")
    path.chmod(0o755)
    return Interpreter(path, "the test's")


async def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    error = await start_error(tmp_path, Interpreter(tmp_path / "python", "given with --python"))
    assert error.message == f"there is no Python at {tmp_path / 'python'} (given with --python)"
    assert error.hint == "install it there, or choose another with --python"


async def test_an_interpreter_that_is_not_executable(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("")
    error = await start_error(tmp_path, Interpreter(tmp_path / "python", "set by X"))
    assert error.message == f"{tmp_path / 'python'} is not executable (set by X)"


async def test_an_interpreter_that_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("nothing")
    (tmp_path / "python").chmod(0o755)
    error = await start_error(tmp_path, Interpreter(tmp_path / "python", "set by X"))
    assert error.message == f"{tmp_path / 'python'} cannot be started (Exec format error)"


async def test_a_program_that_is_no_python(tmp_path: Path) -> None:
    fake = script(tmp_path / "python", "echo what is this >&2; exit 9")
    error = await start_error(tmp_path, fake)
    assert error.message == (
        f"the worker ({fake.executable}, the test's) ended with exit code 9 before it was ready:\n"
        "what is this"
    )
    assert error.hint == "see whether that is a working Python 3.9 or newer"


async def test_a_python_that_is_too_old(tmp_path: Path) -> None:
    worker = Path(process.__file__).parent / "pyworker" / "__main__.py"
    pretend = (
        "import runpy, sys; sys.version_info = (3, 6, 1);"
        f" runpy.run_path({str(worker)!r}, run_name='__main__')"
    )
    fake = script(tmp_path / "python", f'exec {sys.executable} -c "{pretend}"')
    error = await start_error(tmp_path, fake)
    assert error.message == (f"Python 3.6 of {sys.executable} is too old, 3.9 or newer is needed")
    assert error.hint == "choose a newer Python with --python"


async def test_a_python_without_the_sdk(tmp_path: Path) -> None:
    bare = Interpreter(Path(sys.executable), "the test's", ("-S",))
    error = await start_error(tmp_path, bare)
    assert error.message == f"azure-functions is not installed for {sys.executable}"
    assert error.hint == f"install it with `{sys.executable} -m pip install azure-functions`"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import neverheard\n", "cannot be imported by {}: it needs the module 'neverheard'"),
        ("1 / 0\n", "cannot be imported by {}: ZeroDivisionError: division by zero"),
        ("__version__ = '1.2'\n", "1.2 of {} is too old"),
    ],
)
async def test_an_sdk_that_does_not_work(tmp_path: Path, code: str, told: str) -> None:
    write(tmp_path, {"lib/azure/functions/__init__.py": code})
    channel = SubprocessChannel.spawn(
        AppSpec(tmp_path, environment({"PYTHONPATH": str(tmp_path / "lib")})),
        OURS,
        lambda log: None,
    )
    with pytest.raises(WorkerStartError) as raised:
        await channel.start()
    assert raised.value.message == f"azure-functions {told.format(sys.executable)}"
    assert raised.value.hint
    assert sys.executable in raised.value.hint


async def test_an_app_folder_that_is_not_there(tmp_path: Path) -> None:
    error = await start_error(tmp_path / "nowhere", OURS)
    assert error.message == f"the folder of the app does not exist: {tmp_path / 'nowhere'}"


async def test_arguments_stand_before_the_script(tmp_path: Path) -> None:
    code = "import sys\n@app.route()\ndef f(req):\n    return str(sys.flags.optimize)\n"
    root = decorated(tmp_path, code)
    logs: list[WorkerLog] = []
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()),
        Interpreter(Path(sys.executable), "", ("-OO", "-X", "dev")),
        logs.append,
    )
    worker = Worker(channel, logs, await channel.start())
    try:
        await worker.load_all()
        assert await worker.text("f") == "2"
    finally:
        await channel.aclose()


# The connection


@pytest.fixture
async def tiny(tmp_path: Path) -> AsyncIterator[Worker]:
    root = decorated(tmp_path, "@app.route()\nasync def f(req):\n    return 'x'\n")
    async with serving(KIND, root) as worker:
        yield worker


async def test_a_worker_that_hears_nonsense_says_so_and_ends(tiny: Worker) -> None:
    channel: Any = tiny.channel
    channel._connection._transport.write(b"GET / HTTP/1.1\r\n\r\n")
    exit_info = await channel.closed
    assert exit_info.reason == ("the worker did not understand: a frame header of 1195725856 bytes")


async def test_an_unknown_kind_names_both_versions(tiny: Worker) -> None:
    channel: Any = tiny.channel
    channel._send({"kind": "dance"})
    exit_info = await channel.closed
    assert exit_info.reason == (
        "the worker did not understand: a message of kind 'dance', which protocol 1 does not know"
        " (the other side speaks protocol 1)"
    )


async def test_unknown_fields_are_ignored(tiny: Worker) -> None:
    channel: Any = tiny.channel
    channel._send({"kind": "cancel", "id": "none", "since": "tomorrow"})
    assert await tiny.text("f") == "x"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({"kind": "dance"}, "the worker sent a message of kind 'dance', which protocol 1"),
        ({"kind": "log"}, "the worker sent a malformed message"),
        (
            {"kind": "result", "id": "x", "value": ["colour", 1]},
            "the worker sent a value of the unknown kind 'colour'",
        ),
        ({"kind": "result", "id": "x", "error": "text"}, "the worker sent a malformed message"),
        ({"kind": "result", "id": "x", "out": [1]}, "the worker sent a malformed message"),
        ({"kind": "result", "id": "x", "value": ["text", 5]}, "the worker sent a malformed value"),
        (
            {"kind": "result", "id": "x", "value": ["http", {"status": "a", "headers": []}]},
            "the worker sent a malformed value",
        ),
        ({"kind": "more", "id": "x", "n": 10**18}, "the worker sent a malformed message"),
        ({"kind": "head", "id": "x", "status": 1, "headers": 5}, "the worker sent a malformed"),
        ({"kind": "loaded", "seq": [], "errors": {}}, "the worker sent a malformed message"),
    ],
)
async def test_a_worker_that_talks_nonsense_is_ended(
    tiny: Worker, header: dict[str, Any], told: str
) -> None:
    from emulator.workers.pyworker.wire import encode

    channel: Any = tiny.channel
    channel._connection.data_received(encode(header))
    exit_info = await channel.closed
    assert exit_info.reason.startswith(told)
    with pytest.raises(WorkerLost, match="the worker was ended: the worker sent"):
        await tiny.call("f")


async def test_over_tcp_it_works_the_same_and_strangers_are_turned_away(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        "@app.route()\ndef f(req):\n    print('said')\n    return req.get_body()[:3].decode()\n",
    )
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()), OURS, (logs := []).append, loopback=True
    )
    port = channel._process._ours.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(b"x" * 32)
        worker = Worker(channel, logs, await channel.start())
        await worker.load_all()
        assert await worker.text("f", id="1", req=request(b"abc" * 1_000_000)) == "abc"
        assert worker.said("1") == ["said"]
        stranger.settimeout(PATIENCE)
        assert stranger.recv(1) == b""
        await channel.aclose()
    assert channel.closed.result().code == 0


@pytest.mark.parametrize("loopback", [False, True])
async def test_a_worker_that_never_says_anything_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loopback: bool
) -> None:
    monkeypatch.setattr(workers_subprocess, "_START_TIMEOUT", 0.1)
    fake = script(tmp_path / "python", "exec sleep 60")
    channel = SubprocessChannel.spawn(
        AppSpec(tmp_path, environment()), fake, lambda log: None, loopback=loopback
    )
    with pytest.raises(WorkerStartError, match="did not answer within"):
        await channel.start()
    assert channel.pids == ()


async def test_over_tcp_a_worker_that_does_not_come_is_told(tmp_path: Path) -> None:
    fake = script(tmp_path / "python", "exit 1")
    channel = SubprocessChannel.spawn(
        AppSpec(tmp_path, environment()), fake, lambda log: None, loopback=True
    )
    with pytest.raises(WorkerStartError, match="ended with exit code 1 before it was ready"):
        await channel.start()


# Other Pythons


def other_pythons() -> list[Path]:
    """Interpreters named in FUNCEMU_TEST_PYTHONS, or those of pyenv, that have the SDK."""
    named = os.environ.get("FUNCEMU_TEST_PYTHONS")
    paths = (
        [Path(each) for each in named.split(os.pathsep)]
        if named
        else sorted(Path.home().glob(".pyenv/versions/*/bin/python"))
    )
    return [
        path
        for path in paths
        if any(path.parent.parent.glob("lib/python3.*/site-packages/azure/functions/__init__.py"))
    ]


PYTHONS = other_pythons()


@pytest.mark.skipif(not PYTHONS, reason="no other Python with azure-functions")
@pytest.mark.parametrize("python", PYTHONS, ids=str)
async def test_it_runs_on_other_pythons(tmp_path: Path, python: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import logging, sys
        import notes

        @app.route()
        async def f(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
            logging.info("said by %s", context.function_name)
            print("printed")
            return func.HttpResponse(req.get_body(), status_code=201)

        @app.route()
        def g(req) -> str:
            return "%d.%d.%d" % sys.version_info[:3]

        @app.route()
        def broken(req): notes.fail()

        @app.route()
        def unfit(req: int): ...
        """,
        **{"notes.py": "def fail():\n    raise KeyError('k')\n"},
    )
    logs: list[WorkerLog] = []
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()), Interpreter(python, "the test's"), logs.append
    )
    worker = Worker(channel, logs, await channel.start())
    try:
        await worker.load_all()
        answer = (await worker.call("f", id="1", req=request(b"\xff"))).return_value.value
        assert (answer.status, answer.body) == (201, b"\xff")
        assert worker.said("1") == ["said by f", "printed"]
        assert await worker.text("g") == worker.info.version
        error = (await worker.call("broken")).error
        assert (error.title, error.line) == ("KeyError: 'k'", 2)
        assert worker.errors["unfit"].message.startswith("cannot load the unfit function: ")
        newer = "in the binding decorator" in worker.errors["unfit"].message
        assert newer is (tuple(map(int, worker.info.version.split(".")[:2])) >= (3, 13))
    finally:
        await channel.aclose()
