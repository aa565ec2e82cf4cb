"""How many requests run, and how many wait."""

from __future__ import annotations

import asyncio

import pytest

from emulator.server.throttle import Throttle


@pytest.mark.parametrize(("concurrent", "unlimited"), [(-1, True), (0, True), (1, False)])
def test_minus_one_means_no_limit(concurrent: int, unlimited: bool) -> None:
    assert Throttle(concurrent=concurrent).unlimited is unlimited
    assert not Throttle(outstanding=0).unlimited


async def test_beyond_the_outstanding_ones_requests_are_refused() -> None:
    throttle = Throttle(concurrent=1, outstanding=2)
    gate = asyncio.Event()
    running: list[int] = []

    async def call(number: int) -> None:
        async with throttle:
            running.append(number)
            await gate.wait()

    calls = [asyncio.create_task(call(number)) for number in range(2)]
    await asyncio.sleep(0)
    assert running == [0]
    assert throttle.refuses()
    gate.set()
    await asyncio.gather(*calls)
    assert running == [0, 1]
    assert not throttle.refuses()


async def test_one_that_stops_waiting_frees_its_place() -> None:
    throttle = Throttle(concurrent=1, outstanding=2)

    async def wait() -> None:
        async with throttle:
            raise AssertionError("it never got its turn")

    async with throttle:
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        assert throttle.refuses()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not throttle.refuses()


async def test_one_that_fails_frees_its_place() -> None:
    throttle = Throttle(concurrent=1, outstanding=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            async with throttle:
                raise ValueError("no")
    assert not throttle.refuses()
