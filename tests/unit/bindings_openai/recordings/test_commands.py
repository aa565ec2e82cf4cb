"""`funcemu recordings` and `funcemu script from recording`, as they are typed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bindings.openai.models.base import ChatRequest
from bindings.openai.models.deterministic import DeterministicBackend
from bindings.openai.models.scripted import ScriptedBackend
from bindings.openai.recordings.promote import script_text
from bindings.openai.recordings.tree import Scope
from emulator.cli.main import cli
from emulator.clock import SystemClock
from tests.support.recorded import (
    FAILED,
    FIVE_TURNS,
    OTHER_TURNS,
    TodoChat,
    record,
    recorder,
    store,
)


@pytest.fixture
async def app(tmp_path: Path) -> Path:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    await record(tmp_path / "recordings", texts=FIVE_TURNS)
    await record(tmp_path / "recordings", assistant="b2", texts=OTHER_TURNS)
    return tmp_path


def typed(*arguments: Any, code: int = 0) -> str:
    result = CliRunner().invoke(cli, [str(each) for each in arguments])
    assert result.exit_code == code, result.output
    return result.output


async def run(*arguments: Any, code: int = 0) -> str:
    """Type a command, which runs a loop of its own."""
    return await asyncio.to_thread(typed, *arguments, code=code)


async def test_recordings_are_listed(app: Path) -> None:
    shown = await run("recordings", "list", app)
    assert "assistant.a1.json  8 exchanges" in shown
    assert "PostUserQuery" in shown
    rows = json.loads(await run("recordings", "list", app, "--output", "json"))["recordings"]
    assert [row["name"] for row in rows] == ["a1", "b2"]


async def test_without_recordings_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    assert "Nothing is recorded in" in await run("recordings", "list", tmp_path)


async def test_a_recording_is_shown_as_a_conversation(app: Path) -> None:
    shown = await run("recordings", "show", "a1", app)
    said = [shown.index(text) for text in FIVE_TURNS]
    assert said == sorted(said)
    assert 'model calls AddTodo {"taskDescription"' in shown


@pytest.mark.parametrize("name", ["a1", "assistant.a1", "assistant.a1.json"])
async def test_a_recording_has_several_names(app: Path, name: str) -> None:
    assert "8 exchanges" in await run("recordings", "show", name, app)


async def test_an_unknown_recording_is_told_with_those_there_are(app: Path) -> None:
    shown = await run("recordings", "show", "nope", app, code=1)
    assert "There is no recording 'nope'" in shown
    assert "assistant.a1.json, assistant.b2.json" in shown


async def test_recordings_are_compared(app: Path) -> None:
    assert "They are the same." in await run("recordings", "diff", "a1", "a1", app)
    file = app / "recordings" / "assistant.a1.json"
    older = app / "older.json"
    older.write_text(file.read_text())
    file.write_text(
        file.read_text().replace("You said: Hello", "Hi!").replace("Don't make", "Never make")
    )
    shown = await run("recordings", "diff", older, "a1", app)
    assert "- user: Hello / model: You said: Hello" in shown
    assert "+ user: Hello / model: Hi!" in shown
    assert "instructions" not in shown  # their digest is the same: the file was edited by hand


async def test_a_comparison_names_edited_instructions(app: Path) -> None:
    older = app / "older.json"
    older.write_text((app / "recordings" / "assistant.a1.json").read_text())
    edited = TodoChat(recorder(app / "recordings", "rerecord"), instructions="Be brief.")
    await edited.hold(FIVE_TURNS[:1])
    shown = await run("recordings", "diff", older, "a1", app)
    assert "instructions: now 'Be brief.', recorded 'Don't make" in shown


async def test_what_cannot_be_reached_is_taken_out(app: Path) -> None:
    file = app / "recordings" / "assistant.a1.json"
    value = json.loads(file.read_text())
    orphan = {"id": "x", "parent": "gone", "added": [{"user": "Lost"}], "reply": {"text": "Away"}}
    value["exchanges"].append(orphan)
    file.write_text(json.dumps(value))
    shown = await run("recordings", "prune", "--dry-run", app)
    assert "1 exchanges would go." in shown
    assert "Lost" in file.read_text()
    assert "1 exchanges removed." in await run("recordings", "prune", app)
    assert "Lost" not in file.read_text()
    assert "nothing to take out" in await run("recordings", "prune", app)


async def test_a_recording_becomes_a_script_that_plays_it(app: Path) -> None:
    target = app / "model-script.yaml"
    shown = await run("script", "from", "recording", "a1", "--to", target, app)
    assert "Wrote" in shown
    script = ScriptedBackend(target, otherwise=DeterministicBackend(SystemClock()))
    said = await TodoChat(script).hold(FIVE_TURNS)
    assert said == await TodoChat(recorder(app / "recordings")).hold(FIVE_TURNS)
    again = await run("script", "from", "recording", "a1", "--to", target, app, code=1)
    assert "already" in again


async def test_branches_become_scripts_of_their_own(tmp_path: Path) -> None:
    model = recorder(tmp_path, "record")
    await TodoChat(model).hold(["Hello", "Use {braces} in a {{text}}"])
    await TodoChat(model, add=lambda task: FAILED).hold(["Hello", "Remind me to rest", "any"])
    kept = store(tmp_path)
    kept.refresh()
    recording = kept.get(Scope("assistant", "a1"))
    assert recording is not None
    path = tmp_path / "model-script.yaml"
    path.write_text(script_text(recording))
    script = ScriptedBackend(path, otherwise=DeterministicBackend(SystemClock()))
    assert [chat.name for chat in script.current().chats] == ["a1-1", "a1-2"]
    said = await TodoChat(script).hold(["Hello", "Use {braces} in a {{text}}"])
    assert said[1] == "You said: Use {braces} in a {{text}}"
    failing = TodoChat(script, add=lambda task: FAILED)
    assert (await failing.hold(["Hello", "Remind me to rest", "any"]))[2] == "You said: any"
    other = ChatRequest("m", [{"role": "user", "content": "Hello"}], assistant="other")
    assert (await script.chat(other)).served_by == "deterministic"
