"""What every worker channel does; each test runs over all of them.

What holds for apps in every language is marked with `every_language`, and run for the other
languages by modules of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from emulator.errors import WorkerLost
from emulator.model import (
    NONE,
    Datum,
    FunctionError,
    HttpResponseData,
    Invocation,
    RetryContext,
    TraceContext,
)
from tests.support.workers import (
    CHANNELS,
    HTTP_IN,
    HTTP_OUT,
    binding,
    decorated,
    every_language,
    folder_function,
    models,
    request,
    serving,
    started,
    text_of,
    write,
    written,
)

pytestmark = pytest.mark.parametrize("kind", CHANNELS)

TEXT_CONTENT = ("content-type", "text/plain; charset=utf-8")


# Index


async def test_start_says_who_answers(kind: str, tmp_path: Path) -> None:
    async with started(kind, tmp_path) as worker:
        assert worker.info.language == "python"
        assert worker.info.version == "{}.{}.{}".format(*sys.version_info[:3])
        assert worker.info.executable == sys.executable
        assert worker.info.sdk_version
        assert (worker.info.pid == 0) is (kind == "inprocess")


async def test_the_index_lists_functions_with_their_raw_bindings(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.function_name("listed")
        @app.route(route="items/{id}", methods=["get"])
        @app.queue_output(arg_name="o", queue_name="q", connection="C")
        def items(req, o):
            pass

        @app.timer_trigger(arg_name="t", schedule="* * * * * *")
        @app.retry("fixed_delay", "3", "00:00:01")
        def tick(t):
            pass
        """,
    )
    async with started(kind, root) as worker:
        index = await worker.channel.index()
    assert index.error is None
    assert index.functions is not None
    first, second = index.functions
    assert first.name == "listed"
    assert [dict(each) for each in first.bindings] == [
        {
            "direction": "OUT",
            "type": "queue",
            "name": "o",
            "queueName": "q",
            "connection": "C",
        },
        {
            "direction": "IN",
            "type": "httpTrigger",
            "name": "req",
            "methods": ["GET"],
            "route": "items/{id}",
            "authLevel": "ANONYMOUS",
        },
        {"direction": "OUT", "type": "http", "name": "$return"},
    ]
    assert (first.directory, first.script_file) == (str(root), "function_app.py")
    assert (first.entry_point, first.retry) == ("listed", None)
    assert first.file == str(root / "function_app.py")
    assert first.line == 6
    assert second.retry == {
        "setting_name": "retry_policy",
        "strategy": "fixed_delay",
        "max_retry_count": "3",
        "delay_interval": "00:00:01",
    }


@every_language
async def test_the_app_is_asked_for_its_functions_only_once(kind: str, tmp_path: Path) -> None:
    root = written(
        kind,
        tmp_path,
        {
            "python": "@app.route()\ndef f(req):\n    return 'x'\n",
            "node": "http('f', () => ({ body: 'x' }));",
        },
    )
    async with started(kind, root) as worker:
        assert (await worker.channel.index()) == (await worker.channel.index())


async def test_the_app_is_told_which_python_runs_it(kind: str, tmp_path: Path) -> None:
    code = """
        import os
        @app.route()
        def f(req): return os.environ["FUNCTIONS_WORKER_RUNTIME_VERSION"]
    """
    async with serving(kind, decorated(tmp_path, code)) as worker:
        assert await worker.text("f") == "{}.{}".format(*sys.version_info[:2])


@every_language
async def test_a_folder_app_has_no_index(kind: str, tmp_path: Path) -> None:
    async with started(kind, write(tmp_path, {"f/function.json": "{}"})) as worker:
        index = await worker.channel.index()
    assert (index.functions, index.error) == (None, None)


async def test_an_app_object_without_functions_leaves_it_to_the_folders(
    kind: str, tmp_path: Path
) -> None:
    async with started(kind, decorated(tmp_path, "")) as worker:
        index = await worker.channel.index()
    assert (index.functions, index.error) == (None, None)


async def test_the_script_can_have_another_name(kind: str, tmp_path: Path) -> None:
    root = decorated(tmp_path, "@app.route()\ndef f(req):\n    return __name__\n")
    (root / "function_app.py").rename(root / "entry-1.py")
    async with serving(kind, root, {"PYTHON_SCRIPT_FILE_NAME": "entry-1.py"}) as worker:
        assert await worker.text("f") == "entry-1"


async def test_a_function_inside_one_of_a_package_has_its_own_place(
    kind: str, tmp_path: Path
) -> None:
    root = decorated(
        tmp_path,
        "import packing\n@app.route()\n@packing.put_into_one\ndef f(req): return 'inside'\n",
        **{
            ".python_packages/lib/site-packages/packing.py": (
                "def put_into_one(inner):\n    def f(req): return inner(req)\n    return f\n"
            )
        },
    )
    async with serving(kind, root) as worker:
        (found,) = worker.index.functions or ()
        assert (found.file, found.line) == (str(root / "function_app.py"), 6)
        assert await worker.text("f") == "inside"


async def test_modules_are_found_where_the_settings_say(kind: str, tmp_path: Path) -> None:
    app = decorated(
        tmp_path / "app",
        "import inside, beside\n@app.route()\ndef f(req): return inside.X + beside.X\n",
    )
    write(tmp_path, {"app/src/inside.py": "X = 'inside '\n", "shared/beside.py": "X = 'beside'\n"})
    settings = {"PYTHONPATH": os.pathsep.join(["src", str(tmp_path / "shared")])}
    before = list(sys.path)
    async with serving(kind, app, settings) as worker:
        assert await worker.text("f") == "inside beside"
    assert sys.path == before


async def test_a_blueprint_function_knows_its_own_folder(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        "from parts.bp import bp\napp.register_functions(bp)\n",
        **{
            "parts/bp.py": """
                import azure.functions as func
                bp = func.Blueprint()

                @bp.route()
                def inner(req: func.HttpRequest, context: func.Context) -> str:
                    return context.function_directory
            """
        },
    )
    async with serving(kind, root) as worker:
        assert await worker.text("inner") == str(root / "parts")
        assert worker.index.functions is not None
        assert worker.index.functions[0].script_file == "function_app.py"


INDEX_ERRORS = {
    "two apps": (
        "other = func.FunctionApp()\n",
        "ValueError: More than one FunctionApp or other top level function app instances are"
        " defined.",
    ),
    "two names of one app": (
        "other = app\n",
        "ValueError: More than one FunctionApp or other top level function app instances are"
        " defined.",
    ),
    "only a blueprint": (
        "app = func.Blueprint()\n",
        "ValueError: Could not find top level function app instances in function_app.py.",
    ),
    "one name twice": (
        "@app.route()\ndef f(req): ...\n\n@app.function_name('f')\n@app.route()\ndef g(req): ...\n",
        "ValueError: Function f does not have a unique function name. Please change"
        " @app.function_name() or the function method name to be unique.",
    ),
    "no trigger": (
        "@app.generic_input_binding(arg_name='x', type='foo')\ndef f(x): ...\n",
        "ValueError: Function f does not have a trigger. A valid function must have one and only"
        " one trigger registered.",
    ),
    "an exception": ("1 / 0\n", "ZeroDivisionError: division by zero"),
    "an exit": ("import sys\nsys.exit('enough')\n", "SystemExit: enough"),
}


@pytest.mark.parametrize("case", INDEX_ERRORS)
async def test_an_app_that_cannot_be_indexed_says_why(kind: str, tmp_path: Path, case: str) -> None:
    code, told = INDEX_ERRORS[case]
    async with started(kind, decorated(tmp_path, code)) as worker:
        index = await worker.channel.index()
    assert index.functions is None
    assert index.error is not None
    assert index.error.title == told
    # The SDK names a function; its place is that of the code. HEAD has four lines.
    named = {"one name twice": 8, "no trigger": 5}
    if case in named:
        place = (index.error.file, index.error.line)
        assert place == (str(tmp_path / "function_app.py"), named[case])


async def test_a_syntax_error_names_file_and_line(kind: str, tmp_path: Path) -> None:
    root = write(tmp_path, {"function_app.py": "import os\n\ndef f(:\n"})
    async with started(kind, root) as worker:
        error = (await worker.channel.index()).error
    assert error is not None
    assert error.title.startswith("SyntaxError: invalid syntax")
    assert (error.file, error.line) == (str(root / "function_app.py"), 3)


async def test_a_script_name_that_is_no_file_name_is_refused(kind: str, tmp_path: Path) -> None:
    async with started(kind, tmp_path, {"PYTHON_SCRIPT_FILE_NAME": "main"}) as worker:
        error = (await worker.channel.index()).error
    assert error is not None
    assert error.title == "InvalidFileNameError: Invalid file name: main"


async def test_a_missing_module_is_told_with_the_path_and_a_link(kind: str, tmp_path: Path) -> None:
    root = decorated(tmp_path, "import helper\n", **{"helper.py": "import notfound\n"})
    async with started(kind, root) as worker:
        error = (await worker.channel.index()).error
    assert error is not None
    assert error.title.startswith(
        "ModuleNotFoundError: No module named 'notfound'. Cannot find module. Please check the"
        " requirements.txt file for the missing module. For more info, please refer the"
        " troubleshooting guide: https://aka.ms/functions-modulenotfound. Current sys.path: ["
    )
    assert error.message.endswith(f"{str(root)!r}]")
    assert (error.file, error.line) == (str(root / "helper.py"), 1)
    assert "importlib" not in error.stack


# Loading, folder model


SIMPLE = "def main(req) -> str:\n    return __name__\n"


@pytest.mark.parametrize(
    ("file", "folder", "script", "module"),
    [
        ("simple/main.py", "simple", "main.py", "__app__.simple.main"),
        ("simple/__init__.py", "simple", "__init__.py", "__app__.simple"),
        ("subdir/sub/main.py", "subdir", "sub/main.py", "__app__.subdir.sub.main"),
        ("shared/h.py", "f", "../shared/h.py", "__app__.shared.h"),
    ],
)
async def test_a_folder_function_is_a_module_below_app(
    kind: str, tmp_path: Path, file: str, folder: str, script: str, module: str
) -> None:
    root = write(tmp_path, {file: SIMPLE, f"{folder}/function.json": "{}"})
    async with started(kind, root) as worker:
        await worker.load(folder_function(root, folder, script=script))
        assert await worker.text(folder) == module


async def test_folder_functions_import_each_other_in_every_way(kind: str, tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "simple/main.py": """
                from . import relative
                from .. import sibling
                from ..shared import x
                from .sub import mod
                import __app__.shared.y
                from __app__.shared import z
                import shared.x as plain
                import __app__.pytest
                import pytest

                def main(req) -> str:
                    return ",".join([
                        relative.__name__, sibling.__name__, x.__name__, mod.__name__,
                        __app__.shared.y.__name__, z.__name__, plain.__name__,
                        __app__.pytest.OURS, str(hasattr(pytest, "OURS")),
                    ])
            """,
            "simple/relative.py": "",
            "simple/sub/mod.py": "",
            "sibling.py": "",
            "shared/x.py": "",
            "shared/y.py": "",
            "shared/z.py": "",
            "pytest/__init__.py": "OURS = 'ours'",
        },
    )
    async with started(kind, root) as worker:
        await worker.load(folder_function(root, "simple"))
        assert (await worker.text("simple")).split(",") == [
            "__app__.simple.relative",
            "__app__.sibling",
            "__app__.shared.x",
            "__app__.simple.sub.mod",
            "__app__.shared.y",
            "__app__.shared.z",
            "shared.x",
            "ours",
            "False",
        ]


async def test_another_entry_point_is_called_and_may_be_any_callable(
    kind: str, tmp_path: Path
) -> None:
    code = """
        class Handler:
            def run(self, req) -> str:
                return "bound"

        customentry = Handler().run
    """
    root = write(tmp_path, {"f/main.py": code})
    async with started(kind, root) as worker:
        await worker.load(folder_function(root, "f", entry_point="customentry"))
        assert await worker.text("f") == "bound"


async def test_load_errors_are_per_function_and_answer_every_call(
    kind: str, tmp_path: Path
) -> None:
    root = write(
        tmp_path,
        {
            "good/main.py": SIMPLE,
            "missing/main.py": "import notfound\n",
            "broken/main.py": "def main(:\n",
            "noentry/main.py": "",
            "notpy/main.txt": "",
            "spam/main.py": "def main(req, spam): ...\n",
            "outside/x": "",
        },
    )
    async with started(kind, root) as worker:
        await worker.load(
            *(folder_function(root, each) for each in ("good", "missing", "broken", "noentry")),
            folder_function(root, "notpy", script="main.txt"),
            folder_function(root, "spam"),
            folder_function(root, "outside", script="../../elsewhere.py"),
        )
        titles = {name: error.title for name, error in worker.errors.items()}
        assert titles.pop("missing").startswith(
            "ModuleNotFoundError: No module named 'notfound'. Cannot find module."
        )
        assert titles.pop("broken").startswith("SyntaxError: ")
        assert titles == {
            "noentry": "RuntimeError: cannot load function noentry: function main() is not present"
            " in noentry/main.py",
            "notpy": "RuntimeError: cannot load function notpy: invalid Python filename"
            f" {root / 'notpy/main.txt'}",
            "spam": "FunctionLoadError: cannot load the spam function: the following parameters are"
            " declared in Python but not in function.json: {'spam'}",
            "outside": f"RuntimeError: script path {root.parent / 'elsewhere.py'} is not relative"
            f" to the specified directory {root}",
        }
        assert await worker.text("good") == "__app__.good.main"
        failed = await worker.call("missing")
        assert failed.error is not None
        assert failed.error.title == worker.errors["missing"].title
        assert (failed.error.file, failed.error.line) == (str(root / "missing/main.py"), 1)


async def test_one_unfit_decorated_function_does_not_take_the_others_down(
    kind: str, tmp_path: Path
) -> None:
    root = decorated(
        tmp_path,
        """
        @app.route()
        def good(req) -> str:
            return "fine"

        @app.route()
        def bad(req: int) -> str: ...

        @app.route()
        def worse(req, o) -> str: ...
        """,
    )
    async with serving(kind, root) as worker:
        assert {name: error.title for name, error in worker.errors.items()} == {
            "bad": "FunctionLoadError: cannot load the bad function: 'req' binding type"
            ' "httpTrigger" and dataType "None" in function.json do not match the corresponding'
            ' function parameter\'s Python type annotation "int"',
            "worse": "FunctionLoadError: cannot load the worse function: the following parameters"
            " are declared in Python but not in function.json: {'o'}",
        }
        assert await worker.text("good") == "fine"


@every_language
async def test_a_function_nobody_loaded_fails_with_its_name(kind: str, tmp_path: Path) -> None:
    async with started(kind, tmp_path) as worker:
        result = await worker.call("ghost")
    assert result.error.message == "the function 'ghost' is not loaded"


@every_language
async def test_a_module_runs_once_and_keeps_its_globals(kind: str, tmp_path: Path) -> None:
    root = written(
        kind,
        tmp_path,
        {
            "python": """
                import itertools
                counter = itertools.count(1)

                @app.route()
                def f(req) -> str:
                    return str(next(counter))
            """,
            "node": """
                let counter = 0;
                http('f', () => ({ body: String(++counter) }));
            """,
        },
    )
    async with serving(kind, root) as worker:
        assert [await worker.text("f") for _ in range(3)] == ["1", "2", "3"]


# HTTP


async def test_a_request_arrives_whole(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import json

        @app.route()
        def f(req: func.HttpRequest) -> func.HttpResponse:
            try:
                parsed = req.get_json()
            except ValueError as error:
                parsed = str(error)
            told = [req.method, req.url, dict(req.headers), req.headers.get("NOPE"),
                    req.headers["X-One"], dict(req.params), dict(req.route_params),
                    len(req.get_body()), parsed, dict(req.form)]
            return func.HttpResponse(json.dumps(told), mimetype="application/json")
        """,
    )
    async with serving(kind, root) as worker:
        told = await worker.text(
            "f",
            req=request(
                b'{"a": 1}',
                method="POST",
                url="http://h/api/a%20b?x=1",
                headers={"x-one": "1,2", "content-type": "application/json"},
                query={"x": "1"},
                params={"id": "7"},
            ),
        )
        assert json.loads(told) == [
            "POST",
            "http://h/api/a%20b?x=1",
            {"x-one": "1,2", "content-type": "application/json"},
            None,
            "1,2",
            {"x": "1"},
            {"id": "7"},
            8,
            {"a": 1},
            {},
        ]
        form = await worker.text(
            "f",
            req=request(
                b"a=1&b=2",
                headers={"x-one": "", "content-type": "application/x-www-form-urlencoded"},
            ),
        )
        assert json.loads(form)[-2:] == [
            "HTTP request does not contain valid JSON data",
            {"a": "1", "b": "2"},
        ]


@every_language
async def test_bytes_pass_untouched_and_large(kind: str, tmp_path: Path) -> None:
    root = written(
        kind,
        tmp_path,
        {
            "python": """
                @app.route()
                def echo(req: func.HttpRequest) -> func.HttpResponse:
                    body = req.get_body()
                    return func.HttpResponse(body, headers={"body-len": str(len(body))})
            """,
            "node": """
                http('echo', async (request) => {
                  const body = await request.arrayBuffer();
                  return { body, headers: { 'body-len': String(body.byteLength) } };
                });
            """,
        },
    )
    every_byte = bytes(range(256))
    async with serving(kind, root) as worker:
        for body in (b"", every_byte, every_byte * 20_000):
            answer = (
                await worker.call("echo", req=request(body, method="POST"))
            ).return_value.value
            assert answer.body == body
            assert ("body-len", str(len(body))) in answer.headers


HTTP_ANSWERS = {
    "text": ('"hé"', Datum("text", "hé")),
    "plain": (
        "func.HttpResponse('x')",
        Datum("http", HttpResponseData(200, (TEXT_CONTENT,), b"x")),
    ),
    "empty": (
        "func.HttpResponse(status_code=http.HTTPStatus.ACCEPTED)",
        Datum("http", HttpResponseData(202, (TEXT_CONTENT,), b"")),
    ),
    "html": (
        "func.HttpResponse('<h1>™</h1>', mimetype='text/html')",
        Datum(
            "http",
            HttpResponseData(
                200, (("content-type", "text/html; charset=utf-8"),), "<h1>™</h1>".encode()
            ),
        ),
    ),
    "binary": (
        "func.HttpResponse(b'\\xff', status_code=418, mimetype='image/png')",
        Datum("http", HttpResponseData(418, (("content-type", "image/png"),), b"\xff")),
    ),
    "charset": (
        "func.HttpResponse('é', charset='latin-1')",
        Datum(
            "http",
            HttpResponseData(200, (("content-type", "text/plain; charset=latin-1"),), b"\xe9"),
        ),
    ),
    "content type given": (
        "func.HttpResponse('{}', headers={'Content-Type': 'application/json'})",
        Datum("http", HttpResponseData(200, (("Content-Type", "application/json"),), b"{}")),
    ),
    "a header twice": (
        "twice(func.HttpResponse(''), 'X-A', '1', '2')",
        Datum("http", HttpResponseData(200, (("X-A", "2"), TEXT_CONTENT), b"")),
    ),
    "cookies": (
        "twice(func.HttpResponse(''), 'Set-Cookie', 'foo=bar', 'b=\"2 =\"; Path=/p; SameSite=Lax;"
        " Expires=Thu, 12-Jan-2017 13:55:08 GMT; Max-Age=10; Domain=d.example; HttpOnly; Secure')",
        Datum(
            "http",
            HttpResponseData(
                200,
                (
                    TEXT_CONTENT,
                    ("Set-Cookie", "foo=bar; domain=; path="),
                    (
                        "Set-Cookie",
                        'b="2 ="; expires=Thu, 12 Jan 2017 13:55:08 GMT; max-age=10;'
                        " domain=d.example; path=/p; secure; samesite=lax; httponly",
                    ),
                ),
                b"",
            ),
        ),
    ),
    "cookies that are none": (
        "twice(func.HttpResponse(''), 'Set-Cookie', '', 'a=1; Path=/; SecureFalse')",
        Datum("http", HttpResponseData(200, (TEXT_CONTENT,), b"")),
    ),
}
HTTP_FAILURES = {
    "none": ("None", 'TypeError: unable to encode outgoing TypedData: unsupported type "', "None"),
    "bytes": ("b''", 'TypeError: unable to encode outgoing TypedData: unsupported type "', "bytes"),
    "dict": ("{}", 'TypeError: unable to encode outgoing TypedData: unsupported type "', "dict"),
    "a dict as body": (
        "func.HttpResponse({})",
        "TypeError: response is expected to be either of str, bytes, or bytearray, got dict",
        "",
    ),
    "cookie expires": (
        "twice(func.HttpResponse(''), 'Set-Cookie', 'a=1; Expires=Dummy')",
        "ValueError: Can not parse value Dummy of expires in the cookie due to invalid format.",
        "",
    ),
    "cookie age": (
        "twice(func.HttpResponse(''), 'Set-Cookie', 'a=1; Max-Age=x')",
        "TypeError: Cannot parse value x of 'cookie.maxAge' to float.",
        "",
    ),
    "cookie name": (
        "twice(func.HttpResponse(''), 'Set-Cookie', 'a/b=1')",
        "CookieError: Illegal key 'a/b'",
        "",
    ),
}


async def test_what_an_http_function_may_answer(kind: str, tmp_path: Path) -> None:
    cases = {**{name: each[0] for name, each in HTTP_ANSWERS.items()}}
    cases |= {name: each[0] for name, each in HTTP_FAILURES.items()}
    numbered = list(cases)
    functions = "".join(
        f"@app.route()\n{'async ' if at % 2 else ''}def f{at}(req):\n    return {cases[name]}\n\n"
        for at, name in enumerate(numbered)
    )
    helpers = """
import http

def twice(response, name, *values):
    for value in values:
        response.headers.add(name, value)
    return response

"""
    async with serving(kind, decorated(tmp_path, helpers + functions)) as worker:
        results = {name: await worker.call(f"f{at}") for at, name in enumerate(numbered)}
        answered = {name: results[name].return_value for name in HTTP_ANSWERS}
        assert answered == {name: each[1] for name, each in HTTP_ANSWERS.items()}
        for name, (_, start, end) in HTTP_FAILURES.items():
            title = results[name].error.title
            assert title.startswith(start), name
            assert end in title, name
        assert any(
            each.level == "Error" and each.message.startswith("Can not parse value Dummy")
            for each in worker.logs
        )


async def test_a_response_can_be_answered_many_times(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        fixed = func.HttpResponse("x", headers={"Set-Cookie": "a=1"})

        @app.route()
        def f(req): return fixed
        """,
    )
    async with serving(kind, root) as worker:
        first = await worker.call("f")
        assert first == await worker.call("f")
        assert ("Set-Cookie", "a=1; domain=; path=") in first.return_value.value.headers


async def test_a_cookie_that_is_left_out_is_told(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.route()
        def f(req): return func.HttpResponse("x", headers={"Set-Cookie": "a=1; Partitioned"})
        """,
    )
    async with serving(kind, root) as worker:
        await worker.call("f", id="c")
        (told,) = worker.said("c")
    assert told.startswith("The header 'Set-Cookie: a=1; Partitioned' is not sent:")


# Data in


async def test_generic_inputs_arrive_as_they_are(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.generic_trigger(arg_name="t", type="anyTrigger")
        @app.generic_input_binding(arg_name="x", type="foo")
        def f(t: str, x):
            return repr(x)
        """,
    )
    async with serving(kind, root) as worker:

        async def got(value: Datum) -> str:
            return await worker.text("f", t=Datum("text", ""), x=value)

        assert await got(Datum("text", "é\ud800 "[:1])) == "'é'"
        assert await got(Datum("json", '{"a": [1]}')) == "'{\"a\": [1]}'"
        assert await got(Datum("bytes", b"\x00\xff")) == "b'\\x00\\xff'"
        assert await got(NONE) == "None"
        for value, told in {
            Datum("int", 5): "NotImplementedError: unsupported TypeData kind: int",
            Datum("float", 0.5): "NotImplementedError: unsupported TypeData kind: double",
            Datum("list", (Datum("text", "a"),)): "ValueError: unexpected type of data received"
            " for the \"generic\" binding : 'collection_string'",
        }.items():
            result = await worker.call("f", t=Datum("text", ""), x=value)
            assert result.error.title == told


async def test_native_types_are_made_by_the_sdk(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.queue_trigger(arg_name="m", queue_name="q", connection="C")
        def message(m: func.QueueMessage) -> None:
            import logging
            logging.info("%r %s %s %s", m.get_body(), m.id, m.dequeue_count, m.insertion_time)

        @app.queue_trigger(arg_name="m", queue_name="q", connection="C")
        def text(m: str) -> None:
            import logging
            logging.info("%r", m)

        @app.timer_trigger(arg_name="t", schedule="* * * * * *")
        def tick(t: func.TimerRequest) -> None:
            import logging
            logging.info("%s %s", t.past_due, t.schedule_status)

        @app.blob_trigger(arg_name="b", path="p/{n}", connection="C")
        @app.blob_input(arg_name="other", path="p/x", connection="C")
        def blob(b: func.InputStream, other: func.InputStream) -> None:
            import logging
            logging.info("%s %s %r %s", b.name, b.length, b.read(), other)

        @app.event_hub_message_trigger(arg_name="e", event_hub_name="h", connection="C",
                                       cardinality="many")
        def events(e) -> None:
            import logging
            logging.info("%s", [(each.get_body(), each.metadata) for each in e][:1])

        @app.cosmos_db_trigger(arg_name="d", connection="C", database_name="d",
                               container_name="c")
        def documents(d: func.DocumentList) -> None:
            import logging
            logging.info("%s %s", len(d), d[0].to_json())
        """,
    )
    async with serving(kind, root) as worker:
        assert worker.errors == {}

        async def logged(function: str, metadata: dict[str, Datum], **inputs: Datum) -> str:
            call_id = f"id-{function}"
            result = await worker.channel.invoke(Invocation(call_id, function, inputs, metadata))
            assert result.error is None, result.error.stack
            return worker.said(call_id)[0]

        told = await logged(
            "message",
            {
                "Id": Datum("text", "i1"),
                "DequeueCount": Datum("text", "2"),
                "InsertionTime": Datum("text", "2024-01-02T03:04:05+00:00"),
            },
            m=Datum("text", "hi"),
        )
        assert told == "b'hi' i1 2 2024-01-02 03:04:05+00:00"
        assert await logged("text", {}, m=Datum("text", "hi")) == "'hi'"
        timer = Datum("json", '{"IsPastDue": true, "ScheduleStatus": {"Last": "x"}}')
        assert await logged("tick", {}, t=timer) == "True {'Last': 'x'}"
        told = await logged(
            "blob",
            {"BlobTrigger": Datum("text", "p/n"), "Properties": Datum("json", '{"Length": 3}')},
            b=Datum("bytes", b"abc"),
            other=NONE,
        )
        assert told.startswith("p/n ")
        assert told.endswith(" b'abc' None")
        told = await logged(
            "events",
            {"SystemPropertiesArray": Datum("json", '[{"a": 1}, {"a": 2}]')},
            e=Datum("list", (Datum("text", "x"), Datum("text", "y"))),
        )
        assert told.startswith("[(b'x', {'SystemProperties")
        assert await logged("documents", {}, d=Datum("json", '[{"id": "1"}]')) == '1 {"id": "1"}'


async def test_a_converter_that_refuses_is_told(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.queue_trigger(arg_name="m", queue_name="q", connection="C")
        def f(m: func.QueueMessage) -> None: ...

        @app.route()
        def g(req: func.HttpRequest) -> str: ...
        """,
    )
    async with serving(kind, root) as worker:
        for name, argument in (("f", "m"), ("g", "req")):
            result = await worker.call(name, **{argument: Datum("json", "{}")})
            assert result.error.title.startswith(
                "TypeError: unable to decode incoming TypedData: unsupported combination of"
                " TypedData field 'json' and expected binding type <class 'azure.functions."
            )


async def test_a_binding_called_context_is_that_binding(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.route(trigger_arg_name="context")
        def f(context) -> str:
            return context.method
        """,
    )
    async with serving(kind, root) as worker:
        assert await worker.text("f", context=request()) == "GET"


async def test_an_input_the_host_does_not_send_is_none(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.route()
        @app.generic_input_binding(arg_name="x", type="foo")
        def f(req, x) -> str:
            return repr(x)
        """,
    )
    async with serving(kind, root) as worker:
        assert await worker.text("f") == "None"


# Data out


async def test_outputs_and_returns_without_http(kind: str, tmp_path: Path) -> None:
    cases: dict[str, tuple[str, Datum]] = {
        "none": ("None", NONE),
        "text": ("'a'", Datum("text", "a")),
        "bytes": ("b'\\xff'", Datum("bytes", b"\xff")),
        "bytearray": ("bytearray(b'x')", Datum("bytes", b"x")),
        "dict": ("{'a': 1}", Datum("json", '{"a": 1}')),
        "list": ("[1, 'é']", Datum("json", '[1, "\\u00e9"]')),
        "int": ("7", Datum("int", 7)),
        "big": ("2 ** 80", Datum("int", 2**80)),
        "bool": ("True", Datum("int", 1)),
        "float": ("0.25", Datum("float", 0.25)),
        "inf": ("float('inf')", Datum("float", float("inf"))),
    }
    code = "".join(
        f"""
@app.generic_trigger(arg_name="t", type="assistantSkillTrigger")
def {name}_(t: str):
    return {text}
"""
        for name, (text, _) in cases.items()
    )
    code += """
@app.generic_trigger(arg_name="t", type="anyTrigger")
def odd(t: str):
    return object()
"""
    async with serving(kind, decorated(tmp_path, code)) as worker:
        for name, (_, expected) in cases.items():
            result = await worker.call(f"{name}_", t=Datum("text", ""))
            assert result.return_value == expected, name
        failed = await worker.call("odd", t=Datum("text", ""))
        assert failed.error.title == (
            "TypeError: unable to encode outgoing TypedData: unsupported type"
            ' "anyTrigger" for Python type "object"'
        )


async def test_out_parameters(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        from typing import List

        @app.route()
        @app.queue_output(arg_name="a", queue_name="q", connection="C")
        @app.queue_output(arg_name="b", queue_name="q", connection="C")
        @app.queue_output(arg_name="c", queue_name="q", connection="C")
        @app.queue_output(arg_name="d", queue_name="q", connection="C")
        @app.queue_output(arg_name="e", queue_name="q", connection="C")
        def f(req, a: func.Out[str], b: func.Out[List[str]], c: func.Out[func.QueueMessage],
              d: func.Out[str], e) -> str:
            a.set("first")
            a.set({"last": "wins"})
            b.set(["a", "b"])
            c.set(func.QueueMessage(id="i", body="hi"))
            d.set("x")
            d.set(None)
            return f"{a.get()} {e.get()} {isinstance(a, func.Out)}"

        @app.route()
        @app.blob_output(arg_name="o", path="p", connection="C")
        def blob(req, o: func.Out[bytes]) -> str:
            o.set(b"\\x00")
            return ""

        @app.route()
        @app.queue_output(arg_name="o", queue_name="q", connection="C")
        def wrong(req, o: func.Out[func.QueueMessage]) -> str:
            o.set(object())
            return ""
        """,
    )
    async with serving(kind, root) as worker:
        result = await worker.call("f")
        assert text_of(result) == "{'last': 'wins'} None True"
        assert result.outputs["a"] == Datum("json", '{"last": "wins"}')
        assert json.loads(result.outputs["b"].value) == ["a", "b"]
        assert json.loads(result.outputs["c"].value) == {"id": "i", "body": "hi"}
        assert set(result.outputs) == {"a", "b", "c"}
        assert (await worker.call("blob")).outputs == {"o": Datum("bytes", b"\x00")}
        wrong = await worker.call("wrong")
        assert wrong.error.title.startswith("TypeError: unable to encode outgoing TypedData")
        assert wrong.outputs == {}


NATIVE_OUTPUTS: dict[str, tuple[str, str, Datum | str]] = {
    "blob bytes": ("blob", "b'\\xff'", Datum("bytes", b"\xff")),
    "blob stream": ("blob", "io.BytesIO(b'x')", Datum("bytes", b"x")),
    "blob text": ("blob", "'x'", Datum("text", "x")),
    "queue list": ("queue", "['a', 'b']", Datum("json", '["a", "b"]')),
    "queue number": ("queue", "1.5", "TypeError: unable to encode outgoing TypedData"),
    "event hub number": ("eventHub", "7", Datum("int", 7)),
    "event hub list": ("eventHub", "[1]", Datum("json", "[1]")),
    "document": (
        "cosmosDB",
        "func.Document.from_dict({'id': '1'})",
        Datum("json", '[{"id": "1"}]'),
    ),
    "service bus": ("serviceBus", "b'x'", Datum("bytes", b"x")),
    "activity": ("activityTrigger", "{'a': 1}", Datum("json", '{"a": 1}')),
    "tool": ("mcpToolTrigger", "None", Datum("text", "")),
    "tool number": ("mcpToolTrigger", "3", Datum("text", "3")),
}


@pytest.mark.filterwarnings("ignore:azure.functions df_loads")  # the SDK's advice to the SDK
async def test_native_outputs_are_encoded_by_the_sdk(kind: str, tmp_path: Path) -> None:
    sdk_version = tuple(map(int, version("azure-functions").split(".")[:2]))
    functions = []
    for at, (type_name, value, _) in enumerate(NATIVE_OUTPUTS.values()):
        write(
            tmp_path,
            {
                f"f{at}/main.py": f"import io\nimport azure.functions as func\n"
                f"def main(t):\n    return {value}\n"
            },
        )
        bindings = (
            [binding("t", type_name)]
            if type_name.endswith("Trigger")
            else [binding("t", "queueTrigger"), binding("$return", type_name, "out")]
        )
        functions.append(folder_function(tmp_path, f"f{at}", *bindings))
    async with started(kind, tmp_path) as worker:
        await worker.load(*functions)
        assert worker.errors == {}
        for at, (name, (_, _, expected)) in enumerate(NATIVE_OUTPUTS.items()):
            if name.startswith("tool") and sdk_version < (1, 25):
                continue  # it encoded them otherwise
            result = await worker.call(f"f{at}", t=Datum("text", "x"))
            if isinstance(expected, str):
                assert result.error.title.startswith(expected), name
            else:
                assert result.error is None, (name, result.error)
                assert result.return_value == expected, name


async def test_a_request_for_a_trigger_that_wants_none_is_told(kind: str, tmp_path: Path) -> None:
    code = "def main(w):\n    return repr(w)\n"
    root = write(tmp_path, {"f/main.py": code})
    async with started(kind, root) as worker:
        await worker.load(folder_function(root, "f", binding("w", "activityTrigger")))
        result = await worker.call("f", w=request(b"x", headers={"a": "b"}))
        assert result.error.title.startswith(
            "TypeError: unable to decode incoming TypedData: unsupported combination of TypedData"
            " field 'http' and expected binding type"
        )


async def test_who_may_return_a_value(kind: str, tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "plain/main.py": "def main(req):\n    return 'ABC'\n",
            "quiet/main.py": "def main(req): ...\n",
            "implicit/main.py": "def main(req, x):\n    return {'o': 'x'}\n",
            "explicit/main.py": "def main(req, x):\n    return 'http'\n",
        },
    )
    generic = binding("x", "foo")
    async with started(kind, root) as worker:
        await worker.load(
            folder_function(root, "plain", HTTP_IN),
            folder_function(root, "quiet", HTTP_IN),
            folder_function(root, "implicit", HTTP_IN, generic),
            folder_function(root, "explicit", HTTP_OUT, HTTP_IN, generic),
        )
        assert worker.errors == {}
        plain = await worker.call("plain")
        assert plain.error.title == (
            "RuntimeError: function 'plain' without a $return bindingreturned a non-None value"
        )
        assert (await worker.call("quiet")).return_value == NONE
        assert (await worker.call("implicit")).return_value == Datum("json", '{"o": "x"}')
        assert (await worker.call("explicit")).return_value == Datum("text", "http")


async def test_an_http_output_with_a_name(kind: str, tmp_path: Path) -> None:
    code = """
        import azure.functions as func
        def main(req, foo: func.Out[func.HttpResponse]):
            foo.set(func.HttpResponse("hello", status_code=201))
    """
    root = write(tmp_path, {"f/main.py": code})
    async with started(kind, root) as worker:
        await worker.load(folder_function(root, "f", HTTP_IN, binding("foo", "http", "out")))
        result = await worker.call("f")
    assert result.outputs["foo"].value == HttpResponseData(201, (TEXT_CONTENT,), b"hello")
    assert result.return_value == NONE


async def test_an_injected_output_delivers_a_value(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import json

        def bound(wrapped):
            wrapped = app.generic_output_binding(arg_name="o", type="assistantPost")(wrapped)
            return app.route()(wrapped)

        @bound
        def plain(req, o: str) -> str:
            return o.upper()

        @bound
        def raw(req, o: bytes) -> str:
            return repr(o)

        @bound
        def out(req, o: func.Out[str]) -> str:
            return o.get()

        @bound
        def outset(req, o: func.Out[str]) -> str:
            before = o.get()
            o.set("mine")
            return before + o.get()

        @bound
        def bare(req, o) -> str:
            told = json.loads(o)["a"] + o.get()
            o.set("again")
            return told

        @bound
        def number(req, o: int) -> str: ...
        """,
    )
    names = ("plain", "raw", "out", "outset", "bare", "number")
    async with serving(kind, root, injected={name: ["o"] for name in names}) as worker:
        assert list(worker.errors) == ["number"]
        delivered = Datum("json", '{"a":"b"}')
        answers = {name: await worker.call(name, req=request(), o=delivered) for name in names[:-1]}
        assert {name: text_of(each) for name, each in answers.items()} == {
            "plain": '{"A":"B"}',
            "raw": '\'{"a":"b"}\'',
            "out": '{"a":"b"}',
            "outset": '{"a":"b"}mine',
            "bare": 'b{"a":"b"}',
        }
        assert {name: dict(each.outputs) for name, each in answers.items() if each.outputs} == {
            "outset": {"o": Datum("text", "mine")},
            "bare": {"o": Datum("text", "again")},
        }
    async with serving(kind, root) as worker:
        assert 'is declared to have the "out" direction' in worker.errors["plain"].message


# Context


async def test_the_context_says_who_called(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import json

        @app.route()
        def f(req, context: func.Context) -> str:
            trace, retry = context.trace_context, context.retry_context
            error = retry.rpc_exception
            return json.dumps([
                context.function_name, context.function_directory, context.invocation_id,
                trace.trace_parent, trace.Traceparent, trace.trace_state, trace.Tracestate,
                trace.attributes, trace.Attributes, retry.retry_count, retry.max_retry_count,
                error.message, error.stack_trace, error.source, retry.exception is error,
                isinstance(context, func.Context), context.thread_local_storage.invocation_id,
            ])
        """,
    )
    async with serving(kind, root) as worker:
        told = await worker.text("f", id="i-1")
        bare = ["", "", "", "", {}, {}, 0, 0, "", "", "", True, True, "i-1"]
        assert json.loads(told) == ["f", str(root), "i-1", *bare]
        result = await worker.channel.invoke(
            Invocation(
                "i-2",
                "f",
                {"req": request()},
                trace=TraceContext("00-a-b-01", "s=1"),
                retry=RetryContext(2, 3, FunctionError("KeyError", "'x'", "the stack")),
            )
        )
        told = json.loads(text_of(result))
        assert told[3:7] == ["00-a-b-01", "00-a-b-01", "s=1", "s=1"]
        assert told[9:14] == [2, 3, "KeyError: 'x'", "the stack", ""]


# Failures


async def test_an_exception_crosses_as_data(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import helper, json

        @app.route()
        async def f(req):
            try:
                helper.divide(1, 0)
            except ZeroDivisionError as error:
                raise LookupError("deep") from error

        @app.route()
        def g(req):
            json.loads("nope")
        """,
        **{"helper.py": "def divide(a, b):\n    return a / b\n"},
    )
    async with serving(kind, root) as worker:
        error = (await worker.call("f")).error
        assert error.title == "LookupError: deep"
        assert (error.file, error.line) == (str(root / "function_app.py"), 13)
        assert "The above exception was the direct cause" in error.stack
        assert f'File "{root / "helper.py"}", line 2, in divide' in error.stack
        assert "ZeroDivisionError: division by zero" in error.stack
        assert "pyworker" not in error.stack
        assert error.stack.endswith("LookupError: deep")
        library = (await worker.call("g")).error
        assert library.type == "JSONDecodeError"
        assert library.file == str(root / "function_app.py")
        assert library.stack.count("json") >= 2  # the innermost frame, of the library, is kept
        assert "in loads" not in library.stack  # those between are not


async def test_whatever_user_code_raises_is_a_failure_and_the_worker_lives(
    kind: str, tmp_path: Path
) -> None:
    root = decorated(
        tmp_path,
        """
        import asyncio, sys

        class Unprintable(Exception):
            def __str__(self):
                raise RuntimeError("no")

        @app.route()
        def unprintable(req): raise Unprintable()

        @app.route()
        def exits(req): sys.exit(3)

        @app.route()
        async def exits_async(req): sys.exit(3)

        @app.route()
        async def interrupts(req): raise KeyboardInterrupt

        @app.route()
        async def cancels(req): raise asyncio.CancelledError

        @app.route()
        def fine(req): return "alive"
        """,
    )
    async with serving(kind, root) as worker:
        titles = [
            (await worker.call(name)).error.title
            for name in ("unprintable", "exits", "exits_async", "interrupts", "cancels")
        ]
        assert titles == [
            "Unprintable: Unhandled exception in function. Could not serialize original exception"
            " message.",
            "SystemExit: 3",
            "SystemExit: 3",
            "KeyboardInterrupt",
            "CancelledError",
        ]
        assert await worker.text("fine") == "alive"


# Logs


async def test_logs_carry_call_level_and_logger_and_come_before_the_result(
    kind: str, tmp_path: Path
) -> None:
    root = decorated(
        tmp_path,
        """
        import logging
        logging.warning("while imported")

        def say():
            logging.debug("debug")
            logging.info("info %d", 1)
            logging.getLogger("mine").warning("warning")
            logging.error("error\\nsecond line")
            logging.critical("critical")
            logging.getLogger("azure.functions.x").error("system")
            logging.info("x", exc_info=True)

        @app.route()
        def sync(req) -> str:
            say()
            return ""

        @app.route()
        async def coroutine(req) -> str:
            say()
            return ""
        """,
    )
    async with serving(kind, root) as worker:
        assert [each.message for each in worker.logs] == ["while imported"]
        assert worker.logs[0].invocation_id is None
        for function in ("sync", "coroutine"):
            worker.logs.clear()
            await worker.call(function, id=function)
            assert {each.invocation_id for each in worker.logs} == {function}
            assert [
                (each.level, each.message, each.source, each.logger) for each in worker.logs
            ] == [
                ("Information", "info 1", "logging", "root"),
                ("Warning", "warning", "logging", "mine"),
                ("Error", "error\nsecond line", "logging", "root"),
                ("Critical", "critical", "logging", "root"),
                ("Error", "system", "worker", "azure.functions.x"),
                ("Information", "x\nNoneType: None", "logging", "root"),
            ]


async def test_debug_logs_come_when_asked_for(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import logging

        @app.route()
        def f(req) -> str:
            logging.debug("fine")
            logging.log(5, "finer")
            logging.getLogger("own").setLevel(5)
            logging.getLogger("own").log(5, "finest")
            return ""
        """,
    )
    async with serving(kind, root, {"PYTHON_ENABLE_DEBUG_LOGGING": "1"}) as worker:
        await worker.call("f", id="1")
        assert [(each.level, each.message) for each in worker.logs if each.invocation_id] == [
            ("Debug", "fine"),
            ("Trace", "finest"),
        ]


async def test_logs_are_attributed_across_tasks_and_threads(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import asyncio, concurrent.futures, logging, threading

        async def child(text):
            await asyncio.sleep(0)
            logging.info(text)

        @app.route()
        async def tasks(req, context) -> str:
            await asyncio.gather(child("one"), child("two"))
            await asyncio.create_task(child("three"))
            await asyncio.to_thread(logging.info, "four")
            return ""

        def own_thread(context, text):
            context.thread_local_storage.invocation_id = context.invocation_id
            logging.info(text)

        @app.route()
        def threads(req, context) -> str:
            for text in ("one", "two"):
                thread = threading.Thread(target=own_thread, args=(context, text))
                thread.start()
                thread.join()
            return ""

        @app.route()
        def loop(req) -> str:
            asyncio.run(child("inner"))
            return "ran"

        @app.route()
        async def meet(req) -> str:
            await asyncio.sleep(0.005)
            logging.info(req.params["who"])
            return ""
        """,
    )
    async with serving(kind, root) as worker:
        await worker.call("tasks", id="a")
        assert worker.said("a") == ["one", "two", "three", "four"]
        await worker.call("threads", id="b")
        assert worker.said("b") == ["one", "two"]
        assert await worker.text("loop", id="c") == "ran"
        assert worker.said("c") == ["inner"]
        await asyncio.gather(
            *(worker.call("meet", id=f"m{n}", req=request(query={"who": str(n)})) for n in range(9))
        )
        assert [worker.said(f"m{n}") for n in range(9)] == [[str(n)] for n in range(9)]


# Concurrency


@every_language
async def test_async_calls_run_side_by_side_and_do_not_share_context(
    kind: str, tmp_path: Path
) -> None:
    root = written(
        kind,
        tmp_path,
        {
            "python": """
                import asyncio, contextvars
                seen = contextvars.ContextVar("seen", default="nothing")
                arrived = 0
                gate = None

                @app.route()
                async def f(req) -> str:
                    global arrived, gate
                    gate = gate or asyncio.Event()
                    before = seen.get()
                    seen.set(req.params["n"])
                    arrived += 1
                    if arrived == 5:
                        gate.set()
                    await gate.wait()
                    return before + seen.get()
            """,
            "node": """
                const { AsyncLocalStorage } = require('async_hooks');
                const seen = new AsyncLocalStorage();
                let arrived = 0;
                let open;
                const gate = new Promise((resolve) => { open = resolve; });

                http('f', async (request) => {
                  const before = seen.getStore() ?? 'nothing';
                  seen.enterWith(request.query.get('n'));
                  if (++arrived === 5) open();
                  await gate;
                  return { body: before + seen.getStore() };
                });
            """,
        },
    )
    async with serving(kind, root) as worker:
        told = await asyncio.gather(
            *(worker.text("f", req=request(query={"n": str(n)})) for n in range(5))
        )
        assert told == [f"nothing{n}" for n in range(5)]


async def test_sync_calls_overlap_in_threads_as_far_as_the_pool_allows(
    kind: str, tmp_path: Path
) -> None:
    root = decorated(
        tmp_path,
        """
        import os, threading
        barrier = threading.Barrier(2, timeout=float(os.environ["PATIENCE"]))

        @app.route()
        def f(req) -> str:
            try:
                barrier.wait()
                return "met"
            except threading.BrokenBarrierError:
                return "alone"
        """,
    )
    for threads, patience, told in (
        ("2", "40", ["met", "met"]),
        ("1", "0.05", ["alone", "alone"]),
    ):
        settings = {"PYTHON_THREADPOOL_THREAD_COUNT": threads, "PATIENCE": patience}
        async with serving(kind, root, settings) as worker:
            assert list(await asyncio.gather(worker.text("f"), worker.text("f"))) == told


@pytest.mark.parametrize(
    ("value", "warning"),
    [
        ("many", "PYTHON_THREADPOOL_THREAD_COUNT must be an integer"),
        (
            "0",
            "PYTHON_THREADPOOL_THREAD_COUNT must be set to a value between 1 and sys.maxint."
            " Reverting to default value for max_workers",
        ),
    ],
)
async def test_a_pool_size_that_is_none_is_warned_about(
    kind: str, tmp_path: Path, value: str, warning: str
) -> None:
    root = decorated(tmp_path, "@app.route()\ndef f(req):\n    return 'runs'\n")
    async with serving(kind, root, {"PYTHON_THREADPOOL_THREAD_COUNT": value}) as worker:
        assert await worker.text("f") == "runs"
        assert [(each.level, each.message, each.source) for each in worker.logs] == [
            ("Warning", warning, "worker")
        ]


WAITING = {
    "python": """
        import asyncio, logging, threading
        release = threading.Event()

        @app.route()
        async def coroutine(req) -> str:
            logging.info("begun")
            try:
                await asyncio.sleep(30)
            finally:
                logging.info("cleaned up")

        @app.route()
        def thread(req) -> str:
            logging.info("begun")
            release.wait(30)
            return "late"

        @app.route()
        async def let_go(req) -> str:
            release.set()
            return "done"
    """,
    "node": """
        let release;
        const released = new Promise((resolve) => { release = resolve; });

        http('coroutine', async (request, context) => {
          context.log('begun');
          await new Promise((resolve) => setTimeout(resolve, 300));
          context.log('cleaned up');
        });

        http('thread', async (request, context) => {
          context.log('begun');
          await released;
          return { body: 'late' };
        });

        http('let_go', () => {
          release();
          return { body: 'done' };
        });
    """,
}
"""What `coroutine` cleans up is done when it is cancelled; in JavaScript nothing can be."""


@every_language
async def test_cancel_ends_a_call(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, WAITING)) as worker:
        for function in ("coroutine", "thread"):
            call = asyncio.create_task(worker.call(function, id=function))
            await worker.begun(function)
            assert worker.channel.running == 1
            await worker.channel.cancel(function)
            result = await call
            assert result.error.type == "CancelledError"
        if kind == "node":
            assert worker.said("coroutine") == ["begun"]
        else:
            assert worker.said("coroutine") == ["begun", "cleaned up"]
        await worker.channel.cancel("no such call")
        assert worker.channel.running == 0
        await worker.call("let_go")


@every_language
async def test_a_caller_that_goes_away_cancels_its_call(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, WAITING)) as worker:
        call = asyncio.create_task(worker.call("coroutine", id="gone"))
        await worker.begun("gone")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert worker.channel.running == 0
        await worker.channel.abandon("gone", grace=5)
        assert worker.said("gone") == ["begun", "cleaned up"]
        assert not worker.channel.closed.done()


@every_language
async def test_drain_waits_for_calls(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, WAITING)) as worker:
        assert await worker.channel.drain(0)
        call = asyncio.create_task(worker.call("thread"))
        await asyncio.sleep(0)
        assert not await worker.channel.drain(0.02)
        assert await worker.text("let_go") == "done"
        assert await worker.channel.drain(5)
        assert text_of(await call) == "late"


@every_language
async def test_the_same_call_cannot_be_made_twice_at_once(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, WAITING)) as worker:
        call = asyncio.create_task(worker.call("thread", id="same"))
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="the call same is already under way"):
            await worker.call("thread", id="same")
        await worker.call("let_go")
        assert text_of(await call) == "late"


# The end


@every_language
async def test_close_is_idempotent_and_ends_running_calls(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, WAITING)) as worker:
        call = asyncio.create_task(worker.call("coroutine", id="1"))
        await worker.begun("1")
        await asyncio.gather(worker.channel.aclose(0.05), worker.channel.aclose(0.05))
        outcome = (await asyncio.gather(call, return_exceptions=True))[0]
        assert isinstance(outcome, WorkerLost) or outcome.error.type == "CancelledError"
        exit_info = worker.channel.closed.result()
        assert exit_info.expected
        with pytest.raises(WorkerLost, match="stopped"):
            await worker.call("let_go")


@every_language
async def test_an_edit_in_the_same_second_is_never_missed(kind: str, tmp_path: Path) -> None:
    code = {
        "python": "from helper import WORD\n@app.route()\ndef f(req):\n    return WORD\n",
        "node": "const { WORD } = require('./helper');\nhttp('f', () => ({ body: WORD }));\n",
    }
    for word in ("one", "two", "six", "ten"):
        root = written(kind, tmp_path, code)
        write(root, {"helper.py": f"WORD = '{word}'\n", "helper.js": f"exports.WORD = '{word}';\n"})
        async with serving(kind, root) as worker:
            assert await worker.text("f") == word


# Frameworks


async def test_asgi_and_wsgi_apps(kind: str, tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "function_app.py": """
                import pathlib
                import azure.functions as func

                async def asgi(scope, receive, send):
                    if scope["type"] == "lifespan":
                        await receive()
                        await send({"type": "lifespan.startup.complete"})
                        await receive()
                        pathlib.Path(__file__).with_name("ended").write_text("")
                        await send({"type": "lifespan.shutdown.complete"})
                        return
                    body = (await receive())["body"]
                    told = " ".join([scope["method"], scope["path"], body.decode(),
                                     scope["azure_functions.function_name"]])
                    await send({"type": "http.response.start", "status": 202,
                                "headers": [(b"content-type", b"text/x")]})
                    await send({"type": "http.response.body", "body": told.encode()})

                app = func.AsgiFunctionApp(app=asgi, http_auth_level="ANONYMOUS")
            """,
            "wsgi/__init__.py": """
                import azure.functions as func

                def wsgi(environ, start_response):
                    broken = environ["PATH_INFO"] == "/broken"
                    start_response("500 No" if broken else "200 OK", [("X-A", "b")])
                    return [b"from wsgi"]

                main = func.WsgiMiddleware(wsgi).main
            """,
        },
    )
    async with serving(kind, root) as worker:
        assert worker.errors == {}
        (model,) = models(worker.index)
        trigger = next(each for each in model.bindings if each.type == "httpTrigger")
        assert model.name == "http_app_func"
        assert trigger.properties["route"] == "/{*route}"
        answer = await worker.call(
            "http_app_func", req=request(b"hi", method="PUT", url="http://h/path?q=1")
        )
        assert answer.return_value.value == HttpResponseData(
            202, (("content-type", "text/x"),), b"PUT /path hi http_app_func"
        )
        await worker.load(folder_function(root, "wsgi", script="__init__.py"))
        fine = (await worker.call("wsgi", req=request(url="http://h/x"))).return_value.value
        assert (fine.body, ("X-A", "b") in fine.headers) == (b"from wsgi", True)
        broken = await worker.call("wsgi", req=request(url="http://h/broken"))
        assert broken.error.title == "Exception: b'from wsgi'"
        assert not (root / "ended").exists()
    assert (root / "ended").exists()
