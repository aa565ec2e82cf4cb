"""The fixtures with apps in JavaScript and TypeScript: the sample, tested from Python."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.node import with_packages
from tests.support.serving import FIXTURES
from tests.support.testing import check, failing
from tests.support.typescript import with_compiler

ASSISTANT = """
    A1 = "/api/assistants/a1"

    async def test_a_reminder_becomes_a_task(functions_app, models):
        models.on("remind me").calls("AddTodo", "buy milk").then_says("Done.")
        await functions_app.put(A1)
        answer = await functions_app.post(A1, params={"message": "Remind me to buy milk"})
        assert await answer.text() == "Done."
        [call] = (await functions_app.assistant("a1")).tool_calls
        assert (call.name, call.arguments) == ("AddTodo", {"taskDescription": "buy milk"})
        [added] = functions_app.invocations("AddTodo")
        assert added.inputs == {"taskDescription": "buy milk"}
        assert added.logs[0].message.startswith("added the task ")
        [post] = functions_app.invocations("PostUserQuery")
        [state] = [v for name, v in post.inputs.items() if name.startswith("assistantPost")]
        assert state["exists"]
        result = await functions_app.call("GetTodos")
        assert [each["task"] for each in result.value] == ["buy milk"]
        assert models.requests[0].tools == ("AddTodo", "GetTodos")

    async def test_nothing_is_left_of_the_test_before(functions_app):
        assert (await functions_app.call("GetTodos")).value == []

    async def test_a_skill_that_fails(functions_app, models):
        models.on("remind me").calls("AddTodo", "").then_says("I could not.")
        await functions_app.put(A1)
        with functions_app.expect_failure("AddTodo", match="cannot be empty"):
            answer = await functions_app.post(A1, params={"message": "Remind me"})
        assert await answer.text() == "I could not."

    async def test_settings(functions_app):
        await functions_app.reload(settings={"CHAT_MODEL_DEPLOYMENT_NAME": "other"})
        assert functions_app.settings["CHAT_MODEL_DEPLOYMENT_NAME"] == "other"

    def test_no_coroutine_is_needed(functions_app):
        assert functions_app.put(A1).json() == {"assistantId": "a1"}

    async def test_modules_are_elsewhere(functions_app):
        with pytest.raises(RuntimeError, match="the app is in JavaScript"):
            functions_app.module("todos")
"""


def sample(name: str, folder: Path, packages: Callable[[Path], Path]) -> str:
    """Copy a sample, give it its packages, and return the ini that names it."""
    left = shutil.ignore_patterns("node_modules", "dist", ".funcemu", "test")
    packages(Path(shutil.copytree(FIXTURES / name, folder / name, ignore=left)))
    return f"functions_app_path = {name}"


def test_the_sample_is_tested_as_one_in_python(pytester: pytest.Pytester) -> None:
    ini = sample("assistant_js", pytester.path, with_packages)
    printed = check(pytester, ASSISTANT, app={}, ini=ini)
    assert "6 passed" in printed


def test_an_app_in_typescript_is_compiled_first(pytester: pytest.Pytester) -> None:
    ini = sample("assistant_ts", pytester.path, with_compiler)
    test = """
        def test_it(functions_app):
            assert functions_app.put("/api/assistants/a1").status == 202
    """
    check(pytester, test, app={}, ini=ini)


def test_what_nobody_expected_fails_a_test_with_the_stack_of_the_app(
    pytester: pytest.Pytester,
) -> None:
    ini = sample("assistant_js", pytester.path, with_packages)
    test = """
        async def test_it(functions_app, models):
            models.on("remind me").calls("AddTodo", "").then_says("I could not.")
            await functions_app.put("/api/assistants/a1")
            await functions_app.post("/api/assistants/a1", params={"message": "Remind me"})
    """
    printed = failing(pytester, test, app={}, ini=ini)
    assert "Task description cannot be empty" in printed
    assert "todos.js:14" in printed
