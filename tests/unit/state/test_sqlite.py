"""One SQLite file: transactions, schema, other processes, damage."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from emulator.errors import StateError
from emulator.state.sqlite import SqliteDatabase

TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);"


@pytest.fixture(params=["file", "memory"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    made = SqliteDatabase(tmp_path / "a/b/x.db" if request.param == "file" else None, [TABLE])
    yield made
    await made.aclose()


def insert(name: str) -> object:
    return lambda c: c.execute("INSERT INTO item (name) VALUES (?)", (name,)).lastrowid


def names(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM item ORDER BY id")]


async def test_what_one_transaction_wrote_the_next_one_reads(database: SqliteDatabase) -> None:
    assert await database.run(insert("a")) == 1  # type: ignore[arg-type]  # a lambda
    assert await database.read(names) == ["a"]


async def test_a_failing_transaction_leaves_nothing(database: SqliteDatabase) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO item (name) VALUES ('lost')")
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        await database.run(half)
    await database.run(insert("kept"))  # type: ignore[arg-type]  # a lambda
    assert await database.read(names) == ["kept"]


async def test_transactions_come_one_after_the_other(database: SqliteDatabase) -> None:
    def count_and_add(connection: sqlite3.Connection) -> None:
        (before,) = connection.execute("SELECT count(*) FROM item").fetchone()
        connection.execute("INSERT INTO item (name) VALUES (?)", (str(before),))

    await asyncio.gather(*(database.run(count_and_add) for _ in range(20)))
    assert await database.read(names) == [str(number) for number in range(20)]


async def test_a_mistake_in_the_statement_is_told_as_ours(database: SqliteDatabase) -> None:
    with pytest.raises(StateError, match="no such table: absent"):
        await database.run(lambda c: c.execute("SELECT * FROM absent"))
    with pytest.raises(StateError, match="no such table: absent"):
        await database.read(lambda c: c.execute("SELECT * FROM absent"))


async def test_closing_twice_does_no_harm(database: SqliteDatabase) -> None:
    await database.read(names)
    await database.aclose()
    await database.aclose()


async def test_a_file_is_brought_to_the_newest_schema_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    first = SqliteDatabase(path, [TABLE])
    await first.run(insert("old"))  # type: ignore[arg-type]  # a lambda
    await first.aclose()
    added = "ALTER TABLE item ADD COLUMN size INTEGER DEFAULT 7; CREATE INDEX by ON item (name);"
    second = SqliteDatabase(path, [TABLE, added])
    rows = await second.read(lambda c: c.execute("SELECT name, size FROM item").fetchall())
    assert rows == [("old", 7)]
    await second.aclose()


async def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    first = SqliteDatabase(path, [TABLE])
    await first.run(insert("old"))  # type: ignore[arg-type]  # a lambda
    await first.aclose()
    broken = SqliteDatabase(path, [TABLE, "CREATE TABLE other (a); NONSENSE;"])
    with pytest.raises(StateError, match="cannot be used"):
        await broken.read(names)
    await broken.aclose()
    again = SqliteDatabase(path, [TABLE])
    assert await again.read(names) == ["old"]
    await again.aclose()


async def test_a_file_of_a_newer_version_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    newer = SqliteDatabase(path, [TABLE, "CREATE TABLE more (a);"])
    await newer.read(names)
    await newer.aclose()
    older = SqliteDatabase(path, [TABLE])
    with pytest.raises(StateError, match=r"newer version of funcemu \(schema 2, this one knows 1"):
        await older.run(names)
    await older.aclose()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one" * 50])
async def test_a_damaged_file_is_told_with_a_way_on(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    database = SqliteDatabase(path, [TABLE])
    with pytest.raises(StateError, match="x.db cannot be used") as raised:
        await database.read(names)
    assert "--ephemeral" in (raised.value.hint or "")
    await database.aclose()
    assert path.read_bytes() == content


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    database = SqliteDatabase(tmp_path / "file" / "x.db", [TABLE])
    with pytest.raises(StateError, match="cannot be used"):
        await database.run(names)
    await database.aclose()


async def test_two_hosts_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    one, two = SqliteDatabase(path, [TABLE]), SqliteDatabase(path, [TABLE])
    await asyncio.gather(*(
        each.run(insert(str(number)))  # type: ignore[arg-type]  # a lambda
        for number in range(10) for each in (one, two)
    ))  # fmt: skip
    assert len(await one.read(names)) == 20
    await one.aclose()
    await two.aclose()


async def test_reading_goes_on_beside_a_transaction(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.db", [TABLE])
    await database.run(insert("before"))  # type: ignore[arg-type]  # a lambda
    loop = asyncio.get_running_loop()
    inside, go_on = asyncio.Event(), asyncio.Event()

    def slow(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO item (name) VALUES ('during')")
        loop.call_soon_threadsafe(inside.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(5)

    writing = asyncio.create_task(database.run(slow))
    await inside.wait()
    assert await database.read(names) == ["before"]
    go_on.set()
    await writing
    assert await database.read(names) == ["before", "during"]
    await database.aclose()
