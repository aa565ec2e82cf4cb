"""The text completion binding: asks a model one thing and delivers its answer.

Differences
- An answer without text (filtered, or cut off at once) is delivered as empty text with a warning;
  Azure fails the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bindings.openai.asking import ask
from bindings.openai.assistants.state import compact_json
from bindings.openai.deviations import (
    chat_model_of,
    default_model,
    model_service,
    one_model,
    package,
)
from bindings.openai.extension import OpenAIExtension
from bindings.openai.options import LIBRARY_CHAT_MODEL, ChatModelOptions
from emulator.sdk import BindingError, Call, Datum, Deviation, Input, Resolved


class TextCompletionOptions(ChatModelOptions, frozen=True, kw_only=True):
    prompt: Resolved


class TextCompletion(Input[TextCompletionOptions]):
    type_name = "textCompletion"
    summary = "Delivers a chat model's answer to a prompt, with the tokens it took, as JSON."
    options_type = TextCompletionOptions
    option_aliases = {"model": "chatModel"}
    extension = OpenAIExtension

    def __init__(self, **binding: Any) -> None:
        super().__init__(**binding)
        extension: OpenAIExtension = self.shared
        extension.uses_connection(self, self.options.ai_connection_name)

    def deviations(self) -> Iterable[Deviation]:
        yield from package(self, "aiConnectionName")
        yield from model_service(self.services.settings, self.options.ai_connection_name)
        yield from default_model(self.declared, "chatModel", LIBRARY_CHAT_MODEL)
        yield from one_model(self, "chat", chat_model_of)

    def missing_names(self) -> Sequence[str]:
        extension: OpenAIExtension = self.shared
        return extension.models.missing(self.services.settings, self.options.ai_connection_name)

    async def read(self, call: Call) -> Datum:
        options: TextCompletionOptions = call.options
        if not options.prompt:
            raise BindingError(
                "The prompt must not be empty.",
                hint="Check what the expressions in 'prompt' stand for in this request.",
                code="prompt-empty",
            )
        reply = await ask(
            [{"role": "user", "content": options.prompt}],
            options=options,
            extension=self.shared,
            settings=self.services.settings,
            call=call,
        )
        if not reply.content:
            call.log(
                "Warning", f"The model answered nothing (finish_reason '{reply.finish_reason}')."
            )
        value = {"content": reply.content, "totalTokens": reply.usage.total}
        return Datum("json", compact_json(value))
