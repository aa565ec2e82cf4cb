"""What is told over every worker channel when functions fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.workers import CHANNELS, decorated, serving

pytestmark = pytest.mark.parametrize("kind", CHANNELS)


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
