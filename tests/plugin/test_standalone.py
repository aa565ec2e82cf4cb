"""`EmulatedApp` without the plugin: context managers, decorator, unittest, scripts."""

from __future__ import annotations

import asyncio
import json
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.testing import Models
from emulator.clock import ManualClock
from emulator.errors import StateError
from emulator.testing import AppBroken, BlockingApp, EmulatedApp, EmulatorError, StrictError
from tests.support.testing import CHAT, HELLO


def write(folder: Path, app: str = HELLO, files: Mapping[str, str] | None = None) -> Path:
    for name, text in {
        "host.json": '{"version": "2.0"}',
        "function_app.py": app,
        **(files or {}),
    }.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    return write(tmp_path)


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    return write(tmp_path, CHAT)


@pytest.mark.parametrize("channel", ["inprocess", "subprocess"])
async def test_an_app_is_opened_by_async_with(hello: Path, channel: Any) -> None:
    async with EmulatedApp(hello, channel=channel, settings={"COLOUR": "red"}) as app:
        assert await (await app.get("/api/setting")).text() == "red"
        assert app.functions == ["boom", "echo", "hello", "setting"]
    with pytest.raises(RuntimeError, match="The app is not open"):
        await app.get("/api/setting")


@pytest.mark.parametrize("channel", ["inprocess", "subprocess"])
def test_an_app_is_opened_by_plain_with(hello: Path, channel: Any) -> None:
    app = EmulatedApp(hello, channel=channel)
    for _ in range(2):
        with app as opened:
            assert isinstance(opened, BlockingApp)
            assert opened.get("/api/hello/Ada").text() == "Hello Ada"
            assert opened.app is app


async def test_plain_with_refuses_to_block_a_loop(hello: Path) -> None:
    with pytest.raises(RuntimeError, match="an event loop is running here: use `async with`"):
        EmulatedApp(hello).__enter__()


async def test_the_end_of_the_context_is_strict(hello: Path) -> None:
    async def use(**options: Any) -> None:
        async with EmulatedApp(hello, **options) as app:
            await app.get("/api/boom")

    with pytest.raises(StrictError) as raised:
        await use()
    [complaint] = raised.value.complaints
    assert complaint.text.startswith("The function 'boom' failed: ValueError: the answer is not")
    assert isinstance(raised.value, AssertionError)
    await use(strict=False)


def test_a_failure_inside_comes_first(hello: Path) -> None:
    def use() -> None:
        with EmulatedApp(hello) as app:
            app.get("/api/boom")
            raise KeyError("of the test")

    with pytest.raises(KeyError, match="of the test"):
        use()


def test_an_app_that_cannot_be_loaded_leaves_nothing_open(tmp_path: Path) -> None:
    write(tmp_path, "import nothing_of_that_name")
    app = EmulatedApp(tmp_path)
    for _ in range(2):
        with pytest.raises(AppBroken, match="No module named 'nothing_of_that_name'") as raised:
            app.__enter__()
    assert [each.code for each in raised.value.problems] == ["app-import-failed"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="There is no folder") as raised:
        EmulatedApp(tmp_path / "no").__enter__()
    assert raised.value.hint is not None


async def test_the_decorator_opens_an_app_around_a_coroutine(hello: Path) -> None:
    @EmulatedApp(hello)
    async def told(app: EmulatedApp, name: str) -> str:
        return await (await app.get(f"/api/hello/{name}")).text()

    assert await told(name="Ada") == "Hello Ada"
    answers = await asyncio.gather(told(name="Ada"), told(name="Bob"))
    assert answers == ["Hello Ada", "Hello Bob"]


def test_the_decorator_opens_an_app_around_a_function(hello: Path) -> None:
    @EmulatedApp(hello)
    def told(app: BlockingApp) -> str:
        "Its own words."
        return app.get("/api/hello").text()

    assert told() == "Hello you"
    assert told.__doc__ == "Its own words."


def test_a_unittest_can_use_it(hello: Path) -> None:
    class Tests(unittest.TestCase):
        @EmulatedApp(hello)
        def test_decorated(self, app: BlockingApp) -> None:
            assert app.get("/api/hello").text() == "Hello you"

        def test_with(self) -> None:
            with EmulatedApp(hello) as app:
                assert app.call("hello").value.body == b"Hello you"

        @EmulatedApp(hello)
        def test_strict(self, app: BlockingApp) -> None:
            app.get("/api/boom")

    class AsyncTests(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self) -> None:
            self.app = await self.enterAsyncContext(EmulatedApp(hello))

        async def test_it(self) -> None:
            assert (await self.app.get("/api/hello")).status == 200

    result = unittest.TestResult()
    for case in (Tests, AsyncTests):
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert result.testsRun == 4
    assert not result.errors
    [(_, told)] = result.failures
    assert "- The function 'boom' failed: ValueError" in told


def test_models_can_be_scripted_without_pytest(chat: Path) -> None:
    with EmulatedApp(chat) as app:
        models = Models(app.app)
        models.on("note").calls("AddNote", "milk").then_says("ok")
        app.put("/api/chats/a1")
        assert app.post("/api/chats/a1", params={"text": "note"}).text() == "ok"
        assert app.call("ReadNotes").value == ["milk"]
        models.detach(app.app)
        models.on("never").says("x")
        assert "milk" in app.post("/api/chats/a1", params={"text": "Write down: milk"}).text()


def test_models_without_a_turn_leave_the_app_to_itself(chat: Path) -> None:
    with EmulatedApp(chat) as app:
        models = Models(app.app)
        app.put("/api/chats/a1")
        app.post("/api/chats/a1", params={"text": "Write down: milk"})
        assert app.call("ReadNotes").value == ["milk"]
        assert len(models.requests) == 2


# Time


async def test_the_clock_can_be_moved(chat: Path) -> None:
    async with EmulatedApp(chat) as app:
        before = app.clock.now()
        app.clock.advance(3600)
        assert 3600 <= (app.clock.now() - before).total_seconds() < 3610


async def test_another_clock_can_be_given(chat: Path) -> None:
    clock = ManualClock()
    async with EmulatedApp(chat, clock=clock) as app:
        assert app.clock is clock
        await app.put("/api/chats/a1")
        assert app.invocations("create")[0].duration == 0


async def test_waits_between_retries_pass_with_the_clock(tmp_path: Path) -> None:
    app = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
tries = []

@app.route(route="flaky")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:10:00")
def flaky(req: func.HttpRequest) -> str:
    tries.append(1)
    if len(tries) < 3:
        raise OSError("not yet")
    return "done"
"""
    async with EmulatedApp(write(tmp_path, app)) as opened:
        with opened.expect_failure("flaky", match="not yet") as failed:
            answer = asyncio.create_task(opened.get("/api/flaky"))
            for count in (1, 2):
                while len([each for each in opened.invocations() if each.finished]) < count:  # noqa: ASYNC110
                    await asyncio.sleep(0)
                opened.clock.advance(600)
            assert await (await answer).text() == "done"
        assert len(failed) == 2


# State


async def test_assistants_can_be_seeded(chat: Path, tmp_path: Path) -> None:
    seed = {
        "assistants": {
            "a1": {
                "instructions": "Be brief.",
                "tokens": 12,
                "messages": [
                    {"role": "user", "content": "Note milk"},
                    {
                        "role": "assistant",
                        "tool_calls": [
                            {"name": "AddNote", "arguments": {"text": "milk"}},
                            {"name": "ReadNotes", "result": ["milk"]},
                        ],
                    },
                    {"role": "assistant", "content": "Noted."},
                ],
            },
            "a2": [{"role": "user", "content": "Hi"}],
        }
    }
    (tmp_path / "seed.json").write_text(json.dumps(seed), "utf-8")
    async with EmulatedApp(chat, base=tmp_path) as app:
        await app.state.seed("seed.json")
        first = await app.assistant("a1")
        assert [each.role for each in first.messages] == [
            "System", "User", "Assistant", "Tool", "Tool", "Assistant",
        ]  # fmt: skip
        assert [(each.name, each.result) for each in first.tool_calls] == [
            ("AddNote", None),
            ("ReadNotes", ["milk"]),
        ]
        assert (first.answer, first.total_tokens) == ("Noted.", 12)
        assert [each.content for each in (await app.assistant("a2")).messages] == ["Hi"]
        models = Models(app)
        models.on("more").says("yes")
        answer = await app.post("/api/chats/a1", params={"text": "more"})
        assert await answer.text() == "yes"
        assert [each["role"] for each in models.requests[0].messages] == [
            "system", "user", "assistant", "tool", "tool", "assistant", "user",
        ]  # fmt: skip


async def test_what_a_host_has_kept_can_be_a_seed(chat: Path, tmp_path: Path) -> None:
    from emulator.state.sqlite import SqliteDatabase
    from emulator.state.transfer import export

    kept = tmp_path / "kept"
    kept.mkdir()
    async with EmulatedApp(chat) as app:
        await app.state.seed({"assistants": {"a1": [{"role": "user", "content": "Kept"}]}})
        database = app.extension(_extension()).host.database("openai-chats", ())  # type: ignore[union-attr]
        assert isinstance(database, SqliteDatabase)
        target = str(kept / "openai-chats.db")
        await database.read(lambda connection: connection.execute(f"VACUUM INTO '{target}'"))
    export(kept, tmp_path / "state.zip", version="1")
    for seed in ("kept", "kept/openai-chats.db", "state.zip"):
        async with EmulatedApp(chat, base=tmp_path) as app:
            await app.state.seed(seed)
            assert [each.content for each in (await app.assistant("a1")).messages] == ["Kept"]


def _extension() -> Any:
    from bindings.openai.extension import OpenAIExtension

    return OpenAIExtension


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("nothing.json", "There is no seed .*nothing.json"),
        ("[]", "should be a JSON object"),
        ("{", "cannot be read"),
        ('{"asistants": {}}', "No binding of this app takes 'asistants' of seed.json"),
        ('{"xyz": {}}', "No binding of this app takes 'xyz' of seed.json"),
    ],
)
async def test_a_seed_that_cannot_be_used_is_told(
    chat: Path, tmp_path: Path, content: str, told: str
) -> None:
    name = content if content.endswith(".json") else "seed.json"
    if name != content:
        (tmp_path / name).write_text(content, "utf-8")
    async with EmulatedApp(chat, base=tmp_path) as app:
        with pytest.raises(StateError, match=told) as raised:
            await app.state.seed(name)
        if "asistants" in content:
            assert raised.value.hint == "Did you mean 'assistants'?"
        if "xyz" in content:
            assert raised.value.hint == "They take: assistants."


@pytest.mark.parametrize(
    ("assistants", "told"),
    [
        ({"a1": {"message": []}}, "Object contains unknown field `message`"),
        ({"a1": [{"role": "tool"}]}, "has the role 'tool'"),
        ({"a/1": []}, "does not allow in keys"),
        ({"a1": [{"user": "Hi"}]}, 'A message is written {"role": "user"'),
        ([], 'are not an object: they are written {"a1": '),
    ],
)
async def test_assistants_that_cannot_be_seeded_are_told(
    chat: Path, assistants: Any, told: str
) -> None:
    async with EmulatedApp(chat) as app:
        with pytest.raises(EmulatorError, match=told):
            await app.state.seed({"assistants": assistants})


async def test_an_app_without_chats_takes_no_seeds_and_shows_no_assistants(hello: Path) -> None:
    async with EmulatedApp(hello) as app:
        with pytest.raises(StateError) as raised:
            await app.state.seed({"assistants": {}})
        assert raised.value.hint == "The bindings of this app take none."
        with pytest.raises(EmulatorError, match="No binding of this app has anything called"):
            await app.assistant("a1")


# What is recorded


async def test_options_of_bindings_have_both_spellings(chat: Path) -> None:
    async with EmulatedApp(chat) as app:
        await app.put("/api/chats/a1")
        await app.post("/api/chats/a1", params={"text": "Write down: milk"})
        options = app.invocations("post")[0].options["state"]
        assert options["userMessage"] == options["user_message"] == "Write down: milk"
        assert "chat_model" in options
        assert "nothing" not in options
        with pytest.raises(KeyError, match="'modle' is no option of the binding; there are: "):
            options["modle"]


async def test_outputs_are_recorded(chat: Path) -> None:
    async with EmulatedApp(chat) as app:
        await app.put("/api/chats/a1")
        [call] = app.invocations("create")
        assert json.loads(call.outputs["requests"]) == {"id": "a1", "instructions": "Be brief."}
        assert call.returned == "created"


async def test_the_options_of_the_person_who_tests_do_not_count(
    hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNCEMU_CHANNEL", "subprocess")
    monkeypatch.setenv("FUNCEMU_FUNCTIONS", "hello")
    async with EmulatedApp(hello) as app:
        assert len(app.functions) == 4
        assert app.module("function_app").app is not None
