"""Threads for functions, and the way back to the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.workers.pyworker.threads import Loopwards, Threads
from tests.support.patience import PATIENCE


@pytest.fixture
def one() -> Iterator[Threads]:
    threads = Threads(1)
    yield threads
    threads.close()


def test_as_many_jobs_run_at_once_as_there_are_threads() -> None:
    threads = Threads(3)
    meeting = threading.Barrier(4)
    for _ in range(3):
        threads.start(lambda: meeting.wait(PATIENCE))
    meeting.wait(PATIENCE)
    threads.close()


def test_jobs_that_start_each_other_run_at_once_too() -> None:
    threads = Threads(2)
    meeting = threading.Barrier(3)

    def outer() -> None:
        threads.start(lambda: meeting.wait(PATIENCE))
        meeting.wait(PATIENCE)

    threads.start(outer)
    meeting.wait(PATIENCE)
    threads.close()


def test_every_job_runs_once_and_never_more_at_once_than_threads() -> None:
    threads = Threads(4)
    lock, done = threading.Lock(), threading.Semaphore(0)
    running, most, ran = 0, 0, []

    def job(number: int) -> Callable[[], None]:
        def run() -> None:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
                ran.append(number)
            with lock:
                running -= 1
            done.release()

        return run

    for number in range(500):
        threads.start(job(number))
    for _ in range(500):
        assert done.acquire(timeout=PATIENCE)
    threads.close()
    assert sorted(ran) == list(range(500))
    assert most <= 4


def test_a_job_that_has_not_begun_can_be_withdrawn(one: Threads) -> None:
    began, gate, last = threading.Event(), threading.Event(), threading.Event()
    ran: list[str] = []

    def first() -> None:
        began.set()
        gate.wait(PATIENCE)

    def second() -> None:
        ran.append("second")

    one.start(first)
    one.start(second)
    one.start(last.set)
    assert began.wait(PATIENCE)
    assert not one.withdraw(first)
    assert one.withdraw(second)
    assert not one.withdraw(second)
    gate.set()
    assert last.wait(PATIENCE)
    assert ran == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_job_that_fails_costs_no_thread(one: Threads) -> None:
    def fail() -> None:
        raise SystemExit(1)

    after = threading.Event()
    one.start(fail)
    one.start(fail)
    one.start(after.set)
    assert after.wait(PATIENCE)


async def test_it_is_an_executor_for_the_loop(one: Threads) -> None:
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(one, lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(one, lambda: 1 / 0)


def test_what_was_cancelled_before_it_began_does_not_run(one: Threads) -> None:
    gate, after = threading.Event(), threading.Event()
    ran: list[str] = []
    one.start(lambda: gate.wait(PATIENCE))
    future = one.submit(ran.append, "never")
    assert future.cancel()
    one.start(after.set)
    gate.set()
    assert after.wait(PATIENCE)
    assert ran == []


def test_closed_threads_begin_nothing_more(one: Threads) -> None:
    began, gate, ended = threading.Event(), threading.Event(), threading.Event()
    ran: list[str] = []

    def first() -> None:
        began.set()
        gate.wait(PATIENCE)
        ended.set()

    one.start(first)
    one.start(lambda: ran.append("never"))
    assert began.wait(PATIENCE)
    one.close()
    gate.set()
    assert ended.wait(PATIENCE)
    with pytest.raises(RuntimeError):
        one.start(lambda: ran.append("never"))
    assert ran == []


class Loop:
    """Keeps what it is told to call."""

    def __init__(self) -> None:
        self.told: list[Callable[[], None]] = []

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        self.told.append(callback)

    call_soon = call_soon_threadsafe


def test_the_loop_is_woken_once_for_all_that_waits() -> None:
    loop: Any = Loop()
    loopwards, heard = Loopwards(loop), []
    for number in range(5):
        loopwards.call(heard.append, number)
    assert len(loop.told) == 1
    loop.told.pop()()
    assert heard == [0, 1, 2, 3, 4]
    loopwards.call(heard.append, 5)
    assert len(loop.told) == 1


def test_a_callback_that_fails_keeps_nobody_else_from_being_heard() -> None:
    loop: Any = Loop()
    loopwards, heard = Loopwards(loop), []
    loopwards.call(int, "no number")
    loopwards.call(heard.append, 1)
    with pytest.raises(ValueError, match="invalid literal"):
        loop.told.pop()()
    loop.told.pop()()
    assert heard == [1]


async def test_what_a_thread_hands_over_is_called_in_the_loop_in_its_order() -> None:
    loop = asyncio.get_running_loop()
    loopwards, heard, done = Loopwards(loop), [], loop.create_future()

    def talk() -> None:
        for number in range(1000):
            loopwards.call(heard.append, number)
        loopwards.call(done.set_result, threading.get_ident())

    threading.Thread(target=talk).start()
    here = threading.get_ident()
    async with asyncio.timeout(PATIENCE):
        await done
    assert here == threading.get_ident()
    assert heard == list(range(1000))


async def test_a_closed_loop_is_told_nothing() -> None:
    loop = asyncio.new_event_loop()
    loopwards = Loopwards(loop)
    loop.close()
    loopwards.call(print, "never")
