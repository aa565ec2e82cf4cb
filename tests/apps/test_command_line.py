"""`funcemu` as typed: what it says, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import venv
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.commands import funcemu
from tests.support.patience import PATIENCE
from tests.support.serving import FIXTURES, FUNCEMU, environment, served, write_app

HELLO = FIXTURES / "apps/bench_hello"
SLOW = (
    "import asyncio\nimport azure.functions as func\n"
    "app = func.FunctionApp(http_auth_level='ANONYMOUS')\n"
    "@app.route(route='slow')\n"
    "async def slow(req: func.HttpRequest) -> str:\n"
    "    print('begun')\n"
    "    await asyncio.sleep(float(req.params['for']))\n"
    "    return 'done'\n"
)


def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FUNCEMU, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=environment(settings),
    )


def test_the_version_is_printed() -> None:
    from emulator import __version__

    assert run("--version").stdout.strip() == f"funcemu, version {__version__}"


def test_help_is_in_full_sentences_with_defaults() -> None:
    text = run("start", "--help").stdout
    for flag in ("--port", "--address", "--python", "--functions", "--models", "--ephemeral"):
        assert flag in text
    assert "7071" in text
    assert "[default: auto]" in " ".join(text.split())


def test_a_port_in_use_is_told_and_nothing_is_started() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("start", HELLO, "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} is unavailable. Close the process using that port" in done.stderr
    assert "--port 0" in done.stderr
    assert done.stdout == ""


def test_a_missing_folder_is_told() -> None:
    done = run("start", "/nowhere/app", "--port", "0")
    assert done.returncode == 1
    assert "There is no folder '/nowhere/app'." in done.stderr


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    script = tmp_path / "function_app.py"
    script.touch()
    done = run("start", script, "--port", "0")
    assert done.returncode == 1
    assert f"'{script}' is a file." in done.stderr
    assert f"Give the folder of the app: {tmp_path}" in done.stderr


def test_an_address_of_another_machine_is_told() -> None:
    done = run("start", HELLO, "--port", "0", "--address", "192.0.2.1")
    assert done.returncode == 1
    assert "No network interface of this machine has the address 192.0.2.1." in done.stderr


def test_where_a_bad_value_came_from_is_told_once() -> None:
    done = run("start", HELLO, "--port", "abc")
    assert done.returncode == 1
    assert done.stderr.startswith("'abc' is no value for port (--port)\n")


def test_a_missing_interpreter_is_told() -> None:
    done = run("start", HELLO, "--port", "0", "--python", "/nowhere/python")
    assert done.returncode == 1
    assert "/nowhere/python" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interpreter_without_the_sdk_names_the_command_that_mends_it(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / "bin" / "python"
    done = run("start", HELLO, "--port", "0", "--python", python)
    assert done.returncode == 1
    assert "azure-functions" in done.stderr
    assert "-m pip install azure-functions" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_option_suggests_the_one_meant() -> None:
    done = run("start", HELLO, "--prot", "0")
    assert done.returncode == 2
    assert "--port" in done.stderr


async def test_ctrl_c_finishes_the_call_under_way_and_leaves_no_process(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": SLOW})
    for number in (signal.SIGINT, signal.SIGTERM):
        async with served(app) as host:
            call = asyncio.create_task(host.get("/api/slow?for=0.6"))
            await host.until_printed("begun")
            workers = children(host.process.pid)
            assert workers
            host.process.send_signal(number)
            assert (await call).text == "done"
            assert await asyncio.wait_for(host.process.wait(), PATIENCE) == 0
            assert not [pid for pid in workers if alive(pid)]


async def test_ctrl_c_does_not_wait_for_ever(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": SLOW})
    async with served(app) as host:
        call = asyncio.create_task(host.get("/api/slow?for=60"))
        await host.until_printed("begun")
        workers = children(host.process.pid)
        host.process.send_signal(signal.SIGINT)
        await asyncio.wait_for(host.process.wait(), PATIENCE)
        assert not [pid for pid in workers if alive(pid)]
        await asyncio.gather(call, return_exceptions=True)


async def test_a_pipe_gets_plain_lines_and_the_block_editors_look_for() -> None:
    async with served(HELLO) as host:
        await host.get("/api/hello")
        await host.until_printed("GET /api/hello → 200")
        assert "\x1b" not in host.printed
        start = host.output.index("Functions:")
        assert host.output[start : start + 5] == [
            "Functions:",
            "",
            f"\thello:  {host.url}/api/hello",
            "",
            f"\thello_sync:  {host.url}/api/hello_sync",
        ]


async def test_json_output_is_one_object_per_line() -> None:
    async with served(HELLO, "--output", "json") as host:
        await host.get("/api/hello")
        await host.until_printed('"request-served"')
        records = [json.loads(line) for line in host.output]
        ready = next(each for each in records if each["event"] == "generation-ready")
        assert ready["functions"] == ["hello", "hello_sync"]
        served_record = next(each for each in records if each["event"] == "request-served")
        assert (served_record["status"], served_record["function"]) == (200, "hello")
        started = next(each for each in records if each["event"] == "invocation-started")
        assert served_record["invocation_id"] == started["id"]
        listening = next(each for each in records if each["event"] == "listening")
        assert listening["url"] == host.url
        assert datetime.fromisoformat(listening["time"]).tzinfo is not None


async def test_functions_takes_several_names() -> None:
    async with served(HELLO, "--functions", "hello_sync", "other") as host:
        assert (await host.get("/api/hello_sync")).status == 200
        assert (await host.get("/api/hello")).status == 404


async def test_an_http_app_imports_nothing_heavy() -> None:
    code = (
        "import sys, threading, time, signal, os\n"
        "sys.argv = ['funcemu', 'start', sys.argv[1], '--port', '0', '--ephemeral']\n"
        "def look():\n"
        "    time.sleep(1.0)\n"
        "    heavy = ('openai', 'azure', 'numpy', 'rich', 'yaml', 'grpc', 'opentelemetry')\n"
        "    print('HEAVY', sorted(n for n in heavy if n in sys.modules), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=look, daemon=True).start()\n"
        "from emulator.cli.main import main\n"
        "main()\n"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", code, str(HELLO)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment({}),
    )
    assert "HEAVY []" in done.stdout, done.stdout + done.stderr


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_the_words_of_the_official_tools_are_understood(tmp_path: Path) -> None:
    app = tmp_path / "app"
    assert funcemu("init", app, "--worker-runtime", "python").code == 0
    assert funcemu("new", "-t", "HTTP trigger", "-n", "added", cwd=app).code == 0
    assert "def added(" in (app / "function_app.py").read_text()
    assert funcemu("new", "one", app, "--name", "two").code == 2
    assert funcemu("settings", "add", "COLOUR", "red", app).code == 0
    assert funcemu("settings", "delete", "COLOUR", app).code == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        # Refused for the port, so everything else was understood.
        for words in (
            ("host", "start", "--script-root", app, "-p", port),
            ("start", f"--prefix={app}", "--port", port, "-t", "30", "--no-build"),
        ):
            done = funcemu(*words, cwd=tmp_path)
            assert done.code == 1
            assert f"Port {port} is unavailable" in done.err
    done = funcemu("start", "--script-root", app / "none")
    assert f"There is no folder '{app / 'none'}'" in done.err
    assert "There is no command 'host'" in funcemu("host").err
