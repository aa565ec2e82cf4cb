"""Workers that are killed or hang, in every phase: who is told what, and what goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from emulator.runtime.host import STOP_GRACE
from tests.support.faults import starting, stops, worker_of
from tests.support.hosted import HEAD
from tests.support.patience import PATIENCE, once_within
from tests.support.processes import gone, is_alive, processes_in, until
from tests.support.serving import FIXTURES, FUNCEMU, environment, served, write_app
from tests.support.streaming import streaming_extension

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

APP = (
    HEAD
    + """
import asyncio, os, re, time


@app.route(route="fine")
async def fine(req: func.HttpRequest) -> str:
    return "fine 1"


@app.route(route="waits")
async def waits(req: func.HttpRequest) -> str:
    print("waits begun")
    await asyncio.sleep(60)
    return "x"


@app.route(route="sleeps")
def sleeps(req: func.HttpRequest) -> str:
    print("sleeps begun")
    time.sleep(60)
    return "x"


@app.route(route="blocks")
async def blocks(req: func.HttpRequest) -> str:
    print("blocks begun")
    time.sleep(60)
    return "x"


@app.route(route="grabs")
def grabs(req: func.HttpRequest) -> str:
    print("grabs begun")
    re.match("(a+)+b", "a" * 60)  # never lets another thread run
    return "x"


@app.route(route="counts")
async def counts(req: func.HttpRequest) -> str:
    print("counts begun")
    pow(3, 10**9)
    return "x"
"""
)
KILLED = "was ended by the signal SIGKILL, which the system sends when memory runs out"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", {"function_app.py": APP})


# Killed


def test_killed_before_it_says_hello(app: Path, tmp_path: Path) -> None:
    """Nothing of the app has run, so it may be the Python that does not work."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import os, sys\nif 'pyworker' in str(sys.orig_argv): os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [FUNCEMU, "start", app, "--port", "0", "--ephemeral"],
        env=environment({"PYTHONPATH": str(tmp_path / "site")}),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{KILLED} before it was ready" in done.stderr
    assert "Traceback" not in done.stderr


async def test_killed_while_the_app_is_imported(app: Path) -> None:
    """However soon that is: the Python works, the app does not."""
    (app / "function_app.py").write_text("import os\nprint('here')\nos.kill(os.getpid(), 9)\n")
    async with served(app) as host:
        answer = await host.get("/api/fine")
        assert answer.status == 503
        assert (
            f"Worker failed to index functions. Exception: WorkerLost: the worker {KILLED}"
            in answer.text
        )
        await host.until_printed("here")
        await host.until_printed("→ Look at what the app does while it is imported")
        (app / "function_app.py").write_text(APP)
        await host.post("/admin/host/restart")
        await host.until_printed("Ready")
        assert (await host.get("/api/fine")).text == "fine 1"


async def test_killed_with_calls_of_every_kind_under_way(app: Path) -> None:
    async with served(app) as host:
        calls = [
            asyncio.create_task(host.get(f"/api/{kind}"))
            for kind in ("waits", "sleeps", "waits", "sleeps")
        ]
        await until(lambda: host.printed.count("begun") == 4)
        worker = await worker_of(host)
        os.kill(worker, signal.SIGKILL)
        for answer in await asyncio.gather(*calls):
            assert (answer.status, answer.body) == (500, b"")
        assert (await host.get("/api/fine")).text == "fine 1"
        lost = f"Exception: WorkerLost: the worker {KILLED}"
        await until(lambda: host.printed.count(lost) == 4)
        again = f"Error: The worker {KILLED}; it is started again."
        await until(lambda: host.printed.count(again) == 1)
        assert "Traceback" not in host.printed
        assert len(processes_in(app)) == 1


async def test_killed_candidates_and_spares_leave_what_serves_alone(app: Path) -> None:
    async with served(app, watch=True) as host:
        serving = await worker_of(host)
        await until(lambda: len(processes_in(app)) == 2)
        spare = next(pid for pid in processes_in(app) if pid != serving)
        os.kill(spare, signal.SIGKILL)
        await until(lambda: not is_alive(spare))
        (app / "function_app.py").write_text(f"{APP}\nprint('pid', os.getpid())\ntime.sleep(60)\n")
        await host.until_printed("pid ")
        candidate = int(next(line for line in host.output if "pid " in line).split()[-1])
        assert (await host.get("/api/fine")).text == "fine 1"
        os.kill(candidate, signal.SIGKILL)
        await host.until_printed("Not reloaded; generation 1 still answers")
        answer = await host.get("/api/fine")
        assert (answer.text, answer.headers["x-funcemu-generation"]) == ("fine 1", "1; stale")
        (app / "function_app.py").write_text(APP.replace("fine 1", "fine 2"))
        await host.until_printed("Reloaded")
        assert (await host.get("/api/fine")).text == "fine 2"
        await until(lambda: not is_alive(serving) and len(processes_in(app)) == 2)
        assert not any(map(is_alive, (spare, candidate, serving)))


async def test_killed_in_the_midst_of_a_stream(tmp_path: Path, streaming: dict[str, str]) -> None:
    async with (
        served(FIXTURES / "apps/streaming", settings=streaming) as host,
        aiohttp.ClientSession() as session,
    ):
        worker = await worker_of(host)
        async with session.get(f"{host.url}/api/count?to=1000") as answer:
            assert await answer.content.readline() == b"line 0\n"
            os.kill(worker, signal.SIGKILL)
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        assert (await host.get("/api/items/1")).json == {"id": "1"}
        await host.until_printed(f"Exception: WorkerLost: the worker {KILLED}")
        assert "funcemu itself failed" not in host.printed


@pytest.fixture(scope="session")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return streaming_extension(tmp_path_factory.mktemp("site"))


DIES_ONCE = """
import os
from pathlib import Path


def die_once():
    flag = Path(os.environ["FLAG"])
    if not flag.exists():
        flag.touch()
        print("about to die")
        os.kill(os.getpid(), 9)
"""


async def test_killed_within_a_skill_the_model_hears_of_it_and_the_turn_is_whole(
    tmp_path: Path,
) -> None:
    app = tmp_path / "app"
    shutil.copytree(FIXTURES / "assistant", app, ignore=shutil.ignore_patterns("tests", ".*"))
    code = (app / "function_app.py").read_text()
    adds = "    todos.add(taskDescription)\n"
    assert adds in code
    code = code.replace(adds, f"    die_once()\n{adds}")
    (app / "function_app.py").write_text(code + DIES_ONCE)
    settings = {"FLAG": str(tmp_path / "flag"), "TODO_FILE": str(tmp_path / "todos.json")}
    path, since = "/api/assistants/a1", {"timestampUTC": "2023-01-01T00:00:00Z"}
    turn = ["User", "Assistant", "Tool", "Assistant"]
    async with served(app, settings=settings) as host:
        assert (await host.put(path)).status == 202
        lost = await host.post(path, params={"message": "Remind me to call my dad"})
        assert lost.status == 200  # the function itself waited for the next worker
        await host.until_printed("about to die")
        again = await host.post(path, params={"message": "Remind me to call my dad"})
        assert again.status == 200
        messages = (await host.get(path, params=since)).json["recentMessages"]
        assert [each["role"] for each in messages] == ["System", *turn, *turn]
        assert "The function call failed" in messages[3]["content"]
        assert "The function call failed" not in messages[7]["content"]
        await host.until_printed(f"Exception: WorkerLost: the worker {KILLED}")
        assert (tmp_path / "todos.json").read_text().count("call") == 1


# Hanging


@pytest.mark.parametrize("kind", ["grabs", "counts"])
async def test_a_call_that_hangs_is_ended_in_time_and_its_last_line_is_shown(
    app: Path, kind: str
) -> None:
    (app / "host.json").write_text('{"version": "2.0", "functionTimeout": "00:00:01"}')
    async with served(app) as host:
        worker = await worker_of(host)
        async with asyncio.timeout(PATIENCE):
            answer = await host.get(f"/api/{kind}")
        assert (answer.status, answer.body) == (500, b"")
        await host.until_printed(f"{kind} begun")
        await host.until_printed(
            f"Timeout value of 00:00:01 exceeded by function 'Functions.{kind}'"
        )
        assert (await host.served_again("/api/fine")).text == "fine 1"
        assert await gone(worker)


async def test_a_slow_import_says_where_it_is_and_can_be_stopped(app: Path) -> None:
    (app / "helper.py").write_text("import time\n\ntime.sleep(60)\n")
    (app / "function_app.py").write_text("import helper\n")
    async with starting(app) as (process, output):
        await until(lambda: "after 3 s, at helper.py:3, imported at function_app.py:1." in output())
        await stops(process, signal.SIGINT)
    assert processes_in(app) == []


@pytest.mark.parametrize(
    "code", ["re.match('(a+)+b', 'a' * 60)", "signal.signal(15, signal.SIG_IGN)\ntime.sleep(60)"]
)
async def test_an_import_that_listens_to_nobody_can_be_stopped(app: Path, code: str) -> None:
    (app / "function_app.py").write_text(f"import re, signal, time\nprint('there')\n{code}\n")
    async with starting(app) as (process, output):
        await until(lambda: "there" in output())
        await stops(process, signal.SIGTERM)
    assert processes_in(app) == []


# Stopping


@pytest.mark.parametrize("kind", ["grabs", "waits"])
async def test_a_second_signal_ends_the_calls_that_hang(app: Path, kind: str) -> None:
    code = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + APP
    (app / "function_app.py").write_text(code)

    async def took() -> float:
        async with served(app) as host:
            call = asyncio.create_task(host.get(f"/api/{kind}"))
            await host.until_printed("begun")
            began = time.monotonic()
            host.process.send_signal(signal.SIGINT)
            await host.until_printed("Waiting for a call to finish; Ctrl+C again ends it now.")
            await stops(host.process, signal.SIGINT)
            lasted = time.monotonic() - began
            await asyncio.gather(call, return_exceptions=True)
            assert processes_in(app) == []
            assert "Traceback" not in host.printed
        return lasted

    await once_within(STOP_GRACE, took)  # which the first signal would have given it


@pytest.mark.soak
async def test_one_signal_is_enough_after_a_while(app: Path) -> None:
    async with served(app) as host:
        call = asyncio.create_task(host.get("/api/blocks"))
        await host.until_printed("begun")
        began = time.monotonic()
        await stops(host.process, signal.SIGTERM)
        assert time.monotonic() - began < 9  # it was 12.5 s
        await asyncio.gather(call, return_exceptions=True)
        assert processes_in(app) == []
