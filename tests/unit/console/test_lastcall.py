"""The last call in full."""

from __future__ import annotations

import asyncio

from emulator.console.lastcall import LastCall, call_in_full, shown
from emulator.console.render import Palette
from emulator.events import (
    Activity,
    BindingUsed,
    Event,
    EventBus,
    FunctionRan,
    InvocationFinished,
    InvocationStarted,
    LogLine,
    RequestServed,
)
from emulator.model import (
    NONE,
    Datum,
    FunctionError,
    HttpRequestData,
    HttpResponseData,
    InvocationResult,
)

REQUEST = Datum("http", HttpRequestData("POST", "http://localhost/api/a1?code=s3cret", body=b"hi"))
RESPONSE = Datum("http", HttpResponseData(200, (("Content-Type", "text/plain"),), b"Done."))
TURN: list[Event] = [
    InvocationStarted("1", "PostUserQuery", "asked by a request"),
    Activity("openai", "model-call", "1", {"model": "gpt", "duration": 0.012, "drift": None}),
    InvocationStarted("2", "AddTodo", "asked", "1", '{"task": "call dad"}'),
    LogLine("Information", "adding", "Function.AddTodo.User", "2"),
    FunctionRan("2", {"arg": Datum("text", "x")}, InvocationResult(Datum("text", "added"))),
    InvocationFinished("2", "AddTodo", 0.002, parent="1"),
    BindingUsed("1", "state", "assistantPost", "in", {"id": "a1", "model": None}, NONE),
    LogLine("Warning", "two\nlines", "Function.PostUserQuery.User", "1"),
    FunctionRan(
        "1",
        {"req": REQUEST, "state": Datum("json", '{"id":\n "a1"}')},
        InvocationResult(RESPONSE, {"out": Datum("bytes", b"\xff\xfe")}),
    ),
    InvocationFinished("1", "PostUserQuery", 0.03),
    RequestServed("POST", "/api/a1", 200, 0.031, "PostUserQuery"),
]


async def test_a_turn_in_full() -> None:
    assert in_full(*TURN) == [
        "POST /api/a1 → 200",
        "PostUserQuery succeeded in 30 ms",
        "  id      1",
        "  reason  asked by a request",
        "  given",
        "    req POST http://localhost/api/a1?code=***** hi",
        '    state (assistantPost: id=a1) {"id": "a1"}',
        "  bindings did",
        "    openai: model-call (12 ms) model=gpt",
        "  said",
        "    Warning: two",
        "    lines",
        "  called",
        '    AddTodo succeeded in 2.0 ms {"task": "call dad"}',
        "      → added",
        "  gave",
        "    return 200 text/plain Done.",
        "    out 2 bytes",
    ]


async def test_a_failure_has_its_stack() -> None:
    error = FunctionError("ValueError", "boom", "Traceback:\n  line 1\nValueError: boom")
    lines = in_full(InvocationStarted("1", "f", ""), InvocationFinished("1", "f", 0.5, error))
    assert lines == [
        "f failed in 500 ms",
        "  id      1",
        "",
        "  Exception: ValueError: boom",
        "  Stack: Traceback:",
        "      line 1",
        "    ValueError: boom",
    ]


async def test_a_request_without_a_call_does_not_claim_the_last_one() -> None:
    lines = in_full(*TURN, RequestServed("GET", "/elsewhere", 404, 0.001))
    assert lines[0] == "POST /api/a1 → 200"


async def test_a_request_of_another_task_is_not_its_request() -> None:
    events = EventBus()
    last = LastCall(events)
    for event in TURN[:-1]:
        events.publish(event)

    async def other() -> None:
        events.publish(RequestServed("GET", "/other", 200, 0.1, "f"))

    await asyncio.create_task(other())
    assert last.record is not None
    assert last.record.request is None


async def test_calls_under_way_are_not_the_last_one() -> None:
    events = EventBus()
    last = LastCall(events)
    events.publish(InvocationStarted("1", "f", ""))
    events.publish(InvocationFinished("9", "unknown", 0.1))
    events.publish(LogLine("Information", "of nobody", "Host"))
    assert last.record is None


async def test_a_call_that_says_much_is_not_kept_whole() -> None:
    said = [LogLine("Information", str(n), "Function.f.User", "1") for n in range(600)]
    lines = in_full(InvocationStarted("1", "f", ""), *said, InvocationFinished("1", "f", 0.1))
    assert sum("Information: " in line for line in lines) == 500


def test_values_are_shown_in_one_line() -> None:
    assert shown(NONE) == "nothing"
    assert shown(Datum("int", 7)) == "7"
    assert shown(Datum("text", "")) == '""'
    assert shown(Datum("text", "a\nb")) == "a b"
    assert shown(Datum("text", "x" * 500)) == "x" * 200 + "…"
    assert shown(Datum("bytes", b"")) == "no bytes"
    assert shown(Datum("bytes", b"text")) == "text"
    assert shown(Datum("list", (Datum("int", 1), Datum("text", "b")))) == "2 values: 1, b"


def in_full(*events: Event) -> list[str]:
    bus = EventBus()
    last = LastCall(bus)
    for event in events:
        bus.publish(event)
    assert last.record is not None
    return call_in_full(last.record, Palette(colour=False))[1:-1]
