"""Apps in one test process: their modules, their settings, what tests reach into."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.support.testing import HELLO, check, failing, output, run, write_project

COUNTING = """
import azure.functions as func
import shared

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
calls = []

@app.route(route="count")
def count(req: func.HttpRequest) -> str:
    calls.append(1)
    shared.seen.append(1)
    return f"{shared.WHO} {len(calls)} {len(shared.seen)}"
"""


def shared(who: str) -> str:
    return f"WHO = {who!r}\nseen = []\n"


def test_each_test_has_fresh_modules(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        @pytest.mark.parametrize("n", range(3))
        async def test_it(functions_app, n):
            assert await (await functions_app.get("/api/count")).text() == "a 1 1"
            assert await (await functions_app.get("/api/count")).text() == "a 2 2"
        """,
        app={"function_app.py": COUNTING, "shared.py": shared("a")},
    )


def test_two_apps_at_once_do_not_see_each_other(pytester: pytest.Pytester) -> None:
    for who in "ab":
        write_project(
            pytester,
            "",
            app={
                "function_app.py": COUNTING
                + "\nimport os\n@app.route(route='s')\n"
                + "def s(req) -> str:\n    return os.environ.get('ONLY', 'none')\n",
                "shared.py": shared(who),
            },
            folder=who,
        )
    (pytester.path / "test_it.py").write_text(
        textwrap.dedent(
            """
            import asyncio
            from emulator.testing import EmulatedApp

            async def told(app, path):
                return await (await app.get(path)).text()

            async def test_it():
                async with EmulatedApp("a", settings={"ONLY": "a"}) as a, EmulatedApp("b") as b:
                    assert await told(a, "/api/count") == "a 1 1"
                    assert await told(b, "/api/count") == "b 1 1"
                    assert await told(a, "/api/count") == "a 2 2"
                    assert [await told(each, "/api/s") for each in (a, b)] == ["a", "none"]
                    assert a.module("shared").WHO == "a"
                    assert b.module("shared").WHO == "b"
                    assert a.settings["ONLY"] == "a" and "ONLY" not in b.settings
                    together = [told(each, "/api/count") for each in (a, b) * 5]
                    answers = await asyncio.gather(*together)
                    assert {each[0] for each in answers[::2]} == {"a"}
                    assert {each[0] for each in answers[1::2]} == {"b"}
            """
        )
    )
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1}, output(result)


def test_patches_reach_modules_of_the_app(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        import shared
        from unittest import mock

        async def told(app):
            return (await (await app.get("/api/count")).text()).split()[0]

        async def test_a_module_the_test_imported(functions_app, monkeypatch):
            monkeypatch.setattr(shared, "WHO", "patched")
            assert await told(functions_app) == "patched"

        async def test_the_next_test_has_the_original(functions_app):
            assert await told(functions_app) == "a"

        async def test_by_name(functions_app, monkeypatch):
            monkeypatch.setattr("shared.WHO", "by-name")
            assert await told(functions_app) == "by-name"

        async def test_mock(functions_app):
            with mock.patch("shared.WHO", "mocked"):
                assert await told(functions_app) == "mocked"
            assert await told(functions_app) == "a"

        async def test_by_the_app(functions_app, monkeypatch):
            monkeypatch.setattr(functions_app.module("shared"), "WHO", "by-module")
            assert await told(functions_app) == "by-module"

        async def test_imported_in_the_test(functions_app):
            import function_app
            await functions_app.get("/api/count")
            assert function_app.calls == [1]

        @pytest.mark.functions_app(channel="subprocess")
        async def test_another_process_is_out_of_reach(functions_app):
            told = "The module 'shared' is in the worker's process, where a test cannot reach it"
            with pytest.raises(RuntimeError, match=told):
                functions_app.module("shared")
        """,
        app={"function_app.py": COUNTING, "shared.py": shared("a")},
    )


@pytest.mark.parametrize("package", [True, False])
def test_an_app_may_hold_its_tests_in_a_package_called_tests(
    pytester: pytest.Pytester, package: bool
) -> None:
    write_project(pytester, "", app={"function_app.py": COUNTING, "shared.py": shared("a")})
    (pytester.path / "test_it.py").unlink()
    tests = pytester.path / "tests"
    tests.mkdir()
    if package:
        (tests / "__init__.py").write_text("")
    (tests / "helpers.py").write_text("kept = []\n")
    start = "from tests.helpers import kept" if package else "from helpers import kept"
    code = f"""
    {start}
    import sys

    async def test_it(functions_app):
        assert await (await functions_app.get("/api/count")).text() == "a 1 1"
        kept.append(1)

    async def test_the_tests_own_modules_stay(functions_app):
        assert kept == [1]
        assert sys.modules[__name__].kept is kept
    """
    (tests / "test_there.py").write_text(textwrap.dedent(code))
    # This process has a package of that name already.
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    assert result.parseoutcomes() == {"passed": 2}, output(result)


def test_an_app_may_import_a_package_called_tests(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        async def test_it(functions_app):
            assert await (await functions_app.get("/api/who")).text() == "of the app"
        """,
        app={
            "function_app.py": """
                import azure.functions as func
                from tests.data import WHO
                app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

                @app.route(route="who")
                def who(req: func.HttpRequest) -> str:
                    return WHO
            """,
            "tests/data.py": "WHO = 'of the app'\n",
        },
    )


@pytest.mark.parametrize("name", ["bindings", "emulator"])
def test_an_app_with_a_module_called_like_ours_runs_in_a_process_only(
    pytester: pytest.Pytester, name: str
) -> None:
    app = {
        "function_app.py": f"import {name}\n" + HELLO.replace("'you'", f"{name}.WHO"),
        f"{name}.py": "WHO = 'a module of the app'\n",
    }
    told = failing(pytester, "async def test_it(functions_app): pass\n", app=app)
    assert f"the app has a module called '{name}' ({pytester.path}/{name}.py), and so has" in told
    assert "funcemu: they cannot share a process" in told
    assert "run this app with the subprocess channel" in told
    check(
        pytester,
        """
        @pytest.mark.functions_app(channel="subprocess")
        async def test_it(functions_app):
            assert await (await functions_app.get("/api/hello")).text() == (
                "Hello a module of the app"
            )
        """,
        app=app,
    )


def test_coverage_sees_the_functions(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        import coverage

        def lines(measured, name):
            data = measured.get_data()
            [file] = [each for each in data.measured_files() if each.endswith(name)]
            return set(data.lines(file))

        async def test_it(functions_app):
            measured = coverage.Coverage(data_file=None, include=[f"{functions_app.path}/*"])
            measured.start()
            try:
                await functions_app.get("/api/hello")
                await functions_app.get("/api/setting")
            finally:
                measured.stop()
            seen = lines(measured, "function_app.py")
            assert {11, 12} <= seen, "an async function"
            assert 25 in seen, "a function in a thread"
            assert 16 not in seen, "one that was not called"
        """,
    )


def test_a_debugger_stops_in_a_function(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(
        pytester,
        """
        import sys

        async def test_it(functions_app, monkeypatch):
            stopped = []
            monkeypatch.setattr(sys, "breakpointhook", lambda: stopped.append(sys._getframe(1)))
            await functions_app.get("/api/stop", params={"word": "here"})
            assert [each.f_code.co_name for each in stopped] == ["stop"]
            assert stopped[0].f_locals["word"] == "here"
        """,
        app="""
            import azure.functions as func
            app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

            @app.route(route="stop")
            async def stop(req: func.HttpRequest) -> str:
                word = req.params["word"]
                breakpoint()
                return word
        """,
    )


def test_nothing_is_left_behind(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        import builtins, importlib, logging, os, sys, threading
        from emulator.testing import EmulatedApp

        def state():
            environment = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
            return (environment, list(sys.path), list(sys.meta_path), list(sys.path_hooks),
                    builtins.__import__, importlib.import_module,
                    logging.getLogger().handlers[:], logging.getLogger().level)

        async def test_it():
            async with EmulatedApp(".") as app:
                await app.get("/api/hello")
            before, modules, threads = state(), set(sys.modules), threading.active_count()
            async with EmulatedApp(".", settings={"X": "1"}) as app:
                await app.get("/api/setting")
                assert "function_app" in sys.modules
            assert state() == before
            assert set(sys.modules) - modules == set()
            assert "function_app" not in sys.modules
            loop = asyncio.get_running_loop()
            assert loop.get_task_factory() is None
            assert asyncio.all_tasks() == {asyncio.current_task()}
        """,
    )


def test_tests_may_run_in_parallel(pytester: pytest.Pytester) -> None:
    write_project(
        pytester,
        """
        @pytest.mark.parametrize("n", range(8))
        async def test_it(functions_app, models, n):
            await functions_app.put("/api/chats/a1")
            models.on("note").calls("AddNote", str(n)).then_says("ok")
            await functions_app.post("/api/chats/a1", params={"text": "note"})
            assert (await functions_app.call("ReadNotes")).value == [str(n)]

        @pytest.mark.parametrize("n", range(4))
        async def test_session(functions_app_session, n):
            await functions_app_session.put(f"/api/chats/{n}")
        """,
        app=_chat(),
    )
    result = pytester.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider")
    assert result.parseoutcomes() == {"passed": 12}, output(result)


def test_a_failure_in_parallel_shows_the_journal(pytester: pytest.Pytester) -> None:
    write_project(
        pytester,
        "async def test_it(functions_app):\n    await functions_app.get('/api/boom')\n",
    )
    result = pytester.runpytest_subprocess("-n", "1", "-p", "no:cacheprovider")
    told = output(result)
    assert "- The function 'boom' failed" in told
    assert "boom GET /api/boom failed in" in told


def _chat() -> str:
    from tests.support.testing import CHAT

    return CHAT


def test_sample_files_are_not_touched(pytester: pytest.Pytester) -> None:
    root = write_project(
        pytester,
        "async def test_it(functions_app):\n    await functions_app.get('/api/hello')\n",
    )
    before = {path: path.stat().st_mtime_ns for path in _files(root)}
    assert run(pytester).parseoutcomes() == {"passed": 1}
    after = {path: path.stat().st_mtime_ns for path in _files(root)}
    assert after == before, "no state folder, no bytecode"


def _files(root: Path) -> list[Path]:
    return [each for each in root.rglob("*") if each.is_file() and "__pycache__" not in each.parts]
