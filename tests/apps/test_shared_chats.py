"""Chats in one table of several hosts, and a table service that goes and comes back."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.support.azurite import Azurite, running
from tests.support.serving import FIXTURES, Served, served

APP = FIXTURES / "assistant"
SINCE = {"timestampUTC": "2023-01-01T00:00:00Z"}

HOSTS, ASSISTANTS, POSTS = 2, 5, 10


def settings(azurite: Azurite, folder: Path, name: str = "todos") -> dict[str, str]:
    return {
        "AzureWebJobsStorage": azurite.connection_string(),
        "TODO_FILE": str(folder / f"{name}.json"),
    }


async def chat_of(host: Served, assistant: str) -> dict[str, Any]:
    chat: dict[str, Any] = (await host.get(f"/api/assistants/{assistant}", params=SINCE)).json
    return chat


async def test_hosts_that_post_to_the_same_assistants_lose_and_double_nothing(
    azurite: Azurite, tmp_path: Path
) -> None:
    assistants = [f"shared-{uuid.uuid4().hex}" for _ in range(ASSISTANTS)]

    async def talk(host: Served, who: str, assistant: str) -> None:
        for number in range(POSTS):
            message = f"Remind me to call {who} {number}"
            answer = await host.post(f"/api/assistants/{assistant}", params={"message": message})
            assert (answer.status, answer.text != "") == (200, True), host.printed

    async with (
        served(APP, settings=settings(azurite, tmp_path, "ann")) as one,
        served(APP, settings=settings(azurite, tmp_path, "bob")) as two,
    ):
        hosts = {"Ann": one, "Bob": two}
        for assistant in assistants:
            assert (await one.put(f"/api/assistants/{assistant}")).status == 202
        await asyncio.gather(
            *(talk(host, who, each) for each in assistants for who, host in hosts.items())
        )
        chats = [await chat_of(two, assistant) for assistant in assistants]

    said = sorted(f"Remind me to call {who} {n}" for who in hosts for n in range(POSTS))
    for chat in chats:
        messages = chat["recentMessages"]
        turns = HOSTS * POSTS
        assert sorted(each["content"] for each in messages if each["role"] == "User") == said
        roles = [each["role"] for each in messages]
        assert roles == ["System", *["User", "Assistant", "Tool", "Assistant"] * turns]
        assert chat["totalMessages"] == len(messages) == 1 + 4 * turns


@pytest.mark.parametrize("channel", ["inprocess"])
async def test_a_table_service_that_goes_is_told_and_used_again_when_it_is_back(
    channel: str, tmp_path: Path
) -> None:
    kept = tmp_path / "azurite"
    kept.mkdir()
    path = "/api/assistants/a1"
    with running(kept) as azurite:
        async with served(APP, channel=channel, settings=settings(azurite, tmp_path)) as host:
            await host.until_printed("Chats: table storage '127.0.0.1:")
            assert (await host.put(path)).status == 202
            first = await host.post(path, params={"message": "Remind me to call my dad"})
            assert first.status == 200
            azurite.stop()
            lost = await host.post(path, params={"message": "Remind me to call my mum"})
            assert lost.status == 500
            await host.until_printed("cannot be reached")
            await host.until_printed("Check AzureWebJobsStorage")
            azurite.start()
            again = await host.post(path, params={"message": "Remind me to call my son"})
            assert again.status == 200, host.printed
            chat = await chat_of(host, "a1")
    said = [each["content"] for each in chat["recentMessages"] if each["role"] == "User"]
    assert said == ["Remind me to call my dad", "Remind me to call my son"]
    assert chat["totalMessages"] == 9
