"""The create binding: makes an assistant, or resets it, from the value the function sets.

Differences
- An empty id and an id that Table storage cannot hold are refused with a reason.
- What the value lacks may stand in the binding: `id`, `instructions`, `collectionName`,
  `chatStorageConnectionSetting`. Azure reads the value only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bindings.openai.chats.base import (
    COLUMN_LIMIT,
    Message,
    State,
    check_assistant_id,
    storable,
    ticks,
    utf16_length,
)
from bindings.openai.deviations import given, package
from bindings.openai.extension import OpenAIExtension
from bindings.openai.options import DEFAULT_INSTRUCTIONS, AssistantCreateOptions
from emulator.sdk import (
    BindingError,
    Call,
    Datum,
    Deviation,
    Output,
    items,
    json_datum,
    to_json,
    to_text,
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    id: str
    instructions: str | None
    connection: str | None
    collection: str


_VALUE_PROPERTIES = ("id", "instructions", "chatStorageConnectionSetting", "collectionName")


class AssistantCreate(Output[AssistantCreateOptions]):
    type_name = "assistantCreate"
    summary = "Creates an assistant with the id and instructions the function sets."
    options_type = AssistantCreateOptions
    extension = OpenAIExtension
    sample = json_datum({"id": "assistant123", "instructions": DEFAULT_INSTRUCTIONS})

    def deviations(self) -> Iterable[Deviation]:
        yield from package(self)
        properties = [name for name in _VALUE_PROPERTIES if given(self.declared, name) is not None]
        if properties:
            yield Deviation(
                "assistant-create-properties",
                f"The binding '{self.declared.name}' has {', '.join(properties)}, which count "
                "where the value the function sets lacks them",
                azure="They are ignored: only the value counts.",
                hint="Put them into the value the function sets.",
            )

    def __init__(self, **binding: Any) -> None:
        super().__init__(**binding)
        extension: OpenAIExtension = self.shared
        extension.uses_storage(self, self.options.chat_storage_connection_setting)

    async def write(self, call: Call, value: Datum) -> None:
        if value.kind == "bytes":
            value = Datum("text", to_text(value))
        for item in items(value):
            if not item.is_none:
                await self._create(call, _wanted(item, call.options))

    async def _create(self, call: Call, wanted: _Wanted) -> None:
        check_assistant_id(wanted.id)
        instructions = storable(wanted.instructions or "")
        if utf16_length(instructions) > COLUMN_LIMIT:
            raise BindingError(
                f"The instructions of assistant '{wanted.id}' are longer than {COLUMN_LIMIT:,} "
                "characters, which Table storage does not hold."
            )
        call.log(
            "Information",
            f'[{wanted.id}] Creating new chat session with instructions = "{instructions}"',
        )
        extension: OpenAIExtension = self.shared
        key = extension.storage(self.services.settings, wanted.connection, wanted.collection)
        store = extension.open_store(key)
        async with extension.turns.hold((key, wanted.id), call):
            now = ticks(extension.host.clock.now())
            messages = [Message(1, "System", instructions, now)] if instructions.strip() else []
            removed = await store.create(
                wanted.id, State(True, now, now, len(messages), 0), messages
            )
        if removed:
            call.log("Information", f"Deleting {removed} record(s) for assistant '{wanted.id}'.")
        call.log("Information", f"Created assistant '{wanted.id}'")


def _wanted(item: Datum, options: AssistantCreateOptions) -> _Wanted:
    given = _members(item)
    if not given.get("id") and not options.id:
        has = ", ".join(f"'{name}'" for name in given) or "nothing"
        raise BindingError(
            "The assistant ID must be specified.",
            hint=f"It is the 'id' of the value the function sets, which has {has}.",
        )
    instructions = given.get(
        "instructions",
        DEFAULT_INSTRUCTIONS if options.instructions is None else options.instructions,
    )
    return _Wanted(
        id=_text("id", given.get("id") or options.id),
        instructions=None if instructions is None else _text("instructions", instructions),
        connection=given.get("chatstorageconnectionsetting")
        or options.chat_storage_connection_setting,
        collection=_text("collectionName", given.get("collectionname", options.collection_name)),
    )


def _members(item: Datum) -> Mapping[str, Any]:
    try:
        value = to_json(item)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        shown = str(item.value)[:60]
        raise BindingError(
            f"An assistant cannot be created from {shown!r}: the value is not a JSON object.",
            hint='Set something like {"id": "assistant123", "instructions": "You are …"}.',
            code="assistant-value-invalid",
        )
    return {key.lower(): member for key, member in value.items()}


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return str(value)
    raise BindingError(
        f"The property '{name}' of an assistant should be text, but is {value!r}.",
        code="assistant-value-invalid",
    )
