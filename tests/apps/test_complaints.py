"""What people complain about in local tools, and what happens here instead."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.processes import processes_in, until
from tests.support.serving import FUNCEMU, Served, environment, served, write_app

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

APP = """\
import azure.functions as func

app = func.FunctionApp(http_auth_level="ANONYMOUS")


@app.route(route="hello", methods=["GET"])
def hello(req: func.HttpRequest) -> str:
    return "hi"
"""

WITH_CHILD = "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\n" + APP

WATCHED = """\
import os, sys

def hook(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        told = arguments[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        told = arguments[0]
    else:
        return
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"{os.getpid()} {event} {told}\\n")

with open(os.environ["SEEN"], "a") as seen:
    seen.write(f"{os.getpid()} watched\\n")
sys.addaudithook(hook)
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", {"function_app.py": APP})


async def test_nothing_is_fetched_or_looked_up(app: Path, tmp_path: Path) -> None:
    """Both the host and the worker say whom they call; it is nobody but this machine."""
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "sitecustomize.py").write_text(WATCHED)
    seen = tmp_path / "seen"
    settings = {"PYTHONPATH": str(tmp_path / "watched"), "SEEN": str(seen)}
    async with served(app, settings=settings, watch=True) as host:
        assert (await host.get("/api/hello")).text == "hi"
    lines = [line.split() for line in seen.read_text().splitlines()]
    assert len({pid for pid, *_ in lines}) >= 2
    called = {told[-1] for _, what, *told in lines if what != "watched"}
    assert called <= {"127.0.0.1", "::1", "localhost"}


@pytest.fixture
def without_nohup() -> Iterator[None]:
    """What is started now hears of a terminal that is closed, also in tests behind `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("without_nohup")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_the_end_leaves_no_process_and_the_port_free(
    app: Path, number: signal.Signals
) -> None:
    """Not even one that the app itself has started."""
    (app / "function_app.py").write_text(WITH_CHILD)
    async with served(app, watch=True) as host:
        port = int(host.url.rsplit(":", 1)[1])
        await until(lambda: len(processes_in(app)) >= 2)
        host.process.send_signal(number)
        assert await asyncio.wait_for(host.process.wait(), PATIENCE) == 0
    assert processes_in(app) == []
    socket.create_server(("127.0.0.1", port)).close()


async def test_a_host_that_is_killed_takes_the_apps_processes_along(app: Path) -> None:
    (app / "function_app.py").write_text(WITH_CHILD)
    async with served(app, watch=True) as host:
        await until(lambda: len(processes_in(app)) >= 2)
        host.process.kill()
        await host.process.wait()
        await until(lambda: not processes_in(app))


async def test_many_reloads_leave_nothing_of_what_the_app_has_started(app: Path) -> None:
    async with served(app, watch=True) as host:
        for version in range(3):
            (app / "function_app.py").write_text(f"{WITH_CHILD}# {version}\n")
            await reloads(host, version + 1)
        await until(lambda: len(children_named("sleep", app)) == 1)


def test_a_start_that_fails_leaves_no_process(app: Path) -> None:
    (app / "function_app.py").write_text(WITH_CHILD + "\nraise RuntimeError('no')\n")
    done = subprocess.run(
        [FUNCEMU, "start", app, "--port", "0", "--ephemeral", "--strict"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=environment({}),
    )
    assert done.returncode == 1
    assert "RuntimeError: no" in done.stdout
    assert processes_in(app) == []


async def test_cors_is_told_at_the_start_and_missed_where_it_is_not(app: Path) -> None:
    preflight = {"Origin": "http://page.test", "Access-Control-Request-Method": "GET"}
    origins = ("--cors", "http://page.test,http://a.test", "--cors-credentials")
    async with served(app, *origins) as host:
        told = "CORS: pages of http://a.test, http://page.test may call, with credentials"
        assert told in host.output
        answer = await host.request("OPTIONS", "/api/hello", headers=preflight)
        assert answer.headers["Access-Control-Allow-Origin"] == "http://page.test"
    async with served(app) as host:
        assert "CORS" not in host.printed
        await host.request("OPTIONS", "/api/hello", headers=preflight)
        await host.until_printed("'hello' answers GET, not OPTIONS; --cors ORIGIN lets pages call")


async def test_one_option_is_enough_for_debug_lines(app: Path) -> None:
    talking = APP.replace('    return "hi"', '    logging.debug("a debug line")\n    return "hi"')
    (app / "function_app.py").write_text("import logging\n" + talking)
    async with served(app, "--user-log-level", "debug") as host:
        await host.get("/api/hello")
        await host.until_printed("[hello] a debug line")


async def test_a_storage_that_is_not_there_keeps_nothing_from_starting(app: Path) -> None:
    (app / "local.settings.json").write_text(
        '{"IsEncrypted": false, "Values": {"AzureWebJobsStorage": '
        '"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=QQ==;'
        'TableEndpoint=http://127.0.0.1:9/a;"}}'
    )
    async with served(app) as host:
        assert (await host.get("/api/hello")).text == "hi"


def children_named(name: str, folder: Path) -> list[int]:
    return [pid for pid in processes_in(folder) if told_of(pid, "comm").strip() == name]


def told_of(pid: int, what: str) -> str:
    """Return what the system tells of a process; nothing when it has gone meanwhile."""
    try:
        return Path(f"/proc/{pid}/{what}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def reloads(host: Served, number: int) -> None:
    await until(lambda: host.printed.count("Reloaded") == number)
