"""The journal of calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from emulator.clock import ManualClock
from emulator.events import (
    Activity,
    EventBus,
    InvocationFinished,
    InvocationStarted,
    LogLine,
)
from emulator.model import FunctionError
from emulator.state.journal import KEPT, Journal, read_journal
from tests.support.patience import PATIENCE


@asynccontextmanager
async def journal(
    folder: Path, *settings: tuple[str, str]
) -> AsyncIterator[tuple[EventBus, ManualClock]]:
    events, clock = EventBus(), ManualClock()
    kept = Journal(folder, events, clock, settings=lambda: settings)
    try:
        yield events, clock
    finally:
        await kept.aclose()


def call(events: EventBus, call_id: str, function: str = "hello", **more: object) -> None:
    parent = more.get("parent")
    events.publish(InvocationStarted(call_id, function, "why", parent, str(more.get("detail", ""))))
    events.publish(InvocationFinished(call_id, function, 0.5, more.get("error"), parent))


async def test_a_finished_call_is_remembered_with_all_it_did(tmp_path: Path) -> None:
    error = FunctionError("ValueError", "no", "Traceback …", "app.py", 3)
    async with journal(tmp_path) as (events, clock):
        events.publish(InvocationStarted("1", "hello", "why", None, "GET /x"))
        clock.advance(2)
        events.publish(LogLine("Warning", "careful", "Function.hello.User", "1"))
        events.publish(LogLine("Warning", "somebody else", "Host", None))
        events.publish(Activity("openai", "model-call", "1", {"tokens": 5}))
        events.publish(InvocationFinished("1", "hello", 2.0, error))
        clock.advance(60)
    (entry,) = await read_journal(tmp_path)
    assert (entry.id, entry.function, entry.reason, entry.detail) == ("1", "hello", "why", "GET /x")
    assert entry.duration == 2.0
    assert entry.started == ManualClock().now().timestamp()
    assert [each.message for each in entry.lines] == ["careful"]
    assert [(each.name, each.data) for each in entry.activities] == [("model-call", {"tokens": 5})]
    assert entry.error is not None
    assert (entry.error["type"], entry.error["stack"]) == ("ValueError", "Traceback …")


async def test_a_call_that_has_not_ended_is_not_there(tmp_path: Path) -> None:
    async with journal(tmp_path) as (events, _):
        events.publish(InvocationStarted("1", "hello", "why"))
    assert await read_journal(tmp_path) == []
    assert not tmp_path.joinpath("journal.db").exists()


async def test_the_last_begun_call_comes_first_and_knows_its_parent(tmp_path: Path) -> None:
    async with journal(tmp_path) as (events, clock):
        call(events, "1")
        clock.advance(1)
        call(events, "2", parent="1")
    assert [(each.id, each.parent) for each in await read_journal(tmp_path)] == [
        ("2", "1"),
        ("1", None),
    ]


async def test_secrets_are_masked_wherever_they_stand(tmp_path: Path) -> None:
    secret = 'p"ss\\wörd-1'
    error = FunctionError("E", f"no {secret}", f"in {secret}")
    async with journal(tmp_path, ("MY_KEY", secret), ("PLAIN", "hello world")) as (events, _):
        events.publish(InvocationStarted("1", "f", "why", None, f"says {secret}"))
        events.publish(LogLine("Information", f"{secret} and AccountKey=abc123==", "x", "1"))
        events.publish(Activity("s", "n", "1", {"deep": [{"text": secret}]}))
        events.publish(InvocationFinished("1", "f", 0.1, error))
    (entry,) = await read_journal(tmp_path)
    assert entry.detail == "says *****"
    assert entry.lines[0].message == "***** and AccountKey=*****"
    assert entry.activities[0].data == {"deep": [{"text": "*****"}]}
    assert entry.error is not None
    assert (entry.error["message"], entry.error["stack"]) == ("no *****", "in *****")
    assert b"wrd-1" not in (tmp_path / "journal.db").read_bytes()


async def test_only_the_last_calls_are_kept(tmp_path: Path) -> None:
    for first in (0, KEPT):
        async with journal(tmp_path) as (events, clock):
            clock.advance(first)
            for number in range(first, first + KEPT + 5):
                clock.advance(1)
                call(events, str(number))
    entries = await read_journal(tmp_path)
    assert len(entries) == KEPT
    assert entries[0].id == str(2 * KEPT + 4)


async def test_a_call_with_endless_lines_is_cut(tmp_path: Path) -> None:
    async with journal(tmp_path) as (events, _):
        events.publish(InvocationStarted("1", "f", "why"))
        for number in range(1_000):
            events.publish(LogLine("Information", f"{number} " + "x" * 10_000, "x", "1"))
        events.publish(InvocationFinished("1", "f", 0.1))
    (entry,) = await read_journal(tmp_path)
    assert len(entry.lines) == 200
    assert max(len(each.message) for each in entry.lines) == 4_000


async def test_calls_are_written_while_the_host_runs(tmp_path: Path) -> None:
    events = EventBus()
    kept = Journal(tmp_path, events, ManualClock(), every=0.01)
    try:
        call(events, "1")
        async with asyncio.timeout(PATIENCE):
            while not await read_journal(tmp_path):  # noqa: ASYNC110 - a thread writes it
                await asyncio.sleep(0.01)
    finally:
        await kept.aclose()


async def test_a_folder_that_cannot_be_written_is_told_once_and_harms_nobody(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    events, clock = EventBus(), ManualClock()
    told: list[str] = []
    events.on(LogLine, lambda line: told.append(line.message))
    kept = Journal(file, events, clock)
    call(events, "1")
    await kept.aclose()
    call(events, "2")
    await kept.aclose()
    assert len(told) == 1
    assert told[0].startswith("Calls are no longer recorded.")


async def test_nothing_is_remembered_where_nothing_was(tmp_path: Path) -> None:
    assert await read_journal(tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


async def test_calls_are_recorded_again_when_they_can_be(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("", "utf-8")
    events = EventBus()
    told: list[str] = []
    events.on(LogLine, lambda line: told.append(line.message))
    kept = Journal(folder, events, ManualClock(), every=0.01, retry=0.01)
    try:
        call(events, "1")
        async with asyncio.timeout(PATIENCE):
            while not told:  # noqa: ASYNC110 - a thread writes
                await asyncio.sleep(0.01)
            folder.unlink()
            call(events, "2")
            while len(told) < 2:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    finally:
        await kept.aclose()
    assert told[0].startswith("Calls are no longer recorded. ")
    assert told[1:] == ["Calls are recorded again."]
    assert sorted(each.id for each in await read_journal(folder)) == ["1", "2"]


async def test_a_write_that_fails_while_it_is_closed_is_not_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    events, before = EventBus(), set(threading.enumerate())
    kept = Journal(file, events, ManualClock(), every=0, retry=0.01)
    call(events, "1")
    for _ in range(3):  # the write has begun
        await asyncio.sleep(0)
    await kept.aclose()
    await asyncio.sleep(0.04)
    begun = [each.name for each in set(threading.enumerate()) - before]
    assert [name for name in begun if name.startswith("state-")] == []
