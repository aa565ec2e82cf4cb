"""Turns: one at a time for each chat, in order, and no standstill."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bindings.openai.turns import Turns
from emulator.model import FunctionModel
from emulator.sdk import BindingError, Call
from tests.support.patience import PATIENCE


def call(name: str, *ancestors: Call) -> Call:
    model = FunctionModel(name, (), Path("."), "app.py", name, "v2")
    return Call(name, model, None, lambda level, message: None, ancestors)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_turns_of_one_chat_come_in_the_order_of_asking() -> None:
    turns = Turns()
    order: list[str] = []

    async def take(name: str) -> None:
        async with turns.hold("chat", call(name)):
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(take(f"c{n}") for n in range(10)))
    assert order == [f"c{n}" for n in range(10)]


async def test_turns_of_different_chats_do_not_wait_for_each_other() -> None:
    turns = Turns()
    async with turns.hold("one", call("a")), turns.hold("two", call("b")):
        pass


async def test_nothing_is_kept_once_all_turns_are_over() -> None:
    turns = Turns()
    async with turns.hold("chat", call("a")):
        assert len(turns._lanes) == 1
    with pytest.raises(RuntimeError, match="oops"):
        async with turns.hold("chat", call("a")):
            raise RuntimeError("oops")
    assert not turns._lanes
    assert not turns._waiting


async def test_a_cancelled_wait_leaves_the_queue() -> None:
    turns = Turns()

    async def take() -> None:
        async with turns.hold("chat", call("b")):
            pytest.fail("its turn never comes")

    async with turns.hold("chat", call("a")):
        waiting = asyncio.create_task(take())
        await settle()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert not turns._lanes
    assert not turns._waiting


async def test_a_call_made_by_the_holder_is_refused() -> None:
    turns = Turns()
    outer = call("outer")
    skill = call("skill", outer)
    async with turns.hold("chat", outer):
        with pytest.raises(BindingError, match=r"\(outer → skill → inner\)"):
            async with turns.hold("chat", call("inner", outer, skill)):
                pass


async def test_two_bindings_of_the_same_call_wait_for_each_other() -> None:
    turns = Turns()
    same = call("same")
    order: list[int] = []

    async def take(index: int) -> None:
        async with turns.hold("chat", same):
            await asyncio.sleep(0)
            order.append(index)

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(take(1), take(2))
    assert order == [1, 2]


@pytest.mark.parametrize("ring", [("a", "b"), ("a", "b", "c"), ("a", "b", "c", "d")])
async def test_calls_that_wait_for_each_other_in_a_ring_are_not_left_hanging(
    ring: Sequence[str],
) -> None:
    turns = Turns()
    barrier = asyncio.Barrier(len(ring))
    refused: list[str] = []

    async def turn(own: str, wanted: str) -> None:
        outer = call(f"turn of {own}")
        async with turns.hold(own, outer):
            await barrier.wait()
            try:
                async with turns.hold(wanted, call(f"skill of {own}", outer)):
                    pass
            except BindingError:
                refused.append(own)

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(
            *(turn(own, ring[(index + 1) % len(ring)]) for index, own in enumerate(ring))
        )
    assert len(refused) == 1
