"""One SQLite file: transactions, schema, other processes, damage."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from emulator.errors import StateError
from emulator.state.sqlite import SqliteDatabase
from tests.support.patience import PATIENCE

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
    with pytest.raises(StateError, match="could not be read or written: near"):
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
    with pytest.raises(StateError, match=r"x.db is damaged: file is not a database") as raised:
        await database.read(names)
    assert "It is left as it is." in (raised.value.hint or "")
    await database.aclose()
    assert path.read_bytes() == content


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    database = SqliteDatabase(tmp_path / "file" / "x.db", [TABLE])
    with pytest.raises(StateError, match="file is no folder") as raised:
        await database.run(names)
    assert "--ephemeral" in (raised.value.hint or "")
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
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(PATIENCE)

    writing = asyncio.create_task(database.run(slow))
    await inside.wait()
    assert await database.read(names) == ["before"]
    go_on.set()
    await writing
    assert await database.read(names) == ["before", "during"]
    await database.aclose()


async def test_a_file_somebody_else_has_locked_is_told_and_used_when_it_is_free(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.db"
    database = SqliteDatabase(path, [TABLE], patience=0.02)
    await database.run(insert("before"))  # type: ignore[arg-type]  # a lambda
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StateError, match=r"x.db is locked by another program, for") as raised:
            await database.run(insert("lost"))  # type: ignore[arg-type]  # a lambda
        assert await database.read(names) == ["before"]
        other.execute("COMMIT")
    assert "Close what has the file open" in (raised.value.hint or "")
    await database.run(insert("after"))  # type: ignore[arg-type]  # a lambda
    assert await database.read(names) == ["before", "after"]
    await database.aclose()


async def test_a_file_locked_before_it_is_opened_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        database = SqliteDatabase(path, [TABLE], patience=0.02)
        with pytest.raises(StateError, match="is locked by another program"):
            await database.read(names)
        other.execute("COMMIT")
    assert await database.read(names) == []
    await database.aclose()


@pytest.mark.parametrize("replaced", [False, True], ids=["gone", "another"])
async def test_a_file_that_is_not_the_one_that_was_opened_is_opened_anew_and_told_once(
    replaced: bool, tmp_path: Path
) -> None:
    path, other = tmp_path / "x.db", tmp_path / "other.db"
    if replaced:
        one = SqliteDatabase(other, [TABLE])
        await one.run(insert("theirs"))  # type: ignore[arg-type]  # a lambda
        await one.aclose()
    told: list[str] = []
    database = SqliteDatabase(path, [TABLE], tell=told.append)
    await database.run(insert("ours"))  # type: ignore[arg-type]  # a lambda
    assert await database.read(names) == ["ours"]
    for each in tmp_path.glob("x.db*"):
        each.unlink()
    if replaced:
        other.rename(path)
    kept = ["theirs"] if replaced else []
    assert await database.read(names) == kept
    await database.run(insert("new"))  # type: ignore[arg-type]  # a lambda
    assert await database.read(names) == [*kept, "new"]
    await database.aclose()
    what = "is another one" if replaced else "is gone"
    assert [each.partition(" since")[0] for each in told] == [f"{path} {what}"]
    again = SqliteDatabase(path, [TABLE])
    assert await again.read(names) == [*kept, "new"]
    await again.aclose()


@pytest.mark.parametrize("left", [None, b""], ids=["without the file", "with an empty file"])
async def test_changes_whose_file_is_lost_are_kept_aside(
    left: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "x.db"
    log = tmp_path / "x.db-wal"
    first = SqliteDatabase(tmp_path / "first.db", [TABLE])
    await first.run(insert("lost"))  # type: ignore[arg-type]  # a lambda
    log.write_bytes((tmp_path / "first.db-wal").read_bytes())
    await first.aclose()
    if left is not None:
        path.write_bytes(left)
    (tmp_path / "x.db-wal.damaged").write_bytes(b"of another day")
    told: list[str] = []
    content = log.read_bytes()
    database = SqliteDatabase(path, [TABLE], tell=told.append)
    assert await database.read(names) == []
    await database.run(insert("new"))  # type: ignore[arg-type]  # a lambda
    await database.aclose()
    assert (tmp_path / "x.db-wal.damaged-1").read_bytes() == content
    assert (tmp_path / "x.db-wal.damaged").read_bytes() == b"of another day"
    assert len(told) == 1
    assert "they are kept in x.db-wal.damaged-1" in told[0]


async def test_an_empty_file_begins_anew_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.touch()
    os.utime(path, (1, 1))
    told: list[str] = []
    database = SqliteDatabase(path, [TABLE], tell=told.append)
    assert await asyncio.gather(database.read(names), database.run(names)) == [[], []]
    await database.aclose()
    assert told == [f"{path} was empty, so it begins anew; what it may have held is lost."]


async def test_a_file_that_is_mended_is_used_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    good = SqliteDatabase(tmp_path / "good.db", [TABLE])
    await good.run(insert("kept"))  # type: ignore[arg-type]  # a lambda
    await good.aclose()
    database = SqliteDatabase(path, [TABLE])
    path.mkdir()
    with pytest.raises(StateError, match="there is a folder in its place"):
        await database.read(names)
    path.rmdir()
    path.write_bytes((tmp_path / "good.db").read_bytes())
    assert await database.read(names) == ["kept"]
    # Damaged under our hands: half of the log, which holds the whole table.
    await database.run(
        lambda c: c.executemany("INSERT INTO item (name) VALUES (?)", [("x",)] * 999)
    )
    with path.with_name("x.db-wal").open("r+b") as log:
        log.truncate(100)
    with pytest.raises(StateError, match="could not be read or written: disk I/O error"):
        await database.read(names)
    for each in tmp_path.glob("x.db*"):
        each.unlink()
    path.write_bytes((tmp_path / "good.db").read_bytes())
    assert await database.read(names) == ["kept"]
    await database.aclose()


async def test_a_newer_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=9")
    before = path.read_bytes()
    database = SqliteDatabase(path, [TABLE])
    with pytest.raises(StateError, match="written by a newer version"):
        await database.read(names)
    await database.aclose()
    assert path.read_bytes() == before
