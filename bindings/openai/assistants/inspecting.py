"""Chats as tests look at them and put them there, apart from any binding.

A seed names assistants by id, each with its messages or with an object:

{"assistants": {"a1": {
  "instructions": "You are …", "collection": "ChatState", "connection": "AzureWebJobsStorage",
  "messages": [
    {"role": "user", "content": "Remind me to buy milk"},
    {"role": "assistant", "tool_calls": [{"name": "AddTodo", "arguments": {"task": "buy milk"},
                                          "result": null}]},
    {"role": "assistant", "content": "Done."}]}}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bindings.openai.assistants.conversation import Stamps
from bindings.openai.assistants.skills import SUCCEEDED, tool_message
from bindings.openai.assistants.state import compact_json, read_tool_calls, write_tool_calls
from bindings.openai.chats.base import Chat, Message, State, check_assistant_id, storable
from bindings.openai.chats.sqlite import stored_collections
from bindings.openai.chats.stores import Storage, embedded_database
from bindings.openai.extension import OpenAIExtension
from bindings.openai.models.base import ToolCall
from bindings.openai.models.outcomes import outcome_of, parse_result
from bindings.openai.options import DEFAULT_COLLECTION
from emulator.sdk import BindingError


class _SeedCall(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    arguments: dict[str, Any] = {}
    result: Any = None


class _SeedMessage(msgspec.Struct, forbid_unknown_fields=True):
    role: str
    content: str = ""
    tool_calls: list[_SeedCall] = []


class _SeedChat(msgspec.Struct, forbid_unknown_fields=True):
    messages: list[_SeedMessage] = []
    instructions: str = ""
    collection: str = DEFAULT_COLLECTION
    connection: str | None = None
    tokens: int = 0


async def show(extension: OpenAIExtension, assistant: str) -> dict[str, Any] | None:
    """Return an assistant of any collection in use as plain JSON values; `None` when there is
    none of that id."""
    kept = await stored_collections(embedded_database(extension.host))
    embedded = [Storage("", name.lower(), name) for name in kept]
    for storage in dict.fromkeys([*extension.storages(), *embedded]):
        chat = await extension.open_store(storage).load(storable(assistant))
        if chat is not None and chat.state.exists:
            return _shown(chat)
    return None


async def seed(extension: OpenAIExtension, content: Any) -> None:
    """Put assistants in, in place of those of the same id."""
    if not isinstance(content, dict):
        raise BindingError(
            'The assistants of the seed are not an object: they are written {"a1": [{"role": '
            '"user", "content": "…"}]}, by their ids.',
            code="seed-invalid",
        )
    try:
        chats = msgspec.convert(
            {
                id: {"messages": given} if isinstance(given, list) else given
                for id, given in content.items()
            },
            dict[str, _SeedChat],
        )
    except msgspec.ValidationError as error:
        raise BindingError(
            f"The assistants of the seed cannot be read: {error}. A message is written "
            '{"role": "user", "content": "…"}.',
            code="seed-invalid",
        ) from error
    for id, given in chats.items():
        check_assistant_id(id)
        stamps = Stamps(extension.host.clock, after=0)
        messages = [
            msgspec.structs.replace(message, number=number, created_at=stamps.next())
            for number, message in enumerate(_messages(id, given), 1)
        ]
        storage = extension.storage(extension.host.settings, given.connection, given.collection)
        now = stamps.next()
        state = State(True, now, now, len(messages), given.tokens)
        await extension.open_store(storage).create(id, state, messages)


def _messages(id: str, chat: _SeedChat) -> Iterator[Message]:
    if chat.instructions:
        yield Message(0, "System", chat.instructions, 0)
    for at, message in enumerate(chat.messages):
        role = message.role.capitalize()
        if role not in {"System", "User", "Assistant"}:
            raise BindingError(
                f"A message of assistant '{id}' has the role '{message.role}'.",
                hint="Roles are system, user and assistant; results stand in 'tool_calls'.",
                code="seed-invalid",
            )
        calls = [
            ToolCall(f"call_seed_{at}_{index}", each.name, json.dumps(each.arguments))
            for index, each in enumerate(message.tool_calls)
        ]
        yield Message(0, role, message.content, 0, tool_calls=write_tool_calls(calls))
        for call, given in zip(calls, message.tool_calls, strict=True):
            result = SUCCEEDED if given.result is None else compact_json(given.result)
            yield Message(0, "Tool", tool_message(call.name, result), 0, name=call.id)


def _shown(chat: Chat) -> dict[str, Any]:
    results = {row.name: row.content for row in chat.messages if row.role == "Tool"}
    return {
        "id": chat.assistant,
        "total_tokens": chat.state.total_tokens,
        "messages": [
            {
                "role": row.role,
                "content": row.content,
                "tool_calls": [_call(call, results) for call in read_tool_calls(row.tool_calls)],
            }
            for row in chat.messages
        ],
    }


def _call(call: ToolCall, results: Mapping[str | None, str]) -> dict[str, Any]:
    outcome = outcome_of(results.get(call.id, ""), call, call.id)
    return {
        "name": call.name,
        "arguments": parse_result(call.arguments or "{}"),
        "result": outcome.value if call.id in results else None,
        "failed": not outcome.succeeded,
    }
