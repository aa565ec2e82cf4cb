"""`funcemu state`, `chats`, `invocations`."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.commands import Done, funcemu
from tests.support.patience import PATIENCE
from tests.support.serving import FIXTURES, served

HIDDEN = shutil.ignore_patterns(".*")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An assistant that was created, reminded of something, and asked badly once."""
    root = tmp_path_factory.mktemp("app")
    shutil.copytree(FIXTURES / "assistant", root, dirs_exist_ok=True, ignore=HIDDEN)
    call(root, "CreateAssistant", "a1")
    call(root, "PostUserQuery", "a1", "-q", "message=Remind me to call my dad")
    call(root, "GetChatState", "a1")
    return root


def call(app: Path, function: str, assistant: str, *more: str) -> Done:
    path = f"/api/assistants/{assistant}"
    settings = {"TODO_FILE": str(app / "todos.json"), "MY_SECRET": "call my dad"}
    return funcemu("call", function, app, "--path", path, *more, settings=settings)


def copy(app: Path, to: Path) -> Path:
    return Path(shutil.copytree(app, to / "copy"))


def test_calls_are_listed_newest_first_with_what_they_called(app: Path) -> None:
    lines = funcemu("invocations", app).out.splitlines()
    assert len(lines) == 4
    assert "GetChatState" in lines[0]
    assert "failed" in lines[0]
    assert "PostUserQuery" in lines[1]
    assert "POST /api/assistants/a1" in lines[1]
    assert "↳ AddTodo" in lines[2]
    assert "CreateAssistant" in lines[3]


def test_a_call_is_shown_in_full_by_the_beginning_of_its_id(app: Path) -> None:
    entries = funcemu("invocations", app, "--output", "json", "--function", "PostUserQuery").json
    (entry,) = entries
    assert entry["outcome"] == "succeeded"
    assert [each["name"] for each in entry["activities"]] == ["model-call", "model-call"]
    full = funcemu("invocations", entry["id"][:8], app).out
    assert f"id       {entry['id']}" in full
    assert "called   AddTodo" in full
    assert "openai: model-call" in full
    nested = funcemu("invocations", entry["id"], app, "--output", "json").json
    assert [each["function"] for each in nested["calls"]] == ["AddTodo"]


def test_secrets_are_masked_in_the_journal(app: Path) -> None:
    everything = funcemu("invocations", app, "--output", "json").out
    assert "call my dad" not in everything
    assert "*****" in everything
    assert b"call my dad" not in (app / ".funcemu" / "journal.db").read_bytes()


def test_failed_calls_show_their_error(app: Path) -> None:
    (entry,) = funcemu("invocations", app, "--failed", "--output", "json").json
    assert entry["error"]["type"] == "ExpressionError"
    assert "timestampUTC" in funcemu("invocations", entry["id"], app).out


def test_an_unknown_id_is_told(app: Path) -> None:
    done = funcemu("invocations", "zzz", app)
    assert done.code == 1
    assert "No call is remembered whose ID begins with 'zzz'." in done.err


def test_an_app_that_was_never_called_has_no_journal(tmp_path: Path) -> None:
    assert funcemu("invocations", tmp_path).out == "No call is remembered.\n"
    assert list(tmp_path.iterdir()) == []


async def test_a_running_host_can_be_asked_what_it_did(app: Path, tmp_path: Path) -> None:
    root = copy(app, tmp_path)
    async with served(root, state=root / ".funcemu") as host:
        await host.put("/api/assistants/b2")
        async with asyncio.timeout(PATIENCE):
            while True:
                done = await asyncio.to_thread(funcemu, "invocations", root)
                if "PUT /api/assistants/b2" in done.out:
                    break


def test_assistants_are_listed_and_their_chats_shown(app: Path) -> None:
    (entry,) = funcemu("chats", app, "--output", "json").json
    assert (entry["id"], entry["totalMessages"]) == ("a1", 5)
    assert funcemu("chats", app).out.startswith("a1 ")
    chat = funcemu("chats", "a1", app).out
    assert "] user " in chat
    assert "  Remind me to call my dad" in chat
    assert "→ AddTodo(" in chat
    assert funcemu("chats", "a1", app, "--output", "json").json["exists"] is True


def test_a_chat_that_does_not_exist_names_those_that_do(app: Path) -> None:
    done = funcemu("chats", "A1", app)
    assert done.code == 1
    assert "There is no chat of an assistant 'A1'." in done.err
    assert "Assistants: a1." in done.err


def test_a_chat_is_deleted(app: Path, tmp_path: Path) -> None:
    root = copy(app, tmp_path)
    assert funcemu("chats", "a1", root, "--delete").code == 0
    assert funcemu("chats", root).out == "No assistant has a chat.\n"
    assert funcemu("chats", "a1", root, "--delete").code == 1
    assert funcemu("chats", root, "--delete").code == 2


def test_to_look_for_chats_leaves_no_trace(tmp_path: Path) -> None:
    assert funcemu("chats", tmp_path).out == "No assistant has a chat.\n"
    assert list(tmp_path.iterdir()) == []


def test_state_goes_into_a_file_and_back(app: Path, tmp_path: Path) -> None:
    root, file = copy(app, tmp_path), tmp_path / "state.zip"
    done = funcemu("state", "export", file, root)
    assert "openai-chats.db" in done.out
    assert funcemu("state", "reset", root, "--all").out.startswith("Deleted ")
    assert funcemu("chats", root).out == "No assistant has a chat.\n"
    assert "openai-chats.db" in funcemu("state", "import", file, root).out
    assert funcemu("chats", root).out.startswith("a1 ")
    again = funcemu("state", "import", file, root)
    assert again.code == 1
    assert "--force" in again.err
    assert funcemu("state", "import", file, root, "--force").code == 0


def test_only_chats_are_reset_when_asked(app: Path, tmp_path: Path) -> None:
    root = copy(app, tmp_path)
    assert funcemu("state", "reset", root, "--chats").out == "Deleted openai-chats.db\n"
    assert (root / ".funcemu" / "journal.db").exists()
    assert funcemu("state", "reset", root, "--keys").out == "There was nothing to delete.\n"


def test_keys_survive_a_reset_and_leave_only_when_asked(app: Path, tmp_path: Path) -> None:
    root, file = copy(app, tmp_path), tmp_path / "state.zip"
    keys = root / ".funcemu" / "keys" / "host.json"
    keys.parent.mkdir()
    keys.write_text("{}", "utf-8")
    assert "keys/host.json" not in funcemu("state", "export", file, root).out
    funcemu("state", "reset", root)
    assert keys.exists()
    assert "keys/host.json" in funcemu("state", "export", file, root, "--keys").out
    funcemu("state", "reset", root, "--keys")
    assert not keys.exists()


async def test_state_in_use_is_not_touched(app: Path, tmp_path: Path) -> None:
    root, file = copy(app, tmp_path), tmp_path / "state.zip"
    async with served(root, state=root / ".funcemu") as host:
        done = await asyncio.to_thread(funcemu, "state", "reset", root, "--all")
        assert done.code == 1
        assert f"A host is using the state in {root}/.funcemu" in done.err
        assert host.url in done.err
        assert (await asyncio.to_thread(funcemu, "state", "export", file, root)).code == 0
        assert (await asyncio.to_thread(funcemu, "state", "import", file, root)).code == 1
    assert funcemu("state", "reset", root, "--all").code == 0


def test_a_folder_that_does_not_exist_is_told() -> None:
    for command in (("state", "reset"), ("settings", "list"), ("chats",)):
        done = funcemu(*command, "/nowhere/app")
        assert done.code == 1
        assert "/nowhere/app" in done.err


def test_nothing_that_a_request_said_moves_the_cursor_later(tmp_path: Path) -> None:
    root = Path(shutil.copytree(FIXTURES / "assistant", tmp_path / "app", ignore=HIDDEN))
    call(root, "CreateAssistant", "a%E2%80%AEx")
    call(root, "PostUserQuery", "a%E2%80%AEx", "-q", "message=Hi \x1b]0;title\x07\u202e there")
    [chat] = funcemu("chats", root, "--output", "json").json
    assert chat["id"] == "a\u202ex"
    entries = funcemu("invocations", root, "--output", "json").json
    for command in (
        ("chats", chat["id"]),
        ("chats",),
        ("invocations",),
        ("invocations", entries[0]["id"]),
    ):
        for more in (), ("--output", "json"):
            told = funcemu(*command, root, *more).out
            assert told.replace("\n", "").isprintable(), ascii(told)
    refused = funcemu("chats", "nobody", root)
    assert refused.code == 1
    assert refused.err.replace("\n", "").isprintable(), ascii(refused.err)


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="file locks are posix here")
