"""What fails a test that passed, with the texts; and the journal with a failing test."""

from __future__ import annotations

import re

import pytest

from tests.support.testing import HELLO, check, failing

RELAX = (
    "@pytest.mark.functions_app(strict=False) relaxes this for one test, functions_app_strict = "
    "false in the ini file for all; without pytest, EmulatedApp(…, strict=False)."
)
TASKS = """
import asyncio

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
kept = set()

async def work(seconds):
    await asyncio.sleep(seconds)

@app.route(route="forgets")
async def forgets(req: func.HttpRequest) -> str:
    kept.add(asyncio.create_task(work(30)))
    kept.add(asyncio.create_task(asyncio.sleep(30)))
    return "ok"

@app.route(route="finishes")
async def finishes(req: func.HttpRequest) -> str:
    kept.add(asyncio.create_task(work(0.01)))
    async with asyncio.TaskGroup() as group:
        group.create_task(work(0))
    return "ok"
"""


def test_a_function_that_fails_unnoticed_fails_the_test(pytester: pytest.Pytester) -> None:
    told = failing(
        pytester,
        """
        async def test_it(functions_app):
            await functions_app.get("/api/boom")
        """,
    )
    expected = (
        "The test itself passed, but its app did what nobody expected:\n"
        "- The function 'boom' failed: ValueError: the answer is not 42 "
        f"({pytester.path}/function_app.py:21)\n"
        '  If it shall: with app.expect_failure("boom"): …\n'
        f"{RELAX}\n"
    )
    assert expected in told
    assert "test_it FAILED" not in told
    assert "emulator/testing" not in told, "no traceback of ours"


@pytest.mark.parametrize("channel", ["inprocess", "subprocess"])
def test_a_failure_that_is_noticed_is_none_of_these(
    pytester: pytest.Pytester, channel: str
) -> None:
    check(
        pytester,
        """
        from emulator.testing import FunctionFailed

        async def test_raised_to_the_test(functions_app):
            with pytest.raises(FunctionFailed):
                await functions_app.call("boom")

        async def test_expected(functions_app):
            with functions_app.expect_failure("BOOM", match="not 4.") as calls:
                await functions_app.get("/api/boom")
                await functions_app.get("/api/boom")
            assert [call.error.type for call in calls] == ["ValueError", "ValueError"]

        async def test_any(functions_app):
            with functions_app.expect_failure():
                await functions_app.get("/api/boom")
        """,
        f"--functions-channel={channel}",
    )


def test_a_failure_that_was_expected_has_to_come(pytester: pytest.Pytester) -> None:
    told = failing(
        pytester,
        """
        async def test_none_called(functions_app):
            with functions_app.expect_failure("boom"):
                pass

        async def test_none_failed(functions_app):
            with functions_app.expect_failure("boom"):
                await functions_app.get("/api/hello")

        async def test_another_failure(functions_app):
            with functions_app.expect_failure("boom", match="43"):
                await functions_app.get("/api/boom")

        async def test_another_name(functions_app):
            with functions_app.expect_failure("bom"):
                pass
        """,
    )
    assert "Expected 'boom' to fail, but no function was called." in told
    assert "Expected 'boom' to fail, but hello ran without failing." in told
    assert (
        "Expected 'boom' to fail with '43', but 'boom' failed with ValueError: the answer is not 42"
    ) in told
    assert "There is no function 'bom' in this app. Did you mean 'boom'?" in told


def test_a_failure_before_the_block_is_not_meant(pytester: pytest.Pytester) -> None:
    told = failing(
        pytester,
        """
        async def test_it(functions_app):
            await functions_app.get("/api/boom")
            with functions_app.expect_failure("boom"):
                await functions_app.get("/api/boom")
        """,
    )
    assert told.count("- The function 'boom' failed") == 1


@pytest.mark.parametrize(
    ("marker", "ini"),
    [("@pytest.mark.functions_app(strict=False)", ""), ("", "functions_app_strict = false\n")],
)
def test_strictness_can_be_relaxed(pytester: pytest.Pytester, marker: str, ini: str) -> None:
    check(
        pytester,
        f"""
        {marker}
        async def test_it(functions_app):
            assert (await functions_app.get("/api/boom")).status == 500
            await functions_app.get("/api/forgets")
        """,
        app={"function_app.py": HELLO},
        ini=ini,
    )


def test_a_forgotten_task_fails_the_test(pytester: pytest.Pytester) -> None:
    told = failing(
        pytester,
        """
        async def test_it(functions_app):
            await functions_app.get("/api/forgets")
        """,
        app=TASKS,
    )
    assert (
        "- A task was still running at the end: work, created at function_app.py:14\n"
        "  Await it in the function, or cancel it.\n"
        "- A task was still running at the end: sleep, created at function_app.py:15\n"
    ) in told
    assert RELAX in told


def test_tasks_that_end_and_tasks_of_the_test_are_none_of_these(
    pytester: pytest.Pytester,
) -> None:
    check(
        pytester,
        """
        async def test_it(functions_app):
            task = asyncio.create_task(asyncio.sleep(30))
            assert (await functions_app.get("/api/finishes")).status == 200
        """,
        app=TASKS,
    )


def test_the_lifespan_of_a_framework_is_no_forgotten_task(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        async def test_it(functions_app):
            assert await (await functions_app.get("/items/3")).json() == {"id": 3, "ready": True}
        """,
        app={
            "host.json": '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}',
            "function_app.py": """
                from contextlib import asynccontextmanager
                import azure.functions as func
                from fastapi import FastAPI

                @asynccontextmanager
                async def lifespan(api):
                    api.state.ready = True
                    yield

                api = FastAPI(lifespan=lifespan)

                @api.get("/items/{id}")
                async def item(id: int):
                    return {"id": id, "ready": api.state.ready}

                app = func.AsgiFunctionApp(app=api, http_auth_level=func.AuthLevel.ANONYMOUS)
            """,
        },
    )


def test_a_failing_test_shows_the_journal(pytester: pytest.Pytester) -> None:
    told = failing(
        pytester,
        """
        @pytest.mark.functions_app(settings={"API_KEY": "s3cr3t-of-the-app"})
        async def test_it(functions_app):
            await functions_app.get("/api/hello/Ada")
            await functions_app.post("/api/echo", data=b"s3cr3t-of-the-app")
            await functions_app.get("/api/nothing")
            assert (await functions_app.get("/api/boom")).status == 200
        """,
    )
    assert re.search(r"-+ functions app \S+ -+\n", told)
    journal = told.partition("- functions app")[2]
    expected = [
        r"hello GET /api/hello/Ada succeeded in \d+\.\d ms",
        r"  req ← GET http://localhost:7071/api/hello/Ada",
        r"  returned <200 text/plain 'Hello Ada'>",
        r"  Information: greeting Ada",
        r"echo POST /api/echo succeeded in \d+\.\d ms",
        r"  req ← POST http://localhost:7071/api/echo '\*\*\*\*\*'",
        r"boom GET /api/boom failed in \d+\.\d ms",
        r"  Traceback \(most recent call last\):",
        r'    File ".*function_app.py", line 21, in boom',
        r'      raise ValueError\("the answer is not 42"\)',
        r"  ValueError: the answer is not 42",
        r"GET /api/nothing → 404 \(no function\)",
        r"GET /api/boom → 500 \(boom\)",
    ]
    lines = iter(journal.splitlines())
    for pattern in expected:
        assert any(re.fullmatch(pattern, line) for line in lines), (pattern, journal)
    assert "s3cr3t-of-the-app" not in journal


def test_a_passing_test_shows_nothing(pytester: pytest.Pytester) -> None:
    told = check(
        pytester,
        "async def test_it(functions_app):\n    await functions_app.get('/api/hello')\n",
        "-rA",
    )
    assert "functions app" not in told


def test_an_app_that_the_test_closed_is_left_alone(pytester: pytest.Pytester) -> None:
    from tests.support.testing import run, write_project

    write_project(
        pytester,
        """
        async def test_good(functions_app):
            await functions_app.aclose()
            assert not functions_app.is_open

        async def test_bad(functions_app):
            await functions_app.aclose()
            assert False
        """,
    )
    assert run(pytester).parseoutcomes() == {"passed": 1, "failed": 1}


def test_a_journal_of_no_calls_says_so(pytester: pytest.Pytester) -> None:
    told = failing(pytester, "async def test_it(functions_app):\n    assert False\n")
    assert "no function was called" in told


def test_a_test_that_shall_fail_may_fail_by_strictness(pytester: pytest.Pytester) -> None:
    from tests.support.testing import run, write_project

    write_project(
        pytester,
        """
        @pytest.mark.xfail(strict=True)
        async def test_it(functions_app):
            await functions_app.get("/api/boom")
        """,
    )
    assert run(pytester).parseoutcomes() == {"xfailed": 1}
