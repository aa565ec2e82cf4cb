"""Apps with mistakes: each takes down its own function, or the app is told to be unreadable."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosted import HEAD, hosted
from tests.support.patience import PATIENCE
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST = {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"}
RETURN = {"type": "http", "direction": "out", "name": "$return"}
MAIN = "def main(req):\n    return 'fine'\n"


def folder(name: str, *bindings: dict[str, Any], code: str = MAIN, **top: Any) -> dict[str, str]:
    declared = {"bindings": list(bindings), **top}
    return {f"{name}/function.json": json.dumps(declared), f"{name}/__init__.py": code}


def text(name: str, function_json: str) -> dict[str, str]:
    return {f"{name}/function.json": function_json, f"{name}/__init__.py": MAIN}


GOOD = folder("good", REQUEST, RETURN)

DECLARED = {
    # what the declaration is: the files, the error of the function
    "1bad": (folder("1bad", REQUEST, RETURN), "'1bad' is not a valid function name."),
    "host": (folder("host", REQUEST, RETURN), "'host' is not a valid function name."),
    "a.b": (folder("a.b", REQUEST, RETURN), "'a.b' is not a valid function name."),
    "two": (
        folder("two", REQUEST, {**REQUEST, "name": "other"}, RETURN),
        "Multiple trigger bindings defined. A function can only have a single trigger binding.",
    ),
    "none": (
        folder("none", RETURN),
        "No trigger binding specified. A function must have a trigger input binding.",
    ),
    "empty": (folder("empty"), "At least one binding must be declared."),
    "missing": (text("missing", '{"scriptFile": "__init__.py"}'),
                "At least one binding must be declared."),
    "named": (
        folder("named", {**REQUEST, "name": "my__req"}, RETURN),
        "The binding name my__req is invalid. Please assign a valid name to the binding.",
    ),
    "dashed": (
        folder("dashed", {**REQUEST, "name": "my-req"}, RETURN),
        "The binding name my-req is invalid. Please assign a valid name to the binding.",
    ),
    "typeless": (
        folder("typeless", REQUEST, {"direction": "out", "name": "x"}),
        "Binding 'x' is invalid. Bindings must specify a Type.",
    ),
    "sideways": (
        folder("sideways", REQUEST, {**RETURN, "direction": "sideways"}),
        "'sideways' is not a valid binding direction.",
    ),
    "returned": (
        folder("returned", REQUEST, {**RETURN, "direction": "in"}),
        "$return bindings must specify a direction of 'out'.",
    ),
    "twice": (
        folder("twice", REQUEST, {**RETURN, "name": "REQ"}),
        "Multiple bindings with name 'REQ' discovered. Binding names must be unique.",
    ),
    "unknown": (
        folder("unknown", REQUEST, {"type": "httpTriger", "direction": "out", "name": "x"}),
        "The binding type(s) 'httpTriger' are not registered. Please ensure the type is correct "
        "and the binding extension is installed.",
    ),
    "unknowns": (
        folder("unknowns", REQUEST, {"type": "zeta", "direction": "out", "name": "x"},
               {"type": "alpha", "direction": "in", "name": "y"}),
        "The binding type(s) 'alpha, zeta' are not registered.",
    ),
    "input": (
        folder("input", REQUEST, {**RETURN, "name": "x", "direction": "in"}),
        "Http binding can only be used for output.",
    ),
    "typed": (
        folder("typed", {**REQUEST, "methods": "get"}, RETURN),
        "Unable to configure binding 'req' of type 'httpTrigger'. This may indicate invalid "
        "function.json properties",
    ),
    "level": (
        folder("level", {**REQUEST, "authLevel": "nobody"}, RETURN),
        "Error parsing function.json: Invalid value specified for binding property 'authLevel' of "
        "enum type AuthorizationLevel.",
    ),
    "data": (
        folder("data", {**REQUEST, "dataType": "many"}, RETURN),
        "Invalid value specified for binding property 'dataType' of enum type DataType.",
    ),
    "scriptless": (
        folder("scriptless", REQUEST, RETURN, scriptFile="nowhere.py"),
        "Invalid script file name configuration. The 'scriptFile' property is set to a file that "
        "does not exist.",
    ),
    "undetermined": (
        {"undetermined/function.json": json.dumps({"bindings": [REQUEST, RETURN]}),
         "undetermined/one.py": MAIN, "undetermined/two.py": MAIN},
        "Unable to determine the primary function script.",
    ),
    "retrying": (
        folder("retrying", REQUEST, RETURN, retry={"strategy": "fixedDelay"}),
        "(Parameter 'maxRetryCount')",
    ),
    "broken": (text("broken", '{"bindings": ['), "JSON"),
    "listed": (text("listed", "[]"), "listed/function.json is not an object"),
    "blank": (text("blank", ""), ""),
    "binary": (text("binary", "\x00\x01"), ""),
    "number": (text("number", '{"bindings": [5]}'), "A binding is not an object."),
}  # fmt: skip

declared = hosted(GOOD | {k: v for files, _ in DECLARED.values() for k, v in files.items()})


@pytest.mark.parametrize("name", DECLARED)
async def test_a_wrong_declaration_takes_down_its_own_function(declared: Served, name: str) -> None:
    assert (await declared.get(f"/api/{name}")).status == 404
    assert (await declared.get("/api/good")).text == "fine"
    status = await declared.get(f"/admin/functions/{name}/status")
    assert status.status == 200
    errors = status.json["errors"]
    assert any(DECLARED[name][1] in each for each in errors), errors
    await declared.until_printed(DECLARED[name][1])


async def test_sound_functions_are_listed_beside_wrong_ones(declared: Served) -> None:
    listed = [each["name"] for each in (await declared.get("/admin/functions")).json]
    assert "good" in listed
    assert "1bad" not in listed
    assert (await declared.get("/admin/host/status")).json["state"] == "Running"
    assert "Traceback" not in declared.printed


OUT = "import azure.functions as func\n"
LOADED = {
    "import": (
        folder("import", REQUEST, RETURN, code="import notfound\n" + MAIN),
        "ModuleNotFoundError: No module named 'notfound'. Cannot find module. Please check the "
        "requirements.txt file",
    ),
    "syntax": (folder("syntax", REQUEST, RETURN, code="def main(req:\n"), "SyntaxError: "),
    "raising": (folder("raising", REQUEST, RETURN, code="raise KeyError('start')\n"),
                "KeyError: 'start'"),
    "exiting": (folder("exiting", REQUEST, RETURN, code="raise SystemExit(2)\n"), "SystemExit: 2"),
    "entry": (
        folder("entry", REQUEST, RETURN, code="def other(req): ...\n"),
        "cannot load function entry: function main() is not present in entry",
    ),
    "uncallable": (
        folder("uncallable", REQUEST, RETURN, code="main = 5\n"),
        "cannot load function uncallable: function main() is not present in uncallable",
    ),
    "outside": (
        folder("outside", REQUEST, RETURN, scriptFile="../../elsewhere.py")
        | {"../elsewhere.py": MAIN},
        "elsewhere.py is not relative to the specified directory ",
    ),
    "spam": (
        folder("spam", REQUEST, RETURN, code="def main(req, spam): ...\n"),
        "FunctionLoadError: cannot load the spam function: the following parameters are declared "
        "in Python but not in function.json: {'spam'}",
    ),
    "eggs": (
        folder("eggs", REQUEST, {**RETURN, "name": "eggs"}),
        "the following parameters are declared in function.json but not in Python: {'eggs'}",
    ),
    "foo": (
        folder("foo", REQUEST, {**RETURN, "name": "foo"},
               code="def main(req, foo: str): ...\n"),
        'binding foo is declared to have the "out" direction, but its annotation in Python is not '
        "a subclass of azure.functions.Out",
    ),
    "bar": (
        folder("bar", REQUEST, RETURN,
               code=OUT + "def main(req: func.Out[func.HttpRequest]): ...\n"),
        'binding req is declared to have the "in" direction in function.json, but its annotation '
        "is azure.functions.Out in Python",
    ),
    "ints": (
        folder("ints", REQUEST, RETURN, code="def main(req: int): ...\n"),
        'type of req binding in function.json "httpTrigger" does not match its Python annotation '
        '"int"',
    ),
    "data_type": (
        folder("data_type", {**REQUEST, "dataType": "string"}, RETURN,
               code="def main(req: int): ...\n"),
        "'req' binding type \"httpTrigger\" and dataType \"1\" in function.json do not match the "
        'corresponding function parameter\'s Python type annotation "int"',
    ),
    "returning": (
        folder("returning", REQUEST, RETURN, code="def main(req) -> int: ...\n"),
        'Python return annotation "int" does not match binding type "http"',
    ),
    "contextual": (
        folder("contextual", REQUEST, RETURN, code="def main(req, context: int): ...\n"),
        'the "context" parameter is expected to be of type azure.functions.Context, got',
    ),
}  # fmt: skip

loaded = hosted(GOOD | {k: v for files, _ in LOADED.values() for k, v in files.items()})


@pytest.mark.parametrize("name", LOADED)
async def test_a_function_that_cannot_be_loaded_keeps_its_address_and_fails(
    loaded: Served, name: str
) -> None:
    answer = await loaded.get(f"/api/{name}")
    assert (answer.status, answer.body) == (500, b"")
    await loaded.until_printed(f"Executed 'Functions.{name}' (Failed, Id=")
    errors = (await loaded.get(f"/admin/functions/{name}/status")).json["errors"]
    assert LOADED[name][1] in errors[0]
    await loaded.until_printed(f"Worker failed to load function: '{name}'")
    assert any(LOADED[name][1] in line for line in loaded.output if "Exception: " in line)
    assert (await loaded.get("/api/good")).text == "fine"


async def test_what_cannot_be_imported_is_told_with_the_path(loaded: Served) -> None:
    await loaded.get("/api/import")
    await loaded.until_printed("Current sys.path: ")
    await loaded.until_printed("https://aka.ms/functions-modulenotfound")


# the decorator model

FUNCTION = "@app.route(route='x')\ndef x(req: func.HttpRequest) -> str:\n    return 'x'\n"
UNREADABLE = {
    "import": ("import nowhere_to_be_found\n" + HEAD + FUNCTION,
               "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    "syntax": (HEAD + "def x(:\n", "SyntaxError: "),
    "indent": (HEAD + "  x = 1\n", "IndentationError: "),
    "raising": (HEAD + "raise RuntimeError('at import')\n", "RuntimeError: at import"),
    "exiting": (HEAD + "import sys\nsys.exit('gone')\n", "SystemExit: gone"),
    "interrupted": (HEAD + "raise KeyboardInterrupt\n", "KeyboardInterrupt"),
    "two apps": (
        HEAD + "other = func.FunctionApp()\n" + FUNCTION,
        "More than one FunctionApp or other top level function app instances are defined.",
    ),
    "blueprint": (
        "import azure.functions as func\nbp = func.Blueprint()\n",
        "Could not find top level function app instances in function_app.py.",
    ),
    "nothing": ("x = 1\n", "Could not find top level function app instances in function_app.py."),
    "duplicate": (
        HEAD + FUNCTION + FUNCTION,
        "Function x does not have a unique function name. Please change @app.function_name() or "
        "the function method name to be unique.",
    ),
    "no trigger": (
        HEAD + "@app.generic_output_binding(arg_name='o', type='http')\ndef x(o): ...\n",
        "does not have a trigger. A valid function must have one and only one trigger registered.",
    ),
    "two triggers": (
        HEAD + "@app.route(route='a')\n@app.route(route='b')\ndef x(req): ...\n",
        "A trigger was already registered to this function.",
    ),
    "decorated": (HEAD + "app.route(route='x')(5)\n", "Unsupported type for function app"),
    "nul": (HEAD + "\x00", "null bytes"),
    "lazy import": (HEAD + "from nowhere.at.all import x\n",
                    "ModuleNotFoundError: No module named 'nowhere'"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_app_that_cannot_be_read_answers_503_with_the_reason(
    tmp_path: Path, name: str
) -> None:
    code, told = UNREADABLE[name]
    app = write_app(tmp_path, {"function_app.py": code})
    async with served(app, channel="inprocess") as host:
        answer = await host.get("/api/x")
        assert answer.status == 503
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.text.startswith("Function host is not running.\n")
        assert told in answer.text
        status = (await host.get("/admin/host/status")).json
        assert status["state"] == "Error"
        assert told in status["errors"][0]
        await host.until_printed(told)
        await host.until_printed("Nothing is served on ")
        assert (await host.get("/admin/functions")).json == []
        assert (await host.post("/admin/functions/x", json={})).status == 503
        assert (await host.get("/admin/host/config")).status == 503
        assert (await host.get("/admin/host/ping")).status == 200
        home = await host.get("/")
        assert home.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("name", ["import", "syntax", "raising", "exiting", "two apps", "nothing"])
async def test_an_unreadable_app_leaves_a_real_host_up(tmp_path: Path, name: str) -> None:
    code, told = UNREADABLE[name]
    app = write_app(tmp_path, {"function_app.py": code})
    async with served(app) as host:
        async with asyncio.timeout(PATIENCE):
            answer = await host.get("/api/x")
        assert answer.status == 503
        assert told in answer.text
        assert host.process.returncode is None
        await host.until_printed("function_app.py")


async def test_the_traceback_of_an_unreadable_app_is_printed(tmp_path: Path, channel: str) -> None:
    code = HEAD + "def helper():\n    raise ValueError('deep')\nhelper()\n"
    app = write_app(tmp_path, {"function_app.py": code})
    async with served(app, channel=channel) as host:
        await host.until_printed("ValueError: deep")
        await host.until_printed("at function_app.py:4")
        await host.until_printed("in helper")
        assert "pyworker" not in host.printed


async def test_a_fault_in_a_blueprint_names_its_file(tmp_path: Path, channel: str) -> None:
    app = write_app(
        tmp_path,
        {
            "function_app.py": HEAD + "from parts.orders import bp\napp.register_functions(bp)\n",
            "parts/orders.py": "import azure.functions as func\nbp = func.Blueprint()\n1 / 0\n",
        },
    )
    async with served(app, channel=channel) as host:
        assert "parts/orders.py:3" in (await host.get("/api/x")).text
        await host.until_printed("ZeroDivisionError: division by zero")


async def test_the_script_may_have_another_name(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path, {"main.py": HEAD + FUNCTION})
    settings = {"PYTHON_SCRIPT_FILE_NAME": "main.py"}
    async with served(app, channel=channel, settings=settings) as host:
        assert (await host.get("/api/x")).text == "x"


@pytest.mark.parametrize("name", ["main", "a.b.py", "sub/main.py", ".py"])
async def test_a_script_name_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    app = write_app(tmp_path, {"main.py": HEAD + FUNCTION})
    settings = {"PYTHON_SCRIPT_FILE_NAME": name}
    async with served(app, channel="inprocess", settings=settings) as host:
        answer = await host.get("/api/x")
        assert answer.status == 503
        assert f"InvalidFileNameError: Invalid file name: {name}" in answer.text


async def test_folders_beside_decorated_functions_are_left_out_and_told(
    tmp_path: Path, channel: str
) -> None:
    app = write_app(tmp_path, {"function_app.py": HEAD + FUNCTION, **GOOD})
    async with served(app, channel=channel) as host:
        assert (await host.get("/api/x")).status == 200
        assert (await host.get("/api/good")).status == 404
        await host.until_printed(
            "Detected mixed function app. Some functions may not be indexed - good"
        )


async def test_an_empty_script_leaves_the_folders(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path, {"function_app.py": HEAD, **GOOD})
    async with served(app, channel=channel) as host:
        assert (await host.get("/api/good")).status == 200


async def test_bindings_of_the_decorator_model_are_checked_alike(
    tmp_path: Path, channel: str
) -> None:
    code = (
        HEAD
        + FUNCTION
        + "@app.route(route='a', binding_arg_name='my__item')\n"
        + "def a(req: func.HttpRequest, my__item: func.Out[str]) -> None: ...\n"
        + "@app.route(route='b', binding_arg_name='my_item')\n"
        + "def b(req: func.HttpRequest, my_item: func.Out[str]) -> None:\n"
        + "    my_item.set('set')\n"
        + "@app.function_name('a.dot')\n@app.route(route='c')\n"
        + "def c(req: func.HttpRequest) -> str: ...\n"
        + "@app.route(route='d')\n"
        + "def d(req: func.HttpRequest, extra) -> str: ...\n"
    )
    async with served(write_app(tmp_path, {"function_app.py": code}), channel=channel) as host:
        assert (await host.get("/api/x")).status == 200
        assert (await host.get("/api/b")).text == "set"
        assert (await host.get("/api/a")).status == 404
        assert (await host.get("/api/c")).status == 404
        await host.until_printed(
            "The 'a' function is in error: The binding name my__item is invalid. Please assign a "
            "valid name to the binding."
        )
        await host.until_printed("'a.dot' is not a valid function name.")
        assert (await host.get("/api/d")).status in {500, 503}
        await host.until_printed("{'extra'}")


# host.json

HOST_JSON = {
    "no version": ('{"functionTimeout": "00:00:30"}',
                   "The host.json file is missing the required 'version' property."),
    "version 3": ('{"version": "3.0"}', "'3.0' is an invalid value for host.json 'version'"),
    "number": ('{"version": 2.1}', "'2.1' is an invalid value for host.json 'version'"),
    "invalid": ('{"version": "2.0"', "Unable to parse host configuration file '"),
    "array": ("[1]", "Unable to parse host configuration file '"),
    "empty file": ("", "Unable to parse host configuration file '"),
    "timeout": ('{"version": "2.0", "functionTimeout": "00:00:00"}',
                "FunctionTimeout must be greater than 00:00:01"),
    "retry": ('{"version": "2.0", "retry": {"strategy": "never"}}',
              "'never' is not a retry strategy"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOST_JSON)
async def test_a_host_json_that_cannot_be_used_answers_503_with_the_reason(
    tmp_path: Path, name: str
) -> None:
    content, told = HOST_JSON[name]
    app = write_app(tmp_path, {"function_app.py": HEAD + FUNCTION, "host.json": content})
    async with served(app, channel="inprocess") as host:
        answer = await host.get("/api/x")
        assert answer.status == 503
        assert told in answer.text
        assert "host.json" in answer.text
        status = (await host.get("/admin/host/status")).json
        assert status["state"] == "Error"
        assert told in status["errors"][0]


async def test_mending_host_json_brings_the_app_up_without_a_new_process(tmp_path: Path) -> None:
    content, told = HOST_JSON["no version"]
    app = write_app(tmp_path, {"function_app.py": HEAD + FUNCTION, "host.json": content})
    async with served(app, watch=True) as host:
        assert told in (await host.get("/admin/host/status")).json["errors"][0]
        (app / "host.json").write_text('{"version": "2.0"}')
        async with asyncio.timeout(PATIENCE):
            while (await host.get("/api/x")).status != 200:  # noqa: ASYNC110 - asks anew
                await asyncio.sleep(0.02)
        status = (await host.get("/admin/host/status")).json
        assert status["state"] == "Running"
        assert "errors" not in status


@pytest.mark.parametrize(
    "content", [None, "{}", '{"version": "2.0"} // note', '{"version": "2.0", "Unknown": 1,}']
)
async def test_a_host_json_that_says_little_is_enough(tmp_path: Path, content: str | None) -> None:
    app = write_app(tmp_path, {"function_app.py": HEAD + FUNCTION, "host.json": content or ""})
    if content is None:
        (app / "host.json").unlink()
    async with served(app, channel="inprocess") as host:
        assert (await host.get("/api/x")).text == "x"
    assert (app / "host.json").exists() == (content is not None)


async def test_broken_local_settings_do_not_hide_the_functions(
    tmp_path: Path, channel: str
) -> None:
    app = write_app(
        tmp_path,
        {
            "function_app.py": HEAD + FUNCTION,
            "local.settings.json": '{"Values": {"A": {"nested": 1}, "B": "b"}, "Valuez": {}}',
        },
    )
    async with served(app, channel=channel) as host:
        assert (await host.get("/api/x")).text == "x"
        await host.until_printed("local.settings.json")
