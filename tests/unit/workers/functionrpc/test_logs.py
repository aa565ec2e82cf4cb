"""What a worker says beside its answers."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.workers.channel import WorkerLog
from emulator.workers.functionrpc.logs import log_of
from emulator.workers.functionrpc.protocol import Protocol

RpcLog = Protocol().message("RpcLog")
USER, SYSTEM, METRIC = 0, 1, 2


def test_a_user_s_line_has_level_call_and_logger() -> None:
    log = RpcLog(level=3, message="hm", category="shop", invocation_id="i")
    assert log_of(log) == WorkerLog("Warning", "hm", "i", "logging", "shop")
    assert log_of(RpcLog(level=0, message="x")) == WorkerLog("Trace", "x", None, "logging", "")


@pytest.mark.parametrize(
    "fields",
    [
        {"level": 1, "log_category": SYSTEM},
        {"level": 0, "log_category": SYSTEM},
        {"level": 2, "log_category": METRIC},
        {"level": 6},
    ],
)
def test_what_is_for_nobody_is_left_out(fields: dict[str, Any]) -> None:
    assert log_of(RpcLog(message="x", **fields)) is None


def test_the_worker_s_own_words_are_marked() -> None:
    told = log_of(RpcLog(level=4, message="bad", category="Worker", log_category=SYSTEM))
    assert told == WorkerLog("Error", "bad", None, "worker", "Worker")


def test_what_a_worker_says_of_a_call_has_no_logger_of_its_own() -> None:
    """Those are not shown, and this is: that a function has logged after its end."""
    log = RpcLog(level=3, message="late", category="f.Invocation", log_category=SYSTEM)
    assert log_of(log) == WorkerLog("Warning", "late", None, "worker")


@pytest.mark.parametrize(
    ("exception", "told"),
    [
        ({"message": "no", "stack_trace": "Error: no\n at x"}, "hm\nError: no\n at x"),
        ({"message": "no", "stack_trace": " at x"}, "hm\nno\n at x"),
        ({"message": "hm"}, "hm"),
    ],
)
def test_an_exception_follows_the_line(exception: dict[str, str], told: str) -> None:
    log = log_of(RpcLog(level=4, message="hm", exception=exception))
    assert log is not None
    assert log.message == told
