"""Save, and it is served: swaps, broken saves, calls under way, what is watched."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from emulator.runtime.watch import DEBOUNCE
from tests.support.patience import PATIENCE
from tests.support.serving import Served, served, write_app

APP = """\
import asyncio
import os
import azure.functions as func

app = func.FunctionApp(http_auth_level="ANONYMOUS")


@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return "version 1"


@app.route(route="slow")
async def slow(req: func.HttpRequest) -> str:
    print("slow begun")
    while not os.path.exists(os.environ["GO_ON"]):
        await asyncio.sleep(0.01)
    return "slow 1"


@app.route(route="setting")
def setting(req: func.HttpRequest) -> str:
    return os.environ.get("GREETING", "none")
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", {"function_app.py": APP})


async def until(host: Served, path: str, text: str, *, within: float = PATIENCE) -> None:
    async with asyncio.timeout(within):
        while True:
            answer = await host.get(path)
            assert answer.status == 200, answer.text
            if answer.text == text:
                return
            await asyncio.sleep(0.005)


async def test_a_save_is_served_and_no_request_fails(app: Path) -> None:
    async with served(app, watch=True) as host:
        for version in range(2, 12):
            save(app, APP.replace("version 1", f"version {version}"))
            await until(host, "/api/hello", f"version {version}")
        await printed(host, "Reloaded 3 functions", 10)


async def test_edits_of_equal_length_within_a_second_are_never_missed(app: Path) -> None:
    async with served(app, watch=True) as host:
        for version in (2, 3, 4, 5, 6, 7, 8, 9):
            save(app, APP.replace("version 1", f"version {version}"))
            await until(host, "/api/hello", f"version {version}")


async def test_a_broken_save_keeps_the_last_good_version_and_says_so(app: Path) -> None:
    async with served(app, watch=True) as host:
        await host.get("/api/hello")
        save(app, APP + "\ndef broken(:\n")
        await host.until_printed("SyntaxError")
        answer = await host.get("/api/hello")
        assert (answer.status, answer.text) == (200, "version 1")
        assert answer.headers["x-funcemu-generation"] == "1; stale"
        status = (await host.get("/admin/host/status")).json
        assert status["state"] == "Running"
        assert "SyntaxError" in status["errors"][0]
        await host.until_printed(f"function_app.py:{len(APP.splitlines()) + 2}")

        save(app, APP + "\nimport not_installed_anywhere\n")
        await host.until_printed("No module named 'not_installed_anywhere'")
        assert (await host.get("/api/hello")).text == "version 1"

        save(app, APP.replace("version 1", "version 2"))
        await until(host, "/api/hello", "version 2")
        answer = await host.get("/api/hello")
        assert "x-funcemu-generation" not in answer.headers
        assert "errors" not in (await host.get("/admin/host/status")).json


async def test_a_broken_start_heals_on_save(app: Path) -> None:
    save(app, APP + "\nraise RuntimeError('not yet')\n")
    async with served(app, watch=True) as host:
        answer = await host.get("/api/hello")
        assert answer.status == 503
        assert "RuntimeError: not yet" in answer.text
        save(app, APP)
        async with asyncio.timeout(PATIENCE):
            while (await host.get("/api/hello")).status != 200:  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.01)


async def test_a_call_under_way_finishes_on_the_old_code(app: Path, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    async with served(app, watch=True, settings={"GO_ON": str(go_on)}) as host:
        call = asyncio.create_task(host.get("/api/slow"))
        await host.until_printed("slow begun")
        save(app, APP.replace("slow 1", "slow 2").replace("version 1", "version 2"))
        await until(host, "/api/hello", "version 2")
        assert not call.done()
        go_on.touch()
        answer = await call
        assert (answer.status, answer.text) == (200, "slow 1")


async def test_settings_and_host_json_are_watched_too(app: Path) -> None:
    async with served(app, watch=True) as host:
        assert (await host.get("/api/setting")).text == "none"
        (app / "local.settings.json").write_text('{"Values": {"GREETING": "hi"}}')
        await until(host, "/api/setting", "hi")
        (app / ".env").write_text("GREETING=hello\n")
        await until(host, "/api/setting", "hello")
        (app / "host.json").write_text(
            '{"version": "2.0", "extensions": {"http": {"routePrefix": "v2"}}}'
        )
        async with asyncio.timeout(PATIENCE):
            while (await host.get("/v2/hello")).status != 200:  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.01)
        assert (await host.get("/api/hello")).status == 404


async def test_a_module_in_a_new_folder_is_watched(app: Path) -> None:
    async with served(app, watch=True) as host:
        await host.get("/api/hello")
        (app / "lib").mkdir()
        (app / "lib" / "words.py").write_text("WORD = 'one'\n")
        save(app, "from lib.words import WORD\n" + APP.replace('"version 1"', "WORD"))
        await until(host, "/api/hello", "one")
        await asyncio.sleep(0.05)
        (app / "lib" / "words.py").write_text("WORD = 'two'\n")
        await until(host, "/api/hello", "two")


async def test_what_does_not_matter_does_not_reload(app: Path) -> None:
    (app / ".venv" / "lib").mkdir(parents=True)
    async with served(app, watch=True) as host:
        await host.get("/api/hello")
        for name in (".venv/lib/x.py", "notes.txt", ".git-like.py", "data.json"):
            (app / name).write_text("1\n")
        (app / "__pycache__").mkdir(exist_ok=True)
        (app / "__pycache__" / "x.py").write_text("1\n")
        save(app, APP.replace("version 1", "version 2"))
        await until(host, "/api/hello", "version 2")
        await printed(host, "Reloaded", 1)


async def test_a_burst_of_saves_is_one_reload(app: Path) -> None:
    async with served(app, watch=True) as host:
        await host.get("/api/hello")
        for version in range(2, 12):
            before, began = host.printed.count("Reloaded"), time.monotonic()
            for number in range(20):
                (app / f"module_{number}.py").write_text(f"x = {number + version}\n")
            save(app, APP.replace("version 1", f"version {version}"))
            took = time.monotonic() - began
            await until(host, "/api/hello", f"version {version}")
            if took < DEBOUNCE / 2000:  # or it was no burst, since the machine stood still
                assert host.printed.count("Reloaded") <= before + 2
                return
        raise AssertionError("this machine writes no 20 files at once")


async def test_polling_sees_saves_within_one_second(app: Path) -> None:
    async with served(app, "--poll", watch=True) as host:
        for version in (2, 3, 4):
            save(app, APP.replace("version 1", f"version {version}"))
            await until(host, "/api/hello", f"version {version}")


@pytest.mark.parametrize("varies", [False, True], ids=["the same", "another"])
async def test_an_app_that_writes_code_when_it_is_loaded_is_not_reloaded_for_ever(
    app: Path, varies: bool
) -> None:
    """Each load writes the same file: with the same text, or with the time."""
    text = "repr(time.time_ns())" if varies else "'1'"
    writes = (
        "import pathlib, time\n"
        f"pathlib.Path(__file__).with_name('generated.py').write_text('X = ' + {text})\n"
    )
    save(app, writes + APP)
    async with served(app, watch=True) as host:
        save(app, writes + APP.replace("version 1", "version 0"))
        await until(host, "/api/hello", "version 0")
        if varies:
            await host.until_printed("The app writes generated.py itself whenever it is loaded")
        await asyncio.sleep(0.05)
        loads = host.printed.count("Reloaded")
        assert loads <= 5
        for version in (2, 3):
            save(app, writes + APP.replace("version 1", f"version {version}"))
            await until(host, "/api/hello", f"version {version}")
        await asyncio.sleep(0.05)
        assert host.printed.count("Reloaded") <= loads + 3


async def test_without_watching_nothing_is_reloaded(app: Path) -> None:
    async with served(app) as host:
        save(app, APP.replace("version 1", "version 2"))
        await asyncio.sleep(0.05)
        assert (await host.get("/api/hello")).text == "version 1"
        assert (await host.post("/admin/host/restart")).status == 200
        await until(host, "/api/hello", "version 2")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_many_reloads_leak_no_process_and_no_descriptor(app: Path) -> None:
    async with served(app, watch=True) as host:
        for version in range(2, 5):
            save(app, APP.replace("version 1", f"version {version}"))
            await until(host, "/api/hello", f"version {version}")
        await asyncio.sleep(0.05)
        pid = host.process.pid
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        for version in range(5, 25):
            save(app, APP.replace("version 1", f"version {version}"))
            await until(host, "/api/hello", f"version {version}")
        async with asyncio.timeout(PATIENCE):
            while len(children(pid)) > 2 or len(os.listdir(f"/proc/{pid}/fd")) > descriptors + 8:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def printed(host: Served, text: str, times: int) -> None:
    """Wait until it was printed so often: a swap is told after it is made."""
    async with asyncio.timeout(PATIENCE):
        while host.printed.count(text) < times:  # noqa: ASYNC110 - another process prints
            await asyncio.sleep(0.01)
    assert host.printed.count(text) == times


def save(app: Path, text: str) -> None:
    """Save in one step: a quick host would serve a file that is half written."""
    written = app / "function_app.py.new"
    written.write_text(text)
    written.replace(app / "function_app.py")


async def until_status(host: Served, status: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await host.get("/api/hello")).status != status:  # noqa: ASYNC110 - as the host sees it
            await asyncio.sleep(0.005)


async def test_a_file_takes_the_app_offline_and_back(app: Path) -> None:
    async with served(app, watch=True) as host:
        page = app / "app_offline.htm"
        page.write_text("<p>Back soon</p>")
        await until_status(host, 503)
        assert (await host.get("/")).text == "<p>Back soon</p>"
        await host.until_printed("The app is offline: every address answers 503")
        assert (await host.get("/admin/host/status")).json["state"] == "Offline"
        page.unlink()
        await until_status(host, 200)
        assert (await host.get("/admin/host/status")).json["generation"] == 1


async def test_an_app_that_began_offline_comes_back(app: Path) -> None:
    page = app / "app_offline.htm"
    page.write_text("<p>Back soon</p>")
    async with served(app, watch=True) as host:
        await host.until_printed("The app is offline")
        assert (await host.get("/api/hello")).status == 503
        page.unlink()
        await until_status(host, 200)


async def test_host_json_can_end_the_watching(app: Path) -> None:
    write_app(app, {"host.json": '{"version": "2.0", "fileWatchingEnabled": false}'})
    async with served(app, watch=True) as host:
        save(app, APP.replace("version 1", "version 2"))
        assert (await host.get("/api/hello")).text == "version 1"
        await host.post("/admin/host/restart")
        await until(host, "/api/hello", "version 2")
        await host.until_printed("Reloaded")
        assert host.printed.count("Reloaded") == 1
