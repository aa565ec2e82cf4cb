"""Calls at the same time: threads, tasks, worker processes, and whose log lines are whose."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.support.hosted import HEAD, hosted
from tests.support.patience import PATIENCE
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = (
    HEAD
    + """
import asyncio, concurrent.futures, contextvars, json, logging, os, threading, time

everyone = threading.Barrier(20)
changed = threading.Condition()
inside = 0
most = 0
waiting = 0
variable = contextvars.ContextVar("variable", default="unset")


@app.route(route="meets")
def meets(req: func.HttpRequest) -> str:
    everyone.wait(30)
    return str(os.getpid())


def enter(change):
    global inside, most
    with changed:
        inside += change
        most = max(most, inside)
        changed.notify_all()


@app.route(route="shares/{threads:int}")
def shares(req: func.HttpRequest) -> str:
    enter(1)
    with changed:
        changed.wait_for(lambda: most >= int(req.route_params["threads"]), 30)
    time.sleep(0.05)  # time for one too many to come in
    enter(-1)
    return json.dumps([os.getpid(), most])


@app.route(route="process")
def process(req: func.HttpRequest) -> str:
    return str(os.getpid())


@app.route(route="gathers")
async def gathers(req: func.HttpRequest) -> str:
    global waiting
    waiting += 1
    while waiting < 50:
        await asyncio.sleep(0.01)
    return str(os.getpid())


@app.route(route="own_loop")
def own_loop(req: func.HttpRequest) -> str:
    async def work():
        await asyncio.sleep(0.01)
        return "own loop"

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()


@app.route(route="loop_tools")
async def loop_tools(req: func.HttpRequest) -> str:
    loop = asyncio.get_event_loop()
    assert loop is asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, "future")
    context = contextvars.copy_context()
    context.run(variable.set, "in a context")

    async def read():
        return variable.get()

    task = asyncio.create_task(read(), context=context)
    return f"{await future} {await task} {variable.get()}"


@app.route(route="variables/{value}")
async def variables(req: func.HttpRequest) -> str:
    before = variable.get()
    variable.set(req.route_params["value"])
    await asyncio.sleep(0.01)
    return f"{before} {variable.get()}"


@app.route(route="thread_name")
def thread_name(req: func.HttpRequest) -> str:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return f"{threading.current_thread() is threading.main_thread()} no loop"
    return "a loop"


@app.route(route="logs/{word}")
async def logs(req: func.HttpRequest, context: func.Context) -> str:
    word = req.route_params["word"]

    async def part(number):
        await asyncio.sleep(0)
        logging.warning("%s task %d", word, number)

    await asyncio.gather(*(part(number) for number in range(3)))
    return context.invocation_id


@app.route(route="threads/{word}")
def threads(req: func.HttpRequest, context: func.Context) -> str:
    word = req.route_params["word"]

    def part(number):
        context.thread_local_storage.invocation_id = context.invocation_id
        logging.warning("%s thread %d", word, number)

    workers = [threading.Thread(target=part, args=(number,)) for number in range(3)]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(part, 3).result()
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    return "done"
"""
)

host = hosted({"function_app.py": CODE})


async def together(host: Served, *paths: str) -> list[str]:
    answers = await asyncio.gather(*(host.get(f"/api/{path}") for path in paths))
    assert [each.status for each in answers] == [200] * len(paths)
    return [each.text for each in answers]


async def test_sync_functions_run_side_by_side(host: Served) -> None:
    """Each of the 20 calls ends only when all of them have begun."""
    assert len(set(await together(host, *["meets"] * 20))) == 1


async def test_async_functions_run_side_by_side(host: Served) -> None:
    assert len(set(await together(host, *["gathers"] * 50))) == 1


async def test_a_sync_function_may_run_a_loop_of_its_own(host: Served) -> None:
    assert await together(host, *["own_loop"] * 3) == ["own loop"] * 3
    assert (await host.get("/api/thread_name")).text == "False no loop"


async def test_an_async_function_has_the_worker_s_loop(host: Served) -> None:
    assert (await host.get("/api/loop_tools")).text == "future in a context unset"


async def test_context_variables_of_async_calls_do_not_mix(host: Served) -> None:
    texts = await together(host, *(f"variables/{number}" for number in range(10)))
    assert texts == [f"unset {number}" for number in range(10)]


async def test_lines_of_tasks_appear_once_with_their_function(host: Served) -> None:
    await together(host, "logs/red", "logs/blue")
    for word in ("red", "blue"):
        for number in range(3):
            await host.until_printed(f"{word} task {number}")
    lines = [line for line in host.output if " task " in line]
    assert len(lines) == 6
    assert all("[logs]" in line for line in lines)


async def test_lines_of_threads_that_say_their_call_appear_once(host: Served) -> None:
    assert await together(host, "threads/green") == ["done"]
    for number in range(4):
        await host.until_printed(f"green thread {number}")
    lines = [line for line in host.output if "green thread" in line]
    assert len(lines) == 4
    assert all("[threads]" in line for line in lines)


async def test_many_requests_at_once_get_their_own_answers(host: Served) -> None:
    texts = await together(host, *(f"variables/{number}" for number in range(200)))
    assert [text.split()[1] for text in texts] == [str(number) for number in range(200)]


@pytest.mark.parametrize(
    ("settings", "most", "processes"),
    [
        ({"PYTHON_THREADPOOL_THREAD_COUNT": "1"}, 1, 1),
        ({"PYTHON_THREADPOOL_THREAD_COUNT": "2"}, 2, 1),
        ({"PYTHON_THREADPOOL_THREAD_COUNT": "1", "FUNCTIONS_WORKER_PROCESS_COUNT": "2"}, 1, 2),
    ],
    ids=["one thread", "two threads", "two processes"],
)
async def test_threads_and_processes_bound_sync_functions(
    tmp_path: Path, settings: dict[str, str], most: int, processes: int
) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE})
    async with served(app, settings=settings) as host:
        async with asyncio.timeout(PATIENCE):  # further processes start after the first
            seen: set[str] = set()
            while len(seen) < processes:
                seen |= {(await host.get("/api/process")).text}
        texts = await together(host, *[f"shares/{most}"] * 4)
        told = [json.loads(text) for text in texts]
        assert len({pid for pid, _ in told}) == processes
        assert max(most for _, most in told) == most


async def test_a_wrong_thread_count_is_told_and_changes_nothing(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE})
    for value, told in (("many", "must be an integer"), ("0", "must be set to a value between 1")):
        settings = {"PYTHON_THREADPOOL_THREAD_COUNT": value}
        async with served(app, settings=settings) as host:
            assert (await host.get("/api/own_loop")).status == 200
            await host.until_printed(f"PYTHON_THREADPOOL_THREAD_COUNT {told}")
