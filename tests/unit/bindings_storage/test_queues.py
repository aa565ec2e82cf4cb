"""Messages: who sees them, when, and where they go when nobody can use them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bindings.storage.queue_output import QueueOutput
from bindings.storage.queue_trigger import QueueTrigger
from bindings.storage.queues import Queues, queue_name
from emulator.sdk import BindingError, Datum, Fired, FunctionError, FunctionFailed
from emulator.state.sqlite import SqliteDatabase
from tests.support.storing import Storing

TEXT = Datum("text", "hello")


def trigger(store: Storing, **properties: Any) -> QueueTrigger:
    return store.binding(QueueTrigger, queueName="orders", **properties)


def failing(fired: Fired) -> None:
    raise FunctionFailed(FunctionError("ValueError", "no"))


# the store


async def test_a_message_is_seen_by_one_reader_at_a_time() -> None:
    async with Storing() as store:
        queues = store.shared.queues
        await queues.put("orders", b"1", b"2", b"3")
        first = await queues.take("orders", 2)
        assert [each.body for each in first] == [b"1", b"2"]
        assert [each.body for each in await queues.take("orders", 5)] == [b"3"]
        assert await queues.take("orders", 5) == []
        await queues.delete(first[0])
        store.clock.advance(601)
        (again, third) = await queues.take("orders", 5)
        assert (again.body, again.dequeued, third.dequeued) == (b"2", 2, 2)
        await queues.delete(first[1])  # its reader took too long: the message is another's
        assert len(await queues.peek("orders")) == 2


async def test_a_message_is_given_back_for_later() -> None:
    async with Storing() as store:
        queues = store.shared.queues
        await queues.put("orders", b"1")
        (message,) = await queues.take("orders", 1)
        await queues.give_back(message, 30)
        assert await queues.take("orders", 1) == []
        assert await queues.next_visible("orders") == 30
        store.clock.advance(30)
        assert len(await queues.take("orders", 1)) == 1
        assert await queues.next_visible("others") is None


async def test_a_message_lives_for_a_week() -> None:
    async with Storing() as store:
        await store.shared.queues.put("orders", b"1")
        store.clock.advance(7 * 24 * 3600)
        assert await store.shared.queues.take("orders", 1) == []
        assert await store.shared.queues.peek("orders") == []


@pytest.mark.parametrize("name", ["ab", "-abc", "abc-", "a--b", "a_bc", "a b", "", "x" * 64])
def test_what_is_no_name_of_a_queue(name: str) -> None:
    with pytest.raises(BindingError, match="cannot be the name of a queue"):
        queue_name(name)


def test_names_have_small_letters() -> None:
    assert queue_name("Orders-7") == "orders-7"
    assert queue_name("Q-1") == "q-1"
    assert queue_name("x" * 63) == "x" * 63


# the output


@pytest.mark.parametrize(
    ("value", "bodies"),
    [
        (TEXT, [b"hello"]),
        (Datum("bytes", b"\xff["), [b"\xff["]),
        (Datum("text", '{"a": 1}'), [b'{"a": 1}']),
        (Datum("text", ' ["x", {"b": [2]}, 3, null] '), [b"x", b'{"b":[2]}', b"3"]),
        (Datum("text", "[no json"), [b"[no json"]),
        (Datum("json", '["x", "y"]'), [b"x", b"y"]),
        (Datum("list", (TEXT, Datum("bytes", b"2"))), [b"hello", b"2"]),
        (Datum("int", 5), [b"5"]),
        (Datum("text", "[]"), []),
    ],
)
async def test_what_a_function_gives_becomes_messages(value: Datum, bodies: list[bytes]) -> None:
    async with Storing({"Q": "Orders"}) as store:
        output = store.binding(QueueOutput, "out", queueName="%Q%")
        await output.write(store.call(output), value)
        assert [each.body for each in await store.shared.queues.peek("orders")] == bodies


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
        {"AzureWebJobsStorage": "<connection string>"},
        {"AzureWebJobsStorage": "AccountName=devstoreaccount1;AccountKey=x"},
        {"AzureWebJobsMine": "UseDevelopmentStorage=true", "Mine": "AccountName=real"},
    ],
)
async def test_storage_of_this_machine_is_used(settings: dict[str, str]) -> None:
    async with Storing(settings) as store:
        store.binding(QueueOutput, "out", queueName="q", connection="Mine" if settings else "")


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"Mine": "AccountName=real;AccountKey=x"}, "Mine"),
        ({"ConnectionStrings:AzureWebJobsMine": "real"}, "ConnectionStrings:AzureWebJobsMine"),
        ({"Mine__queueServiceUri": "https://real.queue.core.windows.net"}, "Mine"),
    ],
)
async def test_an_account_is_not_written_to(settings: dict[str, str], setting: str) -> None:
    async with Storing(settings) as store:
        with pytest.raises(BindingError, match="'Mine' is a storage account") as caught:
            store.binding(QueueOutput, "out", queueName="q", connection="Mine")
        assert str(caught.value.hint).startswith(f"Set {setting} to")
        assert "real" not in caught.value.message


# the trigger


async def test_each_message_runs_the_function_and_is_gone() -> None:
    async with Storing() as store:
        await store.shared.queues.put("orders", b"before")
        listener = trigger(store)
        await listener.start(store.fire)
        await store.shared.queues.put("orders", b"after", b"\xff")
        await store.until(lambda: len(store.fired) == 3)
        await listener.stop()
        assert store.values() == ["before", "after", b"\xff"]
        first = store.fired[0]
        assert first.reason == "New queue message detected on 'orders'."
        assert first.detail == (
            "MessageId: id-1, DequeueCount: 1, InsertionTime: 2026-01-01T12:00:00+00:00"
        )
        assert first.metadata["QueueTrigger"] == Datum("text", "before")
        assert first.metadata["DequeueCount"] == Datum("int", 1)
        assert first.metadata["ExpirationTime"] == Datum("json", '"2026-01-08T12:00:00+00:00"')
        await store.shared.aclose()
        assert await store.shared.queues.peek("orders") == []


async def test_members_of_a_message_answer_expressions() -> None:
    async with Storing() as store:
        fired = trigger(store).manual('{"ID": 7, "to": {"city": "Bonn"}}')
        assert fired.value == Datum("text", '{"ID": 7, "to": {"city": "Bonn"}}')
        data = fired.data()
        assert data["ID"] == 7
        assert "Id" not in data
        assert data["to"] == {"city": "Bonn"}
        assert data["DequeueCount"] == 1
        assert set(trigger(store).manual("[1]").data()) >= {"queueTrigger", "PopReceipt"}
        assert trigger(store).manual("{no").data()["queueTrigger"] == "{no"


async def test_a_message_comes_as_bytes_where_those_are_asked_for() -> None:
    async with Storing() as store:
        fired = trigger(store, dataType="binary").manual('{"ID": 7}')
        assert fired.value == Datum("bytes", b'{"ID": 7}')
        assert fired.data()["ID"] == 7
        assert fired.metadata["QueueTrigger"] == Datum("text", '{"ID": 7}')


async def test_a_message_that_fails_is_tried_again_and_poisoned_in_the_end() -> None:
    host_json = {"extensions": {"Queues": {"maxDequeueCount": 3, "visibilityTimeout": "00:00:10"}}}
    async with Storing(host_json=host_json) as store:
        store.work = failing
        listener = trigger(store)
        await listener.start(store.fire)
        await store.shared.queues.put("orders", b"1")
        for tries in (1, 2, 3):
            await store.until(lambda tries=tries: len(store.fired) == tries)  # type: ignore[misc]
            if tries < 3:
                await store.asleep()
                store.clock.advance(10)
        await store.until(lambda: bool(store.said))
        await listener.stop()
        assert store.said == [
            "Warning: Message has reached MaxDequeueCount of 3. Moving message to queue "
            "'orders-poison'."
        ]
        assert [each.metadata["DequeueCount"].value for each in store.fired] == [1, 2, 3]
        (poison,) = await store.shared.queues.take("orders-poison", 1)
        assert (poison.body, poison.dequeued) == (b"1", 1)


async def test_no_more_messages_are_worked_on_than_host_json_says() -> None:
    host_json = {"extensions": {"queues": {"batchSize": 2, "newBatchThreshold": 1}}}
    async with Storing(host_json=host_json) as store:
        ends = asyncio.Event()
        store.work = lambda fired: _wait(ends)
        listener = trigger(store)
        await listener.start(store.fire)
        await store.shared.queues.put("orders", *(b"%d" % number for number in range(6)))
        await store.until(lambda: len(store.fired) == 3)
        assert listener._running == 3
        ends.set()
        await store.until(lambda: len(store.fired) == 6)
        await listener.stop()


async def test_a_run_outlives_its_listener_and_no_message_is_lost() -> None:
    async with Storing() as store:
        ends = asyncio.Event()
        store.work = lambda fired: _wait(ends)
        before, after = trigger(store), trigger(store)
        await before.start(store.fire)
        await store.shared.queues.put("orders", b"1")
        await store.until(lambda: len(store.fired) == 1)
        await before.stop()
        await store.shared.queues.put("orders", b"2")
        assert store.values() == ["1"]
        await after.start(store.fire)
        await store.until(lambda: len(store.fired) == 2)
        ends.set()
        await after.stop()


async def test_a_message_stays_with_a_run_that_takes_long() -> None:
    async with Storing() as store:
        ends = asyncio.Event()
        store.work = lambda fired: _wait(ends)
        listener = trigger(store)
        await listener.start(store.fire)
        await store.shared.queues.put("orders", b"1")
        await store.until(lambda: len(store.fired) == 1)
        await store.asleep()
        store.clock.advance(601)
        await store.shared.queues.put("orders", b"2")
        await store.until(lambda: len(store.fired) == 2)
        assert store.values() == ["1", "2"]
        ends.set()
        await store.until(lambda: not listener._running)
        await listener.stop()
        assert await store.shared.queues.peek("orders") == []


async def test_a_message_that_is_held_is_seen_by_nobody_else() -> None:
    async with Storing() as store:
        queues, other = store.shared.queues, Queues(store.host)
        await queues.put("orders", b"1")
        (message,) = await queues.take("orders", 1)
        queues.hold(message)
        for _ in range(3):
            store.clock.advance(400)
            assert await queues.take("orders", 1) == []
            assert await other.take("orders", 1) == []
        queues.let_go(message)
        store.clock.advance(601)
        (again,) = await queues.take("orders", 1)
        assert again.dequeued == 2


async def test_what_is_broken_off_after_the_end_of_listening_is_no_failure() -> None:
    async with Storing(host_json={"extensions": {"queues": {"maxDequeueCount": 1}}}) as store:
        ends = asyncio.Event()

        async def lost() -> None:
            await ends.wait()
            raise FunctionFailed(FunctionError("WorkerLost", "the worker was stopped"))

        store.work = lambda fired: lost()
        listener = trigger(store)
        await listener.start(store.fire)
        await store.shared.queues.put("orders", b"1")
        await store.until(lambda: len(store.fired) == 1)
        await listener.stop()
        ends.set()
        await store.shared.aclose()  # waits for what is given back
        (again,) = await store.shared.queues.take("orders", 1)
        assert (again.body, again.dequeued) == (b"1", 2)
        assert store.said == []


async def test_what_another_program_leaves_is_found() -> None:
    async with Storing() as store:
        listener = trigger(store)
        await listener.start(store.fire)
        await store.asleep()
        await Queues(store.host).put("orders", b"1")  # nobody here is told
        store.clock.advance(2)
        await store.until(lambda: len(store.fired) == 1)
        await listener.stop()


async def test_state_that_cannot_be_used_is_told() -> None:
    async with Storing() as store:
        database = store.shared.queues._database
        assert isinstance(database, SqliteDatabase)
        await database.run(lambda connection: connection.execute("DROP TABLE queue_message"))
        listener = trigger(store)
        await listener.start(store.fire)
        await store.until(lambda: bool(store.said))
        await listener.stop()
        assert store.said[0].startswith("Error: The queue 'orders' cannot be used: ")


async def test_a_name_that_cannot_be_is_told_at_the_start() -> None:
    async with Storing() as store:
        with pytest.raises(BindingError, match="'My_Queue' cannot be the name of a queue"):
            store.binding(QueueTrigger, queueName="My_Queue")


async def test_odd_options_of_host_json_are_not_counted() -> None:
    options = {"batchSize": "many", "newBatchThreshold": -1, "visibilityTimeout": "soon"}
    for host_json in ({"extensions": {"queues": options}}, {"extensions": {"queues": 5}}):
        async with Storing(host_json=host_json) as store:
            listener = trigger(store)
            assert (listener._batch, listener._most, listener._pause) == (16, 24, 0.0)


async def _wait(ends: asyncio.Event) -> None:
    await ends.wait()


def test_the_sample_is_json() -> None:
    assert json.loads(QueueTrigger.sample.value)
