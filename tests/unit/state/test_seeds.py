"""Databases in memory that begin with the content of a file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from emulator.errors import StateError
from emulator.state.sqlite import SqliteDatabase
from emulator.state.store import StateStore

FIRST = ("CREATE TABLE word (text TEXT)",)
SECOND = (*FIRST, "ALTER TABLE word ADD COLUMN length INTEGER")


def words(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT text FROM word")]


async def kept(folder: Path, *texts: str) -> Path:
    database = SqliteDatabase(folder / "words.db", FIRST)
    for text in texts:
        await database.run(lambda c, text=text: c.execute("INSERT INTO word VALUES (?)", (text,)))
    await database.aclose()
    return folder / "words.db"


async def test_a_seed_given_before_the_first_use_is_brought_to_the_schema(tmp_path: Path) -> None:
    file = await kept(tmp_path, "one", "two")
    store = StateStore(None)
    await store.seed("words", file)
    database = store.database("words", SECOND)
    assert await database.read(words) == ["one", "two"]
    await database.run(lambda c: c.execute("INSERT INTO word VALUES ('three', 5)"))
    await store.aclose()
    assert words(sqlite3.connect(file)) == ["one", "two"]


async def test_a_seed_given_later_replaces_what_is_there(tmp_path: Path) -> None:
    store = StateStore(None)
    database = store.database("words", SECOND)
    await database.run(lambda c: c.execute("INSERT INTO word VALUES ('old', 3)"))
    await store.seed("words", await kept(tmp_path, "new"))
    assert await database.read(words) == ["new"]
    await store.aclose()


@pytest.mark.parametrize("later", [False, True])
async def test_a_file_that_is_no_database_is_told(tmp_path: Path, later: bool) -> None:
    file = tmp_path / "words.db"
    file.write_text("These are not the pages of a database." * 100)
    store = StateStore(None)
    if later:
        await store.database("words", FIRST).read(words)

    async def use() -> None:
        await store.seed("words", file)
        await store.database("words", FIRST).read(words)

    with pytest.raises(StateError, match="words.db cannot be used: file is not a database"):
        await use()
    await store.aclose()


async def test_a_file_of_a_newer_version_is_told(tmp_path: Path) -> None:
    file = await kept(tmp_path, "one")
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version=9")
    connection.close()
    store = StateStore(None)
    await store.seed("words", file)
    with pytest.raises(StateError, match=r"words.db was written by a newer version of funcemu"):
        await store.database("words", FIRST).read(words)
    await store.aclose()
