"""Disks and state files that fail, as the user of a served app meets it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.disks import disk
from tests.support.serving import FIXTURES, Answer, Served, served, write_app

APP = FIXTURES / "assistant"
PATH = "/api/assistants/a1"
SINCE = {"timestampUTC": "2023-01-01T00:00:00Z"}
TURN = 4
"""Messages of a turn that adds a todo."""

LOCKED_DOWN = """
import azure.functions as func

app = func.FunctionApp(http_auth_level="FUNCTION")


@app.route(route="hello")
def Hello(req: func.HttpRequest) -> str:
    return "hi"


@app.route(route="open", auth_level="ANONYMOUS")
def Open(req: func.HttpRequest) -> str:
    return "hi"
"""


def todos(tmp_path: Path) -> dict[str, str]:
    return {"TODO_FILE": str(tmp_path / "todos.json")}


async def post(host: Served, message: str = "Remind me to call my dad", who: str = "a1") -> Answer:
    return await host.post(f"/api/assistants/{who}", params={"message": message})


async def count(host: Served, who: str = "a1") -> int:
    chat: dict[str, Any] = (await host.get(f"/api/assistants/{who}", params=SINCE)).json
    assert len(chat["recentMessages"]) == chat["totalMessages"], "half a turn is stored"
    return int(chat["totalMessages"])


async def test_a_folder_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": LOCKED_DOWN})
    state = tmp_path / "state"
    with disk(state, writable=False):
        async with served(app, "--enable-auth", state=state) as host:
            await host.until_printed(f"State cannot be kept in {state}: read-only file system.")
            await host.until_printed("choose another folder with --state-dir")
            assert (await host.get("/api/open")).text == "hi"
            # Twice: keys that could not be written never come into force.
            for _ in range(2):
                assert (await host.get("/api/hello")).status == 500
            await host.until_printed("Calls are no longer recorded.")
    assert host.printed.count(" Error: The keys cannot be written to") == 2


async def test_chats_on_a_disk_that_cannot_be_written_fail_with_the_reason_and_come_back(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    async with served(APP, settings=todos(tmp_path), state=state) as host:
        await host.put(PATH)
        assert (await post(host)).status == 200
        with disk(state, writable=False):
            refused = await post(host)
            assert (refused.status, refused.body) == (500, b"")
            await host.until_printed("openai-chats.db cannot be written: read-only file system.")
        assert (await post(host)).status == 200
        assert await count(host) == 1 + 2 * TURN


async def test_a_full_disk_loses_no_half_turn_and_all_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    with disk(state) as small:
        small.fill()
        async with served(APP, settings=todos(tmp_path), state=state) as host:
            await host.until_printed(f"State cannot be kept in {state}: the disk is full.")
            assert (await host.put(PATH)).status == 500
            await host.until_printed("openai-chats.db cannot be written: the disk is full.")
            small.free()
            assert (await host.put(PATH)).status == 202
            assert (await post(host)).status == 200
            small.fill()
            answers = [await post(host, f"Remind me to {'x' * 3000} {n}") for n in range(4)]
            assert [each.status for each in answers] == [500] * 4
            assert await count(host) == 1 + TURN
            await host.until_printed("these skills have run already: AddTodo.")
            await host.until_printed("Calls are no longer recorded.")
            small.free()
            assert (await post(host)).status == 200
            assert await count(host) == 1 + 2 * TURN
            await host.until_printed("Calls are recorded again.")


def _garbage(file: Path) -> None:
    file.write_bytes(b"no database at all" * 1000)


def _half(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE wide (text)")
        connection.executemany("INSERT INTO wide VALUES (?)", [("x" * 4000,)] * 20)
        connection.commit()
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


def _newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version=99")


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "garbage": (_garbage, "is damaged: file is not a database."),
    "half": (_half, "is damaged: database disk image is malformed."),
    "a folder": (Path.mkdir, "cannot be written: there is a folder in its place."),
    "newer": (_newer, "was written by a newer version of funcemu (schema 99,"),
}


async def test_chats_in_a_file_that_is_none_are_left_alone_and_told(tmp_path: Path) -> None:
    state = tmp_path / "state"
    file, good = state / "openai-chats.db", tmp_path / "good"
    async with served(APP, settings=todos(tmp_path), state=state) as host:
        await host.put(PATH)
    file.rename(good)
    async with served(APP, settings=todos(tmp_path), state=state) as host:
        for name, (make, message) in FAULTS.items():
            make(file)
            before = _content(file)
            assert (await post(host)).status == 500
            await host.until_printed(message)
            assert _content(file) == before, name
            _remove(file)
        file.write_bytes(good.read_bytes())
        assert (await post(host)).status == 200
        assert await count(host) == 1 + TURN
    assert host.printed.count("It is left as it is.") == 2


def _content(file: Path) -> bytes:
    return b"" if file.is_dir() else file.read_bytes()


def _remove(file: Path) -> None:
    for each in file.parent.glob(f"{file.name}*"):
        each.rmdir() if each.is_dir() else each.unlink()


async def test_a_state_folder_removed_while_the_host_runs_begins_anew(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with served(APP, settings=todos(tmp_path), state=state) as host:
        await host.put(PATH)
        assert (await post(host)).status == 200
        shutil.rmtree(state)
        assert await count(host) == 0
        await host.until_printed("openai-chats.db is gone since the host opened it")
        await host.put(PATH)
        assert (await post(host)).status == 200
        assert (state / "openai-chats.db").is_file()
        assert (state / ".gitignore").is_file()
        assert state.stat().st_mode & 0o077 == 0
    async with served(APP, settings=todos(tmp_path), state=state) as host:
        assert await count(host) == 1 + TURN


async def test_a_host_that_was_killed_finds_its_chats_or_says_what_is_missing(
    tmp_path: Path,
) -> None:
    state, garbled = tmp_path / "state", tmp_path / "garbled"
    async with served(APP, settings=todos(tmp_path), state=state) as host:
        await host.put(PATH)
        await post(host)
        host.process.kill()
        await host.process.wait()
    shutil.copytree(state, garbled)
    async with served(APP, settings=todos(tmp_path), state=state) as host:
        assert await count(host) == 1 + TURN
    (garbled / "openai-chats.db-wal").write_bytes(b"?" * 9000)
    async with served(APP, settings=todos(tmp_path), state=garbled) as host:
        assert await count(host) == 0
        await host.until_printed("they are kept in openai-chats.db-wal.damaged.")
    assert (garbled / "openai-chats.db-wal.damaged").read_bytes() == b"?" * 9000


async def test_two_hosts_on_one_folder_lose_and_double_nothing(tmp_path: Path) -> None:
    state, settings = tmp_path / "state", todos(tmp_path)
    async with (
        served(APP, settings=settings, state=state) as one,
        served(APP, settings=settings, state=state) as two,
    ):
        await asyncio.gather(*(one.put(f"/api/assistants/{who}") for who in ("a1", "a2")))
        answers = await asyncio.gather(
            *(
                post(host, f"Remind me to call {number}", who)
                for host in (one, two)
                for who in ("a1", "a2")
                for number in range(5)
            )
        )
        assert [each.status for each in answers] == [200] * 20, one.printed + two.printed
        assert [await count(two, who) for who in ("a1", "a2")] == [1 + 10 * TURN] * 2
