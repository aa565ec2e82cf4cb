"""Apps in this process: their modules, and what is left of them."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.errors import WorkerStartError
from emulator.workers.channel import AppSpec
from emulator.workers.inprocess import InProcessChannel
from tests.support.workers import (
    decorated,
    folder_function,
    serving,
    started,
    write,
)

KIND = "inprocess"
SAYS = """
import helper

@app.route()
def early(req):
    return helper.WHO

@app.route()
def late(req):
    import late_helper
    from package import part
    import helper as again
    return f"{late_helper.WHO} {part.WHO} {again is helper}"

@app.route()
def stranger(req):
    try:
        import only_in_b
    except ModuleNotFoundError as error:
        return str(error)
    return only_in_b.WHO
"""


def app(folder: Path, who: str, **more: str) -> Path:
    said = f"WHO = '{who}'\n"
    files = {"helper.py": said, "late_helper.py": said, "package/part.py": said, **more}
    return decorated(folder, SAYS, **files)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    def state() -> tuple[object, ...]:
        return (
            list(sys.path),
            list(sys.path_hooks),
            list(sys.meta_path),
            {name: each for name, each in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
            builtins.__import__,
            importlib.import_module,
            logging.getLogger().level,
            list(logging.getLogger().handlers),
        )

    before, modules = state(), set(sys.modules)
    yield
    assert state() == before
    ours = {"helper", "late_helper", "package", "package.part", "function_app", "__app__"}
    assert not ours & (set(sys.modules) - modules)


async def test_two_apps_at_once_do_not_see_each_other(tmp_path: Path) -> None:
    a = app(tmp_path / "a", "a")
    b = app(tmp_path / "b", "b", **{"only_in_b.py": "WHO = 'b'\n"})
    async with serving(KIND, a) as first:
        async with serving(KIND, b) as second:
            for worker, who in ((first, "a"), (second, "b"), (first, "a")):
                assert await worker.text("early") == who
                assert await worker.text("late") == f"{who} {who} True"
            assert await first.text("stranger") == "No module named 'only_in_b'"
            assert await second.text("stranger") == "b"
            assert await first.text("stranger") == "No module named 'only_in_b'"
            answers = await asyncio.gather(
                *(worker.text("late") for _ in range(5) for worker in (first, second))
            )
            assert answers == ["a a True", "b b True"] * 5
        assert await first.text("late") == "a a True"


async def test_they_may_end_in_any_order(tmp_path: Path) -> None:
    async with serving(KIND, app(tmp_path / "a", "a")) as first:
        async with serving(KIND, app(tmp_path / "b", "b")) as second:
            await first.channel.aclose()
            assert await second.text("late") == "b b True"
            assert sys.modules["helper"].__dict__["WHO"] == "b"


async def test_folder_functions_of_two_apps_have_an_app_package_each(tmp_path: Path) -> None:
    code = """
        def main(req):
            from ..shared import word
            import __app__.shared.word as again
            return word.WORD + again.WORD
    """
    roots = [
        write(tmp_path / who, {"f/main.py": code, "shared/word.py": f"WORD = '{who}'\n"})
        for who in "ab"
    ]
    async with started(KIND, roots[0]) as first, started(KIND, roots[1]) as second:
        for worker, root in ((first, roots[0]), (second, roots[1])):
            await worker.load(folder_function(root, "f"))
        assert [await worker.text("f") for worker in (first, second, first)] == ["aa", "bb", "aa"]


@contextlib.contextmanager
def on_path(root: Path, *names: str) -> Iterator[None]:
    """Let the test import the modules of an app itself."""
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))
        for name in names:
            sys.modules.pop(name, None)


async def test_a_module_a_test_imported_stays_the_same_object_and_is_run_anew(
    tmp_path: Path,
) -> None:
    root = app(tmp_path, "a", **{"held.py": "WHO = 'x'\n"})
    with on_path(root, "helper", "held"):
        mine, held = importlib.import_module("helper"), importlib.import_module("held")
        mine.__dict__["WHO"] = mine.__dict__["LEFT"] = "changed by the test"
        for _ in range(2):
            async with serving(KIND, root) as worker:
                assert sys.modules["helper"] is mine
                assert await worker.text("early") == "a"
                assert not hasattr(mine, "LEFT")
                assert await worker.text("late") == "a a True"
                assert sys.modules["held"] is held
                mine.__dict__["WHO"] = mine.__dict__["LEFT"] = "patched"
                assert await worker.text("early") == "patched"
            assert sys.modules["helper"] is mine


async def test_a_package_a_test_imported_keeps_its_parts(tmp_path: Path) -> None:
    code = "import package\n@app.route()\ndef f(req):\n    return package.WHO\n"
    files = {"package/__init__.py": "WHO = 'a'\n", "package/part.py": "PART = 1\n"}
    root = decorated(tmp_path, code, **files)
    with on_path(root, "package", "package.part"):
        part = importlib.import_module("package.part")
        async with serving(KIND, root) as worker:
            assert await worker.text("f") == "a"
            assert sys.modules["package"].__dict__["part"] is part


async def test_what_a_function_imports_late_is_run_anew_as_well(tmp_path: Path) -> None:
    root = app(tmp_path, "a")
    with on_path(root, "late_helper"):
        importlib.import_module("late_helper").__dict__["WHO"] = "left by an earlier test"
        async with serving(KIND, root) as worker:
            assert await worker.text("late") == "a a True"


async def test_a_module_of_another_folder_does_not_stand_in_for_the_apps(tmp_path: Path) -> None:
    a, b = app(tmp_path / "a", "a"), app(tmp_path / "b", "b")
    with on_path(a, "helper"):
        mine = importlib.import_module("helper")
        async with serving(KIND, b) as worker:
            assert await worker.text("early") == "b"
            assert await worker.text("late") == "b b True"
        assert sys.modules["helper"] is mine
        assert mine.__dict__["WHO"] == "a"


async def test_installed_packages_come_before_modules_of_the_app(tmp_path: Path) -> None:
    code = "import msgspec\n@app.route()\ndef f(req):\n    return msgspec.__file__\n"
    root = decorated(tmp_path, code, **{"msgspec.py": ""})
    async with serving(KIND, root) as worker:
        assert await worker.text("f") == importlib.import_module("msgspec").__file__


async def test_import_module_in_a_call_finds_the_apps_own(tmp_path: Path) -> None:
    code = """
        import importlib

        @app.route()
        def f(req):
            return importlib.import_module("helper").WHO
    """
    roots = [decorated(tmp_path / w, code, **{"helper.py": f"WHO = '{w}'\n"}) for w in "ab"]
    async with serving(KIND, roots[0]) as first, serving(KIND, roots[1]) as second:
        answers = [await worker.text("f") for worker in (first, second, first)]
        assert answers == ["a", "b", "a"]


async def test_what_an_app_adds_to_the_path_goes_with_it(tmp_path: Path) -> None:
    code = """
        import sys
        sys.path.insert(0, "/first")
        sys.path.append("/last")

        @app.route()
        def f(req):
            return f"{sys.path[0]} {sys.path[-1]}"
    """
    async with serving(KIND, decorated(tmp_path, code)) as worker:
        assert await worker.text("f") == "/first /last"


@pytest.mark.parametrize("package", [True, False])
async def test_an_app_may_have_a_package_called_tests(tmp_path: Path, package: bool) -> None:
    code = """
        from tests.helpers import WHO

        @app.route()
        def f(req):
            return WHO
    """
    files = {"tests/helpers.py": "WHO = 'of the app'\n"}
    if package:
        files["tests/__init__.py"] = ""
    ours = sys.modules["tests"]
    async with serving(KIND, decorated(tmp_path, code, **files)) as worker:
        assert await worker.text("f") == "of the app"
    assert sys.modules["tests"] is ours
    assert "tests.helpers" not in sys.modules


async def test_a_test_can_reach_into_the_app(tmp_path: Path) -> None:
    async with serving(KIND, app(tmp_path, "a")) as worker:
        helper = importlib.import_module("helper")
        helper.__dict__["WHO"] = "patched"
        assert await worker.text("early") == "patched"


async def test_every_start_imports_the_app_anew(tmp_path: Path) -> None:
    for who in ("one", "two"):
        async with serving(KIND, app(tmp_path, who)) as worker:
            assert await worker.text("early") == who


async def test_two_loads_of_one_app_stay_apart_during_a_reload(tmp_path: Path) -> None:
    async with serving(KIND, app(tmp_path, "old")) as old:
        async with serving(KIND, app(tmp_path, "new")) as new:
            assert [await worker.text("early") for worker in (old, new)] == ["old", "new"]
            assert await new.text("late") == "new new True"
            await old.channel.aclose()
            assert await new.text("stranger") == "No module named 'only_in_b'"
            write(tmp_path, {"only_in_b.py": "WHO = 'there now'\n"})
            importlib.invalidate_caches()
            assert await new.text("stranger") == "there now"


async def test_only_the_apps_own_records_are_its_logs(tmp_path: Path) -> None:
    code = "import logging\n@app.route()\ndef f(req):\n    logging.info('mine')\n    return ''\n"
    roots = [decorated(tmp_path / who, code) for who in "ab"]
    async with serving(KIND, roots[0]) as first, serving(KIND, roots[1]) as second:
        logging.getLogger().warning("of the test")
        await first.call("f", id="1")
        assert [each.message for each in first.logs] == ["mine"]
        assert second.logs == []


@pytest.mark.parametrize("place", ["bindings.py", "emulator/__init__.py"])
async def test_an_app_with_a_module_called_like_ours_is_refused(tmp_path: Path, place: str) -> None:
    write(tmp_path, {place: ""})
    name = place.split("/")[0].removesuffix(".py")
    found = tmp_path / (place if place.endswith(f"{name}.py") else name)
    with pytest.raises(WorkerStartError) as raised:
        await InProcessChannel(AppSpec(tmp_path, {}), lambda log: None).start()
    assert raised.value.message == (
        f"the app has a module called '{name}' ({found}), and so has funcemu: they cannot share a"
        " process"
    )
    assert raised.value.hint == "run this app with the subprocess channel"


async def test_a_folder_of_that_name_without_python_is_no_reason(tmp_path: Path) -> None:
    write(tmp_path, {"bindings/readme.txt": ""})
    async with started(KIND, tmp_path) as worker:
        assert worker.info.pid == 0


async def test_an_app_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartError, match="the folder of the app does not exist"):
        await InProcessChannel(AppSpec(tmp_path / "no", {}), lambda log: None).start()


async def test_a_channel_that_was_never_started_can_be_closed(tmp_path: Path) -> None:
    channel = InProcessChannel(AppSpec(tmp_path, {}), lambda log: None)
    await channel.aclose()
    assert channel.closed.result().expected
