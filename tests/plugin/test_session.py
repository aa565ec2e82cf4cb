"""`functions_app_session`: one app for many tests, and tests on other loops than their own."""

from __future__ import annotations

import pytest

from tests.support.testing import CHAT, HELLO, check, failing, output, run, write_project


@pytest.mark.parametrize("channel", ["inprocess", "subprocess"])
def test_one_app_serves_all_tests_and_keeps_its_state(
    pytester: pytest.Pytester, channel: str
) -> None:
    check(
        pytester,
        """
        seen = []

        async def test_first(functions_app_session):
            seen.append(functions_app_session)
            await functions_app_session.put("/api/chats/a1")
            assert len(functions_app_session.invocations()) == 1

        async def test_second(functions_app_session, models):
            assert seen == [functions_app_session]
            assert functions_app_session.invocations() == [] == functions_app_session.logs
            assert (await functions_app_session.assistant("a1")).exists
            models.on("hi").says("from the second test")
            answer = await functions_app_session.post("/api/chats/a1", params={"text": "hi"})
            assert await answer.text() == "from the second test"

        async def test_third(functions_app_session):
            answer = await functions_app_session.post("/api/chats/a1", params={"text": "hi"})
            assert "from the second test" not in await answer.text()
            result = await functions_app_session.call("ReadNotes")
            assert result.value == []
            await functions_app_session.state.seed({"assistants": {"b": []}})
            assert (await functions_app_session.assistant("b")).exists
            await functions_app_session.reload()

        def test_no_coroutine(functions_app_session):
            app = functions_app_session.blocking
            assert app.put("/api/chats/c").text() == "created"
            assert app.assistant("c").exists

        @pytest.fixture(scope="session")
        def seeded(functions_app_session):
            functions_app_session.blocking.seed({"assistants": {"of a fixture": []}})
            return functions_app_session

        async def test_in_fixtures_of_the_session(seeded):
            assert (await seeded.assistant("of a fixture")).exists

        async def test_beside_an_app_of_its_own(functions_app_session, functions_app):
            assert functions_app is not functions_app_session
            assert not (await functions_app.assistant("a1")).exists
        """,
        f"--functions-channel={channel}",
        app=CHAT,
    )


def test_each_test_is_judged_for_itself(pytester: pytest.Pytester) -> None:
    write_project(
        pytester,
        """
        async def test_good(functions_app_session):
            await functions_app_session.get("/api/hello")

        async def test_bad(functions_app_session):
            await functions_app_session.get("/api/boom")

        async def test_good_again(functions_app_session):
            await functions_app_session.get("/api/hello/Ada")

        async def test_failing(functions_app_session):
            await functions_app_session.get("/api/hello/Bob")
            assert False

        async def test_of_nobody():
            pass
        """,
    )
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 3, "failed": 2}
    told = output(result)
    assert "- The function 'boom' failed" in told
    assert "/api/hello/Bob" in told
    assert "/api/hello/Ada" not in told, "that is of another test"


def test_a_test_may_close_it(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        async def test_it(functions_app_session):
            await functions_app_session.get("/api/hello")
            await functions_app_session.aclose()
            await functions_app_session.aclose()
            assert not functions_app_session.is_open
        """,
    )


def test_it_is_opened_once_from_any_test(pytester: pytest.Pytester) -> None:
    app = HELLO + "\nwith open('opened.txt', 'a') as file:\n    file.write('x')\n"
    check(
        pytester,
        """
        from pathlib import Path

        @pytest.mark.parametrize("n", range(3))
        async def test_it(functions_app_session, n):
            assert Path("opened.txt").read_text() == "x"
        """,
        app=app,
    )


def test_it_takes_no_live_calls_and_no_recordings_of_single_tests(
    pytester: pytest.Pytester,
) -> None:
    told = failing(
        pytester,
        """
        @pytest.mark.recording
        async def test_recorded(functions_app_session): pass
        """,
        app=CHAT,
    )
    assert (
        "functions_app_session is shared by tests, so it cannot play the recording of one: use "
        "functions_app."
    ) in told


def test_the_app_of_a_test_on_another_loop_has_a_thread(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        import threading
        pytestmark = pytest.mark.asyncio(loop_scope="module")

        async def test_it(functions_app):
            assert await (await functions_app.get("/api/hello")).text() == "Hello you"
            assert functions_app.clock.now().year > 2000
            assert len(functions_app.invocations("hello")) == 1
            assert "functions-app" in [each.name for each in threading.enumerate()]

        async def test_strictness_counts(functions_app):
            with functions_app.expect_failure("boom"):
                await functions_app.get("/api/boom")
        """,
    )
    told = failing(
        pytester,
        """
        @pytest.mark.asyncio(loop_scope="session")
        async def test_it(functions_app):
            await functions_app.get("/api/boom")
        """,
    )
    assert "- The function 'boom' failed" in told


def test_the_loop_scope_of_the_ini_file_counts(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        async def test_it(functions_app):
            assert (await functions_app.get("/api/hello")).status == 200
        """,
        ini="asyncio_default_test_loop_scope = session\n",
    )


def test_an_app_without_its_loop_says_so(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        import asyncio
        from emulator.testing import EmulatedApp

        def test_it():
            app = EmulatedApp(".")
            with asyncio.Runner() as first, asyncio.Runner() as second:
                first.run(app.start())
                with pytest.raises(RuntimeError, match="lives on another event loop, which is not"):
                    second.run(app.get("/api/hello"))
                with pytest.raises(RuntimeError, match="runs on the loop of the test itself"):
                    app.blocking
                first.run(app.aclose())
                with pytest.raises(RuntimeError, match="The app is not open: use `async with"):
                    second.run(app.get("/api/hello"))
        """,
    )
