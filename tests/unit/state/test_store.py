"""Where an app keeps its state."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from emulator.state.store import StateStore

TABLE = ["CREATE TABLE item (name TEXT);"]


def count(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("SELECT count(*) FROM item").fetchone()
    return int(found)


async def test_one_name_is_one_database(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state")
    assert store.database("chats", TABLE) is store.database("chats", TABLE)
    assert store.database("chats", TABLE) is not store.database("journal", TABLE)
    await store.aclose()


async def test_the_folder_is_made_and_kept_out_of_version_control(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state")
    assert not (tmp_path / "state").exists()
    assert await store.database("chats", TABLE).read(count) == 0
    assert (tmp_path / "state/chats.db").exists()
    assert "*" in (tmp_path / "state/.gitignore").read_text().split()
    await store.aclose()


async def test_state_is_there_again_after_closing(tmp_path: Path) -> None:
    for expected in range(3):
        store = StateStore(tmp_path)
        database = store.database("x", TABLE)
        assert await database.read(count) == expected
        await database.run(lambda c: c.execute("INSERT INTO item VALUES ('a')"))
        await store.aclose()


async def test_without_a_folder_everything_is_forgotten() -> None:
    store = StateStore(None)
    database = store.database("x", TABLE)
    await database.run(lambda c: c.execute("INSERT INTO item VALUES ('a')"))
    assert await database.read(count) == 1
    await store.aclose()
    other = StateStore(None)
    assert await other.database("x", TABLE).read(count) == 0
    await other.aclose()
