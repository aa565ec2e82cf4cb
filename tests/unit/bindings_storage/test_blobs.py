"""Blobs: where they are, what a function gets of them, and which run one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bindings.storage.blob_bindings import BlobBinding
from bindings.storage.blob_trigger import BlobTrigger
from bindings.storage.blobs import Blobs, PathPattern, blob_path
from emulator.sdk import BindingError, Datum, Fired, FunctionError, FunctionFailed
from emulator.state.sqlite import SqliteDatabase
from tests.support.storing import Storing


def trigger(store: Storing, path: str = "samples/{name}.txt", **properties: Any) -> BlobTrigger:
    return store.binding(BlobTrigger, path=path, **properties)


def failing(fired: Fired) -> None:
    raise FunctionFailed(FunctionError("ValueError", "no"))


# paths


@pytest.mark.parametrize(
    ("given", "container", "name"),
    [
        ("samples/a.txt", "samples", "a.txt"),
        ("Samples/Folder/A b.txt", "samples", "Folder/A b.txt"),
        ("$web/index.html", "$web", "index.html"),
        ("samples/../x", "samples", "../x"),
    ],
)
def test_a_path_is_a_container_and_a_name(given: str, container: str, name: str) -> None:
    assert blob_path(given) == (container, name)


@pytest.mark.parametrize(
    "given", ["", "samples", "samples/", "a/b", "a_b_c/d", "sam--ples/x", "samples/" + "x" * 1025]
)
def test_what_is_no_path_of_a_blob(given: str) -> None:
    with pytest.raises(BindingError):
        blob_path(given)


@pytest.mark.parametrize(
    ("pattern", "path", "parts"),
    [
        ("samples/{name}.txt", "samples/a.txt", {"name": "a"}),
        ("samples/{name}.{ext}", "samples/a.b.txt", {"name": "a.b", "ext": "txt"}),
        ("samples/{name}", "samples/deep/a", {"name": "deep/a"}),
        ("samples", "samples/a", {"name": "a"}),
        ("samples/{{x}}-{y}", "samples/{x}-1", {"y": "1"}),
        ("samples/{a}-{a}", "samples/1-1", {"a": "1"}),
        ("samples/{a}-{a}", "samples/1-2", None),
        ("samples/{name}.txt", "samples/a.png", None),
        ("samples/{name}", "others/a", None),
        ("samples/a+b", "samples/aab", None),
    ],
)
def test_what_fits_a_pattern(pattern: str, path: str, parts: dict[str, str] | None) -> None:
    container, _, name = path.partition("/")
    assert PathPattern(pattern).match(container, name) == parts


@pytest.mark.parametrize("pattern", ["", "a/{x}", "samples/{", "samples/{}", "samples/{a b}"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(BindingError):
        PathPattern(pattern)


# input and output


@pytest.mark.parametrize(
    ("given", "content", "read", "binary"),
    [
        (Datum("text", "grün"), "grün".encode(), Datum("text", "grün"), False),
        (Datum("text", "grün"), "grün".encode(), Datum("bytes", "grün".encode()), True),
        (Datum("bytes", b"\xff"), b"\xff", Datum("bytes", b"\xff"), False),
        (Datum("json", '{"a":1}'), b'{"a":1}', Datum("text", '{"a":1}'), False),
        (Datum("int", 1), b"\x01\0\0\0", Datum("text", "\x01\0\0\0"), False),
        (Datum("int", 2**32 - 1), b"\xff" * 4, Datum("bytes", b"\xff" * 4), False),
        (Datum("float", 1.0), b"\0" * 6 + b"\xf0\x3f", Datum("bytes", b"\0" * 6 + b"\xf0?"), False),
        (Datum("bytes", b""), b"", Datum("text", ""), False),
    ],
)
async def test_what_is_written_is_read(
    given: Datum, content: bytes, read: Datum, binary: bool
) -> None:
    async with Storing() as store:
        output = store.binding(BlobBinding, "out", path="samples/a")
        await output.write(store.call(output), given)
        found = await store.shared.blobs.get("samples", "a")
        assert found is not None
        assert found.content == content
        options = {"dataType": "binary"} if binary else {}
        reader = store.binding(BlobBinding, path="samples/a", **options)
        assert await reader.read(store.call(reader)) == read


async def test_a_blob_that_is_missing_is_nothing() -> None:
    async with Storing() as store:
        reader = store.binding(BlobBinding, path="samples/none")
        assert (await reader.read(store.call(reader))).is_none


async def test_an_account_is_not_used() -> None:
    async with Storing({"AzureWebJobsStorage": "AccountName=real"}) as store:
        for kind in (BlobBinding, BlobTrigger):
            with pytest.raises(BindingError, match="'Storage' is a storage account"):
                store.binding(kind, path="samples/x")


# the trigger


async def test_a_blob_that_is_written_runs_the_function() -> None:
    async with Storing() as store:
        listener = trigger(store)
        await listener.start(store.fire)
        await store.shared.blobs.put("samples", "a.txt", b"one")
        await store.shared.blobs.put("samples", "a.png", b"no")
        await store.until(lambda: len(store.fired) == 1)
        await store.shared.blobs.put("samples", "a.txt", b"\xff")
        await store.until(lambda: len(store.fired) == 2)
        await listener.stop()
        assert store.values() == ["one", b"\xff"]
        first = store.fired[0]
        assert first.reason == "New blob detected(LogsAndContainerScan): samples/a.txt"
        assert first.metadata["BlobTrigger"] == Datum("text", "samples/a.txt")
        assert first.metadata["name"] == Datum("text", "a")
        assert json.loads(first.metadata["Properties"].value)["ContentLength"] == 3
        data = first.data()
        assert (data["name"], data["blobTrigger"]) == ("a", "samples/a.txt")


async def test_what_was_written_meanwhile_is_made_up_for_once() -> None:
    async with Storing() as store:
        for _ in range(2):
            await store.shared.blobs.put("samples", "a.txt", b"x")
            listener = trigger(store)
            await listener.start(store.fire)
            seen = len(store.fired) + 1
            await store.until(lambda seen=seen: len(store.fired) == seen)  # type: ignore[misc]
            await store.until(lambda store=store: not store.shared.blobs._begun)  # type: ignore[misc]
            await listener.stop()
        assert await store.shared.blobs.unseen("fn", "samples") == []


async def test_what_another_program_writes_is_found() -> None:
    async with Storing() as store:
        listener = trigger(store)
        await listener.start(store.fire)
        await store.asleep()
        await Blobs(store.host).put("samples", "a.txt", b"x")  # nobody here is told
        store.clock.advance(2)
        await store.until(lambda: len(store.fired) == 1)
        await listener.stop()


async def test_a_run_outlives_its_listener_and_is_not_doubled_by_the_next() -> None:
    async with Storing() as store:
        ends = asyncio.Event()
        store.work = lambda fired: _wait(ends)
        before, after = trigger(store), trigger(store)
        await before.start(store.fire)
        await store.shared.blobs.put("samples", "a.txt", b"x")
        await store.until(lambda: len(store.fired) == 1)
        await before.stop()
        await after.start(store.fire)
        await store.asleep()  # it has looked
        assert len(store.fired) == 1
        ends.set()
        await store.until(lambda: not store.shared.blobs._begun)
        await store.asleep()
        store.clock.advance(2)
        await store.asleep()
        await after.stop()
        assert len(store.fired) == 1
        assert await store.shared.blobs.unseen("fn", "samples") == []


async def test_what_is_broken_off_after_the_end_of_listening_is_begun_anew() -> None:
    async with Storing() as store:
        ends = asyncio.Event()

        async def lost() -> None:
            await ends.wait()
            raise FunctionFailed(FunctionError("WorkerLost", "the worker was stopped"))

        store.work = lambda fired: lost()
        before, after = trigger(store), trigger(store)
        await before.start(store.fire)
        await store.shared.blobs.put("samples", "a.txt", b"x")
        await store.until(lambda: len(store.fired) == 1)
        await before.stop()
        ends.set()
        await store.until(lambda: not store.shared.blobs._begun)
        assert len(store.fired) == 1
        assert await store.shared.queues.peek("webjobs-blobtrigger-poison") == []
        store.work = lambda fired: None
        await after.start(store.fire)
        await store.until(lambda: len(store.fired) == 2 and not store.shared.blobs._begun)
        await after.stop()
        assert await store.shared.blobs.unseen("fn", "samples") == []


async def test_no_more_blobs_are_worked_on_than_host_json_says() -> None:
    async with Storing(host_json={"extensions": {"blobs": {"maxDegreeOfParallelism": 2}}}) as store:
        for number in range(5):
            await store.shared.blobs.put("samples", f"{number}.txt", b"x")
        ends = asyncio.Event()
        running, most = 0, 0

        async def work() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await ends.wait()
            running -= 1

        store.work = lambda fired: work()
        listener = trigger(store)
        await listener.start(store.fire)
        await store.until(lambda: len(store.fired) == 2)
        store.clock.advance(2)
        await store.asleep()  # it has looked again
        ends.set()
        await store.until(lambda: len(store.fired) == 5 and not store.shared.blobs._begun)
        await listener.stop()
        assert most == 2


async def test_a_blob_that_fails_is_told_to_the_poison_queue() -> None:
    async with Storing(host_json={"extensions": {"blobs": {"poisonBlobThreshold": 2}}}) as store:
        store.work = failing
        listener = trigger(store)
        await listener.start(store.fire)
        await store.shared.blobs.put("samples", "a.txt", b"x")
        await store.until(lambda: bool(store.said) and not store.shared.blobs._begun)
        await listener.stop()
        assert len(store.fired) == 2
        (message,) = await store.shared.queues.peek("webjobs-blobtrigger-poison")
        told = json.loads(message.body)
        assert told["FunctionId"] == "Host.Functions.fn"
        assert (told["ContainerName"], told["BlobName"]) == ("samples", "a.txt")
        assert "failed 2 times for the blob 'samples/a.txt'" in store.said[0]


async def test_a_blob_is_run_for_when_somebody_asks() -> None:
    async with Storing() as store:
        await store.shared.blobs.put("samples", "a.txt", b"x")
        fired = await trigger(store).requested("samples/a.txt")
        assert fired.value == Datum("text", "x")
        assert fired.data()["name"] == "a"
        with pytest.raises(BindingError, match="There is no blob 'samples/b.txt'"):
            await trigger(store).requested("samples/b.txt")
        with pytest.raises(BindingError, match="does not begin with the name of a container"):
            await trigger(store).requested("")


async def test_bytes_are_delivered_when_they_are_asked_for() -> None:
    async with Storing() as store:
        await store.shared.blobs.put("samples", "a.txt", b"x")
        fired = await trigger(store, dataType="binary").requested("samples/a.txt")
        assert fired.value == Datum("bytes", b"x")


async def test_state_that_cannot_be_used_is_told() -> None:
    async with Storing() as store:
        database = store.shared.blobs._database
        assert isinstance(database, SqliteDatabase)
        await database.run(lambda connection: connection.execute("DROP TABLE blob_receipt"))
        listener = trigger(store)
        await listener.start(store.fire)
        await store.asleep()
        await store.shared.blobs.put("samples", "a.txt", b"x")
        await store.until(lambda: len(store.fired) == 1 and not store.shared.blobs._begun)
        await listener.stop()
        (told,) = store.said
        assert told.startswith("Error: Blobs of 'samples' cannot be used: ")


async def _wait(ends: asyncio.Event) -> None:
    await ends.wait()
