"""The path of one call: to the worker and back, what is told of it, retries, timeouts."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from emulator.clock import ManualClock
from emulator.errors import (
    BindingError,
    EmulatorError,
    FunctionFailed,
    FunctionNotFound,
    FunctionTimeout,
    InvocationError,
    WorkerLost,
)
from emulator.events import InvocationFinished, InvocationStarted, LogLine
from emulator.invocation.pipeline import MAX_DEPTH
from emulator.model import (
    NONE,
    Datum,
    Direction,
    Invocation,
    InvocationResult,
    RetryPolicy,
    TraceContext,
)
from emulator.sdk import Call, Fired
from tests.support.invoking import Bench, failing, fired, function, reader, text, turns

# the worker


async def test_the_trigger_s_value_and_the_inputs_reach_the_worker() -> None:
    bench = Bench()
    fn = function(readers=[[reader("x", text, options="{a}-{b}")]])
    await bench.invoker.run(fn, fired({"a": 1, "b": "two"}, Datum("text", "v")))
    (asked,) = bench.channel.asked
    assert asked.function == "Fn"
    assert asked.inputs == {"asked": Datum("text", "v"), "x": Datum("text", "1-two")}


async def test_metadata_and_trace_reach_the_worker() -> None:
    bench = Bench()
    trace = TraceContext("00-a-b-01", "s")
    given = Fired(NONE, "asked", metadata={"Id": Datum("text", "1")})
    await bench.invoker.run(function(), given, trace=trace)
    assert bench.channel.asked[0].trace == trace
    assert bench.channel.asked[0].metadata == {"Id": Datum("text", "1")}
    assert bench.channel.asked[0].retry is None


async def test_data_are_asked_for_only_when_a_binding_may_need_them() -> None:
    def never() -> dict[str, Any]:
        raise AssertionError("nobody needs it")

    await Bench().invoker.run(function(), Fired(NONE, "asked", never))


async def test_workers_that_show_binding_data_get_it_beside_the_metadata() -> None:
    asked = 0

    def data() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"id": "7", "Id": "mine", "sub": {"a": [1]}, "no": None}

    metadata = {"Id": Datum("text", "1")}
    for functions in (function(), function(readers=[[reader("x", text, options="{id}")]])):
        bench = Bench(binding_data=True)
        await bench.invoker.run(functions, Fired(NONE, "asked", data, metadata))
        assert bench.channel.asked[0].metadata == {
            "id": Datum("text", "7"),
            "Id": Datum("text", "1"),
            "sub": Datum("json", '{"a": [1]}'),
        }
    assert asked == 2


async def test_a_call_knows_its_function_its_ancestors_and_a_shared_scope() -> None:
    seen: list[Call] = []

    async def look(call: Call) -> Datum:
        seen.append(call)
        call.scope["by"] = call.function.name
        return NONE

    bench = Bench()
    outer, inner = (function(name, readers=[[reader("x", look)]]) for name in ("Outer", "Inner"))
    await bench.invoker.run(outer, fired())
    await bench.invoker.run(inner, fired(), parent=seen[0])
    assert [each.function.name for each in seen[1].ancestors] == ["Outer"]
    assert seen[0].scope is seen[1].scope
    assert seen[0].scope == {"by": "Inner"}
    seen[1].log("Warning", "careful")
    line = bench.told[-1]
    assert line == LogLine("Warning", "careful", "Function.Inner", seen[1].id)


# failures


async def test_data_that_cannot_be_made_fail_the_call_in_the_trigger_s_name() -> None:
    def broken() -> dict[str, Any]:
        raise KeyError("oops")

    bench = Bench()
    fn = function(readers=[[reader("x", text)]])
    with pytest.raises(BindingError, match="'asked' of type 'askingTrigger' failed unexpectedly"):
        await bench.invoker.run(fn, Fired(NONE, "asked", broken))
    assert isinstance(bench.told[-1], InvocationFinished)


async def test_a_worker_that_goes_away_is_told() -> None:
    async def answer(_: Invocation) -> InvocationResult:
        raise WorkerLost("the worker ended")

    bench = Bench(answer)
    with pytest.raises(WorkerLost):
        await bench.invoker.run(function(), fired())
    finished = bench.told[-1]
    assert isinstance(finished, InvocationFinished)
    assert finished.error is not None
    assert finished.error.title == "WorkerLost: the worker ended"


async def test_every_call_begins_and_ends_once_whatever_happens() -> None:
    async def hang(_: Invocation) -> InvocationResult:
        await asyncio.sleep(60)
        return InvocationResult()

    bench = Bench(hang)
    call = asyncio.create_task(bench.invoker.run(function(), fired()))
    await turns()
    assert len(bench.invoker.in_flight) == 1
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    started, finished = bench.told
    assert isinstance(started, InvocationStarted)
    assert isinstance(finished, InvocationFinished)
    assert started.id == finished.id
    assert finished.error is not None
    assert finished.error.type == "Cancelled"
    assert len(bench.invoker.in_flight) == 0


async def test_unknown_functions_are_told() -> None:
    bench = Bench()
    bench.invoker.adopt({"fn": function()})
    assert bench.invoker.find("FN").model.name == "Fn"
    with pytest.raises(FunctionNotFound, match="There is no function 'other'"):
        bench.invoker.find("other")


async def test_calls_nested_too_deeply_are_stopped_with_their_chain() -> None:
    bench = Bench()
    depth = 0

    async def deeper(call: Call) -> Datum:
        nonlocal depth
        depth += 1
        await bench.invoker.run(fn, fired(), parent=call)
        return NONE

    fn = function("Loop", readers=[[reader("x", deeper)]])
    with pytest.raises(EmulatorError, match="nested more than") as raised:
        await bench.invoker.run(fn, fired())
    assert depth == MAX_DEPTH
    assert "Loop → Loop" in raised.value.message


async def test_a_nested_call_that_is_too_deep_has_its_own_code() -> None:
    call = Call("id", function().model, None, lambda level, message: None)
    deep = Call("id", function().model, None, call.log, ancestors=(call,) * (MAX_DEPTH - 1))
    with pytest.raises(InvocationError) as raised:
        await Bench().invoker.run(function(), fired(), parent=deep)
    assert raised.value.code == "invocation-too-deep"


# retries


def policy(count: int, delay: float = 5.0) -> RetryPolicy:
    return RetryPolicy("fixedDelay", count, delay=delay)


async def test_a_call_is_tried_again_with_an_id_of_its_own_and_the_last_failure() -> None:
    tries: list[Invocation] = []

    async def answer(invocation: Invocation) -> InvocationResult:
        tries.append(invocation)
        if len(tries) < 3:
            return await failing(f"no {len(tries)}")(invocation)
        return InvocationResult(Datum("text", "at last"))

    bench = Bench(answer)
    result = await bench.invoker.run(function(retry=policy(3, delay=0)), fired())
    assert result.return_value == Datum("text", "at last")
    assert len({each.id for each in tries}) == 3
    contexts = [each.retry for each in tries]
    assert [(c.retry_count, c.max_retry_count) for c in contexts if c] == [(0, 3), (1, 3), (2, 3)]
    messages = [c.error.message if c and c.error else None for c in contexts]
    assert messages == [None, "no 1", "no 2"]


async def test_between_two_tries_the_clock_is_waited_for() -> None:
    clock = ManualClock()
    bench = Bench(failing(), clock=clock)
    call = asyncio.create_task(bench.invoker.run(function(retry=policy(1)), fired()))
    await turns()
    assert len(bench.channel.asked) == 1
    assert (
        LogLine(
            "Debug",
            "Waiting for `00:00:05` before retrying function execution. Next attempt: '1'. "
            "Max retry count: '1'.",
            "Function.Fn",
        )
        in bench.told
    )
    clock.advance(4.9)
    await turns()
    assert len(bench.channel.asked) == 1
    clock.advance(0.2)
    with pytest.raises(FunctionFailed):
        await call
    assert len(bench.channel.asked) == 2
    assert (
        LogLine("Error", "Function execution failed after '1' retries.", "Function.Fn")
        in bench.told
    )


async def test_whatever_fails_a_call_is_a_reason_to_try_again() -> None:
    tries = 0

    async def fail_once(call: Call) -> Datum:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ZeroDivisionError("bug of a binding")
        return NONE

    async def lost_once(invocation: Invocation) -> InvocationResult:
        if tries == 2 and len(bench.channel.asked) == 1:
            raise WorkerLost("gone")
        return InvocationResult()

    bench = Bench(lost_once)
    fn = function(readers=[[reader("x", fail_once)]], retry=policy(2, delay=0))
    await bench.invoker.run(fn, fired())
    assert tries == 3
    retry = bench.channel.asked[1].retry
    assert retry is not None
    assert retry.error is not None
    assert retry.error.title == "WorkerLost: gone"


async def test_cancelling_while_waiting_ends_the_retries() -> None:
    bench = Bench(failing(), clock=ManualClock())
    call = asyncio.create_task(bench.invoker.run(function(retry=policy(-1)), fired()))
    await turns()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(bench.channel.asked) == 1


# timeouts


async def test_a_call_that_takes_too_long_is_abandoned_and_told() -> None:
    async def hang(_: Invocation) -> InvocationResult:
        await asyncio.sleep(60)
        return InvocationResult()

    bench = Bench(hang, timeout=0.02)
    with pytest.raises(FunctionTimeout) as raised:
        await bench.invoker.run(function(), fired())
    span = "00:00:00.0200000"
    assert raised.value.message == f"Timeout value of {span} was exceeded by function: Functions.Fn"
    assert bench.channel.abandoned == [bench.channel.asked[0].id]
    (line,) = [each for each in bench.told if isinstance(each, LogLine)]
    call_id = bench.channel.asked[0].id
    assert line.level == "Error"
    assert line.message == (
        f"Timeout value of {span} exceeded by function 'Functions.Fn' (Id: '{call_id}'). "
        "Initiating cancellation."
    )


async def test_a_worker_that_goes_with_a_late_call_is_told() -> None:
    async def hang(_: Invocation) -> InvocationResult:
        await asyncio.sleep(60)
        return InvocationResult()

    bench = Bench(hang, timeout=0.02)
    bench.channel.pids_after = (2,)
    with pytest.raises(FunctionTimeout):
        await bench.invoker.run(function(), fired())
    _, line = [each for each in bench.told if isinstance(each, LogLine)]
    assert (line.level, line.message) == (
        "Warning",
        "A function timeout has occurred. Restarting worker process executing invocationId "
        f"'{bench.channel.asked[0].id}'.",
    )


async def test_only_the_call_that_is_late_is_ended() -> None:
    slow_is_ended = asyncio.Event()

    async def answer(invocation: Invocation) -> InvocationResult:
        if invocation.function == "Slow":
            await asyncio.sleep(60)
        await slow_is_ended.wait()
        return InvocationResult(Datum("text", "in time"))

    async def slow(bench: Bench) -> None:
        with pytest.raises(FunctionTimeout):
            await bench.invoker.run(function("Slow"), fired())
        slow_is_ended.set()

    for _ in range(50):  # until the machine does not stand still for as long
        slow_is_ended.clear()
        bench = Bench(answer, timeout=0.04)
        ending = asyncio.create_task(slow(bench))
        await asyncio.sleep(0.02)
        began = time.monotonic()
        try:
            quick = await bench.invoker.run(function("Quick"), fired())
        except FunctionTimeout:
            assert time.monotonic() - began >= 0.039, "it was ended with the other one"
            await ending
            continue
        break
    assert quick.return_value == Datum("text", "in time")
    await ending
    assert len(bench.channel.abandoned) == 1


async def test_being_cancelled_is_no_timeout() -> None:
    async def hang(_: Invocation) -> InvocationResult:
        await asyncio.sleep(60)
        return InvocationResult()

    bench = Bench(hang, timeout=30)
    call = asyncio.create_task(bench.invoker.run(function(), fired()))
    await turns()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert bench.channel.abandoned == []


async def test_inputs_do_not_count_towards_the_timeout_of_the_function() -> None:
    async def slow(call: Call) -> Datum:
        await asyncio.sleep(0.04)
        return NONE

    fn = function(readers=[[reader("x", slow, direction=Direction.OUT)]])
    assert fn.injected == {"x"}
    await Bench(timeout=0.02).invoker.run(fn, fired())
