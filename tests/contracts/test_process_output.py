"""What a worker's process prints, and how it reaches the host."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.support.processes import until
from tests.support.workers import decorated, request, serving, written

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "subprocess"


async def test_prints_carry_their_call_and_come_before_its_result(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import asyncio, logging, sys, warnings
        print("while imported", end="")

        @app.route()
        def f(req) -> str:
            print("one", 1)
            logging.info("between")
            print("two\\nthree")
            print("error: bad", file=sys.stderr)
            print("a warning", file=sys.stderr)
            print("note", file=sys.stderr)
            print("LanguageWorkerConsoleLog secret")
            sys.stdout.write("no line end")
            return ""

        @app.route()
        async def mixed(req) -> str:
            who = req.params["who"]
            print(who, end=" ")
            await asyncio.sleep(0.005)
            print(who)
            return ""
        """,
    )
    async with serving(KIND, root) as worker:
        assert [(each.message, each.source) for each in worker.logs] == [
            ("while imported", "stdout")
        ]
        await worker.call("f", id="1")
        assert [
            (each.level, each.message, each.source)
            for each in worker.logs
            if each.invocation_id == "1"
        ] == [
            ("Information", "one 1", "stdout"),
            ("Information", "between", "logging"),
            ("Information", "two", "stdout"),
            ("Information", "three", "stdout"),
            ("Error", "error: bad", "stderr"),
            ("Warning", "a warning", "stderr"),
            ("Information", "note", "stderr"),
            ("Information", "secret", "worker"),
            ("Information", "no line end", "stdout"),
        ]
        await asyncio.gather(
            *(worker.call("mixed", id=who, req=request(query={"who": who})) for who in "abc")
        )
        assert [worker.said(who) for who in "abc"] == [["a a"], ["b b"], ["c c"]]


async def test_raw_output_never_disturbs_the_connection(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import os, subprocess, sys

        @app.route()
        def f(req) -> str:
            os.write(1, b"raw \\xff\\n")
            os.write(2, b"\\x00\\x00\\x00\\x10" * 1000 + b"\\nerror raw\\n")
            sys.stdout.buffer.write(b"buffered\\n")
            subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
            for fd in range(3, 64):
                try:
                    os.write(fd, b"")
                except OSError:
                    pass
            return "unharmed"
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f") == "unharmed"
        wanted = {"raw \ufffd", "error raw", "buffered", "from a child"}
        await until(lambda: wanted <= {each.message for each in worker.logs})
        raw = {each.message: each for each in worker.logs}
        assert {raw[text].source for text in wanted} == {"stdout", "stderr"}
        assert raw["error raw"].level == "Error"
        assert all(each.invocation_id is None for each in worker.logs)


async def test_children_of_the_app_do_not_speak_with_the_host(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import logging, multiprocessing, os, sys
        from helper import double, say

        @app.route()
        def forks(req) -> str:
            pid = os.fork()
            if not pid:
                print("in the child", flush=True)
                logging.error("logged in the child")
                os._exit(0)
            os.waitpid(pid, 0)
            return "parent"

        @app.route()
        def pool(req) -> str:
            with multiprocessing.get_context("spawn").Pool(1) as workers:
                return str(workers.map(double, [1, 2]))
        """,
        **{"helper.py": "def double(x):\n    return 2 * x\n\ndef say(): ...\n"},
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("forks") == "parent"
        assert await worker.text("pool") == "[2, 4]"
        await until(lambda: "in the child" in worker.said())


async def test_a_flood_of_lines_arrives_whole_and_in_order(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.route()
        def f(req) -> str:
            for n in range(5000):
                print(n, "x" * 100)
            return "done"
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f", id="flood") == "done"
        assert [int(line.split()[0]) for line in worker.said("flood")] == list(range(5000))


@pytest.mark.parametrize("kind", ["subprocess", "node"])
async def test_half_characters_do_not_break_the_connection(kind: str, tmp_path: Path) -> None:
    code = {
        "python": """
            import logging

            @app.route()
            def f(req) -> str:
                logging.info("half \\ud800")
                return str(len(req.headers["x"]))
        """,
        "node": """
            http('f', (request, context) => {
              context.log('half \\ud800');
              return { body: String(request.headers.get('x').length) };
            });
        """,
    }
    async with serving(kind, written(kind, tmp_path, code)) as worker:
        assert await worker.text("f", id="1", req=request(headers={"x": "\udcff\udcfe"})) == "2"
        assert worker.said("1") == ["half ?"]


async def test_the_run_of_a_task_with_a_context_of_its_own_is_attributed(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import asyncio, contextvars, logging
        seen = contextvars.ContextVar("seen")

        async def child():
            logging.info("seen %s", seen.get("nothing"))

        @app.route()
        async def f(req) -> str:
            seen.set("mine")
            await asyncio.create_task(child(), context=contextvars.Context())
            await asyncio.create_task(child(), name="named")
            return ""
        """,
    )
    async with serving(KIND, root) as worker:
        await worker.call("f", id="1")
        assert worker.said("1") == ["seen nothing", "seen mine"]
