"""Which store keeps the chats of a connection, and what the banner says about it."""

from __future__ import annotations

from typing import Any

import pytest

from bindings.openai.assistants.query import AssistantQuery
from bindings.openai.chats.sqlite import SqliteChatStore
from bindings.openai.chats.tables import TablesChatStore
from bindings.openai.extension import OpenAIExtension
from emulator.sdk import BindingError
from tests.support.azurite import Azurite
from tests.support.chat_tables import raw_table, table_name
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import TodoAssistant

REAL = "DefaultEndpointsProtocol=https;AccountName=Shop;AccountKey=a2V5"


def opened(host: OpenAIHost, connection: str | None = None, collection: str = "ChatState") -> Any:
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    return extension.open_store(extension.storage(host.settings, connection, collection))


def test_development_storage_is_embedded_and_an_account_is_a_table(host: OpenAIHost) -> None:
    host.settings.values |= {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "Own": REAL}
    assert isinstance(opened(host), SqliteChatStore)
    assert isinstance(opened(host, "Own"), TablesChatStore)


def test_there_is_one_client_for_each_connection_and_collection(host: OpenAIHost) -> None:
    host.settings.values |= {"Own": REAL, "Other": REAL.replace("Shop", "Mill")}
    stores = [
        opened(host, connection, collection)
        for connection in ("Own", "Other")
        for collection in ("ChatState", "Bots")
    ]
    assert len({id(each) for each in stores}) == 4
    assert opened(host, "Own", "chatstate") is stores[0]
    host.settings.values["Own"] = REAL.replace("a2V5", "bmV3")
    assert opened(host, "Own") is not stores[0]


async def test_the_bindings_keep_their_chats_in_the_table_of_the_collection(
    host: OpenAIHost, azurite: Azurite
) -> None:
    name = table_name()
    host.settings.values["Own"] = azurite.connection_string()
    todo = TodoAssistant(host)
    todo.add_skills()
    where = {"chatStorageConnectionSetting": "Own", "collectionName": name}
    await host.write(todo.create_binding, {"id": "a1", "instructions": "Be nice", **where})
    await todo.post("Remind me to call my dad", binding=todo.bind_post(**where))
    query = host.bind(AssistantQuery, id="a1", **where)
    assert (await host.read(query))["totalMessages"] == 5
    async with raw_table(azurite, name) as table:
        kept = [each async for each in table.list_entities()]
    assert [each["RowKey"] for each in kept] == [f"msg-000{n}" for n in range(1, 6)] + ["state"]
    assert [each["Role"] for each in kept[:-1]] == [
        "System",
        "User",
        "Assistant",
        "Tool",
        "Assistant",
    ]


def test_the_banner_tells_of_tables_and_nothing_of_the_embedded_store(host: OpenAIHost) -> None:
    host.settings.values |= {"Own": REAL, "Broken": "shop"}
    bindings = [
        host.bind(AssistantQuery, id="a1", chatStorageConnectionSetting=each)
        for each in ("Own", "Own", "Broken", "%NAME_OF_A_SETTING%", "AzureWebJobsStorage")
    ]
    lines = host.extension(OpenAIExtension).banner()
    assert lines[1:] == (
        "Chats: table storage 'shop' (key from Own, local.settings.json)",
        "Chats: none: The setting 'Broken' is not the connection string of a storage account.",
    )
    assert len(bindings) == 5


async def test_a_connection_that_is_none_fails_the_call(host: OpenAIHost) -> None:
    host.settings.values["Broken"] = "shop"
    query = host.bind(AssistantQuery, id="a1", chatStorageConnectionSetting="Broken")
    with pytest.raises(BindingError, match="'Broken' is not the connection string"):
        await host.read(query)
