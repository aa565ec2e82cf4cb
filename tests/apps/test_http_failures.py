"""Calls that go wrong: exceptions, lost workers, clients that leave, functions that take long."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.hosted import HEAD, channel_of, hosted, send
from tests.support.processes import gone
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = (
    HEAD
    + """
import asyncio, logging, os, sys, time


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Own(Exception):
    pass


@app.route(route="boom")
def boom(req: func.HttpRequest) -> str:
    raise ValueError("boom")


@app.route(route="async_boom")
async def async_boom(req: func.HttpRequest) -> str:
    await asyncio.sleep(0)
    raise Own("own\\nsecond line")


@app.route(route="divided")
def divided(req: func.HttpRequest) -> str:
    return str(1 // 0)


@app.route(route="unprintable")
def unprintable(req: func.HttpRequest) -> str:
    raise Unprintable()


@app.route(route="chained")
def chained(req: func.HttpRequest) -> str:
    try:
        open("/nowhere/at/all")
    except OSError as error:
        raise Own("while reading") from error


@app.route(route="exits")
def exits(req: func.HttpRequest) -> str:
    sys.exit(3)


@app.route(route="interrupts")
async def interrupts(req: func.HttpRequest) -> str:
    raise KeyboardInterrupt


@app.route(route="cancels")
async def cancels(req: func.HttpRequest) -> str:
    raise asyncio.CancelledError


@app.route(route="recurses")
def recurses(req: func.HttpRequest) -> str:
    return recurses(req)


@app.route(route="grouped")
async def grouped(req: func.HttpRequest) -> str:
    raise ExceptionGroup("several", [ValueError("a"), KeyError("b")])


@app.route(route="stop")
def stop(req: func.HttpRequest) -> str:
    raise StopIteration("over")


@app.route(route="huge_message")
def huge_message(req: func.HttpRequest) -> str:
    raise ValueError("x" * 10_000)


@app.route(route="surrogate")
def surrogate(req: func.HttpRequest) -> str:
    raise ValueError("half \\ud83d pair")


@app.route(route="returns_coroutine")
def returns_coroutine(req: func.HttpRequest):
    async def later():
        return "x"

    coroutine = later()
    coroutine.close()
    return coroutine


@app.route(route="fine")
def fine(req: func.HttpRequest) -> str:
    return "fine"


@app.route(route="runs_on")
async def runs_on(req: func.HttpRequest) -> str:
    logging.warning("run began")
    await asyncio.sleep(0.15)
    logging.warning("run went on to its end")
    return "unheard"


@app.route(route="runs_on_thread")
def runs_on_thread(req: func.HttpRequest) -> str:
    logging.warning("thread began")
    time.sleep(0.15)
    logging.warning("thread went on to its end")
    return "unheard"


@app.route(route="dies")
def dies(req: func.HttpRequest) -> str:
    print("about to die", flush=True)
    os._exit(7)


@app.route(route="killed")
async def killed(req: func.HttpRequest) -> str:
    import signal

    print("about to be killed", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.sleep(10)
    return "x"


@app.route(route="pid")
def pid(req: func.HttpRequest) -> str:
    return str(os.getpid())
"""
)

host = hosted({"function_app.py": CODE})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("boom", "Exception: ValueError: boom"),
        ("async_boom", "Exception: Own: own"),
        ("divided", "Exception: ZeroDivisionError: integer division or modulo by zero"),
        ("exits", "Exception: SystemExit: 3"),
        ("interrupts", "Exception: KeyboardInterrupt"),
        ("cancels", "Exception: CancelledError"),
        ("recurses", "Exception: RecursionError: maximum recursion depth exceeded"),
        ("grouped", "Exception: ExceptionGroup: several (2 sub-exceptions)"),
        ("stop", "Exception: StopIteration: over"),
        ("huge_message", "Exception: ValueError: xxxxxxxxxx"),
        ("surrogate", "Exception: ValueError: half "),
        ("returns_coroutine", 'for Python type "coroutine"'),
        (
            "unprintable",
            "Unhandled exception in function. Could not serialize original exception message.",
        ),
    ],
)
async def test_an_exception_is_an_empty_500_and_one_line_of_the_console(
    host: Served, path: str, told: str
) -> None:
    answer = await host.get(f"/api/{path}")
    assert (answer.status, answer.body) == (500, b"")
    assert "Content-Type" not in answer.headers
    await host.until_printed(f"Executed 'Functions.{path}' (Failed, Id=")
    await host.until_printed(f"GET /api/{path} → 500")
    assert any(told in line for line in host.output)
    assert (await host.get("/api/fine")).text == "fine"


async def test_the_line_of_the_exception_stands_by_itself(host: Served) -> None:
    await host.get("/api/boom")
    await host.until_printed("GET /api/boom → 500")
    assert "Exception: ValueError: boom" in host.output
    stack = [line for line in host.output if line.startswith("Stack: ")]
    assert stack
    await host.until_printed('function_app.py", line')
    assert "pyworker" not in host.printed  # frames of ours are left out


async def test_the_cause_of_an_exception_is_told(host: Served) -> None:
    await host.get("/api/chained")
    await host.until_printed("Exception: Own: while reading")
    await host.until_printed("GET /api/chained → 500")
    await host.until_printed("No such file or directory: '/nowhere/at/all'")
    await host.until_printed("The above exception was the direct cause of the following exception")


@pytest.mark.parametrize(("path", "word"), [("runs_on", "run"), ("runs_on_thread", "thread")])
async def test_a_client_that_leaves_does_not_stop_the_function(
    host: Served, path: str, word: str
) -> None:
    call = asyncio.create_task(host.get(f"/api/{path}"))
    await host.until_printed(f"{word} began")
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await host.until_printed(f"{word} went on to its end")
    await host.until_printed(f"GET /api/{path} → 200")
    assert (await host.get("/api/fine")).status == 200
    assert "itself failed" not in host.printed


@pytest.mark.parametrize("path", ["dies", "killed"])
async def test_a_worker_that_dies_fails_its_call_and_is_replaced(host: Served, path: str) -> None:
    if channel_of(host) == "inprocess":
        pytest.skip("it would take the tests with it")
    before = (await host.get("/api/pid")).text
    answer = await host.get(f"/api/{path}")
    assert (answer.status, answer.body) == (500, b"")
    await host.until_printed("it is started again")
    again = await host.get("/api/pid")
    assert again.status == 200
    assert again.text != before


async def test_a_worker_killed_from_outside_is_replaced(host: Served) -> None:
    if channel_of(host) == "inprocess":
        pytest.skip("it would take the tests with it")
    before = int((await host.get("/api/pid")).text)
    os.kill(before, signal.SIGKILL)
    assert await gone(before)
    answers = [await host.get("/api/fine") for _ in range(3)]
    # The first may have been on its way to the worker that is gone.
    assert [each.status for each in answers[1:]] == [200, 200]


SLOW = (
    HEAD
    + """
import asyncio, logging, time


@app.route(route="slow")
async def slow(req: func.HttpRequest) -> str:
    logging.warning("slow began")
    await asyncio.sleep(float(req.params.get("for", "600")))
    return "done"


@app.route(route="stubborn")
def stubborn(req: func.HttpRequest) -> str:
    logging.warning("stubborn began")
    time.sleep(600)
    return "done"


@app.route(route="deaf")
async def deaf(req: func.HttpRequest) -> str:
    logging.warning("deaf began")
    while True:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            pass
"""
)
TIMEOUT = '{"version": "2.0", "functionTimeout": "00:00:01"}'


async def test_a_function_that_takes_too_long_is_ended(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path, {"function_app.py": SLOW, "host.json": TIMEOUT})
    async with served(app, channel=channel) as host:
        began = time.monotonic()
        answer = await host.get("/api/slow")
        assert (answer.status, answer.body) == (500, b"")
        assert time.monotonic() - began > 0.9
        await host.until_printed("Timeout value of 00:00:01 exceeded by function 'Functions.slow'")
        await host.until_printed("Initiating cancellation.")
        await host.until_printed(
            "Timeout value of 00:00:01 was exceeded by function: Functions.slow"
        )
        assert (await host.served_again("/api/slow?for=0")).text == "done"


async def test_functions_that_cannot_be_ended_cost_their_worker(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": SLOW, "host.json": TIMEOUT})
    async with served(app) as host:
        began = time.monotonic()
        calls = [asyncio.create_task(host.get(f"/api/{path}")) for path in ("stubborn", "deaf")]
        await host.until_printed("stubborn began")
        await host.until_printed("deaf began")
        worker = (await host.get("/admin/host/processes")).json["processes"][1]["processId"]
        for answer in await asyncio.gather(*calls):
            assert (answer.status, answer.body) == (500, b"")
        assert time.monotonic() - began > 0.9
        assert (await host.served_again("/api/slow?for=0")).text == "done"
        assert await gone(worker)
        now = (await host.get("/admin/host/processes")).json["processes"][1]["processId"]
        assert now != worker
        assert Path(f"/proc/{now}").exists()


async def test_the_timeout_can_be_turned_off(tmp_path: Path, channel: str) -> None:
    text = '{"version": "2.0", "functionTimeout": "-1"}'
    app = write_app(tmp_path, {"function_app.py": SLOW, "host.json": text})
    async with served(app, channel=channel) as host:
        assert (await host.get("/api/slow?for=0.05")).text == "done"


RETRY = (
    HEAD
    + """
import logging
seen = {}


def tell(context):
    retry = context.retry_context
    text = f"{retry.retry_count}/{retry.max_retry_count}"
    seen.setdefault(context.function_name, []).append((text, context.invocation_id))
    logging.warning("try %s of %s after %r", text, context.function_name,
                    retry.rpc_exception.message if retry.rpc_exception else None)


@app.route(route="last")
@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:00.010")
def last(req: func.HttpRequest, context: func.Context) -> str:
    tell(context)
    if context.retry_context.retry_count < context.retry_context.max_retry_count:
        raise ValueError("not yet")
    return "at last"


@app.route(route="never")
@app.retry(strategy="exponential_backoff", max_retry_count="2", minimum_interval="00:00:00.010",
           maximum_interval="00:00:00.020")
def never(req: func.HttpRequest, context: func.Context) -> str:
    tell(context)
    raise KeyError("always")


@app.route(route="plain")
def plain(req: func.HttpRequest, context: func.Context) -> str:
    tell(context)
    raise ValueError("once")


@app.route(route="seen/{name}")
def told(req: func.HttpRequest) -> str:
    import json
    return json.dumps(seen.get(req.route_params["name"], []))
"""
)

retrying = hosted({"function_app.py": RETRY})


async def test_the_answer_waits_for_the_retries(retrying: Served) -> None:
    answer = await retrying.get("/api/last")
    assert (answer.status, answer.text) == (200, "at last")
    tries = (await retrying.get("/api/seen/last")).json
    assert [text for text, _ in tries] == ["0/3", "1/3", "2/3", "3/3"]
    assert len({call for _, call in tries}) == 4
    await retrying.until_printed("not yet")


async def test_when_no_retry_is_left_the_answer_is_500(retrying: Served) -> None:
    assert (await retrying.get("/api/never")).status == 500
    tries = (await retrying.get("/api/seen/never")).json
    assert [text for text, _ in tries] == ["0/2", "1/2", "2/2"]
    await retrying.until_printed("Function execution failed after '2' retries.")


async def test_without_a_policy_there_is_one_try(retrying: Served) -> None:
    assert (await retrying.get("/api/plain")).status == 500
    assert [text for text, _ in (await retrying.get("/api/seen/plain")).json] == ["0/0"]


async def test_host_json_has_a_policy_for_functions_without_one(
    tmp_path: Path, channel: str
) -> None:
    text = (
        '{"version": "2.0", "retry": {"strategy": "fixedDelay", "maxRetryCount": 1, '
        '"delayInterval": "00:00:00"}}'
    )
    app = write_app(tmp_path, {"function_app.py": RETRY, "host.json": text})
    async with served(app, channel=channel) as host:
        assert (await host.get("/api/plain")).status == 500
        assert [each for each, _ in (await host.get("/api/seen/plain")).json] == ["0/1", "1/1"]
        assert (await host.get("/api/last")).status == 200


async def test_a_v1_function_retries_by_its_function_json(tmp_path: Path, channel: str) -> None:
    files = {
        "f/function.json": (
            '{"retry": {"strategy": "fixedDelay", "maxRetryCount": 2, '
            '"delayInterval": "00:00:00"}, "bindings": ['
            '{"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"},'
            '{"type": "http", "direction": "out", "name": "$return"}]}'
        ),
        "f/__init__.py": (
            "def main(req, context):\n"
            "    if context.retry_context.retry_count < 2:\n        raise OSError('again')\n"
            "    return context.retry_context.rpc_exception.message\n"
        ),
    }
    async with served(write_app(tmp_path, files), channel=channel) as host:
        answer = await host.get("/api/f")
        assert answer.status == 200
        assert "again" in answer.text


async def test_the_context_carries_what_azure_s_does(tmp_path: Path, channel: str) -> None:
    code = HEAD + (
        "import json, threading\n"
        "@app.route(route='context')\n"
        "def show(req: func.HttpRequest, context: func.Context) -> str:\n"
        "    t = context.trace_context\n"
        "    return json.dumps({'name': context.function_name,\n"
        "        'directory': context.function_directory, 'id': context.invocation_id,\n"
        "        'parent': t.trace_parent, 'state': t.trace_state, 'old': t.Traceparent,\n"
        "        'attributes': dict(t.attributes),\n"
        "        'is_context': isinstance(context, func.Context),\n"
        "        'local': isinstance(context.thread_local_storage, threading.local)})\n"
    )
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with served(write_app(tmp_path, {"function_app.py": code}), channel=channel) as host:
        headers = {"traceparent": parent, "tracestate": "a=b"}
        seen = (await host.get("/api/context", headers=headers)).json
        assert seen["parent"].split("-")[1] == parent.split("-")[1]
        assert (seen["old"], seen["state"]) == (seen["parent"], "a=b")
        assert (seen["name"], seen["directory"]) == ("show", str(tmp_path))
        assert seen["is_context"]
        assert seen["local"]
        untraced = (await send(host, "GET", "/api/context")).json
        assert untraced["parent"] == ""
        assert untraced["id"] != seen["id"]
        assert len(untraced["id"]) == 36
