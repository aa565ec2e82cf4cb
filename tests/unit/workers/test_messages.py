from __future__ import annotations

from pathlib import Path
from typing import Any

from emulator.model import (
    NONE,
    Datum,
    FunctionError,
    Invocation,
    InvocationResult,
    RetryContext,
    TraceContext,
)
from emulator.workers.channel import AppSpec, FunctionLoad, Index
from emulator.workers.messages import (
    failure_of,
    index_of,
    invoke_message,
    load_message,
    result_of,
    start_message,
)
from tests.support.workers import HTTP_OUT, binding, folder_function, request


def test_a_start_names_the_app() -> None:
    told = start_message(AppSpec(Path("/app"), {}, "main.py", 3), token="t")
    assert told == {
        "kind": "start",
        "protocol": 1,
        "root": "/app",
        "script": "main.py",
        "threads": 3,
        "token": "t",
    }


def test_a_load_carries_what_validation_needs() -> None:
    function = folder_function(Path("/app"), "f", binding("m", "queueTrigger", "in", "string"))
    (told,) = load_message([FunctionLoad(function, frozenset("ba"))])["functions"]
    assert told == {
        "name": "f",
        "model": "v1",
        "directory": "/app/f",
        "script": "main.py",
        "entry_point": "main",
        "injected": ["a", "b"],
        "bindings": [
            {"name": "m", "type": "queueTrigger", "direction": "in", "data_type": "string"}
        ],
    }
    assert load_message([FunctionLoad(folder_function(Path("/app"), "f", HTTP_OUT))])


def test_a_call_says_only_what_there_is_to_say() -> None:
    header, blobs = invoke_message(Invocation("i", "f", {"req": request()}))
    assert header == {
        "kind": "invoke",
        "id": "i",
        "fn": "f",
        "in": {
            "req": [
                "http",
                {
                    "method": "GET",
                    "url": "http://localhost:7071/api/f",
                    "headers": {},
                    "query": {},
                    "params": {},
                    "body": None,
                },
            ]
        },
    }
    assert blobs == []


def test_a_call_with_everything() -> None:
    error = FunctionError("KeyError", "'x'", "the stack")
    header, blobs = invoke_message(
        Invocation(
            "i",
            "f",
            {"a": Datum("bytes", b"1"), "req": request(b"2")},
            {"Id": Datum("text", "m"), "Raw": Datum("bytes", b"3")},
            TraceContext("parent", "state"),
            RetryContext(1, 2, error),
        )
    )
    assert blobs == [b"1", b"2", b"3"]
    assert header["in"]["a"] == ["bytes", 0]
    assert header["in"]["req"][1]["body"] == 1
    assert header["meta"] == {"Id": ["text", "m"], "Raw": ["bytes", 2]}
    assert header["trace"] == ["parent", "state"]
    assert header["retry"] == {
        "count": 1,
        "max": 2,
        "error": {"message": "KeyError: 'x'", "stack": "the stack"},
    }


def test_results() -> None:
    assert result_of({"kind": "result", "id": "i"}, ()) == InvocationResult()
    header: dict[str, Any] = {"value": ["text", "x"], "out": {"o": ["bytes", 0]}}
    assert result_of(header, [b"y"]) == InvocationResult(
        Datum("text", "x"), {"o": Datum("bytes", b"y")}
    )
    failed = result_of({"error": {"type": "E", "message": "m"}, "value": ["text", "x"]}, ())
    assert failed == InvocationResult(NONE, {}, FunctionError("E", "m"))


def test_failures_and_indexes_may_leave_things_out() -> None:
    assert failure_of({}) == FunctionError("Exception", "")
    assert index_of({"functions": None}) == Index()
    assert index_of({"functions": []}) == Index(())
    assert index_of({"error": {"type": "E"}}) == Index(error=FunctionError("E", ""))
