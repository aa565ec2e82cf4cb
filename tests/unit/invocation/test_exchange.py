"""The bindings of one call: inputs, outputs, and what fails with them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.errors import BindingError, EmulatorError, FunctionFailed, FunctionTimeout, WorkerLost
from emulator.events import InvocationFinished
from emulator.model import NONE, Datum, Invocation, InvocationResult
from emulator.sdk import Call
from tests.support.invoking import Bench, failing, fired, function, reader, text, turns, writer

# inputs and outputs


async def test_groups_of_inputs_run_in_order_and_those_of_a_group_together() -> None:
    running: list[str] = []
    gate = asyncio.Event()

    def slow(name: str) -> Any:
        async def read(call: Call) -> Datum:
            running.append(name)
            await gate.wait()
            return NONE

        return read

    bench = Bench()
    groups = [[reader("a", slow("a")), reader("b", slow("b"))], [reader("c", slow("c"), order=1)]]
    call = asyncio.create_task(bench.invoker.run(function(readers=groups), fired()))
    await turns()
    assert sorted(running) == ["a", "b"]
    gate.set()
    await call
    assert running[2:] == ["c"]
    assert list(bench.channel.asked[0].inputs) == ["asked", "a", "b", "c"]


async def test_outputs_get_what_was_set_and_nothing_else() -> None:
    written: list[tuple[str, Datum]] = []

    async def keep(call: Call, value: Datum) -> None:
        written.append((call.options.path, value))

    async def answer(_: Invocation) -> InvocationResult:
        return InvocationResult(Datum("text", "r"), {"a": Datum("int", 1), "b": NONE})

    names = ("a", "b", "c", "$return")
    fn = function(writers=[writer(n, keep, options=f"{n}{{x}}") for n in names], has_return=True)
    result = await Bench(answer).invoker.run(fn, fired({"x": "!"}))
    assert written == [("a!", Datum("int", 1)), ("$return!", Datum("text", "r"))]
    assert result.return_value == Datum("text", "r")


async def test_a_returned_object_is_spread_only_without_a_return_binding() -> None:
    written: dict[str, Datum] = {}

    def keep(name: str) -> Any:
        async def write(call: Call, value: Datum) -> None:
            written[name] = value

        return write

    async def answer(_: Invocation) -> InvocationResult:
        returned = Datum("json", '{"a": "t", "b": {"c": 1}, "n": null, "set": "lost", "x": 1}')
        return InvocationResult(returned, {"set": Datum("text", "won")})

    writers = [writer(name, keep(name)) for name in ("a", "b", "n", "set")]
    await Bench(answer).invoker.run(function(writers=writers), fired())
    assert written == {
        "a": Datum("text", "t"),
        "b": Datum("json", '{"c": 1}'),
        "set": Datum("text", "won"),
    }
    written.clear()
    await Bench(answer).invoker.run(function(writers=writers, has_return=True), fired())
    assert written == {"set": Datum("text", "won")}


# failures


async def test_the_function_s_exception_is_raised_as_data_and_nothing_is_written() -> None:
    async def never(call: Call, value: Datum) -> None:
        raise AssertionError("a failed call writes nothing")

    bench = Bench(failing("boom"))
    with pytest.raises(FunctionFailed, match="ValueError: boom") as raised:
        await bench.invoker.run(function(writers=[writer("$return", never)]), fired())
    assert raised.value.error.stack == "stack"
    finished = bench.told[-1]
    assert isinstance(finished, InvocationFinished)
    assert finished.error == raised.value.error


@pytest.mark.parametrize("part", ["input", "output"])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BindingError("it is closed", hint="Open it."), "it is closed (binding 'x' of type "),
        (ZeroDivisionError("bug"), "failed unexpectedly: ZeroDivisionError: bug"),
        (RecursionError("deep"), "failed unexpectedly: RecursionError: deep"),
    ],
)
async def test_a_binding_that_fails_fails_the_call_with_its_name(
    part: str, error: Exception, told: str
) -> None:
    async def fail(*_: object) -> Any:
        raise error

    async def answer(_: Invocation) -> InvocationResult:
        return InvocationResult(outputs={"x": Datum("text", "v")})

    fn = (
        function(readers=[[reader("x", fail)]])
        if part == "input"
        else function(writers=[writer("x", fail)])
    )
    bench = Bench(answer)
    with pytest.raises(EmulatorError) as raised:
        await bench.invoker.run(fn, fired())
    assert told in raised.value.message
    assert raised.value.__cause__ is error
    finished = bench.told[-1]
    assert isinstance(finished, InvocationFinished)
    assert finished.error is not None
    assert told in finished.error.message
    assert len(bench.channel.asked) == (part == "output")


async def test_an_expression_without_a_value_fails_its_call() -> None:
    bench = Bench()
    fn = function(readers=[[reader("x", text, options="{missing}")]])
    with pytest.raises(FunctionFailed, match="No value for named parameter 'missing'"):
        await bench.invoker.run(fn, fired({"other": 1}))
    assert bench.channel.asked == []


async def test_one_failing_input_lets_the_others_finish_first() -> None:
    finished: list[str] = []

    async def fail(call: Call) -> Datum:
        raise BindingError("first")

    async def slow(call: Call) -> Datum:
        await turns()
        finished.append("slow")
        return NONE

    fn = function(readers=[[reader("a", fail), reader("b", slow)]])
    with pytest.raises(FunctionFailed, match="first"):
        await Bench().invoker.run(fn, fired())
    assert finished == ["slow"]


@pytest.mark.parametrize("error", [WorkerLost("gone"), FunctionTimeout("late")])
async def test_what_ends_a_nested_call_ends_the_outer_one_as_it_is(error: EmulatorError) -> None:
    async def fail(call: Call) -> Datum:
        raise error

    with pytest.raises(type(error)) as raised:
        await Bench().invoker.run(function(readers=[[reader("x", fail)]]), fired())
    assert raised.value is error
