"""Calls in official workers."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from grpclib.server import Stream

from emulator.errors import WorkerLost
from emulator.model import Datum
from tests.support.processes import until
from tests.support.rpcapps import HELLO, loaded
from tests.support.workers import decorated, request, text_of

WAITING = """
import asyncio, logging

@app.route()
async def f(req):
    logging.info("begun")
    await asyncio.sleep(60)

@app.route()
def quick(req):
    return "quick"
"""


class Broken(Exception):
    """What nobody reckons with."""


async def test_a_report_of_a_failure_is_taken_apart(tmp_path: Path) -> None:
    code = "@app.route()\ndef f(req):\n    raise KeyError('x')\n"
    async with loaded(decorated(tmp_path, code), "report text") as worker:
        error = (await worker.call("f")).error
    assert error.title == "KeyError: 'x'"
    assert error.line == 7


async def test_what_a_skill_returns_is_kept_without_an_output_for_it(tmp_path: Path) -> None:
    code = "@app.generic_trigger(arg_name='t', type='assistantSkillTrigger')\ndef f(t: str) -> str:"
    root = decorated(tmp_path, f"{code}\n    return t.upper()\n")
    async with loaded(root) as worker:
        assert text_of(await worker.call("f", t=Datum("text", "milk"))) == "MILK"


async def test_what_each_worker_says_at_its_start_is_marked(tmp_path: Path) -> None:
    async with loaded(decorated(tmp_path, HELLO), "is too old") as worker:
        (told,) = [each for each in worker.logs if each.message == "Python reached EOL."]
        assert (told.level, told.source, told.once) == ("Error", "worker", True)
        assert worker.index.error is None
        assert not [each for each in worker.logs if each.once and each is not told]


async def test_the_worker_s_own_debug_lines_are_left_out(tmp_path: Path) -> None:
    code = """
    import logging
    @app.route()
    def f(req):
        logging.getLogger("shop").debug("mine")
        print("LanguageWorkerConsoleLog for the host")
        print("printed")
        return "x"
    """
    async with loaded(decorated(tmp_path, code)) as worker:
        await worker.call("f", id="one")
        await until(lambda: any(each.message == "printed" for each in worker.logs))
        assert not [each for each in worker.logs if each.level == "Debug" if each.logger != "shop"]
        (system,) = [each for each in worker.logs if each.message == "for the host"]
        assert system.source == "worker"


async def test_large_values_pass_both_ways(tmp_path: Path) -> None:
    """Larger than the windows of the connection, while small calls go on."""
    code = """
    @app.route()
    def f(req):
        return func.HttpResponse(req.get_body()[::-1], mimetype="a/b")

    @app.route()
    def quick(req):
        return "quick"
    """
    body = bytes(range(256)) * (20 << 12)
    async with loaded(decorated(tmp_path, code)) as worker:
        calls = [asyncio.create_task(worker.call("f", req=request(body))) for _ in range(2)]
        assert await worker.text("quick") == "quick"
        for call in calls:
            assert (await call).return_value.value.body == body[::-1]


async def test_a_call_that_cannot_be_stopped_ends_its_worker(tmp_path: Path) -> None:
    async with loaded(decorated(tmp_path, WAITING)) as worker:
        call = asyncio.create_task(worker.call("f", id="one"))
        await worker.begun("one")
        await worker.channel.abandon("one", grace=0.05)
        with pytest.raises(WorkerLost, match="ran too long and could not be stopped"):
            await call
        assert worker.channel.closed.done()
        assert worker.channel.pids == ()


async def test_calls_fail_when_nothing_more_can_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Stream.send_message

    async def breaks(stream: Any, message: Any, **more: Any) -> None:
        if message.invocation_request.function_id == "id-of-quick":
            raise Broken("no more")
        await send(stream, message, **more)

    monkeypatch.setattr(Stream, "send_message", breaks)
    async with loaded(decorated(tmp_path, WAITING)) as worker:
        waiting = asyncio.create_task(worker.call("f", id="1"))
        await worker.begun("1")
        told = "the worker was ended: nothing more could be sent to it (Broken: no more)"
        for call in (worker.call("quick"), waiting):
            with pytest.raises(WorkerLost) as raised:
                await call
            assert raised.value.message.startswith(told)
        assert not (await worker.channel.closed).expected


async def test_a_worker_that_dies_ends_its_calls(tmp_path: Path) -> None:
    async with loaded(decorated(tmp_path, WAITING)) as worker:
        call = asyncio.create_task(worker.call("f", id="one"))
        await worker.begun("one")
        os.kill(worker.info.pid, signal.SIGKILL)
        with pytest.raises(WorkerLost, match="SIGKILL"):
            await call
        with pytest.raises(WorkerLost):
            await worker.call("quick")
        assert not (await worker.channel.closed).expected
