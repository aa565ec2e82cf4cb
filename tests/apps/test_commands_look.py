"""`funcemu functions`, `bindings`, `settings`, `doctor`, `explain`, `completion`."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import funcemu, processes_of
from tests.support.ports import free_port
from tests.support.serving import FIXTURES, FUNCEMU, ROOT, environment, served, write_app

ASSISTANT = FIXTURES / "assistant"
CODE = """
import os
import azure.functions as func

app = func.FunctionApp()
colour = os.environ.get("COLOUR")


@app.route(route="b", methods=["POST"])
def second(req: func.HttpRequest) -> str:
    return "b"


@app.route(route="a/{id}")
def first(req: func.HttpRequest) -> str:
    return "a"
"""
SETTINGS = """{
  "IsEncrypted": false,
  "Values": {
    // the colour
    "COLOUR": "blue",
    "MY_API_KEY": "sk-very-secret-thing",
    "AzureWebJobs.second.Disabled": "true"
  }
}
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path, {"function_app.py": CODE, "local.settings.json": SETTINGS})


def test_functions_are_listed_with_all_that_matters(app: Path) -> None:
    done = funcemu("functions", app, "--output", "json")
    assert done.code == 0, done.err
    first, second = done.json["functions"]
    assert first == {
        "name": "first",
        "trigger": "httpTrigger",
        "methods": [],
        "url": "http://localhost:7071/api/a/{id}",
        "source": "function_app.py:14",
        "state": "ready",
        "problems": [],
    }
    assert (second["state"], second["methods"]) == ("disabled", ["POST"])
    assert processes_of(app) == []
    assert not (app / ".funcemu").exists()


def test_functions_are_a_table_for_people(app: Path) -> None:
    lines = funcemu("functions", app).out.splitlines()
    assert lines[0].split() == [
        "first", "httpTrigger", "http://localhost:7071/api/a/{id}", "function_app.py:14",
    ]  # fmt: skip
    assert lines[1].split()[-1] == "disabled"


def test_functions_in_error_are_listed_and_are_exit_code_1(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        {
            "good/function.json": '{"bindings": [{"type": "httpTrigger", "name": "req"}]}',
            "good/__init__.py": "def main(req): pass\n",
            "bad/function.json": '{"bindings": []}',
            "bad/__init__.py": "def main(req): pass\n",
        },
    )
    done = funcemu("functions", app, "--output", "json")
    assert done.code == 1
    states = {each["name"]: each["state"] for each in done.json["functions"]}
    assert states == {"bad": "in error", "good": "ready"}
    assert [each["code"] for each in done.json["problems"] if each["function"] == "bad"] == [
        "bindings-missing"
    ]
    assert "bindings-missing" in funcemu("functions", app).out


def test_explain_lists_every_candidate(app: Path) -> None:
    (app / "lib").mkdir()
    done = funcemu("functions", app, "--explain", "--output", "json")
    found = {each["path"]: each for each in done.json["candidates"]}
    assert found["function_app.py"]["taken"]
    assert found["lib/"]["reason"] == "it has no function.json"
    assert "What was looked at:" in funcemu("functions", app, "--explain").out


def test_binding_types_are_listed_with_their_package() -> None:
    done = funcemu("bindings", "--output", "json")
    types = {each["type"]: each for each in done.json}
    assert types["httpTrigger"]["package"] == "funcemu"
    assert types["httpTrigger"]["summary"].endswith(".")
    assert types["postUserQuery"]["summary"] == "Another name for assistantPost."
    assert "assistantSkillTrigger" in funcemu("bindings").out


def test_one_binding_type_is_told_in_full() -> None:
    told = funcemu("bindings", "assistantpost").out
    assert [line.split()[1:] for line in told.splitlines() if line.startswith("  model ")] == [
        ["an", "old", "name", "of", "chatModel"]
    ]
    assert "Also understood as: chatBotPost, postUserQuery." in told
    assert "text, required, replaces %SETTING% and {data}" in told
    assert "Differences from Azure:" in told
    shown = funcemu("bindings", "postUserQuery", "--output", "json").json
    assert shown["type"] == "assistantPost"
    assert {"id", "userMessage"} <= {each["name"] for each in shown["options"]}


def test_a_package_that_is_installed_elsewhere_is_listed_too() -> None:
    package = str(FIXTURES / "binding_package")
    done = funcemu("bindings", settings={"PYTHONPATH": package})
    assert "httpTrigger" in done.out


def test_an_unknown_binding_type_suggests_one() -> None:
    done = funcemu("bindings", "htpTrigger")
    assert done.code == 1
    assert "Did you mean 'httpTrigger'?" in done.err


def test_settings_are_listed_masked_with_their_source(app: Path) -> None:
    done = funcemu("settings", "list", app, settings={"COLOUR": "red"})
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert "sk-very" not in done.out
    assert lines["MY_API_KEY"].split()[1:] == ["*****", "local.settings.json:6"]
    assert "red" in lines["COLOUR"]
    assert "environment (hides local.settings.json:5)" in lines["COLOUR"]
    assert "sk-very-secret-thing" in funcemu("settings", "list", app, "--show-values").out
    assert "PATH" not in lines
    assert "PATH" in funcemu("settings", "list", app, "--all").out
    shown = {
        each["name"]: each for each in funcemu("settings", "list", app, "--output", "json").json
    }
    assert shown["MY_API_KEY"]["value"] == "*****"


def test_one_setting_is_read(app: Path) -> None:
    assert funcemu("settings", "get", "colour", app).out == "blue\n"
    missing = funcemu("settings", "get", "COLOR", app)
    assert missing.code == 1
    assert "Did you mean 'COLOUR'?" in missing.err


def test_a_setting_is_written_without_touching_the_rest(app: Path) -> None:
    assert funcemu("settings", "set", "COLOUR", "green", app).code == 0
    assert funcemu("settings", "set", "NEW", 'a "b"', app).code == 0
    text = (app / "local.settings.json").read_text("utf-8")
    assert text == SETTINGS.replace('"blue"', '"green"').replace(
        '"true"\n', '"true",\n    "NEW": "a \\"b\\""\n'
    )


def test_a_setting_is_removed_without_touching_the_rest(app: Path) -> None:
    assert funcemu("settings", "set", "NEW", "x", app).code == 0
    assert funcemu("settings", "remove", "new", app).code == 0
    assert (app / "local.settings.json").read_text("utf-8") == SETTINGS
    missing = funcemu("settings", "remove", "COLOR", app)
    assert missing.code == 1
    assert "Did you mean 'COLOUR'?" in missing.err
    elsewhere = funcemu("settings", "remove", "SHADE", app, settings={"SHADE": "dark"})
    assert elsewhere.code == 1
    assert "It comes from environment" in elsewhere.err


def test_a_file_that_is_missing_is_made(tmp_path: Path) -> None:
    assert funcemu("settings", "set", "A", "b", cwd=tmp_path).code == 0
    assert json.loads((tmp_path / "local.settings.json").read_text("utf-8")) == {
        "IsEncrypted": False,
        "Values": {"A": "b"},
    }
    assert funcemu("settings", "get", "A", cwd=tmp_path).out == "b\n"


def test_writing_says_when_another_value_wins(app: Path) -> None:
    done = funcemu("settings", "set", "COLOUR", "green", app, settings={"COLOUR": "red"})
    assert done.code == 0
    assert "the value of environment wins" in done.err


@pytest.mark.parametrize("content", ["{", '{"IsEncrypted": true, "Values": {}}'])
def test_a_file_that_cannot_be_edited_stays_as_it_is(tmp_path: Path, content: str) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text(content, "utf-8")
    assert funcemu("settings", "set", "A", "b", tmp_path).code == 1
    assert file.read_text("utf-8") == content


def test_a_setting_is_explained(app: Path) -> None:
    done = funcemu("settings", "explain", "COLOUR", app, settings={"COLOUR": "red"})
    assert done.code == 0
    assert "COLOUR = red" in done.out
    assert "from     environment" in done.out
    assert "hides    local.settings.json:5 (another value)" in done.out
    assert "function_app.py:6" in done.out
    assert processes_of(app) == []


def test_bindings_that_use_a_setting_are_named() -> None:
    done = funcemu("settings", "explain", "AzureOpenAI__Key", ASSISTANT, "--output", "json")
    assert [each["who"] for each in done.json["uses"]][0] == (
        "PostUserQuery: aiConnectionName of the assistantPost binding 'state'"
    )
    model = funcemu("settings", "explain", "CHAT_MODEL_DEPLOYMENT_NAME", ASSISTANT)
    assert "PostUserQuery: chatModel of the assistantPost binding 'state'" in model.out


def test_the_hosts_own_settings_have_a_purpose(app: Path) -> None:
    done = funcemu("settings", "explain", "PYTHON_THREADPOOL_THREAD_COUNT", app)
    assert done.code == 1
    assert "PYTHON_THREADPOOL_THREAD_COUNT is not set." in done.out
    assert "The worker runs that many sync functions at once." in done.out


def test_the_doctor_finds_nothing_wrong_with_a_sound_app() -> None:
    port = str(free_port())
    done = funcemu("doctor", ASSISTANT, "--port", port, "--output", "json")
    assert done.code == 0, done.out
    told = "\n".join(each["text"] for each in done.json)
    assert {each["level"] for each in done.json} == {"good"}
    assert "The app runs on Python 3." in told
    assert "azure-functions" in told
    assert f"Port {port} is free." in told
    assert "The connection 'AzureOpenAI' is served by: script model-script.yaml" in told
    assert "Chats of 'AzureWebJobsStorage' are kept in the embedded store." in told
    assert processes_of(ASSISTANT) == []


def test_the_doctor_names_the_setting_that_decides_and_never_its_value() -> None:
    settings = {
        "AZURE_OPENAI_ENDPOINT": "https://secret-place.example",
        "AZURE_OPENAI_KEY": "abcdefg",
    }
    done = funcemu("doctor", FIXTURES / "retrieval", "--port", "0", settings=settings)
    assert "abcdefg" not in done.out + done.err
    openai = {"OPENAI_API_KEY": "sk-abcdefghijklmnop"}
    told = funcemu("doctor", ASSISTANT, "--port", "0", settings=openai).out
    assert "is served by OpenAI: its usual address, key from OPENAI_API_KEY, environment." in told
    assert "sk-abc" not in told


def test_the_doctor_is_exit_code_1_when_something_is_bad(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        {
            "function_app.py": CODE,
            "local.settings.json": '{"IsEncrypted": false, "Values": {'
            '"FUNCTIONS_WORKER_RUNTME": "python", "AzureWebJobs.nobody.Disabled": "1",'
            '"MyStorage": "UseDevelopmentStorage=true"}}',
        },
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = funcemu(
            "doctor", app, "--port", str(port), "--output", "json",
            settings={"AZURE_CLIENT_SECRET": "x"},
        )  # fmt: skip
    assert done.code == 1
    found = {(each["level"], each["text"]): each.get("nextStep", "") for each in done.json}
    assert "--port 0" in found["bad", f"Port {port} of 127.0.0.1 is taken."]
    typo = "Nothing reads the setting FUNCTIONS_WORKER_RUNTME (local.settings.json:1)."
    assert found["warn", typo] == "Did you mean FUNCTIONS_WORKER_RUNTIME?"
    assert any("disables a function that does not exist" in text for _, text in found)
    assert any("it cannot sign in" in text for _, text in found)
    assert any(level == "warn" and "MyStorage points to Azurite" in t for level, t in found)


def test_the_doctor_tells_of_a_python_that_cannot_run_the_app(app: Path) -> None:
    done = funcemu("doctor", app, "--port", "0", "--python", "/nowhere/python")
    assert done.code == 1
    assert "bad   There is no Python at /nowhere/python" in done.out


def test_the_doctor_tells_of_broken_files_and_code(tmp_path: Path) -> None:
    app = write_app(tmp_path / "a", {"function_app.py": "import nothing_like_this\n"})
    done = funcemu("doctor", app, "--port", "0")
    assert done.code == 1
    assert "nothing_like_this" in done.out
    broken = write_app(tmp_path / "b", {"function_app.py": CODE, "host.json": "{"})
    done = funcemu("doctor", broken, "--port", "0")
    assert done.code == 1
    assert "[host-json-invalid]" in done.out


async def test_the_doctor_knows_the_host_that_serves_the_app(app: Path) -> None:
    import asyncio

    async with served(app, state=app / ".funcemu") as host:
        port = host.url.rpartition(":")[2]
        done = await asyncio.to_thread(funcemu, "doctor", app, "--port", port)
    assert f"This app is being served already: {host.url}." in done.out


def test_a_code_is_explained() -> None:
    done = funcemu("explain", "[route-conflict]")
    assert done.out.splitlines()[0] == "Two functions want one route. [route-conflict]"
    assert done.out.splitlines()[-1].startswith("→ Give one of them another route")
    unknown = funcemu("explain", "route-conflikt")
    assert unknown.code == 1
    assert "Did you mean 'route-conflict'?" in unknown.err
    assert len(funcemu("explain", "--output", "json").json) > 100


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_a_script(shell: str) -> None:
    done = funcemu("completion", shell)
    assert done.code == 0
    assert "_FUNCEMU_COMPLETE" in done.out


def test_tab_completes_commands_and_options() -> None:
    def completed(words: str, at: int) -> list[str]:
        done = subprocess.run(
            [FUNCEMU],
            capture_output=True,
            text=True,
            check=True,
            env=environment(
                {"_FUNCEMU_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
            ),
        )
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert completed("funcemu set", 1) == ["settings"]
    assert "chats" in completed("funcemu ch", 1)
    assert "--port" in completed("funcemu start --po", 2)
    assert "explain" in completed("funcemu settings e", 2)


def test_every_command_stands_in_the_readme() -> None:
    from emulator.cli.main import _COMMANDS

    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in (*_COMMANDS, "chats") if f"funcemu {name}" not in readme] == []


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
