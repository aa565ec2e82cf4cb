"""What every worker channel finds in an app, and says of one that cannot be loaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.workers import (
    CHANNELS,
    decorated,
    every_language,
    serving,
    started,
    write,
    written,
)

pytestmark = pytest.mark.parametrize("kind", CHANNELS)


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
