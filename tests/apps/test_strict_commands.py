"""`funcemu check` and `funcemu start --strict`, as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.findings import (
    HELLO,
    decorated,
    folders,
    http,
)
from tests.support.patience import PATIENCE
from tests.support.serving import FIXTURES, FUNCEMU, environment, served, write_app

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FUNCEMU, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=environment(settings),
    )


def test_check_tells_what_where_azure_and_what_to_do(tmp_path: Path) -> None:
    app = write_app(tmp_path, decorated("@app.route(route='/x')\ndef f(req) -> str: ...\n"))
    before = sorted(tmp_path.rglob("*"))
    done = run("check", app)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "info: The route '/x' of function 'f' is taken as 'x' [route-leading-slash]",
        "  at function_app.py:3",
        "  On Azure: The whole host fails to start, with every function of the app, and keeps "
        "trying.",
        "  → Write 'x', or set routePrefix in host.json to an empty text.",
        "1 function: 1 difference from Azure.",
        "Exit code 1: one thing is otherwise on Azure.",
    ]
    left = {path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts}
    assert left == set(before)


def test_check_says_that_there_is_nothing_to_mend(tmp_path: Path) -> None:
    done = run("check", write_app(tmp_path, decorated()))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 function: nothing to mend, here or on Azure.\n"


def test_check_answers_machines(tmp_path: Path) -> None:
    done = run("check", write_app(tmp_path, folders(http(route="/x"))), "--output", "json")
    assert done.returncode == 1
    record = json.loads(done.stdout)
    assert (record["event"], record["good"], record["functions"]) == ("checked", False, ["old"])
    (problem,) = record["problems"]
    assert (problem["code"], problem["severity"]) == ("route-leading-slash", "info")
    assert problem["azure"].startswith("The whole host fails")
    assert problem["where"] == "old/function.json"


def test_check_tells_all_of_a_broken_host_json(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"host.json": "{", "local.settings.json": '{"Values": {"A": "1"}}'})
    done = run("check", app, "--output", "json")
    codes = [problem["code"] for problem in json.loads(done.stdout)["problems"]]
    assert codes == ["host-json-invalid", "settings-is-encrypted-missing"]


def test_check_tells_that_no_interpreter_can_run_the_app(tmp_path: Path) -> None:
    app = write_app(tmp_path, decorated())
    done = run("check", app, "--python", "/nowhere/python", "--output", "json")
    assert done.returncode == 1
    (problem,) = json.loads(done.stdout)["problems"]
    assert "/nowhere/python" in problem["message"]


def test_what_the_code_prints_while_it_is_imported_is_no_part_of_the_answer(
    tmp_path: Path,
) -> None:
    app = write_app(tmp_path, decorated("print('imported')\n" + HELLO))
    done = run("check", app, "--output", "json")
    assert json.loads(done.stdout)["good"]
    assert "imported" in done.stderr


def test_check_leaves_no_process_behind(tmp_path: Path) -> None:
    marker = tmp_path / "worker.pid"
    code = f"import os\nopen({str(marker)!r}, 'w').write(str(os.getpid()))\n" + HELLO
    assert run("check", write_app(tmp_path / "app", decorated(code))).returncode == 0
    assert not Path(f"/proc/{marker.read_text()}").exists()


@pytest.mark.parametrize("output", ["plain", "json"])
def test_a_strict_start_refuses_to_serve(tmp_path: Path, output: str) -> None:
    app = write_app(tmp_path, folders(http(route="/x")))
    done = run("start", app, "--port", "0", "--ephemeral", "--strict", "--output", output)
    assert done.returncode == 1
    assert "http://localhost" not in done.stdout
    if output == "json":
        record = json.loads(done.stdout.splitlines()[-1])
        assert record["event"] == "generation-failed"
        assert record["problems"][0]["azure"].startswith("The whole host fails")
    else:
        assert "  On Azure: The whole host fails to start" in done.stdout
        assert done.stdout.splitlines()[-1] == "Not started: 1 difference from Azure."


async def test_a_strict_start_serves_a_sound_app(tmp_path: Path) -> None:
    app = write_app(tmp_path, decorated())
    async with served(app, "--strict") as host:
        assert (await host.get("/api/hello")).text == "hi"


async def test_a_strict_host_keeps_what_serves_when_a_save_brings_a_finding(
    tmp_path: Path,
) -> None:
    app = write_app(tmp_path, decorated())
    async with served(app, "--strict", "--watch") as host:
        assert (await host.get("/api/hello")).text == "hi"
        text = (app / "function_app.py").read_text().replace("'hello'", "'/hello'")
        (app / "function_app.py").write_text(text.replace("'hi'", "'changed'"))
        await host.until_printed("Not reloaded; generation 1 still answers")
        await host.until_printed("On Azure: The whole host fails")
        assert (await host.get("/api/hello")).text == "hi"


async def test_without_strict_what_matters_on_azure_only_is_not_shown(channel: str) -> None:
    app = FIXTURES / "apps/bench_hello"
    async with served(app, channel=channel) as host:
        assert "worker-runtime-missing" not in host.printed
        status = (await host.get("/admin/host/status")).json
        assert "problems" not in status
        assert "FUNCTIONS_WORKER_RUNTIME" not in (await host.get("/")).text
