"""The sample apps, from outside: create, post, query, skills; kept over a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.serving import FIXTURES, served

APPS = ["assistant", "assistant_v1"]
BASE = "/api/assistants/assistant123"
SINCE = {"timestampUTC": "2023-01-01T00:00:00Z"}


@pytest.fixture
def todos(tmp_path: Path) -> dict[str, str]:
    return {"TODO_FILE": str(tmp_path / "todos.json")}


@pytest.mark.parametrize("app", APPS)
async def test_the_demo_conversation_works_offline(
    app: str, channel: str, todos: dict[str, str]
) -> None:
    async with served(FIXTURES / app, channel=channel, settings=todos) as host:
        created = await host.put(BASE)
        assert (created.status, created.json) == (202, {"assistantId": "assistant123"})
        for message in ("Remind me to call my dad", "Oh, and to take out the trash"):
            answer = await host.post(BASE, params={"message": message})
            assert answer.status == 200
            assert answer.text
        answer = await host.post(BASE, params={"message": "What do I need to do today?"})
        assert "call my dad" in answer.text
        assert "take out the trash" in answer.text
        tasks = [item["task"] for item in json.loads(Path(todos["TODO_FILE"]).read_text())]
        assert tasks == ["call my dad", "take out the trash"]
        chat = (await host.get(BASE, params=SINCE)).json
        roles = [message["role"] for message in chat["recentMessages"]]
        assert roles == ["System", *["User", "Assistant", "Tool", "Assistant"] * 3]
        assert chat["totalMessages"] == 13


@pytest.mark.parametrize("app", APPS)
async def test_the_chat_is_still_there_after_a_restart(
    app: str, channel: str, todos: dict[str, str], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with served(FIXTURES / app, channel=channel, settings=todos, state=state) as host:
        await host.put(BASE)
        await host.post(BASE, params={"message": "Remind me to call my dad"})
        before = (await host.get(BASE, params=SINCE)).json
    async with served(FIXTURES / app, channel=channel, settings=todos, state=state) as host:
        assert (await host.get(BASE, params=SINCE)).json == before
        assert before["totalMessages"] == 5
