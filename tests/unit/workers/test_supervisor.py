from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from emulator.clock import ManualClock
from emulator.errors import WorkerLost, WorkerStartError
from emulator.model import NONE, Datum, FunctionError, Invocation, InvocationResult
from emulator.workers.channel import ExitInfo, FunctionLoad, Index, WorkerInfo
from emulator.workers.interpreter import find_interpreter
from emulator.workers.supervisor import Backoff, Supervisor, process_count
from tests.support.patience import PATIENCE
from tests.support.workers import (
    decorated,
    environment,
    folder_function,
    models,
    request,
)


class FakeWorker:
    """Answers calls with its number; `block` holds them, `die` ends it."""

    def __init__(self, number: int, *, fails: bool = False) -> None:
        self.number = number
        self.fails = fails
        self.closed: asyncio.Future[ExitInfo] = asyncio.get_event_loop().create_future()
        self.loads: list[list[str]] = []
        self.blocked: asyncio.Event | None = None
        self.cancelled: list[str] = []
        self._lingering: dict[str, asyncio.Future[None]] = {}
        self.running = 0

    async def start(self) -> WorkerInfo:
        if self.fails:
            raise WorkerStartError("no luck")
        return WorkerInfo("python", "3.11", "python", "1", self.number)

    async def index(self) -> Index:
        return Index(())

    async def load(self, loads: Sequence[FunctionLoad]) -> Mapping[str, FunctionError]:
        self.loads.append([each.function.name for each in loads])
        return {}

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        if self.closed.done():
            raise WorkerLost("gone")
        self.running += 1
        self._lingering[invocation.id] = asyncio.get_running_loop().create_future()
        try:
            if self.blocked is not None:
                await self.blocked.wait()
        finally:
            self.running -= 1
        self._lingering.pop(invocation.id).set_result(None)
        return InvocationResult(Datum("int", self.number))

    async def let_go(self, invocation_id: str, grace: float) -> bool:
        lingering = self._lingering.get(invocation_id)
        if lingering is None:
            return True
        await self.cancel(invocation_id)
        await asyncio.wait([lingering], timeout=grace)
        return lingering.done()

    async def cancel(self, invocation_id: str) -> None:
        self.cancelled.append(invocation_id)

    async def abandon(self, invocation_id: str, grace: float) -> None:
        raise AssertionError("the supervisor does this itself")

    async def drain(self, seconds: float) -> bool:
        return not self.running

    async def aclose(self, grace: float = 2.0) -> None:
        self.die(0, expected=True)

    def die(self, code: int, *, expected: bool = False) -> None:
        if not self.closed.done():
            self.closed.set_result(ExitInfo(code, ("last words",), expected=expected))


class Crew:
    """A supervisor over fake workers and a clock that stands still."""

    def __init__(self, *, processes: int = 1, patience: float = 30.0) -> None:
        self.workers: list[FakeWorker] = []
        self.failing = 0
        self.exits: list[ExitInfo] = []
        self.clock = ManualClock()
        self.supervisor = Supervisor(
            self.spawn,
            processes=processes,
            clock=self.clock,
            on_exit=self.exits.append,
            patience=patience,
        )

    def spawn(self) -> FakeWorker:
        fails = self.failing > 0
        self.failing -= fails
        self.workers.append(FakeWorker(len(self.workers), fails=fails))
        return self.workers[-1]

    async def up(self) -> Crew:
        await self.supervisor.start()
        await self.supervisor.index()
        await self.supervisor.load([FunctionLoad(folder_function(Path("/app"), "f"))])
        await settle()
        return self

    async def call(self, id: str = "") -> int:
        result = await self.supervisor.invoke(Invocation(id or str(id), "f", {}))
        return int(result.return_value.value)

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await settle()


async def settle() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


def test_the_wait_doubles_up_to_a_limit_and_forgets_after_good_health() -> None:
    backoff = Backoff()
    assert [backoff.after(1, 1) for _ in range(9)] == [
        0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0,
    ]  # fmt: skip
    assert backoff.after(1, 200) == 0
    assert backoff.after(31, 1) == 0.1
    assert backoff.after(1, None) == 0.2


@pytest.mark.parametrize(
    ("text", "count"), [("", 1), ("x", 1), ("0", 1), ("-3", 1), ("1", 1), ("4", 4), ("50", 10)]
)
def test_how_many_processes_are_meant(text: str, count: int) -> None:
    assert process_count({"FUNCTIONS_WORKER_PROCESS_COUNT": text}) == count
    assert process_count({"FUNCTIONS_WORKER_PROCESS_COUNT": text}, 3) == (count if text else 3)
    assert process_count({}) == 1
    assert process_count({}, 20) == 10


async def test_a_worker_that_ends_behind_its_first_answer_has_not_loaded_the_app() -> None:
    crew = Crew()
    await crew.supervisor.start()
    first = crew.workers[0]

    async def load(loads: Sequence[FunctionLoad]) -> Mapping[str, FunctionError]:
        first.die(3)
        await settle()  # until that is known
        return {}

    first.load = load  # type: ignore[method-assign]
    with pytest.raises(WorkerLost, match="last words"):
        await crew.supervisor.load([FunctionLoad(folder_function(Path("/app"), "f"))])
    await crew.supervisor.aclose()


async def test_calls_go_round_the_workers() -> None:
    crew = await Crew(processes=3).up()
    assert [await crew.call() for _ in range(6)] == [0, 1, 2, 0, 1, 2]
    assert [each.loads for each in crew.workers] == [[["f"]]] * 3


async def test_later_loads_reach_every_worker() -> None:
    crew = await Crew(processes=2).up()
    await crew.supervisor.load([FunctionLoad(folder_function(Path("/app"), "g"))])
    assert [each.loads for each in crew.workers] == [[["f"], ["g"]]] * 2
    crew.workers[1].die(1)
    await settle()
    await crew.pass_time(0.1)
    assert crew.workers[2].loads == [["f", "g"]]


async def test_a_dead_worker_is_replaced_and_calls_wait_for_the_new_one() -> None:
    crew = await Crew().up()
    crew.workers[0].die(3)
    call = asyncio.create_task(crew.call())
    await settle()
    assert len(crew.workers) == 1
    assert not call.done()
    assert crew.exits == [ExitInfo(3, ("last words",))]
    await crew.pass_time(0.1)
    assert await call == 1
    assert crew.workers[1].loads == [["f"]]
    assert not crew.supervisor.closed.done()


async def test_a_spare_is_prepared_again_after_a_crash() -> None:
    workers: list[FakeWorker] = []
    prepared: list[object] = []

    def spawn() -> FakeWorker:
        workers.append(FakeWorker(len(workers)))
        return workers[-1]

    async def prepare(channel: object) -> None:
        prepared.append(channel)

    clock = ManualClock()
    supervisor = Supervisor(spawn, clock=clock, on_loaded=prepare)
    await supervisor.start()
    await supervisor.load([])
    await settle()
    workers[0].die(3)
    await settle()
    clock.advance(1)
    await settle()
    assert prepared == workers
    assert len(workers) == 2
    await supervisor.aclose()


async def test_a_worker_that_asks_for_it_is_started_again_at_once() -> None:
    crew = await Crew().up()
    crew.workers[0].die(200)
    await settle()
    assert await crew.call() == 1


async def test_a_start_that_fails_is_tried_again_later_each_time() -> None:
    crew = await Crew().up()
    crew.failing = 2
    crew.workers[0].die(1)
    await settle()
    for pause, workers in ((0.1, 2), (0.1, 2), (0.1, 3), (0.3, 3), (0.1, 4)):
        await crew.pass_time(pause)
        assert len(crew.workers) == workers
    assert await crew.call() == 3


async def test_a_call_does_not_wait_for_ever() -> None:
    crew = await Crew(patience=0.02).up()
    crew.workers[0].die(1)
    await settle()
    with pytest.raises(WorkerLost) as raised:
        await crew.call()
    assert raised.value.message == (
        "there is no worker to run the call: it ended and could not be started again in time;"
        " its last words:\nlast words"
    )


async def test_a_worker_that_dies_before_anything_was_loaded_stays_down() -> None:
    crew = Crew()
    await crew.supervisor.start()
    crew.workers[0].die(1)
    await settle()
    await crew.pass_time(100)
    assert len(crew.workers) == 1
    with pytest.raises(WorkerLost):
        await crew.call()
    with pytest.raises(WorkerLost):
        await crew.supervisor.load([])
    with pytest.raises(WorkerLost):
        await crew.supervisor.index()


async def test_a_first_start_that_fails_is_raised() -> None:
    crew = Crew()
    crew.workers[0].fails = True
    with pytest.raises(WorkerStartError, match="no luck"):
        await crew.supervisor.start()
    assert crew.supervisor.closed.done()


async def test_an_abandoned_call_that_ends_leaves_its_worker_alone() -> None:
    crew = await Crew().up()
    worker = crew.workers[0]
    worker.blocked = asyncio.Event()
    call = asyncio.create_task(crew.call("slow"))
    await settle()
    abandoning = asyncio.create_task(crew.supervisor.abandon("slow", grace=5))
    await settle()
    assert worker.cancelled == ["slow"]
    worker.blocked.set()
    await abandoning
    assert await call == 0
    assert len(crew.workers) == 1
    await crew.supervisor.abandon("unknown", grace=5)


async def test_an_abandoned_call_that_does_not_end_costs_its_worker_the_place() -> None:
    crew = await Crew().up()
    worker = crew.workers[0]
    worker.blocked = asyncio.Event()
    call = asyncio.create_task(crew.call("slow"))
    await settle()
    call.cancel()
    await settle()
    await crew.supervisor.abandon("slow", grace=0)
    await settle()
    assert await crew.call() == 1
    assert worker.closed.done()
    assert crew.exits == []


async def test_cancel_reaches_the_worker_that_runs_the_call() -> None:
    crew = await Crew(processes=2).up()
    for worker in crew.workers:
        worker.blocked = asyncio.Event()
    calls = [asyncio.create_task(crew.call(f"{n}")) for n in range(2)]
    await settle()
    assert crew.supervisor.running == 2
    assert not await crew.supervisor.drain(0)
    await crew.supervisor.cancel("1")
    await crew.supervisor.cancel("unknown")
    assert [each.cancelled for each in crew.workers] == [[], ["1"]]
    for worker in crew.workers:
        worker.blocked.set()
    await asyncio.gather(*calls)
    assert await crew.supervisor.drain(0)


async def test_closing_ends_every_worker_and_is_idempotent() -> None:
    crew = await Crew(processes=2).up()
    await asyncio.gather(crew.supervisor.aclose(), crew.supervisor.aclose())
    assert all(each.closed.done() for each in crew.workers)
    assert crew.supervisor.closed.result().expected
    assert crew.exits == []
    await crew.pass_time(100)
    assert len(crew.workers) == 2
    with pytest.raises(WorkerLost, match="stopped"):
        await crew.call()


async def test_closing_while_a_worker_is_awaited_ends_the_wait() -> None:
    crew = await Crew().up()
    crew.workers[0].die(1)
    call = asyncio.create_task(crew.call())
    await settle()
    await crew.supervisor.aclose()
    with pytest.raises(WorkerLost, match="stopped"):
        await call


async def test_real_processes_take_turns_and_come_back(tmp_path: Path) -> None:
    from emulator.workers.channel import AppSpec

    root = decorated(
        tmp_path,
        """
        import os

        @app.route()
        def f(req) -> str:
            if req.params.get("die"):
                os._exit(1)
            return str(os.getpid())
        """,
    )
    settings = environment({"FUNCTIONS_WORKER_PROCESS_COUNT": "2"})
    exits: list[ExitInfo] = []
    logs: list[Any] = []
    supervisor = Supervisor.spawn(
        AppSpec(root, settings),
        find_interpreter(root, None, settings),
        logs.append,
        on_exit=exits.append,
    )
    numbers = iter(range(1000))

    async def call(**query: str) -> str:
        result = await supervisor.invoke(
            Invocation(str(next(numbers)), "f", {"req": request(query=query)})
        )
        assert result.error is None
        assert result.return_value != NONE
        return str(result.return_value.value)

    try:
        await supervisor.start()
        index = await supervisor.index()
        assert not await supervisor.load([FunctionLoad(each) for each in models(index)])
        pids: set[str] = set()
        async with asyncio.timeout(PATIENCE):
            while len(pids) < 2:
                pids.add(await call())
                await asyncio.sleep(0.01)
        with pytest.raises(WorkerLost, match="ended with exit code 1"):
            await call(die="1")
        assert await call() in pids
        async with asyncio.timeout(PATIENCE):
            while len(pids) < 3:
                pids.add(await call())
                await asyncio.sleep(0.01)
        assert [each.code for each in exits] == [1]
    finally:
        await supervisor.aclose()
