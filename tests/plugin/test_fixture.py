"""The fixture `functions_app`: what a test can do with an app, on both channels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.testing import HELLO, check, failing, run, write_project

CHANNELS = ["inprocess", "subprocess"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_verbs_are_those_of_a_client(pytester: pytest.Pytester, channel: str) -> None:
    check(
        pytester,
        """
        async def test_get(functions_app):
            answer = await functions_app.get("/api/hello/Ada", params={"x": "1"})
            assert (answer.status, answer.reason, answer.ok) == (200, "OK", True)
            assert answer.headers["CONTENT-TYPE"] == "text/plain; charset=utf-8"
            assert answer.content_type == "text/plain"
            assert await answer.text() == "Hello Ada"
            assert await answer.read() == b"Hello Ada" == answer.body
            assert repr(answer) == "<200 text/plain 'Hello Ada'>"

        @pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
        async def test_with_a_body(functions_app, verb):
            answer = await getattr(functions_app, verb)("/api/echo", json={"a": [1, "ä"]})
            assert answer.status == 201
            assert answer.headers["x-method"] == verb.upper()
            assert await answer.json() == {"a": [1, "ä"]}

        async def test_others(functions_app):
            assert (await functions_app.request("PUT", "/api/echo", data=b"x")).body == b"x"
            assert (await functions_app.head("/api/hello")).status == 200
            assert (await functions_app.options("/api/nothing")).status == 404
            assert (await functions_app.get("api/hello")).status == 200

        async def test_many_at_once(functions_app):
            get = functions_app.get
            answers = await asyncio.gather(*(get(f"/api/hello/{n}") for n in range(50)))
            assert [await each.text() for each in answers] == [f"Hello {n}" for n in range(50)]

        async def test_large_bodies(functions_app):
            data = bytes(range(256)) * 20_000
            answer = await functions_app.post("/api/echo", data=io.BytesIO(data))
            assert answer.body == data
        """,
        f"--functions-channel={channel}",
    )


@pytest.mark.parametrize("channel", CHANNELS)
def test_any_function_can_be_called(pytester: pytest.Pytester, channel: str) -> None:
    check(
        pytester,
        """
        from emulator.testing import FunctionFailed, FunctionNotFound, HttpRequestData

        async def test_http(functions_app):
            result = await functions_app.call("echo", {"a": 1})
            assert (result.value.status, result.value.body) == (201, b'{"a": 1}')
            assert result.record.inputs["req"].method == "POST"
            request = HttpRequestData("GET", "http://localhost/api/hello", params={"name": "Ada"})
            assert (await functions_app.call("hello", request)).value.body == b"Hello Ada"

        async def test_a_failure_is_raised(functions_app):
            with pytest.raises(FunctionFailed, match="ValueError: the answer is not 42") as raised:
                await functions_app.call("boom")
            assert raised.value.error.type == "ValueError"
            assert raised.value.error.line == 21
            assert "raise ValueError" in raised.value.__notes__[0]

        async def test_a_name_that_is_none(functions_app):
            with pytest.raises(FunctionNotFound) as raised:
                await functions_app.call("hallo")
            assert str(raised.value) == (
                "There is no function 'hallo' in this app. Did you mean 'hello'?"
            )
            with pytest.raises(FunctionNotFound, match="Functions: boom, echo, hello, setting."):
                functions_app.invocations("xyz")
        """,
        f"--functions-channel={channel}",
    )


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_happened_is_recorded(pytester: pytest.Pytester, channel: str) -> None:
    check(
        pytester,
        """
        async def test_one(functions_app):
            await functions_app.get("/api/hello/Ada")
            await functions_app.get("/api/setting")
            with functions_app.expect_failure("boom"):
                await functions_app.get("/api/boom")
            assert [call.function for call in functions_app.invocations()] == [
                "hello", "setting", "boom",
            ]
            [call] = functions_app.invocations("HELLO")
            assert call.inputs["req"].params == {"name": "Ada"}
            assert call.returned.status == 200
            assert call.outputs == {}
            assert 0 <= call.duration < 120
            assert call.succeeded and call.finished and str(call) == "hello succeeded"
            assert [str(line) for line in call.logs] == ["Information: greeting Ada"]
            assert call.logs[0].category == "Function.hello.User"
            [failed] = functions_app.invocations("boom")
            assert failed.error.title == "ValueError: the answer is not 42"
            assert not failed.succeeded
            assert call.logs[0] in functions_app.logs
            assert [(r.method, r.path, r.status, r.function) for r in functions_app.requests] == [
                ("GET", "/api/hello/Ada", 200, "hello"),
                ("GET", "/api/setting", 200, "setting"),
                ("GET", "/api/boom", 500, "boom"),
            ]
            functions_app.forget()
            assert functions_app.invocations() == [] == functions_app.logs

        async def test_another(functions_app):
            assert functions_app.invocations() == []
        """,
        f"--functions-channel={channel}",
    )


def test_settings_come_from_ini_and_markers(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        pytestmark = pytest.mark.functions_app(settings={"COLOUR": "blue", "SHAPE": "round"})

        async def told(app):
            return await (await app.get("/api/setting")).text()

        async def test_the_file(functions_app):
            assert await told(functions_app) == "blue"
            assert functions_app.settings["size"] == "large"
            assert functions_app.settings["From__File"] == "yes"
            assert functions_app.settings.source("size") == "environment"
            assert functions_app.settings.source("From:File").startswith("local.settings.json")
            assert "NOTHING" not in functions_app.settings
            assert dict(functions_app.settings)["SHAPE"] == "round"

        @pytest.mark.functions_app(settings={"COLOUR": "red"})
        async def test_the_nearest_wins(functions_app):
            assert await told(functions_app) == "red"
            assert functions_app.settings["SHAPE"] == "round"

        async def test_a_name_that_is_none(functions_app):
            told = "there is no setting 'COLOR'. Did you mean 'COLOUR'"
            with pytest.raises(KeyError, match=told):
                functions_app.settings["COLOR"]
            with pytest.raises(KeyError, match="Give it with functions_app.settings="):
                functions_app.settings["SOMETHING_ELSE"]

        async def test_the_environment_of_the_test(functions_app, monkeypatch):
            monkeypatch.setenv("COLOUR", "patched")
            assert await told(functions_app) == "patched"
        """,
        app={
            "function_app.py": HELLO,
            "local.settings.json": '{"Values": {"From__File": "yes", "COLOUR": "of the file"}}',
        },
        ini="functions_app_settings =\n    SIZE=large\n    COLOUR = of the ini\n",
    )


def test_only_some_functions_can_be_loaded(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        @pytest.mark.functions_app(functions=["hello"])
        async def test_it(functions_app):
            assert functions_app.functions == ["hello"]
            assert (await functions_app.get("/api/setting")).status == 404
        """,
    )


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_app_can_be_loaded_anew(pytester: pytest.Pytester, channel: str) -> None:
    check(
        pytester,
        """
        from pathlib import Path
        from emulator.testing import AppBroken

        async def test_it(functions_app):
            await functions_app.reload(settings={"COLOUR": "green"})
            assert await (await functions_app.get("/api/setting")).text() == "green"
            file = functions_app.path / "function_app.py"
            source = file.read_text()
            file.write_text(source.replace("Hello", "Hallo"))
            await functions_app.reload()
            assert await (await functions_app.get("/api/hello")).text() == "Hallo you"
            file.write_text("def broken(:")
            with pytest.raises(AppBroken, match="cannot be loaded:\\nerror: .*SyntaxError"):
                await functions_app.reload()
            assert await (await functions_app.get("/api/hello")).text() == "Hallo you"
        """,
        f"--functions-channel={channel}",
    )


def test_a_plain_function_needs_no_await(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        def test_it(functions_app):
            assert functions_app.get("/api/hello").text() == "Hello you"
            assert functions_app.post("/api/echo", json=[1]).json() == [1]
            assert functions_app.put("/api/echo", data=b"x").read() == b"x"
            assert functions_app.patch("/api/echo").headers["x-method"] == "PATCH"
            assert functions_app.delete("/api/echo").headers["x-method"] == "DELETE"
            assert functions_app.head("/api/hello").status == 200
            assert functions_app.options("/api/nothing").status == 404
            assert functions_app.call("hello").value.body == b"Hello you"
            assert len(functions_app.invocations("hello")) == 3
            with functions_app.expect_failure("boom"):
                functions_app.get("/api/boom")
            functions_app.reload(settings={"COLOUR": "red"})
            assert functions_app.get("/api/setting").text() == "red"
            assert functions_app.settings["COLOUR"] == "red"
            assert functions_app.functions == ["boom", "echo", "hello", "setting"]
            assert [each.code for each in functions_app.problems] == []
            assert "hello POST /hello/{name succeeded" in functions_app.journal()
            assert functions_app.logs and functions_app.requests
            functions_app.clock.advance(5)
        """,
    )


def test_the_strict_mode_of_pytest_asyncio_works(pytester: pytest.Pytester) -> None:
    write_project(
        pytester,
        """
        @pytest.mark.asyncio
        async def test_it(functions_app):
            assert (await functions_app.get("/api/hello")).status == 200

        def test_plain(functions_app):
            assert functions_app.get("/api/hello").status == 200
        """,
    )
    ini = pytester.path / "pytest.ini"
    ini.write_text(ini.read_text().replace("asyncio_mode = auto", "asyncio_mode = strict"))
    assert run(pytester).parseoutcomes() == {"passed": 2}


def test_fixtures_may_be_asked_for_while_the_test_runs(pytester: pytest.Pytester) -> None:
    write_project(
        pytester,
        """
        def test_good(request):
            app = request.getfixturevalue("functions_app")
            assert app.get("/api/hello").status == 200

        def test_bad(request):
            request.getfixturevalue("functions_app").get("/api/boom")
        """,
    )
    assert run(pytester).parseoutcomes() == {"passed": 1, "failed": 1}


def test_the_decorator_and_fixtures_go_together(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        from emulator.testing import EmulatedApp

        @EmulatedApp(".")
        async def test_it(app, tmp_path):
            assert (await app.get("/api/hello")).status == 200 and tmp_path.is_dir()

        class TestMethods:
            @EmulatedApp(".")
            def test_it(self, app, tmp_path):
                assert app.get("/api/hello").status == 200 and tmp_path.is_dir()
        """,
    )


# Where the app is


def test_the_app_is_the_nearest_folder_above(pytester: pytest.Pytester) -> None:
    write_project(pytester, "", folder="apps/one")
    tests = pytester.path / "apps/one/tests/deep"
    tests.mkdir(parents=True)
    (tests / "test_there.py").write_text(
        "async def test_it(functions_app):\n"
        "    assert functions_app.path.name == 'one'\n"
        "    assert (await functions_app.get('/api/hello')).status == 200\n"
    )
    assert run(pytester).parseoutcomes() == {"passed": 1}


def test_a_path_starts_from_the_test_or_from_the_root(pytester: pytest.Pytester) -> None:
    root = write_project(pytester, "", folder="apps/one")
    (pytester.path / "checks").mkdir()
    (pytester.path / "checks/test_there.py").write_text(
        "import pytest\n"
        "@pytest.mark.functions_app('../apps/one')\n"
        "async def test_from_the_test(functions_app): pass\n"
        "@pytest.mark.functions_app(path='apps/one')\n"
        "async def test_from_the_root(functions_app): pass\n"
        f"@pytest.mark.functions_app(path={str(root)!r})\n"
        "async def test_absolute(functions_app): pass\n"
    )
    assert run(pytester).parseoutcomes() == {"passed": 3}


def test_the_ini_file_names_the_app(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        "async def test_it(functions_app):\n    assert functions_app.path.name == 'one'\n",
        folder="apps/one",
        ini="functions_app_path = apps/one\n",
    )


def test_an_app_that_is_nowhere_is_told(pytester: pytest.Pytester) -> None:
    told = failing(pytester, "async def test_it(functions_app): pass\n", folder="apps/one")
    assert (
        f"No function app was found for test_it.py::test_it: neither {pytester.path} nor a folder "
        f"above it, up to {pytester.path}, has a host.json. Name the app's folder with "
        "@pytest.mark.functions_app(path=…), or with functions_app_path in the ini file."
    ) in told


def test_a_path_that_is_none_is_told(pytester: pytest.Pytester) -> None:
    told = failing(
        pytester,
        "@pytest.mark.functions_app('app')\nasync def test_it(functions_app): pass\n",
    )
    assert f"There is no function app in {pytester.path}/app." in told


# What is written wrong


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        (
            "functions_app(pth='.')",
            "functions_app(…) has no argument 'pth'; it has path, settings, functions, channel, "
            "strict, models, clock.",
        ),
        (
            "functions_app('.', 'x')",
            "functions_app(…) takes one positional argument: the path.",
        ),
        (
            "functions_app(settings='A=1')",
            "functions_app(settings=…) takes a dict of names and values.",
        ),
        (
            "functions_app(channel='docker')",
            "The channel of a function app is 'inprocess' or 'subprocess', not 'docker'.",
        ),
    ],
)
def test_a_marker_that_cannot_be_used_is_told(
    pytester: pytest.Pytester, marker: str, told: str
) -> None:
    test = f"@pytest.mark.{marker}\nasync def test_it(functions_app): pass\n"
    assert told in failing(pytester, test)


def test_a_line_of_settings_that_is_none_is_told(pytester: pytest.Pytester) -> None:
    told = failing(
        pytester,
        "async def test_it(functions_app): pass\n",
        ini="functions_app_settings =\n    COLOUR: red\n",
    )
    assert "functions_app_settings has the line 'COLOUR: red'; write NAME=value." in told


def test_an_app_that_cannot_be_imported_is_told_with_its_traceback(
    pytester: pytest.Pytester,
) -> None:
    told = failing(
        pytester,
        "async def test_it(functions_app): pass\n",
        app="import nothing_of_that_name\n",
    )
    assert f"The app in {pytester.path} cannot be loaded:" in told
    assert "No module named 'nothing_of_that_name'" in told
    assert 'function_app.py", line 1' in told
    assert "emulator/testing" not in told, "no traceback of ours"


def test_an_app_of_which_only_a_part_can_be_loaded_is_told(pytester: pytest.Pytester) -> None:
    app = (
        HELLO
        + """
@app.function_name("odd")
@app.generic_trigger(arg_name="x", type="oddTrigger")
def odd(x): ...
"""
    )
    test = "async def test_it(functions_app): pass\n"
    told = failing(pytester, test, app=app)
    assert f"The app in {pytester.path} has functions that cannot be loaded:" in told
    assert "The 'odd' function is in error: The binding type(s) 'oddTrigger'" in told
    assert (
        "Leave them out with functions_app(functions=[…]), or load what can be loaded with "
        "functions_app(strict=False)."
    ) in told
    check(
        pytester,
        """
        from emulator.testing import FunctionNotFound

        @pytest.mark.functions_app(strict=False)
        async def test_lenient(functions_app):
            assert (await functions_app.get("/api/hello")).status == 200
            with pytest.raises(FunctionNotFound, match="'odd' cannot be called: .*'oddTrigger'"):
                await functions_app.call("odd")

        @pytest.mark.functions_app(functions=["hello"])
        async def test_without_it(functions_app):
            assert (await functions_app.get("/api/hello")).status == 200
        """,
        app=app,
    )


def test_another_server_cannot_be_asked(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        async def test_it(functions_app):
            with pytest.raises(ValueError, match="is an address; give the path only: /api/…"):
                await functions_app.get("https://example.com/api/hello")
        """,
    )


def test_the_sample_app_with_function_json_works(pytester: pytest.Pytester) -> None:
    sample = Path(__file__).parents[2] / "fixtures/apps/v1_shared"
    check(
        pytester,
        f"""
        @pytest.mark.functions_app({str(sample)!r})
        async def test_it(functions_app):
            answer = await functions_app.get("/api/hello", params={{"name": "Ada"}})
            assert answer.status == 200
            assert "Ada" in await answer.text()
        """,
    )
