"""What workers say, as events of the host."""

from __future__ import annotations

import pytest

from emulator.events import EventBus, LogLine
from emulator.runtime.logrelay import LogRelay
from emulator.workers.channel import WorkerLog


def relayed(*logs: WorkerLog, **running: str) -> list[LogLine]:
    events = EventBus()
    heard: list[LogLine] = []
    events.on(LogLine, heard.append)
    relay = LogRelay(events)
    relay.running.update(running)
    for each in logs:
        relay(each)
    return heard


@pytest.mark.parametrize(
    ("log", "category"),
    [
        (WorkerLog("Information", "x", "call", "logging", "app"), "Function.Hello.User"),
        (WorkerLog("Information", "x", "over", "logging", "app"), "Host.Function.Console"),
        (WorkerLog("Information", "x", None, "logging", "app"), "Host.Function.Console"),
        (WorkerLog("Information", "x", "call", "stdout"), "Host.Function.Console"),
        (WorkerLog("Error", "x", None, "stderr"), "Host.Function.Console"),
        (WorkerLog("Information", "x", None, "worker"), "Worker.Console"),
        (WorkerLog("Warning", "x", None, "worker"), "Worker"),
        (WorkerLog("Warning", "x", None, "worker", "Rpc"), "Worker.Rpc"),
    ],
    ids=lambda each: each.source if isinstance(each, WorkerLog) else each,
)
def test_a_line_has_the_category_of_the_official_host(log: WorkerLog, category: str) -> None:
    assert relayed(log, call="Hello") == [LogLine(log.level, "x", category, log.invocation_id)]


def test_what_each_worker_says_at_its_start_is_told_once() -> None:
    words = WorkerLog("Warning", "old", None, "worker", once=True)
    other = WorkerLog("Warning", "older", None, "worker", once=True)
    said = WorkerLog("Warning", "again", None, "worker")
    heard = [each.message for each in relayed(words, said, words, said, other)]
    assert heard == ["old", "again", "again", "older"]
