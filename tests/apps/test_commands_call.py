"""`funcemu call`, `exec`: functions run without `start`."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from tests.support.commands import funcemu, processes_of
from tests.support.patience import PATIENCE
from tests.support.serving import FUNCEMU, environment, served, write_app

CODE = """
import json
import logging
import os
import azure.functions as func

app = func.FunctionApp(http_auth_level="FUNCTION")


@app.route(route="echo/{id:int}/{rest?}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("about to echo")
    print("printed by the app")
    shown = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.route_params),
        "query": dict(req.params),
        "header": req.headers.get("X-Mine"),
        "body": req.get_body().decode(),
    }
    return func.HttpResponse(json.dumps(shown), status_code=418, headers={"X-A": "b"})


@app.route(route="plain")
def plain(req: func.HttpRequest) -> str:
    return f"Hello {req.params.get('name', 'nobody')}"


@app.route(route="binary")
def binary(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(bytes([0, 255, 1]))


@app.route(route="fails")
def fails(req: func.HttpRequest) -> str:
    raise ValueError("broken on purpose")


@app.assistant_skill_trigger(arg_name="task", function_description="Says a task")
def skill(task: str) -> str:
    return f"got {task!r}"


@app.assistant_skill_trigger(arg_name="task", function_description="Fails at a task")
def bad_skill(task: str) -> str:
    raise KeyError(task)


@app.assistant_skill_trigger(arg_name="task", function_description="Says nothing")
def silent(task: str) -> None:
    pass
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_app(tmp_path_factory.mktemp("app"), {"function_app.py": CODE})


def test_an_http_function_is_called_through_its_route(app: Path) -> None:
    done = funcemu(
        "call", "echo", app, "--path", "echo/7", "--query", "a=1", "-q", "a=2", "-q", "empty=",
        "--header", "X-Mine: yes", "--body", "text", "--output", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    told = done.json
    assert told["outcome"] == "succeeded"
    assert told["response"]["status"] == 418
    assert ["x-a", "b"] in [[name.lower(), value] for name, value in told["response"]["headers"]]
    import json

    assert json.loads(told["response"]["body"]) == {
        "method": "POST",
        "url": "http://localhost/api/echo/7?a=1&a=2&empty=",
        "params": {"id": "7"},
        "query": {"a": "1,2"},
        "header": "yes",
        "body": "text",
    }
    assert "about to echo" in done.err
    assert "printed by the app" in done.err
    assert processes_of(app) == []


def test_people_see_status_line_headers_and_body(app: Path) -> None:
    done = funcemu("call", "plain", app, "--query", "name=Ada")
    head, _, body = done.out.partition("\n\n")
    assert head.splitlines()[0] == "HTTP 200 OK"
    assert "content-type: text/plain; charset=utf-8" in head
    assert body == "Hello Ada"


def test_a_sample_fits_the_route(app: Path) -> None:
    done = funcemu("call", "echo", app, "--sample", "--output", "json")
    assert done.code == 0, done.err
    assert '"params": {"id": "1"}' in done.json["response"]["body"]
    assert "Hello Azure" in funcemu("call", "plain", app, "--sample").out


def test_a_route_with_parameters_asks_for_a_path(app: Path) -> None:
    done = funcemu("call", "echo", app)
    assert done.code == 1
    assert "has a part that you must fill: /api/echo/{id:int}/{rest?}" in done.err
    assert "--path /api/echo/1" in done.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--path", "/api/plain"], "is answered by the function 'plain', not by 'echo'"),
        (["--path", "/nowhere"], "is answered by no function"),
        (["--path", "echo/x"], "is answered by no function"),
        (["--path", "echo/1", "--method", "PUT"], "'echo' answers GET, POST on"),
    ],
)
def test_an_address_of_somebody_else_is_refused(app: Path, arguments: list[str], told: str) -> None:
    done = funcemu("call", "echo", app, *arguments)
    assert done.code == 1
    assert told in done.err


def test_a_failure_shows_the_users_traceback_and_is_exit_code_1(app: Path) -> None:
    done = funcemu("call", "fails", app, "--output", "json")
    assert done.code == 1
    assert "ValueError: broken on purpose" in done.err
    assert 'raise ValueError("broken on purpose")' in done.err
    assert "site-packages" not in done.err
    assert done.json["error"]["type"] == "ValueError"


def test_bytes_go_out_as_they_are_and_into_json_as_base64(app: Path) -> None:
    assert funcemu("call", "binary", app, "--output", "json").json["response"]["bodyBase64"] == (
        "AP8B"
    )


def test_other_triggers_take_an_input_and_give_their_return_value(app: Path) -> None:
    assert funcemu("call", "skill", app, "--input", "call my dad").out == "got 'call my dad'\n"
    assert funcemu("call", "SKILL", app, "--sample").out == "got 'Call my dad'\n"
    assert funcemu("call", "skill", app, "--input", "-", given="piped").out == "got 'piped'\n"
    silent = funcemu("call", "silent", app)
    assert (silent.code, silent.out) == (0, "")
    assert "ran in" in silent.err


def test_an_input_can_be_a_file(app: Path, tmp_path: Path) -> None:
    file = tmp_path / "input.txt"
    file.write_text("from a file", "utf-8")
    assert funcemu("call", "skill", app, "--input", f"@{file}").out == "got 'from a file'\n"
    missing = funcemu("call", "skill", app, "--input", "@/nowhere")
    assert missing.code == 2
    assert "/nowhere cannot be read" in missing.err


def test_a_skill_that_fails_is_exit_code_1(app: Path) -> None:
    done = funcemu("call", "bad_skill", app, "--input", "x")
    assert (done.code, done.out) == (1, "")
    assert "KeyError: 'x'" in done.err


def test_options_of_http_are_refused_for_others(app: Path) -> None:
    done = funcemu("call", "skill", app, "--method", "GET")
    assert done.code == 2
    assert "the trigger of 'skill' is assistantSkillTrigger" in " ".join(done.err.split())


def test_an_unknown_function_suggests_one(app: Path) -> None:
    done = funcemu("call", "ekho", app)
    assert done.code == 1
    assert "There is no function 'ekho'" in done.err
    assert "Did you mean 'echo'?" in done.err


def test_a_function_in_error_says_why(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        {
            "bad/function.json": '{"bindings": [{"type": "nopeTrigger", "name": "x"}]}',
            "bad/__init__.py": "def main(x): pass\n",
        },
    )
    done = funcemu("call", "bad", app)
    assert done.code == 1
    assert "nopeTrigger" in done.err


def test_an_app_that_cannot_be_imported_is_told_and_nothing_is_called(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": "import nothing_like_this\n"})
    done = funcemu("call", "x", app)
    assert done.code == 1
    assert "No module named 'nothing_like_this'" in done.err


def test_a_broken_host_json_is_told(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE, "host.json": "{"})
    done = funcemu("call", "plain", app)
    assert done.code == 1
    assert "host.json" in done.err


def test_state_is_kept_unless_ephemeral(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE})
    funcemu("call", "plain", app, "--ephemeral")
    assert not (app / ".funcemu").exists()
    funcemu("call", "plain", app)
    assert (app / ".funcemu" / "journal.db").exists()


async def test_exec_serves_while_the_command_runs(app: Path) -> None:
    script = (
        "import os, urllib.request as r\n"
        "assert os.environ['FUNCTIONS_URL'] == os.environ['FUNCEMU_URL']\n"
        "print(r.urlopen(os.environ['FUNCEMU_URL'] + '/api/plain?name=Bo').read().decode())\n"
        "raise SystemExit(7)\n"
    )
    done = await asyncio.to_thread(
        funcemu, "exec", app, "--ephemeral", "--", sys.executable, "-c", script
    )
    assert (done.code, done.out) == (7, "Hello Bo\n")
    assert "GET /api/plain → 200" in done.err
    assert processes_of(app) == []


def test_exec_without_a_command_says_how(app: Path) -> None:
    done = funcemu("exec", app)
    assert done.code == 2
    assert "funcemu exec -- pytest" in done.err


def test_exec_of_a_program_that_does_not_exist_is_told(app: Path) -> None:
    done = funcemu("exec", app, "--ephemeral", "--", "no-such-program")
    assert done.code == 1
    assert "The command 'no-such-program' cannot be run" in done.err
    assert processes_of(app) == []


def test_exec_does_not_run_the_command_when_the_app_is_broken(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": "import nothing_like_this\n"})
    mark = tmp_path / "ran"
    done = funcemu("exec", app, "--", "touch", mark)
    assert done.code == 1
    assert "nothing_like_this" in done.err
    assert done.err.count("Current sys.path: ") == 1
    assert not mark.exists()


def test_exec_tells_one_default_of_its_port() -> None:
    told = " ".join(funcemu("exec", "--help").out.split())
    assert "The port to listen on; without it, or with 0, a free one. --address" in told
    assert "7071" not in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_command_and_the_host(app: Path, number: signal.Signals) -> None:
    script = "import time\nprint('begun', flush=True)\ntime.sleep(60)\n"
    process = await asyncio.create_subprocess_exec(
        FUNCEMU, "exec", app, "--ephemeral", "--", sys.executable, "-c", script,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment({}),
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    process.send_signal(number)
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 128 + number
    assert processes_of(app) == []


async def test_calls_may_be_made_beside_a_running_host(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE})
    async with served(app, state=app / ".funcemu"):
        done = await asyncio.to_thread(funcemu, "call", "plain", app)
    assert done.out.endswith("Hello nobody")


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
