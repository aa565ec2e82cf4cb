"""How functions are loaded over every worker channel: folders, modules, what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.workers import (
    CHANNELS,
    decorated,
    every_language,
    folder_function,
    serving,
    started,
    write,
    written,
)

pytestmark = pytest.mark.parametrize("kind", CHANNELS)

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
