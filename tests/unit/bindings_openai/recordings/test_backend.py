"""Recording and replaying beyond the usual: samples, refusals, trimmed chats, files by hand."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.models.base import ChatReply, ChatRequest, ToolCall, Usage
from bindings.openai.models.retrying import ServiceError
from bindings.openai.recordings.backend import RecordingBackend
from bindings.openai.recordings.files import file_name
from bindings.openai.recordings.rules import FacetPolicies, Rules, read_rules
from bindings.openai.recordings.tree import Scope
from bindings.openai.seen import Tally
from emulator.clock import SystemClock
from emulator.sdk import BindingError
from tests.support.openai_host import FakeSettings
from tests.support.recorded import (
    FIVE_TURNS,
    OTHER_TURNS,
    LiveModel,
    TodoChat,
    record,
    recorder,
    store,
)


def only_file(folder: Path) -> Path:
    [file] = folder.iterdir()
    return file


async def test_a_file_is_the_same_whoever_was_first(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, texts in ((one, ("A", "B")), (other, ("B", "A"))):
        for text in texts:
            await TodoChat(recorder(folder, "record")).hold([text])
    assert only_file(one).read_text() == only_file(other).read_text()


async def test_a_file_that_is_read_and_written_stays_the_same(tmp_path: Path) -> None:
    await record(tmp_path)
    before = only_file(tmp_path).read_text("utf-8")
    kept = store(tmp_path)
    kept.refresh()
    await kept.change(Scope("assistant", "a1"), "", lambda recording: None)
    assert only_file(tmp_path).read_text("utf-8") == before


async def test_nothing_transient_is_kept(tmp_path: Path) -> None:
    chat = await record(tmp_path)
    text = only_file(tmp_path).read_text("utf-8")
    for reply in chat.replies:
        assert reply.raw["id"] not in text
        assert str(reply.raw["created"]) not in text


async def test_a_file_changed_by_hand_is_played_as_it_is(tmp_path: Path) -> None:
    await record(tmp_path)
    model = recorder(tmp_path)
    assert await TodoChat(model).say("Hello") == "You said: Hello"
    file = only_file(tmp_path)
    file.write_text(file.read_text().replace("You said: Hello", "By hand"))
    os.utime(file, ns=(1, 1))
    assert await TodoChat(model).hold(FIVE_TURNS[:2]) == ["By hand", "Noted, 1 in all (added)."]


async def test_a_deleted_file_is_gone(tmp_path: Path) -> None:
    await record(tmp_path)
    model = recorder(tmp_path)
    await TodoChat(model).say("Hello")
    only_file(tmp_path).unlink()
    with pytest.raises(BindingError, match="Nothing recorded in"):
        await TodoChat(model).say("Hello")


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1}', '{"version": 9, "exchanges": []}'])
async def test_a_broken_file_is_told_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "assistant.a1.json").write_text(text)
    with pytest.raises(BindingError, match=r"assistant\.a1\.json") as caught:
        await TodoChat(recorder(tmp_path)).say("Hello")
    assert caught.value.code == "recording-unreadable"


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((BindingError, OSError)) as caught:
        await TodoChat(recorder(tmp_path / "file" / "below", "record")).say("Hello")
    assert isinstance(caught.value, BindingError)
    assert caught.value.code == "recording-unwritable"


async def test_many_conversations_are_recorded_at_once(tmp_path: Path) -> None:
    model = recorder(tmp_path, "record")
    chats = [TodoChat(model, f"a{number}") for number in range(8)]
    said = await asyncio.gather(*(chat.hold(OTHER_TURNS) for chat in chats))
    assert len(list(tmp_path.iterdir())) == 8
    again = recorder(tmp_path)
    replayed = [TodoChat(again, f"a{number}") for number in range(8)]
    assert await asyncio.gather(*(chat.hold(OTHER_TURNS) for chat in replayed)) == said


async def test_the_same_request_twice_at_once_gets_one_recording(tmp_path: Path) -> None:
    model = recorder(tmp_path, "record")
    chats = [TodoChat(model), TodoChat(model)]
    await asyncio.gather(*(chat.say("Remind me to rest") for chat in chats))
    ids = {call.id for chat in chats for reply in chat.replies for call in reply.tool_calls}
    assert len(ids) == 1
    assert len(json.loads(only_file(tmp_path).read_text())["exchanges"]) == 2


async def test_a_trimmed_chat_is_recognised_by_its_calls(tmp_path: Path) -> None:
    await record(tmp_path)
    chat = TodoChat(recorder(tmp_path))
    await chat.hold(FIVE_TURNS[:3])
    starts = [at for at, each in enumerate(chat.messages) if each["role"] == "user"]
    del chat.messages[1 : starts[2]]
    assert await chat.say(FIVE_TURNS[3]) == "Noted, 2 in all (list)."
    assert "history" in chat.replies[-1].drift


async def test_a_chat_begun_elsewhere_is_recorded_by_its_history(tmp_path: Path) -> None:
    begun = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "From another model"},
    ]
    one = TodoChat(recorder(tmp_path, "record"))
    one.messages += begun
    said = await one.hold(FIVE_TURNS[1:3])
    two = TodoChat(recorder(tmp_path))
    two.messages += begun
    assert await two.hold(FIVE_TURNS[1:3]) == said
    three = TodoChat(recorder(tmp_path))
    with pytest.raises(BindingError, match="Nothing recorded"):
        await three.hold(FIVE_TURNS[1:3])


async def test_two_recordings_that_differ_in_ids_only_answer_nobody(tmp_path: Path) -> None:
    folder = tmp_path
    await record(folder)
    [file] = folder.iterdir()
    value = json.loads(file.read_text())
    follow = next(e for e in value["exchanges"] if e["added"][0].get("skill") == "GetTodos")
    twin = json.loads(json.dumps(follow))
    twin["id"] = "twin"
    twin["added"][0]["result"][0]["id"] = "fff111"
    twin["reply"]["text"] = "Something else"
    value["exchanges"].append(twin)
    file.write_text(json.dumps(value))
    with pytest.raises(BindingError, match="2 recordings differ from it only in ids"):
        await TodoChat(recorder(folder)).hold()


async def test_ids_count_when_the_rules_say_so(tmp_path: Path) -> None:
    await record(tmp_path)
    model = recorder(tmp_path, rules=Rules(opaque=False))
    with pytest.raises(BindingError, match="Nothing recorded"):
        await TodoChat(model).hold()


async def test_an_ignored_path_may_differ(tmp_path: Path) -> None:
    def get(price: int) -> Any:
        return lambda todos: json.dumps([{"price": price, "n": len(todos)}])

    rules = Rules(ignore={"GetTodos": ["$[*].price"]})
    await record(tmp_path, get=get(1))
    chat = TodoChat(recorder(tmp_path, rules=rules), get=get(2))
    await chat.hold()
    assert {name for reply in chat.replies for name in reply.drift} == set()
    with pytest.raises(BindingError, match=r"at \$\[0\].price: recorded 1, now 2"):
        await TodoChat(recorder(tmp_path), get=get(2)).hold()


class Dice(LiveModel):
    """Never says the same twice."""

    async def chat(self, request: ChatRequest) -> ChatReply:
        self.asked.append(request)
        return ChatReply(f"Throw {len(self.asked)}", usage=Usage(3, 2, 1))


async def test_several_samples_are_kept_and_played_in_turn_for_each_assistant(
    tmp_path: Path,
) -> None:
    rules, live = Rules(samples=3), Dice()
    model = recorder(tmp_path, "record", live, rules=rules)
    said = [await TodoChat(model).say("Throw") for _ in range(5)]
    assert said == ["Throw 1", "Throw 2", "Throw 3", "Throw 1", "Throw 2"]
    again = recorder(tmp_path, rules=rules)
    for assistant in ("a1", "b2"):
        said = [await TodoChat(again, assistant).say("Throw") for _ in range(4)]
        assert said == ["Throw 1", "Throw 2", "Throw 3", "Throw 1"]


async def test_one_sample_is_the_rule(tmp_path: Path) -> None:
    model = recorder(tmp_path, "record", Dice())
    assert [await TodoChat(model).say("Throw") for _ in range(3)] == ["Throw 1"] * 3


class Refusing(LiveModel):
    async def chat(self, request: ChatRequest) -> ChatReply:
        self.asked.append(request)
        raise ServiceError("The model service answered 400: too long", status=400, reason="long")


async def test_a_lasting_refusal_is_kept_when_asked_for(tmp_path: Path) -> None:
    rules = Rules(keep_errors=True)
    for model in (recorder(tmp_path, "record", Refusing(), rules=rules), recorder(tmp_path)):
        with pytest.raises(ServiceError, match="too long") as caught:
            await TodoChat(model).say("Hello")
        assert (caught.value.status, caught.value.reason) == (400, "long")


async def test_replies_take_their_time_when_asked_to(tmp_path: Path) -> None:
    naps: list[float] = []

    class Clock(SystemClock):
        async def sleep(self, seconds: float) -> None:
            naps.append(seconds)

    await record(tmp_path, texts=["Hello"])
    file = only_file(tmp_path)
    value = json.loads(file.read_text())
    value["exchanges"][0]["seconds"] = 1.5
    file.write_text(json.dumps(value))
    kept = store(tmp_path, Rules(pace=2.0))
    model = RecordingBackend(kept, mode="replay", otherwise=None, clock=Clock(), tally=Tally())
    await TodoChat(model).say("Hello")
    assert naps == [3.0]


async def test_calls_without_ids_get_lasting_ones(tmp_path: Path) -> None:
    class Careless(LiveModel):
        async def chat(self, request: ChatRequest) -> ChatReply:
            self.asked.append(request)
            if request.messages[-1]["role"] == "tool":
                return ChatReply("Done")
            calls = tuple(ToolCall("", "AddTodo", '{"taskDescription": "x"}') for _ in range(2))
            return ChatReply("", calls, "stop")

    chat = TodoChat(recorder(tmp_path, "record", Careless()))
    assert await chat.say("Twice") == "Done"
    ids = [call.id for call in chat.replies[0].tool_calls]
    assert len(set(ids)) == 2
    assert all(ids)
    again = TodoChat(recorder(tmp_path))
    assert await again.say("Twice") == "Done"
    assert [call.id for call in again.replies[0].tool_calls] == ids


async def test_usage_is_recorded_else_estimated(tmp_path: Path) -> None:
    class Silent(LiveModel):
        async def chat(self, request: ChatRequest) -> ChatReply:
            return ChatReply("Hi there")

    await record(tmp_path, texts=["Hello"])
    chat = TodoChat(recorder(tmp_path))
    await chat.say("Hello")
    assert chat.replies[0].usage == Usage(52, 48, 4)
    await TodoChat(recorder(tmp_path, "record", Silent()), "b2").say("Quiet")
    chat = TodoChat(recorder(tmp_path), "b2")
    await chat.say("Quiet")
    assert chat.replies[0].usage.total > 0


async def test_a_summary_counts_what_was_not_recorded(tmp_path: Path) -> None:
    await record(tmp_path)
    tally = Tally()
    with pytest.raises(BindingError):
        await TodoChat(recorder(tmp_path, tally=tally)).say("Unknown")
    tally.failed()
    assert tally.lines() == ("Models: 1 failed; 0 tokens; not in the recordings: 1.",)


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (Scope("assistant", "a1"), "assistant.a1.json"),
        (Scope("function", "whois"), "function.whois.json"),
        (Scope("requests"), "requests.json"),
        (Scope("requests", "chat"), "requests.chat.json"),
    ],
)
def test_files_are_named_after_whom_they_are_for(scope: Scope, name: str) -> None:
    assert file_name(scope) == name


def test_names_that_files_cannot_have_stay_apart() -> None:
    names = ["A1", "a1", "a/1", "a 1", "../a1", "ä1", "x" * 300, "x" * 301, "."]
    files = {file_name(Scope("assistant", name)) for name in names}
    assert len(files) == len(names)
    assert all(len(each) < 90 and "/" not in each for each in files)


def test_rules_are_read_and_settings_win(tmp_path: Path) -> None:
    assert read_rules(tmp_path) == Rules()
    (tmp_path / "rules.json").write_text('{"skills": "replay", "facets": {"model": "warn"}}')
    rules = read_rules(tmp_path, FakeSettings({"FUNCEMU_RECORDINGS_DRIFT": "fail"}))
    assert rules.skills == "replay"
    assert rules.facets == FacetPolicies(instructions="fail", tools="fail", model="warn")
    settings = FakeSettings({"FUNCEMU_RECORDINGS_SKILLS": "live"})
    assert read_rules(tmp_path, settings).skills == "live"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be used"),
        ('{"skill": "live"}', "unknown field `skill`"),
        ('{"facets": {"tools": "perhaps"}}', "perhaps"),
        ('{"ignore": {"A": ["price"]}}', "'price' is not a path"),
    ],
)
def test_mistakes_in_rules_are_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "rules.json").write_text(text)
    with pytest.raises(BindingError, match=message) as caught:
        read_rules(tmp_path)
    assert caught.value.code == "recording-rules-invalid"


def test_a_setting_with_another_value_is_told(tmp_path: Path) -> None:
    with pytest.raises(BindingError, match="should be ignore or warn or fail, not 'maybe'"):
        read_rules(tmp_path, FakeSettings({"FUNCEMU_RECORDINGS_DRIFT": "maybe"}))
