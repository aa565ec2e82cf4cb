"""Log lines over every worker channel."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.workers import CHANNELS, decorated, request, serving

pytestmark = pytest.mark.parametrize("kind", CHANNELS)


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
