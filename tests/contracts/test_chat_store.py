"""What every `ChatStore` must do; run over each adapter."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bindings.openai.chats.base import (
    Chat,
    ChatConflict,
    ChatStore,
    Message,
    State,
    check_assistant_id,
)
from bindings.openai.chats.sqlite import MIGRATIONS, SqliteChatStore
from emulator.sdk import BindingError
from emulator.state.sqlite import SqliteDatabase
from tests.support.chat_tables import tables

# A moment with seven digits of a second, as the official extension's tables hold them.
T0 = 639_000_000_123_456_789

Make = Callable[..., ChatStore]


@pytest.fixture(params=["file", "memory", "azurite"])
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Make]:
    """Make stores over one place; give account and collection to get another."""
    if request.param == "azurite":
        async with tables(request.getfixturevalue("azurite")) as make_table_stores:
            yield make_table_stores
        return
    path = tmp_path / "chats.db" if request.param == "file" else None
    database = SqliteDatabase(path, MIGRATIONS)

    def store(account: str = "", collection: str = "chatstate") -> ChatStore:
        return SqliteChatStore(
            database,
            account=account,
            collection=collection,
            new_version=lambda: str(uuid.uuid4()),
        )

    yield store
    await database.aclose()


@pytest.fixture
def store(make: Make) -> ChatStore:
    return make()


def state(total: int = 1, at: int = T0, tokens: int = 0) -> State:
    return State(True, T0, at, total, tokens)


def message(number: int, text: str = "text", role: str = "User", at: int | None = None) -> Message:
    return Message(number, role, text, T0 + number if at is None else at)


async def loaded(store: ChatStore, assistant: str = "a1") -> Chat:
    chat = await store.load(assistant)
    assert chat is not None
    return chat


async def test_what_nobody_created_does_not_exist(store: ChatStore) -> None:
    assert await store.load("a1") is None
    assert await store.chats() == []


async def test_a_created_chat_is_read_back_with_every_column_and_digit(store: ChatStore) -> None:
    rows = [
        Message(1, "System", "Be nice", T0),
        Message(2, "User", "grüße 👋\n\x00'\"", T0 + 1),
        Message(3, "Assistant", "", T0 + 2, None, '[{"id":"call_1"}]'),
        Message(4, "Tool", "done", T0 + 3, "call_1"),
    ]
    wanted = State(False, T0, T0 + 9, 4, 242)
    assert await store.create("a1", wanted, rows) == 0
    chat = await loaded(store)
    assert (chat.assistant, chat.state, chat.messages) == ("a1", wanted, tuple(rows))
    assert (chat.highest, chat.next_number) == (4, 5)


async def test_creating_again_leaves_nothing_of_before(store: ChatStore) -> None:
    await store.create("a1", state(2), [message(1), message(2)])
    before = await loaded(store)
    assert await store.create("a1", state(1, T0 + 50), [message(1, "new")]) == 3
    after = await loaded(store)
    assert [each.content for each in after.messages] == ["new"]
    assert after.state.last_updated_at == T0 + 50
    assert after.version != before.version


async def test_a_turn_is_added_with_its_state(store: ChatStore) -> None:
    await store.create("a1", state(), [message(1)])
    chat = await loaded(store)
    after = state(3, T0 + 10, 42)
    await store.append("a1", [message(2), message(3)], after, version=chat.version)
    chat = await loaded(store)
    assert [each.number for each in chat.messages] == [1, 2, 3]
    assert chat.state == after


async def test_a_turn_behind_somebody_elses_is_refused_as_a_whole(store: ChatStore) -> None:
    await store.create("a1", state(), [message(1)])
    first = await loaded(store)
    await store.append("a1", [message(2, "theirs")], state(2), version=first.version)
    with pytest.raises(ChatConflict):
        await store.append("a1", [message(3, "ours")], state(2), version=first.version)
    assert [each.content for each in (await loaded(store)).messages] == ["text", "theirs"]


async def test_a_turn_for_a_chat_created_anew_is_refused(store: ChatStore) -> None:
    await store.create("a1", state(), [message(1)])
    old = await loaded(store)
    await store.create("a1", state(), [message(1)])
    with pytest.raises(ChatConflict):
        await store.append("a1", [message(2)], state(2), version=old.version)


async def test_a_turn_for_a_deleted_chat_is_refused_and_brings_nothing_back(
    store: ChatStore,
) -> None:
    await store.create("a1", state(), [message(1)])
    old = await loaded(store)
    assert await store.delete("a1") == 2
    with pytest.raises(ChatConflict):
        await store.append("a1", [message(2)], state(2), version=old.version)
    assert await store.load("a1") is None


async def test_since_gives_the_strictly_newer_messages_and_the_whole_state(
    store: ChatStore,
) -> None:
    await store.create("a1", state(3), [message(1), message(2), message(3)])
    chat = await store.load("a1", since=T0 + 2)
    assert chat is not None
    assert [each.number for each in chat.messages] == [3]
    assert (chat.state.total_messages, chat.highest) == (3, 3)


async def test_messages_come_by_number_beyond_four_digits_of_the_row_key(
    store: ChatStore,
) -> None:
    numbers = [0x10000, 0xFFFF, 0x0A, 0x1B]
    await store.create("a1", state(4), [message(number) for number in numbers])
    chat = await loaded(store)
    assert [each.row_key for each in chat.messages] == [
        "msg-000A",
        "msg-001B",
        "msg-FFFF",
        "msg-10000",
    ]


async def test_more_than_a_hundred_rows_in_one_turn(store: ChatStore) -> None:
    await store.create("a1", state(0), [])
    chat = await loaded(store)
    rows = [message(number) for number in range(1, 251)]
    await store.append("a1", rows, state(250), version=chat.version)
    assert (await loaded(store)).messages == tuple(rows)


@pytest.mark.parametrize(
    "assistant", ["O'Neil", "a' or '1'='1", 'x" or "1', "ß—日本語 👋", "%", "a b", "A1", "*"]
)
async def test_an_id_is_nothing_but_an_id(store: ChatStore, assistant: str) -> None:
    await store.create("a1", state(), [message(1, "mine")])
    assert await store.load(assistant) is None
    await store.create(assistant, state(), [message(1, "theirs")])
    assert [each.content for each in (await loaded(store, assistant)).messages] == ["theirs"]
    assert [each.content for each in (await loaded(store)).messages] == ["mine"]
    assert await store.delete(assistant) == 2
    assert (await loaded(store)).messages[0].content == "mine"


async def test_accounts_and_collections_are_worlds_of_their_own(make: Make) -> None:
    stores = [make("", "one"), make("", "two"), make("account", "one")]
    for each in stores:
        await each.create("a1", state(), [message(1, str(id(each)))])
    for each in stores:
        assert (await loaded(each)).messages[0].content == str(id(each))
        assert len(await each.chats()) == 1


async def test_chats_are_listed_last_updated_first(store: ChatStore) -> None:
    await store.create("old", state(at=T0), [])
    await store.create("new", state(at=T0 + 1), [])
    assert [each.assistant for each in await store.chats()] == ["new", "old"]
    assert (await store.chats())[0].state == state(at=T0 + 1)


async def test_writers_that_start_over_on_a_conflict_lose_and_double_nothing(
    make: Make,
) -> None:
    stores = [make(), make()]
    await stores[0].create("a1", state(0), [])

    async def add(store: ChatStore, text: str) -> None:
        while True:
            chat = await loaded(store)
            row = message(chat.next_number, text)
            after = replace(chat.state, total_messages=len(chat.messages) + 1)
            try:
                return await store.append("a1", [row], after, version=chat.version)
            except ChatConflict:
                await asyncio.sleep(0)

    texts = [f"text {index}" for index in range(24)]
    await asyncio.gather(*(add(stores[n % 2], text) for n, text in enumerate(texts)))
    chat = await loaded(stores[0])
    assert sorted(each.content for each in chat.messages) == sorted(texts)
    assert [each.number for each in chat.messages] == list(range(1, 25))
    assert chat.state.total_messages == 24


async def test_a_reader_never_sees_half_a_turn(make: Make) -> None:
    store = make()
    await store.create("a1", state(0), [])
    done = False

    async def write() -> None:
        nonlocal done
        for _ in range(20):
            chat = await loaded(store)
            rows = [message(chat.next_number + n) for n in range(3)]
            after = state(len(chat.messages) + 3)
            await store.append("a1", rows, after, version=chat.version)
        done = True

    async def read() -> None:
        while not done:
            chat = await loaded(store)
            assert len(chat.messages) == chat.state.total_messages

    await asyncio.gather(write(), read(), read())


@pytest.mark.parametrize("make", ["file", "memory"], indirect=True)
async def test_the_newest_of_a_long_chat_are_found_without_reading_it_all(
    store: ChatStore,
) -> None:
    rows = [message(number, "x" * 1000) for number in range(1, 5001)]
    await store.create("a1", state(5000), rows)

    async def of_the_processor(since: int, count: int) -> float:
        began = time.process_time()
        for _ in range(3):
            chat = await store.load("a1", since=since)
            assert chat is not None
            assert len(chat.messages) == count
        return time.process_time() - began

    all_of_it = await of_the_processor(0, 5000)
    assert await of_the_processor(T0 + 4998, 2) < all_of_it / 5


_KILLED = """
import asyncio, sys, uuid
from pathlib import Path
from bindings.openai.chats.base import Message, State
from bindings.openai.chats.sqlite import MIGRATIONS, SqliteChatStore
from emulator.state.sqlite import SqliteDatabase
from tests.support.chat_tables import tables

async def main():
    store = SqliteChatStore(
        SqliteDatabase(Path(sys.argv[1]), MIGRATIONS),
        account="", collection="chatstate", new_version=lambda: str(uuid.uuid4()),
    )
    await store.create("a1", State(True, 1, 1, 0, 0), [])
    while True:
        chat = await store.load("a1")
        rows = [Message(chat.next_number + n, "User", "x" * 5000, 1) for n in range(7)]
        after = State(True, 1, 1, len(chat.messages) + 7, 0)
        await store.append("a1", rows, after, version=chat.version)
        print(after.total_messages, flush=True)

asyncio.run(main())
"""


def kill_while_writing(path: Path, turns: int) -> int:
    """Let another process write, kill it, return how many messages it told to be stored."""
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(turns)]
    process.send_signal(signal.SIGKILL)
    told += map(int, process.stdout.read().split())
    process.wait()
    process.stdout.close()
    return max(told)


@pytest.mark.parametrize("seed", range(3))
async def test_a_process_killed_while_writing_leaves_whole_turns(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    told = kill_while_writing(path, turns=random.Random(seed).randint(3, 25))
    database = SqliteDatabase(path, MIGRATIONS)
    store = SqliteChatStore(database, account="", collection="chatstate", new_version=lambda: "v")
    chat = await loaded(store)
    await database.aclose()
    assert len(chat.messages) == chat.state.total_messages
    assert len(chat.messages) >= told
    assert [each.number for each in chat.messages] == list(range(1, len(chat.messages) + 1))


ODD_IDS = [
    "../../etc/passwd", "..\\..\\windows", "a/b", "a\\b", "a#b", "a?b", "a%2fb", "%00", "CON",
    "NUL.txt", "'", "''--", "' OR '1'='1", "a b ", " a b", "a'b\"c`d", "ÄÖ 😀 مرحبا",
    "\u202eabc", "a" * 400, ".", "..", "state", "*", "_", "%", "a\r\nb", "a\tb", "a\x00b",
    "a\x7fb", "\u0085",
]  # fmt: skip


@pytest.mark.parametrize("assistant", ODD_IDS)
async def test_an_odd_id_is_refused_or_names_one_chat(store: ChatStore, assistant: str) -> None:
    """An id comes from whoever calls a function."""
    try:
        check_assistant_id(assistant)
    except BindingError:
        return
    await store.create("plain", state(), [message(1, "theirs")])
    await store.create(assistant, state(), [message(1, "mine")])
    for each, text in (("plain", "theirs"), (assistant, "mine")):
        chat = await store.load(each)
        assert chat is not None
        assert [one.content for one in chat.messages] == [text]
    assert {each.assistant for each in await store.chats()} == {"plain", assistant}
    assert await store.delete(assistant) == 2
    assert [each.assistant for each in await store.chats()] == ["plain"]
