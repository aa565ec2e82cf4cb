"""One question to a chat model, without history and skills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bindings.openai.assistants.conversation import number, whole_number
from bindings.openai.extension import OpenAIExtension
from bindings.openai.models.base import ChatReply, ChatRequest
from bindings.openai.options import ChatModelOptions
from emulator.sdk import Call, SettingsView


async def ask(
    messages: Sequence[Mapping[str, Any]],
    *,
    options: ChatModelOptions,
    extension: OpenAIExtension,
    settings: SettingsView,
    call: Call,
    documents: Sequence[tuple[str, str]] = (),
) -> ChatReply:
    """Ask the model the options name; the call of the model is recorded. `documents` are in the
    messages already."""
    backend = extension.models.backend(settings, options.ai_connection_name)
    reasoning = options.is_reasoning_model
    request = ChatRequest(
        model=options.effective_model(),
        messages=messages,
        temperature=None if reasoning else number(options.temperature),
        top_p=number(options.top_p),
        max_tokens=None if reasoning else whole_number(options.max_tokens),
        function=call.function.name,
        documents=documents,
        tell=lambda text: call.log("Warning", text),
    )
    reply = await extension.models.seen.chat(backend, request, call=call)
    if reply.finish_reason == "length":
        call.log(
            "Warning",
            f"The reply was cut at {options.max_tokens} tokens; set 'maxTokens' of the binding "
            "for longer ones.",
        )
    return reply
