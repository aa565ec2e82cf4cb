"""The post binding: says something to an assistant and runs the skills its model asks for.

Differences
- Posts to one assistant wait for each other, and a post runs before a query of the same call.
  On Azure two posts at once lose one of them.
- When the limit of function calls is reached, each call left is answered in the chat and the model
  is asked for a last word; Azure leaves a chat that the model service refuses from then on.
- Arguments that are not valid JSON, and chats of versions before 0.19, do not make an assistant
  unusable.
- Direction `out` works. With `userMessage` in the binding the message is posted before the
  function runs and the state is delivered, as with `in`; what the function sets is posted after
  it. Without, only what the function sets is posted (the form before 0.15).
- `reasoningEffort` is sent to the model when it is set; Azure's binding has no such property.
- Results longer than a column of Table storage holds are shortened, with a note, arguments of
  calls are left out, and of more calls in one reply than a column holds (about 350) the first are
  taken; Azure loses the turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as changed

from bindings.openai.assistants.conversation import Conversation, Stamps
from bindings.openai.assistants.skills import skills_by_name
from bindings.openai.assistants.state import AssistantState
from bindings.openai.chats.base import (
    COLUMN_LIMIT,
    Chat,
    ChatConflict,
    ChatStore,
    Message,
    State,
    storable,
    utf16_length,
)
from bindings.openai.deviations import (
    chat_model_of,
    chat_place,
    chat_storage,
    default_model,
    given,
    model_service,
    one_model,
    one_place,
    package,
)
from bindings.openai.extension import OpenAIExtension
from bindings.openai.options import LIBRARY_CHAT_MODEL, AssistantPostOptions
from emulator.sdk import (
    BindingError,
    Call,
    Datum,
    Deviation,
    EmulatorError,
    Input,
    Output,
    items,
    json_datum,
    to_json,
    to_text,
)

# Each conflict means that another process got on, so this is how many may be ahead of us.
_SAVE_ATTEMPTS = 20


class AssistantPost(Input[AssistantPostOptions], Output[AssistantPostOptions]):
    type_name = "assistantPost"
    summary = "Posts a message to an assistant and delivers its answer with the state, as JSON."
    options_type = AssistantPostOptions
    option_aliases = {"model": "chatModel"}
    extension = OpenAIExtension
    sample = json_datum({"userMessage": "Remind me to call my dad"})

    def __init__(self, **binding: Any) -> None:
        super().__init__(**binding)
        self._has_message = self._declares("userMessage")
        if self.declared.direction == "in" and not self._has_message:
            raise BindingError(
                f"Unable to configure binding '{self.declared.name}' of type "
                f"'{self.declared.type}'. This may indicate invalid function.json properties. "
                "Can't figure out which ctor to call.",
                hint="Its property 'userMessage' is required.",
                code="binding-options-invalid",
            )
        extension: OpenAIExtension = self.shared
        extension.uses_connection(self, self.options.ai_connection_name)
        extension.uses_storage(self, self.options.chat_storage_connection_setting)

    def missing_names(self) -> Sequence[str]:
        extension: OpenAIExtension = self.shared
        name = self.options.ai_connection_name
        return extension.models.missing(self.services.settings, name)

    def deviations(self) -> Iterable[Deviation]:
        settings = self.services.settings
        yield from package(self, "aiConnectionName", "chatStorageConnectionSetting")
        yield from model_service(settings, self.options.ai_connection_name)
        yield from default_model(self.declared, "chatModel", LIBRARY_CHAT_MODEL)
        yield from one_model(self, "chat", chat_model_of)
        yield from chat_storage(settings, self.options.chat_storage_connection_setting)
        yield from one_place(self, "chats", chat_place)
        if self.declared.direction == "out":
            yield _posts_as_output(self.declared.name, has_message=self._has_message)

    def reads(self) -> bool:
        return self._has_message

    def writes(self) -> bool:
        return self.declared.direction == "out"

    async def read(self, call: Call) -> Datum:
        options: AssistantPostOptions = call.options
        state = await self._post(call, options.id, options.user_message or "")
        return Datum("json", state.to_json())

    async def write(self, call: Call, value: Datum) -> None:
        if value.kind == "bytes":
            value = Datum("text", to_text(value))
        for item in items(value):
            assistant, message = _said(item)
            if message is None and self._has_message:
                continue  # the binding's own message is posted already
            await self._post(call, assistant or call.options.id, message or "")

    def _declares(self, name: str) -> bool:
        return given(self.declared, name) is not None

    async def _post(self, call: Call, assistant: str, message: str) -> AssistantState:
        _check(assistant, message)
        call.log("Information", f"Posting message to assistant '{assistant}': {message}")
        options: AssistantPostOptions = call.options
        extension: OpenAIExtension = self.shared
        settings = self.services.settings
        storage = extension.storage(
            settings, options.chat_storage_connection_setting, options.collection_name
        )
        store = extension.open_store(storage)
        async with extension.turns.hold((storage, assistant), call):
            chat = await store.load(storable(assistant))
            if chat is None or not chat.state.exists:
                call.log(
                    "Warning",
                    f"[{assistant}] Ignoring request sent to nonexistent assistant. "
                    "Create it first, with a function that has an assistantCreate output.",
                )
                return AssistantState(assistant)
            conversation = Conversation(
                call=call,
                chat=chat,
                host=extension.host,
                settings=settings,
                backend=extension.models.backend(settings, options.ai_connection_name),
                skills=skills_by_name(self.services),
                seen=extension.models.seen,
                replayed=lambda wanted: extension.models.skill_result(
                    settings, options.ai_connection_name, wanted
                ),
            )
            await conversation.run(message)
            try:
                state, added = await _save(store, chat, conversation)
            except EmulatorError:
                conversation.lost()
                raise
        call.log("Information", f"[{assistant}] Chat length is now {state.total_messages} messages")
        return AssistantState(assistant, state, _answers(added, settings))


def _posts_as_output(name: str, *, has_message: bool) -> Deviation:
    if has_message:
        message = f"The binding '{name}' has the direction 'out', and posts before the function"
        azure = (
            "Nothing is posted before the function, and a value it sets fails the call: Can't "
            "bind AssistantPost to type 'Microsoft.Azure.WebJobs.IAsyncCollector`1[System.String]'."
        )
    else:
        message = f"The binding '{name}' has the direction 'out', and posts what the function sets"
        azure = "The function is in error, as the property 'userMessage' is required."
    return Deviation(
        "assistant-post-out",
        message,
        azure=azure,
        hint="Use the direction 'in' with 'userMessage'; the answer is the parameter's value.",
    )


def _answers(messages: Sequence[Message], settings: Any) -> list[Message]:
    """Return what the assistant said: also the entries that hold nothing but calls, as on Azure."""
    only_text = (settings.get("FUNCEMU_ASSISTANT_DROP_EMPTY_MESSAGES") or "").lower() == "true"
    return [
        message
        for message in messages
        if message.role == "Assistant" and (message.content.strip() or not only_text)
    ]


def _check(assistant: str, message: str) -> None:
    if not assistant:
        raise BindingError("The assistant ID must be specified.")
    if not message:
        raise BindingError("The assistant must have a user message")
    if utf16_length(message) > COLUMN_LIMIT:
        raise BindingError(
            f"The message to assistant '{assistant}' is longer than {COLUMN_LIMIT:,} characters, "
            "which Table storage does not hold."
        )


def _said(item: Datum) -> tuple[str, str | None]:
    """Return the assistant's id (empty: the binding's) and the message of a value a function set;
    `None` when it has no message."""
    if item.is_none:
        return "", None
    try:
        value = to_json(item)
    except ValueError:
        return "", to_text(item)
    if value is None:
        return "", None
    if not isinstance(value, dict):
        return "", value if isinstance(value, str) else to_text(item)
    members = {key.lower(): member for key, member in value.items()}
    message = members.get("usermessage")
    return str(members.get("id") or ""), None if message in (None, "") else str(message)


async def _save(
    store: ChatStore, chat: Chat, conversation: Conversation
) -> tuple[State, Sequence[Message]]:
    """Store the turn as a whole. When another process wrote meanwhile, go behind what it wrote."""
    messages = conversation.new
    stamps = conversation.stamps
    for _ in range(_SAVE_ATTEMPTS):
        numbered = [
            changed(message, number=number)
            for number, message in enumerate(messages, chat.next_number)
        ]
        state = replace(
            chat.state,
            last_updated_at=stamps.next(),
            total_messages=len(chat.messages) + len(numbered),
            total_tokens=conversation.total_tokens,
        )
        try:
            await store.append(chat.assistant, numbered, state, version=chat.version)
        except ChatConflict:
            chat = await _reload(store, chat)
            stamps = Stamps(stamps.clock, after=chat.state.last_updated_at)
            messages = [changed(message, created_at=stamps.next()) for message in messages]
            continue
        return state, numbered
    raise BindingError(
        f"The chat of assistant '{chat.assistant}' could not be stored: another process kept "
        "writing it.",
        hint="Nothing of this turn was stored; post again.",
        code="chat-conflict",
    )


async def _reload(store: ChatStore, chat: Chat) -> Chat:
    newer = await store.load(chat.assistant)
    if newer is None or newer.state.created_at != chat.state.created_at:
        raise BindingError(
            f"The assistant '{chat.assistant}' was created anew or deleted by another process "
            "while this message was answered.",
            hint="Nothing of this turn was stored; post again.",
            code="chat-conflict",
        )
    return newer
