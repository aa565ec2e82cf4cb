"""Functions that give what is absurd, eat all memory, or leave processes behind."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.support.faults import stops, worker_of
from tests.support.hosted import HEAD, hosted, raw
from tests.support.processes import is_alive, processes_in, until
from tests.support.serving import Served, served, write_app

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

CODE = (
    HEAD
    + """
import json, resource, sys


@app.route(route="fine")
async def fine(req: func.HttpRequest) -> str:
    return "fine"


@app.route(route="body")
def body(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(b"x" * 200_000_000)


@app.route(route="text")
def text(req: func.HttpRequest) -> str:
    return "ä" * 50_000_000  # six bytes each in JSON


@app.route(route="message")
def message(req: func.HttpRequest) -> str:
    raise ValueError("x" * 150_000_000)


@app.route(route="brackets")
def brackets(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("[" * 1_000_000, mimetype="application/json")


@app.route(route="nested")
def nested(req: func.HttpRequest) -> func.HttpResponse:
    value = []
    for _ in range(100_000):
        value = [value]
    return func.HttpResponse(json.dumps(value))


@app.route(route="set")
def a_set(req: func.HttpRequest):
    return {1, 2}


@app.route(route="headers")
def headers(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("x", headers={f"x-{n}": "v" for n in range(5_000)})


@app.route(route="header")
def header(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("x", headers={"x-long": "v" * 1_000_000})


@app.route(route="eats")
def eats(req: func.HttpRequest) -> str:
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, before[1]))
    try:
        kept = []
        while True:
            kept.append(bytearray(100_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
"""
)

host = hosted({"function_app.py": CODE}, channels=("subprocess",))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("text", "ValueError: what the function gave is too large: a message with 3000000"),
        ("message", "ValueError: xxx"),
        ("nested", "RecursionError: maximum recursion depth exceeded"),
        ("set", 'for Python type "set"'),
        ("eats", "MemoryError"),
    ],
)
async def test_a_failure_of_that_call_alone(host: Served, path: str, told: str) -> None:
    worker = await worker_of(host)
    answer = await host.get(f"/api/{path}")
    assert (answer.status, answer.body) == (500, b"")
    await host.until_printed(told)
    assert (await host.get("/api/fine")).text == "fine"
    assert await worker_of(host) == worker
    host.output.clear()


async def test_large_and_odd_answers_arrive_as_they_are(host: Served) -> None:
    assert len((await host.get("/api/body")).body) == 200_000_000
    assert (await host.get("/api/brackets")).body == b"[" * 1_000_000
    for path, ending in (("headers", b"\r\nx-4999: v\r\n"), ("header", b"v" * 1_000_000)):
        ask = f"GET /api/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = await raw(host, ask.encode())
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert ending in answer
    assert (await host.get("/api/fine")).text == "fine"


FORKS = """
import json, multiprocessing, os, signal, subprocess, sys, time
from helper import double


@app.route(route="fine")
async def fine(req: func.HttpRequest) -> str:
    return "fine"


@app.route(route="forks")
def forks(req: func.HttpRequest) -> str:
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("said by the child", flush=True)
        time.sleep(100)
        os._exit(0)
    return str(pid)


@app.route(route="returns_twice")
def returns_twice(req: func.HttpRequest) -> str:
    pid = os.fork()
    return f"child {pid}"


@app.route(route="pools")
def pools(req: func.HttpRequest) -> str:
    found = []
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            found.append(pool.map(double, range(4)))
    return json.dumps(found)


@app.route(route="leaves")
def leaves(req: func.HttpRequest) -> str:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    held = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(100,))
    held.start()
    return json.dumps([child.pid, held.pid])
"""


async def test_children_neither_answer_nor_outlive_the_host(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        {"function_app.py": HEAD + FORKS, "helper.py": "def double(x):\n    return 2 * x\n"},
    )
    async with served(app) as one:
        worker = await worker_of(one)
        children = [int((await one.get("/api/forks")).text)]
        await one.until_printed("said by the child")
        twice = await one.get("/api/returns_twice")
        assert twice.status == 200
        assert int(twice.text.split()[1]) > 0  # the parent's; the child's went nowhere
        assert json.loads((await one.get("/api/pools")).body) == [[0, 2, 4, 6]] * 2
        children += (await one.get("/api/leaves")).json
        assert (await one.get("/api/fine")).text == "fine"
        assert all(map(is_alive, children))
        assert await worker_of(one) == worker
        assert "funcemu itself failed" not in one.printed
        assert "it is started again" not in one.printed
        await stops(one.process, signal.SIGINT)
        await until(lambda: not processes_in(app))
        assert not any(map(is_alive, children))
