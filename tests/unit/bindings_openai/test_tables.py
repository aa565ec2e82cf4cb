"""Chats in a real table service; what every store does stands in the contract suite."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from bindings.openai.chats.accounts import TableConnection
from bindings.openai.chats.base import COLUMN_LIMIT, Chat, ChatConflict, Message, State
from bindings.openai.chats.table import Table
from bindings.openai.chats.tables import TablesChatStore
from bindings.openai.identity import Credentials
from bindings.openai.models.retrying import RetryPolicy
from emulator.clock import SystemClock
from emulator.sdk import BindingError
from tests.support import golden
from tests.support.azurite import Azurite
from tests.support.chat_tables import raw_table, table_name, table_store
from tests.support.flaky import LOST_ANSWER, LOST_REQUEST, Flaky, busy, transactions

T0 = 639_000_000_123_456_789


@pytest.fixture
def name() -> str:
    return table_name()


@pytest.fixture
async def store(azurite: Azurite, name: str) -> AsyncIterator[TablesChatStore]:
    made = table_store(azurite.connection_string(), name)
    yield made
    await made.aclose()


@pytest.fixture
async def flaky(azurite: Azurite) -> AsyncIterator[Flaky]:
    between = Flaky(f"http://127.0.0.1:{azurite.port}", selects=transactions)
    async with between.running():
        yield between


@pytest.fixture
async def shaky(azurite: Azurite, name: str, flaky: Flaky) -> AsyncIterator[TablesChatStore]:
    """The same table as `store`, over a bad line."""
    made = table_store(azurite.connection_string(port=flaky.port), name)
    yield made
    await made.aclose()


def state(total: int = 1, at: int = T0) -> State:
    return State(True, T0, at, total, 0)


def message(number: int, text: str = "text") -> Message:
    return Message(number, "User", text, T0 + number)


async def loaded(store: TablesChatStore, assistant: str = "a1") -> Chat:
    chat = await store.load(assistant)
    assert chat is not None
    return chat


async def started(store: TablesChatStore) -> Chat:
    await store.create("a1", state(1, T0 + 1), [message(1)])
    return await loaded(store)


def texts(chat: Chat) -> list[str]:
    return [each.content for each in chat.messages]


# ------------------------------------------------------------------------------- rows


async def test_rows_of_the_official_extension_are_read_with_every_digit(
    azurite: Azurite, store: TablesChatStore, name: str
) -> None:
    async with raw_table(azurite, name) as table:
        for row in golden.data("assistant_rows.json"):
            times = {key: (row[key], "Edm.DateTime") for key in row if key.endswith("At")}
            await table.create_entity({**row, **times})
    assistant, wanted, messages = golden.stored_chat()
    chat = await loaded(store, assistant)
    assert (chat.state, chat.messages) == (wanted, tuple(messages))


async def test_rows_are_written_as_the_official_extension_writes_them(
    azurite: Azurite, store: TablesChatStore, name: str, flaky: Flaky, shaky: TablesChatStore
) -> None:
    assistant, wanted, messages = golden.stored_chat()
    await shaky.create(assistant, replace(wanted, total_messages=1), messages[:1])
    chat = await loaded(shaky, assistant)
    await shaky.append(assistant, messages[1:], wanted, version=chat.version)
    async with raw_table(azurite, name) as table:
        kept = {each["RowKey"]: dict(each) async for each in table.list_entities()}
    for row in golden.data("assistant_rows.json"):
        found = kept.pop(row["RowKey"])
        for key in [key for key in found if key.endswith("At")]:
            digits = found[key].tables_service_value
            assert len(digits) == len("2026-08-05T10:11:12.3456789Z")
            found[key] = digits.rstrip("Z").rstrip("0") + "Z"
        assert found == row
    assert kept == {}
    sent = [json.loads(line) for _, _, body in flaky.seen for line in _json_lines(body)]
    rows = {each["RowKey"]: each for each in sent if "RowKey" in each}
    assert rows["msg-0002"]["CreatedAt@odata.type"] == "Edm.DateTime"
    counts = ("TotalMessages", "TotalTokens", "Exists")
    assert [type(rows["state"][count]) for count in counts] == [int, int, bool]
    assert not any(f"{count}@odata.type" in rows["state"] for count in counts)
    assert "Name" not in rows["msg-0002"]


def _json_lines(body: bytes) -> list[str]:
    return [line for line in body.decode().splitlines() if line.startswith("{")]


async def test_rows_of_older_versions_and_of_people_are_read(
    azurite: Azurite, store: TablesChatStore, name: str
) -> None:
    key = {"PartitionKey": "a1"}
    async with raw_table(azurite, name) as table:
        await table.create_entity(
            {**key, "RowKey": "msg-0001", "Content": "old", "Role": "function", "Name": "Add"}
        )
        await table.create_entity({**key, "RowKey": "note", "Content": "of a person"})
        await table.create_entity(
            {
                **key,
                "RowKey": "state",
                "Exists": True,
                "CreatedAt": "2026-01-01T00:00:00Z",
                "TotalMessages": (1, "Edm.Int64"),
                "TotalTokens": 7,
            }
        )
    chat = await loaded(store)
    assert chat.messages == (Message(1, "function", "old", 0, "Add"),)
    assert (chat.state.total_messages, chat.state.total_tokens) == (1, 7)
    assert chat.state.created_at > 0


async def test_numbers_go_on_behind_rows_that_were_deleted_by_hand(
    azurite: Azurite, store: TablesChatStore, name: str
) -> None:
    await store.create("a1", state(4), [message(number) for number in (1, 2, 3, 4)])
    async with raw_table(azurite, name) as table:
        await table.delete_entity("a1", "msg-0002")
        await table.delete_entity("a1", "msg-0003")
    chat = await loaded(store)
    assert [each.number for each in chat.messages] == [1, 4]
    assert chat.next_number == 5


async def test_creating_again_removes_every_row_of_the_assistant_and_no_other(
    azurite: Azurite, store: TablesChatStore, name: str
) -> None:
    await store.create("a2", state(), [message(1, "theirs")])
    await store.create("a1", state(150), [message(number) for number in range(1, 151)])
    async with raw_table(azurite, name) as table:
        await table.create_entity({"PartitionKey": "a1", "RowKey": "note"})
    assert await store.create("a1", state(), [message(1, "new")]) == 152
    assert texts(await loaded(store)) == ["new"]
    assert texts(await loaded(store, "a2")) == ["theirs"]
    async with raw_table(azurite, name) as table:
        assert len([each async for each in table.list_entities()]) == 4


async def test_the_newest_messages_are_all_that_is_fetched(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    rows = [message(number) for number in range(1, 301)]
    await store.create("a1", state(300, T0 + 300), rows)
    assert [each.number for each in (await loaded_since(shaky, T0 + 298)).messages] == [299, 300]
    assert len(flaky.seen) == 1
    assert "CreatedAt" in flaky.seen[0][1]


async def loaded_since(store: TablesChatStore, since: int) -> Chat:
    chat = await store.load("a1", since=since)
    assert chat is not None
    return chat


@pytest.mark.parametrize("since", [0, T0 - 1, T0, T0 + 1, T0 + 2, 3 * 10**18])
async def test_since_counts_every_digit_of_a_time(store: TablesChatStore, since: int) -> None:
    await store.create("a1", state(2, T0 + 2), [message(1), message(2)])
    found = (await loaded_since(store, since)).messages
    assert [each.created_at for each in found] == [at for at in (T0 + 1, T0 + 2) if at > since]


@pytest.mark.parametrize("assistant", ["", "a/b", "a\\b", "a#b", "a?b", "a\nb", "x" * 600])
async def test_an_id_that_no_table_can_hold_does_not_exist(
    store: TablesChatStore, assistant: str
) -> None:
    await started(store)
    assert await store.load(assistant) is None
    assert await store.delete(assistant) == 0


async def test_without_a_table_no_assistant_exists(store: TablesChatStore) -> None:
    assert await store.load("a1") is None
    assert await store.load("a1", since=T0) is None
    assert await store.chats() == []
    assert await store.delete("a1") == 0
    with pytest.raises(ChatConflict):
        await store.append("a1", [message(1)], state(), version="W/\"datetime'x'\"")


# -------------------------------------------------------------------------- long turns


def long_turn() -> list[Message]:
    return [message(number) for number in range(2, 252)]


async def test_a_turn_of_many_megabytes_is_split(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    chat = await started(store)
    rows = [message(number, "ü" * COLUMN_LIMIT) for number in range(2, 62)]
    await shaky.append("a1", rows, state(61, T0 + 99), version=chat.version)
    sizes = [len(body) for _, _, body in flaky.seen]
    assert len(sizes) > 2
    assert max(sizes) < 2**20
    assert (await loaded(store)).messages[1:] == tuple(rows)


async def test_a_long_turn_does_not_exist_until_it_is_stored_whole(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    chat = await started(store)
    seen: list[tuple[int, ...]] = []

    async def look() -> None:
        for since in (None, T0, T0 + 100):
            between = await store.load("a1", since=since)
            assert between is not None
            seen.append(tuple(each.number for each in between.messages if each.number > 1))

    flaky.before = look
    await shaky.append("a1", long_turn(), state(251, T0 + 999), version=chat.version)
    assert len(seen) == 9
    assert set(seen) == {()}
    assert len((await loaded(store)).messages) == 251


async def test_what_a_writer_left_behind_is_removed_by_the_next_turn(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    chat = await started(store)
    flaky.faults = [None, None, *[LOST_REQUEST] * 4]
    with pytest.raises(BindingError, match="cannot be reached"):
        await shaky.append("a1", long_turn(), state(251, T0 + 999), version=chat.version)
    chat = await loaded(store)
    assert texts(chat) == ["text"]
    assert chat.next_number == 200
    last = changed(message(chat.next_number, "next"), created_at=T0 + 5000)
    await store.append("a1", [last], state(2, T0 + 6000), version=chat.version)
    chat = await loaded(store)
    assert texts(chat) == ["text", "next"]
    assert chat.highest == 200


async def test_a_long_turn_gives_way_to_one_that_was_stored_meanwhile(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    chat = await started(store)

    async def get_in() -> None:
        if len(flaky.seen) == 2:
            now = await loaded(store)
            theirs = changed(message(now.next_number, "theirs"), created_at=T0 + 5000)
            await store.append("a1", [theirs], state(2, T0 + 6000), version=now.version)

    flaky.before = get_in
    with pytest.raises(ChatConflict):
        await shaky.append("a1", long_turn(), state(251, T0 + 999), version=chat.version)
    assert texts(await loaded(store)) == ["text", "theirs"]


async def test_two_long_turns_at_once_are_both_stored(azurite: Azurite, name: str) -> None:
    stores = [table_store(azurite.connection_string(), name) for _ in range(2)]
    await started(stores[0])

    async def add(store: TablesChatStore, text: str) -> None:
        while True:
            chat = await loaded(store)
            at = chat.state.last_updated_at
            rows = [Message(chat.next_number + n, "User", text, at + n + 1) for n in range(150)]
            total = len(chat.messages) + 150
            try:
                return await store.append("a1", rows, state(total, at + 200), version=chat.version)
            except ChatConflict:
                await asyncio.sleep(0)

    await asyncio.gather(*(add(store, text) for store, text in zip(stores, "xy", strict=True)))
    chat = await loaded(stores[0])
    assert sorted(texts(chat)) == ["text", *"x" * 150, *"y" * 150]
    assert chat.state.total_messages == 301
    for store in stores:
        await store.aclose()


# --------------------------------------------------------------------------- bad lines


async def test_a_turn_whose_answer_was_lost_is_not_stored_twice(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    chat = await started(store)
    flaky.faults = [LOST_ANSWER]
    await shaky.append("a1", [message(2, "once")], state(2), version=chat.version)
    assert texts(await loaded(store)) == ["text", "once"]


async def test_a_long_turn_goes_on_where_an_answer_was_lost(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    chat = await started(store)
    flaky.faults = [LOST_ANSWER, None, LOST_ANSWER, None, LOST_ANSWER]
    await shaky.append("a1", long_turn(), state(251, T0 + 999), version=chat.version)
    assert len((await loaded(store)).messages) == 251
    assert flaky.faults == []


async def test_a_turn_that_did_not_arrive_in_time_is_refused(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    chat = await started(store)

    async def get_in() -> None:
        if len(flaky.seen) == 2:
            theirs = [message(2, "theirs")]
            await store.append("a1", theirs, state(2), version=chat.version)

    flaky.faults = [LOST_REQUEST]
    flaky.before = get_in
    with pytest.raises(ChatConflict):
        await shaky.append("a1", [message(2, "ours")], state(2), version=chat.version)
    assert texts(await loaded(store)) == ["text", "theirs"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_service_is_asked_again_after_the_time_it_wants(
    status: int, azurite: Azurite, store: TablesChatStore, flaky: Flaky, name: str
) -> None:
    chat = await started(store)
    told: list[str] = []
    string = azurite.connection_string(port=flaky.port)
    shaky = table_store(string, name, tell=told.append, delay=60.0)
    flaky.faults = [busy(status, retry_after="0"), busy(status, x_ms_retry_after_ms="10")]
    await shaky.append("a1", [message(2)], state(2), version=chat.version)
    await shaky.aclose()
    assert len((await loaded(store)).messages) == 2
    assert f"answered {status}" in told[0]
    assert "Trying again in 0 s (attempt 2 of 4)." in told[0]
    assert "Trying again in 0.01 s (attempt 3 of 4)." in told[1]


async def test_reads_are_tried_again_too(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    await started(store)
    flaky.selects = lambda request: True
    flaky.faults = [busy(503), LOST_ANSWER]
    assert texts(await loaded(shaky)) == ["text"]


async def test_creating_goes_on_when_an_answer_was_lost(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    await started(store)
    flaky.faults = [LOST_ANSWER]
    await shaky.create("a1", state(), [message(1, "new")])
    assert texts(await loaded(store)) == ["new"]


async def test_a_create_that_others_get_in_front_of_is_repeated(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    chat = await started(store)

    async def get_in() -> None:
        if sum("$batch" in path for _, path, _ in flaky.seen) == 1:
            await store.append("a1", [message(2)], state(2), version=chat.version)

    flaky.before = get_in
    assert await shaky.create("a1", state(), [message(1, "new")]) == 3
    assert texts(await loaded(store)) == ["new"]


async def test_deleting_is_repeated_too(
    store: TablesChatStore, shaky: TablesChatStore, flaky: Flaky
) -> None:
    chat = await started(store)

    async def get_in() -> None:
        if sum("$batch" in path for _, path, _ in flaky.seen) == 1:
            await store.append("a1", [message(2)], state(2), version=chat.version)

    flaky.before = get_in
    assert await shaky.delete("a1") == 3
    assert await store.load("a1") is None


# ------------------------------------------------------------------------------ errors


async def test_a_service_that_is_not_there_is_told_with_the_way_out(name: str) -> None:
    string = "AccountName=shop;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:9/shop"
    store = table_store(string, name)
    with pytest.raises(BindingError) as caught:
        await store.load("a1")
    await store.aclose()
    assert caught.value.message.startswith("The table service of 'shop' cannot be reached: Cannot ")
    assert "FUNCEMU_CHAT_STORE=embedded" in str(caught.value.hint)
    assert caught.value.code == "chat-storage-failed"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("d3Jvbmc=", "The table service of 'shop' answered 403"),
        ("x", "The key for the table service of 'shop' cannot be used"),
    ],
)
async def test_a_wrong_key_is_told_by_its_setting(
    key: str, told: str, azurite: Azurite, name: str
) -> None:
    given = azurite.connection_string()
    start, _, rest = given.partition("AccountKey=")
    store = table_store(f"{start}AccountKey={key};{rest.partition(';')[2]}", name)
    with pytest.raises(BindingError) as caught:
        await store.load("a1")
    await store.aclose()
    assert caught.value.message.startswith(told)
    assert "in Store" in str(caught.value.hint)


async def test_an_address_without_a_table_service_is_told(azurite: Azurite, name: str) -> None:
    string = azurite.connection_string().replace("/devstoreaccount1", "/no/such/place")
    store = table_store(string, name)
    with pytest.raises(BindingError, match="'shop'"):
        await store.load("a1")
    await store.aclose()


@pytest.mark.parametrize(
    ("reached", "told"),
    [
        (TableConnection("Own", "", endpoint="http://127.0.0.1:9/shop"), "Token credential"),
        (TableConnection("Own", "", "AccountName=shop"), "connection details"),
    ],
    ids=["http", "no key"],
)
async def test_a_connection_that_cannot_work_is_told(reached: TableConnection, told: str) -> None:
    credentials = Credentials(lambda text: None)
    store = TablesChatStore(
        Table(
            "ChatState",
            "shop",
            reached,
            sign_in=lambda: credentials.get(()),
            policy=RetryPolicy(),
            clock=SystemClock(),
            tell=lambda text: None,
        )
    )
    with pytest.raises(BindingError, match="Own does not lead to a table service") as caught:
        await store.load("a1")
    assert told in caught.value.message
    assert caught.value.hint
    await credentials.aclose()


async def test_a_missing_package_is_told_with_the_command_that_brings_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "azure.data.tables.aio", None)
    store = table_store("AccountName=shop;AccountKey=a2V5", name)
    with pytest.raises(BindingError, match="needs the package 'azure-data-tables'") as caught:
        await store.load("a1")
    assert 'pip install "funcemu[tables]"' in str(caught.value.hint)
