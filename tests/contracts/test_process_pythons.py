"""Workers in the process of other versions of Python."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emulator.workers.channel import AppSpec, Interpreter, WorkerLog
from emulator.workers.subprocess import SubprocessChannel
from tests.support.workers import Worker, decorated, environment, request

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")


def other_pythons() -> list[Path]:
    """Interpreters named in FUNCEMU_TEST_PYTHONS, or those of pyenv, that have the SDK."""
    named = os.environ.get("FUNCEMU_TEST_PYTHONS")
    paths = (
        [Path(each) for each in named.split(os.pathsep)]
        if named
        else sorted(Path.home().glob(".pyenv/versions/*/bin/python"))
    )
    return [
        path
        for path in paths
        if any(path.parent.parent.glob("lib/python3.*/site-packages/azure/functions/__init__.py"))
    ]


PYTHONS = other_pythons()


@pytest.mark.skipif(not PYTHONS, reason="no other Python with azure-functions")
@pytest.mark.parametrize("python", PYTHONS, ids=str)
async def test_it_runs_on_other_pythons(tmp_path: Path, python: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import logging, sys
        import notes

        @app.route()
        async def f(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
            logging.info("said by %s", context.function_name)
            print("printed")
            return func.HttpResponse(req.get_body(), status_code=201)

        @app.route()
        def g(req) -> str:
            return "%d.%d.%d" % sys.version_info[:3]

        @app.route()
        def broken(req): notes.fail()

        @app.route()
        def unfit(req: int): ...
        """,
        **{"notes.py": "def fail():\n    raise KeyError('k')\n"},
    )
    logs: list[WorkerLog] = []
    channel = SubprocessChannel.spawn(
        AppSpec(root, environment()), Interpreter(python, "the test's"), logs.append
    )
    worker = Worker(channel, logs, await channel.start())
    try:
        await worker.load_all()
        answer = (await worker.call("f", id="1", req=request(b"\xff"))).return_value.value
        assert (answer.status, answer.body) == (201, b"\xff")
        assert worker.said("1") == ["said by f", "printed"]
        assert await worker.text("g") == worker.info.version
        error = (await worker.call("broken")).error
        assert (error.title, error.line) == ("KeyError: 'k'", 2)
        assert worker.errors["unfit"].message.startswith("cannot load the unfit function: ")
        newer = "in the binding decorator" in worker.errors["unfit"].message
        assert newer is (tuple(map(int, worker.info.version.split(".")[:2])) >= (3, 13))
    finally:
        await channel.aclose()
