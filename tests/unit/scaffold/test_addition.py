"""Functions are added to an app without touching what it has."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from emulator.config.jsonc import parse
from emulator.errors import ConfigError
from emulator.scaffold.addition import add, merge, model_of
from emulator.scaffold.catalogue import find_template, template_files
from tests.support.serving import write_app

APP = '''"""My app."""

import os
import azure.functions as func

web = func.FunctionApp()  # mine


@web.route(route="x")
def mine(req: func.HttpRequest) -> str:
    return os.getcwd()  # stays
'''


def http(name: str) -> str:
    return template_files(find_template("http"), "v2", name)["function_app.py"]


def test_functions_come_last_and_everything_else_stays() -> None:
    merged = merge(APP, http("greet"))
    assert merged.startswith(APP)
    assert "def greet(req" in merged
    assert merged.count("import azure.functions as func") == 1
    ast.parse(merged)


def test_the_app_keeps_its_name() -> None:
    assert '@web.route(route="greet"' in merge(APP, http("greet"))


def test_imports_that_are_missing_come_behind_the_others() -> None:
    completion = template_files(find_template("completion"), "v2", "ask")["function_app.py"]
    lines = merge(APP, completion).splitlines()
    assert lines.index("import json") == lines.index("import azure.functions as func") + 1


def test_an_app_without_imports_gets_them_behind_its_docstring() -> None:
    source = '"""Doc."""\nfrom_elsewhere = 1\napp = FunctionApp()\n'
    lines = merge(source, http("greet")).splitlines()
    assert lines[:2] == ['"""Doc."""', "import azure.functions as func"]


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"function_app\.py has mine already"):
        merge(APP, http("mine"))


def test_a_file_that_makes_no_app_is_refused() -> None:
    with pytest.raises(ConfigError, match="makes no FunctionApp"):
        merge("import azure.functions as func\n", http("greet"))


def test_a_file_that_is_no_python_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match="is not valid Python") as told:
        merge("x = 1\ndef (:\n", http("greet"))
    assert str(told.value.where) == "function_app.py:2"


def test_settings_and_host_json_get_what_they_lack(tmp_path: Path) -> None:
    settings = (
        '{\n  "IsEncrypted": false,\n  "Values": {\n    "AzureOpenAI__Key": "mine" // !\n  }\n}\n'
    )
    app = write_app(tmp_path, {"function_app.py": APP, "local.settings.json": settings})
    done = add(app, find_template("search"), "v2", "docs", force=False)
    assert set(done.written) >= {"function_app.py", "host.json", "local.settings.json"}
    text = (app / "local.settings.json").read_text("utf-8")
    values = parse(text, "f").value["Values"]
    assert "// !" in text
    assert values["AzureOpenAI__Key"] == "mine"
    assert values["SearchEndpoint__endpoint"].startswith("<https://")
    host = json.loads((app / "host.json").read_text("utf-8"))
    assert host["version"] == "2.0"
    assert host["extensions"]["openai"]["searchProvider"] == {"type": "azureAISearch"}


def test_the_usual_bundle_makes_way_for_the_one_with_the_bindings(tmp_path: Path) -> None:
    bundle = "Microsoft.Azure.Functions.ExtensionBundle"
    for given, wanted in ((bundle, f"{bundle}.Preview"), ("Mine", "Mine")):
        text = json.dumps({"version": "2.0", "extensionBundle": {"id": given, "version": "[4, 5)"}})
        app = write_app(tmp_path / given, {"function_app.py": APP, "host.json": text})
        add(app, find_template("assistant"), "v2", "a", force=False)
        host = json.loads((app / "host.json").read_text("utf-8"))
        assert host["extensionBundle"]["id"] == wanted


def test_folders_that_exist_are_refused_unless_forced(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"hello/function.json": "{}"})
    with pytest.raises(ConfigError, match="hello exists already"):
        add(app, find_template("http"), "v1", "hello", force=False)
    assert (app / "hello" / "function.json").read_text("utf-8") == "{}"
    add(app, find_template("http"), "v1", "hello", force=True)
    assert "httpTrigger" in (app / "hello" / "function.json").read_text("utf-8")


def test_the_model_of_an_app_is_seen_in_its_files(tmp_path: Path) -> None:
    assert model_of(tmp_path) == "v2"
    write_app(tmp_path, {"hello/function.json": "{}"})
    assert model_of(tmp_path) == "v1"
    write_app(tmp_path, {"function_app.py": ""})
    assert model_of(tmp_path) == "v2"


def test_requests_to_try_get_a_file_of_their_own(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": APP, "demo.http": "mine"})
    add(app, find_template("http"), "v2", "greet", force=False)
    assert (app / "demo.http").read_text("utf-8") == "mine"
    assert "{{host}}/greet" in (app / "greet.http").read_text("utf-8")
