"""Recordings behind the assistant bindings: which mode asks whom, over the real model service."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.extension import OpenAIExtension
from emulator.sdk import BindingError
from tests.support.model_service import ModelService, Received, Reply, chat, failure
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import TodoAssistant

MakeHost = Callable[..., OpenAIHost]

TURNS = (
    "Hello",
    "Remind me to call my dad",
    "Oh, and to take out the trash",
    "What do I need to do today?",
    "Thank you!",
)


class TodoService:
    """Plays a model that uses the skills; ids of its calls never repeat."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, request: Received) -> Reply:
        last = request.messages[-1]
        self.calls += 1
        if last["role"] == "tool":
            return chat(f"Done after {len(request.messages)} messages.")
        said = last["content"].lower()
        if "remind" in said or "take out" in said:
            return chat(calls=[(self.identity, "AddTodo", {"taskDescription": last["content"]})])
        if "need to do" in said:
            return chat(calls=[(self.identity, "GetTodos", {"inputIgnored": ""})])
        return chat(f"You said: {last['content']}")

    @property
    def identity(self) -> str:
        return f"call_{id(self)}x{self.calls:08d}"


@pytest.fixture
def app(tmp_path: Path, make_host: MakeHost, service: ModelService) -> Callable[..., TodoAssistant]:
    """Make the to-do app in one folder, with a mode, over the service or without any."""
    service.fallback = TodoService()

    def make(mode: str, *, connected: bool = True, **settings: str) -> TodoAssistant:
        host = make_host(app_root=tmp_path, flags={"models": mode})
        host.settings.values |= settings
        todo = TodoAssistant(host, service if connected else None)
        todo.add_skills()
        return todo

    return make


async def talk(todo: TodoAssistant, assistant: str = "a1") -> list[str]:
    await todo.create(assistant)
    said = []
    for text in TURNS:
        state = await todo.post(text, assistant)
        said.append(state["recentMessages"][-1]["content"])
    return said


def backends(host: OpenAIHost) -> list[str]:
    return [data["backend"] for _, name, data in host.records if name == "model-call"]


async def test_a_recorded_conversation_is_replayed_without_any_connection(
    app: Callable[..., TodoAssistant], service: ModelService, tmp_path: Path
) -> None:
    said = await talk(app("record"))
    asked = len(service.requests)
    assert asked == 8
    assert [each.name for each in (tmp_path / "recordings").iterdir()] == ["assistant.a1.json"]
    for mode in ("replay", "auto"):
        todo = app(mode, connected=False)
        assert await talk(todo) == said
        assert set(backends(todo.host)) == {"recordings"}
    assert len(service.requests) == asked


@pytest.mark.parametrize("mode", ["replay", "auto"])
async def test_what_is_not_recorded_never_goes_to_the_network(
    app: Callable[..., TodoAssistant], service: ModelService, mode: str
) -> None:
    await talk(app("record"))
    asked = len(service.requests)
    todo = app(mode, connected=True)
    await talk(todo)
    if mode == "replay":
        with pytest.raises(BindingError) as caught:
            await todo.post("Something new")
        assert caught.value.code == "recording_not_found"
    else:
        state = await todo.post("Something new")
        assert "I can create a new todo task" in state["recentMessages"][-1]["content"]
        assert backends(todo.host)[-1] == "deterministic"
        [warning] = [each for each in todo.host.messages("Warning") if "Nothing recorded" in each]
        assert "The offline model answers instead" in warning
    assert len(service.requests) == asked


async def test_recording_again_asks_only_for_what_is_new(
    app: Callable[..., TodoAssistant], service: ModelService
) -> None:
    await talk(app("record"))
    asked = len(service.requests)
    todo = app("record")
    await talk(todo)
    assert len(service.requests) == asked
    await todo.post("One more thing")
    assert len(service.requests) == asked + 1


async def test_recording_anew_changes_nothing_when_the_model_says_the_same(
    app: Callable[..., TodoAssistant], service: ModelService, tmp_path: Path
) -> None:
    await talk(app("record"))
    file = tmp_path / "recordings" / "assistant.a1.json"
    before = file.read_text("utf-8")
    service.fallback = TodoService()  # other ids of calls
    await talk(app("rerecord"))
    assert len(service.requests) == 16
    assert file.read_text("utf-8") == before


async def test_recording_anew_takes_what_the_model_says_now(
    app: Callable[..., TodoAssistant], service: ModelService, tmp_path: Path
) -> None:
    await talk(app("record"))
    inner = TodoService()

    def polite(request: Received) -> Reply:
        reply = inner(request)
        message = reply.body["choices"][0]["message"]
        if message["content"]:
            message["content"] += " Please."
        return reply

    service.fallback = polite
    said = await talk(app("rerecord"))
    assert said[0] == "You said: Hello Please."
    assert await talk(app("replay", connected=False)) == said
    text = (tmp_path / "recordings" / "assistant.a1.json").read_text("utf-8")
    assert len(json.loads(text)["exchanges"]) == 8


async def test_recording_needs_a_connection(app: Callable[..., TodoAssistant]) -> None:
    todo = app("record", connected=False)
    await todo.create()
    with pytest.raises(BindingError, match="missing required 'Endpoint'") as caught:
        await todo.post("Hello")
    assert "--models record" in (caught.value.hint or "")


async def test_offline_plays_no_recordings(app: Callable[..., TodoAssistant]) -> None:
    await talk(app("record"))
    todo = app("offline")
    await talk(todo)
    assert set(backends(todo.host)) == {"deterministic"}


async def test_a_passing_refusal_is_retried_and_not_kept(
    app: Callable[..., TodoAssistant], service: ModelService, tmp_path: Path
) -> None:
    service.reply(failure(429, "later", retry_after="0"), failure(503))
    await talk(app("record"))
    text = (tmp_path / "recordings" / "assistant.a1.json").read_text("utf-8")
    assert "429" not in text
    assert "later" not in text
    assert len(service.requests) == 10


async def test_secrets_of_the_settings_are_in_no_file(
    app: Callable[..., TodoAssistant], tmp_path: Path
) -> None:
    planted = {"MY_API_KEY": "planted-secret-1", "DB_CONNECTION": "Server=x;planted-2"}
    todo = app("record", **planted)
    await todo.create("a1", instructions="Use planted-secret-1")
    await todo.post("Remind me of planted-secret-1 and Server=x;planted-2")
    for file in (tmp_path / "recordings").iterdir():
        text = file.read_text("utf-8")
        assert "planted" not in text
        assert text.count("[redacted]") >= 3


async def test_a_script_comes_first_and_recording_goes_on_where_it_ends(
    app: Callable[..., TodoAssistant], service: ModelService, tmp_path: Path
) -> None:
    script = "scripts: [{turns: [{user: Hello, says: From the script}]}]"
    (tmp_path / "model-script.yaml").write_text(script)
    said = await talk(app("record"))
    assert said[0] == "From the script"
    assert len(service.requests) == 7
    assert await talk(app("replay", connected=False)) == said


async def test_the_banner_says_what_is_played(
    app: Callable[..., TodoAssistant], service: ModelService
) -> None:
    def banner(todo: TodoAssistant) -> str:
        extension: OpenAIExtension = todo.host.extension(OpenAIExtension)
        return "\n".join(extension.banner())

    assert "what is not in them is asked of Azure OpenAI at" in banner(app("record"))
    assert "recordings in recordings/, which does not exist; what" in banner(app("replay"))
    await talk(app("record"))
    assert "recordings in recordings/; the offline model answers" in banner(app("auto"))
    assert "recordings in recordings/; what is not in them is refused" in banner(app("replay"))
    assert "everything is asked of" in banner(app("rerecord"))


async def test_another_folder_can_be_named(
    app: Callable[..., TodoAssistant], tmp_path: Path
) -> None:
    await talk(app("record", FUNCEMU_RECORDINGS="tests/kept"))
    assert (tmp_path / "tests" / "kept" / "assistant.a1.json").is_file()
    todo = app("replay", connected=False, FUNCEMU_RECORDINGS="tests/kept")
    await talk(todo)


async def test_skills_are_not_run_when_their_results_are_replayed(
    app: Callable[..., TodoAssistant],
) -> None:
    said = await talk(app("record"))
    todo = app("replay", connected=False, FUNCEMU_RECORDINGS_SKILLS="replay")
    assert await talk(todo) == said
    assert todo.host.invocations == []
    rows = await todo.rows()
    results = [content for _, role, content in rows if role == "Tool"]
    assert len(results) == 3
    assert "call my dad" in results[-1]


async def test_a_skill_result_that_was_never_recorded_is_refused(
    app: Callable[..., TodoAssistant], tmp_path: Path
) -> None:
    await talk(app("record"))
    file = tmp_path / "recordings" / "assistant.a1.json"
    value: dict[str, Any] = json.loads(file.read_text("utf-8"))
    value["exchanges"] = value["exchanges"][:2]
    file.write_text(json.dumps(value), "utf-8")
    todo = app("replay", connected=False, FUNCEMU_RECORDINGS_SKILLS="replay")
    await todo.create()
    await todo.post("Hello")
    with pytest.raises(BindingError, match="What 'AddTodo' returned for") as caught:
        await todo.post("Remind me to call my dad")
    assert caught.value.code == "recording_not_found"
