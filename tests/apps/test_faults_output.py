"""Apps that print more than anybody can read, or print their last."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.faults import worker_of
from tests.support.hosted import HEAD, hosted
from tests.support.processes import resident, until
from tests.support.serving import Served, served, write_app

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

CODE = (
    HEAD
    + """
import logging, os, subprocess, sys, threading, time

LINE = "x" * 99 + "\\n"
answered = 0


# Once, and on until as many others as asked for were answered meanwhile.
def rounds(req):
    enough, due = answered + int(req.params.get("others", 0)), time.monotonic() + 60
    yield
    while answered < enough:
        if time.monotonic() > due:
            raise TimeoutError("nobody else is answered")
        yield


def write(descriptor, data):
    while data:
        data = data[os.write(descriptor, data):]


@app.route(route="fine")
async def fine(req: func.HttpRequest) -> str:
    global answered
    answered += 1
    return "fine"


@app.route(route="raw")
def raw(req: func.HttpRequest) -> str:
    for _ in rounds(req):
        for _ in range(20):
            write(1, (LINE * 10_000).encode())
    return "done"


@app.route(route="endless")
def endless(req: func.HttpRequest) -> str:
    for _ in rounds(req):
        for _ in range(50):
            write(1, b"x" * 1_000_000)
    write(1, b"\\n")
    return "done"


@app.route(route="garbage")
def garbage(req: func.HttpRequest) -> str:
    for _ in rounds(req):
        for _ in range(8):
            write(2, os.urandom(1_000_000))
    write(2, b"\\n")
    return "done"


@app.route(route="empty")
def empty(req: func.HttpRequest) -> str:
    for _ in rounds(req):
        write(1, b"\\n" * 200_000)
    return "done"


@app.route(route="child")
def child(req: func.HttpRequest) -> str:
    for _ in rounds(req):
        subprocess.run([sys.executable, "-c", "for n in range(100_000): print('x' * 99)"])
    return "done"


@app.route(route="letters")
def letters(req: func.HttpRequest) -> str:
    for _ in rounds(req):
        for _ in range(200_000):
            print(".", end="")
    return "done"


@app.route(route="long")
def long(req: func.HttpRequest) -> str:
    for _ in rounds(req):
        for _ in range(5):
            print("x" * 10_000_000)
    return "done"


@app.route(route="threads")
def threads(req: func.HttpRequest) -> str:
    def say(who):
        for n in range(5_000):
            print(who, n)

    for _ in rounds(req):
        talking = [threading.Thread(target=say, args=(who,)) for who in range(8)]
        for each in talking:
            each.start()
        for each in talking:
            each.join()
    return "done"


@app.route(route="logged")
def logged(req: func.HttpRequest) -> str:
    for _ in rounds(req):
        for n in range(20_000):
            logging.info("line %s", n)
    return "done"


@app.route(route="blocking")
async def blocking(req: func.HttpRequest) -> str:
    for n in range(50_000):
        print("x" * 299)
    return "done"
"""
)

host = hosted({"function_app.py": CODE}, channels=("subprocess",))


@pytest.mark.parametrize(
    "flood",
    ["raw", "endless", "garbage", "empty", "child", "letters", "long", "threads", "logged"],
)
async def test_a_flood_neither_fills_the_memory_nor_holds_up_other_functions(
    host: Served, flood: str
) -> None:
    processes = host.process.pid, await worker_of(host)
    before = [resident(pid) for pid in processes]
    most = list(before)
    call = asyncio.create_task(host.get(f"/api/{flood}?others=5"))
    while not call.done():
        assert (await host.get("/api/fine")).text == "fine"
        most = [max(was, resident(pid)) for was, pid in zip(most, processes, strict=True)]
    assert (call.result().status, call.result().text) == (200, "done")
    assert most[0] < before[0] + 40
    assert most[1] < before[1] + 200
    host.output.clear()


async def test_an_async_function_that_floods_waits_for_whoever_shows_it(host: Served) -> None:
    worker = await worker_of(host)
    before = resident(worker)
    call = asyncio.create_task(host.get("/api/blocking"))
    most = before
    while not call.done():
        await asyncio.sleep(0.01)
        most = max(most, resident(worker))
    assert call.result().text == "done"
    assert most < before + 15
    host.output.clear()


async def test_every_line_of_a_flood_is_shown_in_order(host: Served) -> None:
    await host.get("/api/logged")
    await host.until_printed("GET /api/logged → 200")
    said = [line.rsplit(" ", 1)[1] for line in host.output if "[logged] line " in line]
    assert said == [str(number) for number in range(20_000)]
    host.output.clear()
    await host.get("/api/threads")
    await host.until_printed("GET /api/threads → 200")
    lines = [line.split()[1:] for line in host.output if len(line.split()) == 3]
    for who in "01234567":
        assert [int(n) for by, n in lines if by == who] == list(range(5_000))
    host.output.clear()


async def test_a_line_without_end_is_shown_in_pieces(host: Served) -> None:
    await host.get("/api/endless")
    await until(lambda: sum(line.count("x") for line in host.output) == 50_000_000)
    assert 45 <= len(host.output) <= 900
    host.output.clear()


ENDS = """
import atexit, os, sys, threading

atexit.register(print, "said at exit")


@app.route(route="leaves/{how}")
def leaves(req: func.HttpRequest) -> str:
    print("said by print")
    print("not ended", end="")
    sys.stdout.flush()
    os.write(1, b"said to the pipe\\n")
    os.write(2, b"half a line")
    os._exit(int(req.route_params["how"]))


@app.route(route="async_leaves")
async def async_leaves(req: func.HttpRequest) -> str:
    print("said in the loop")
    os._exit(5)


@app.route(route="exits")
def exits(req: func.HttpRequest) -> str:
    print("about to exit")
    sys.exit("with a reason")
"""


async def test_the_last_words_are_shown_however_the_process_ends(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": HEAD + ENDS})
    async with served(app) as host:
        for code in (0, 1, 200):
            host.output.clear()
            assert (await host.get(f"/api/leaves/{code}")).status == 500
            await host.until_printed(
                f"The worker ended with exit code {code}; it is started again."
            )
            told = [line.split(" ", 1)[-1] for line in host.output]
            for text in ("said by print", "said to the pipe", "half a line"):
                assert text in told
            failed = next(at for at, line in enumerate(host.output) if "(Failed" in line)
            assert host.output[failed + 1] == (
                f"Exception: WorkerLost: the worker ended with exit code {code}; its last words:"
            )
        assert (await host.get("/api/async_leaves")).status == 500
        await host.until_printed("said in the loop")
        assert (await host.get("/api/exits")).status == 500
        await host.until_printed("about to exit")
        await host.until_printed("SystemExit: with a reason")
    await host.until_printed("said at exit")
