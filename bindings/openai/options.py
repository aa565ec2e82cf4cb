"""What each binding type is configured with: one struct per type, Azure's names and defaults."""

from __future__ import annotations

from emulator.sdk import Options, Resolved, SettingText

DEFAULT_CHAT_MODEL = "gpt-3.5-turbo"
DEFAULT_COLLECTION = "ChatState"
DEFAULT_INSTRUCTIONS = "You are a helpful assistant."

# The Python library's decorators serialize the member name of an enum instead of its value
# (azure-functions 1.24 to 1.26).
LIBRARY_CHAT_MODEL = "DefaultChatModel"


class AssistantCreateOptions(Options, frozen=True, kw_only=True):
    """Azure reads all of this from the value the function sets; the pages of its documentation
    list them as binding properties, so they serve as fallbacks here."""

    id: Resolved = ""
    instructions: str | None = None
    chat_storage_connection_setting: SettingText | None = None
    collection_name: Resolved = DEFAULT_COLLECTION


class ChatModelOptions(Options, frozen=True, kw_only=True):
    """How a chat model is asked; numbers are text because expressions may stand for them."""

    chat_model: Resolved | None = DEFAULT_CHAT_MODEL
    model: Resolved | None = None
    """The name of `chat_model` before 0.19, which library versions still send beside the new."""
    ai_connection_name: SettingText = ""
    temperature: Resolved | None = "0.5"
    top_p: Resolved | None = None
    max_tokens: Resolved | None = "100"
    is_reasoning_model: bool = False

    def effective_model(self) -> str:
        """Return the model or deployment to ask."""
        if self.chat_model is None or self.chat_model == LIBRARY_CHAT_MODEL:
            return self.model or DEFAULT_CHAT_MODEL
        return self.chat_model


class AssistantPostOptions(ChatModelOptions, frozen=True, kw_only=True):
    id: Resolved
    user_message: Resolved | None = None
    reasoning_effort: Resolved | None = None
    """Not a property of Azure's, which offers no way to set it."""
    chat_storage_connection_setting: SettingText | None = None
    collection_name: Resolved = DEFAULT_COLLECTION


class AssistantQueryOptions(Options, frozen=True, kw_only=True):
    id: Resolved
    timestamp_utc: Resolved = ""
    chat_storage_connection_setting: SettingText | None = None
    collection_name: Resolved = DEFAULT_COLLECTION


class AssistantSkillTriggerOptions(Options, frozen=True, kw_only=True):
    function_description: str
    function_name: SettingText | None = None
    parameter_description_json: str | None = None
    cardinality: str = "one"
    """`many` makes the parameter a list, in what the model is told."""
