"""The to-do sample's bindings over a fake host: create, post, query and two skills."""

from __future__ import annotations

import json
from typing import Any

from bindings.openai.assistants.create import AssistantCreate
from bindings.openai.assistants.post import AssistantPost
from bindings.openai.assistants.query import AssistantQuery
from bindings.openai.chats.base import Chat, ChatStore
from bindings.openai.extension import OpenAIExtension, Storage
from tests.support.model_service import ModelService
from tests.support.openai_host import Handler, OpenAIHost

SUCCEEDED = (
    "Function Name: 'AddTodo' and Function Result: 'The function call succeeded. "
    "Let the user know that you completed the action.'"
)
ADD = ("call_1", "AddTodo", '{"taskDescription":"Call my dad"}')


class TodoAssistant:
    """`todos` is what the skills work on; `add` and `get` are what they run."""

    def __init__(self, host: OpenAIHost, service: ModelService | None = None) -> None:
        self.host = host
        self.todos: list[dict[str, str]] = []
        if service is not None:
            host.settings.values |= {
                "AZURE_OPENAI_ENDPOINT": service.url,
                "AZURE_OPENAI_KEY": "k",
                "CHAT_MODEL_DEPLOYMENT_NAME": "gpt-test",
                "FUNCEMU_MODEL_RETRY_DELAY": "0",
            }
        else:
            host.settings.values.setdefault("CHAT_MODEL_DEPLOYMENT_NAME", "gpt-test")
        self.create_binding = host.bind(
            AssistantCreate, function="CreateAssistant", name="requests", direction="out"
        )
        self.post_binding = self.bind_post()
        self.query_binding = host.bind(
            AssistantQuery,
            function="GetChatState",
            name="state",
            id="{assistantId}",
            timestampUtc="{Query.timestampUTC}",
            chatStorageConnectionSetting="AzureWebJobsStorage",
        )

    def bind_post(self, **properties: Any) -> Any:
        """Bind a post as the sample does; `None` leaves a property out."""
        values = {
            "id": "{assistantId}",
            "userMessage": "{Query.message}",
            "chatModel": "%CHAT_MODEL_DEPLOYMENT_NAME%",
            **properties,
        }
        direction = values.pop("direction", "in")
        return self.host.bind(
            AssistantPost,
            function="PostUserQuery",
            name="state",
            direction=direction,
            **{key: value for key, value in values.items() if value is not None},
        )

    def add_skills(self, add: Handler | None = None, get: Handler | None = None) -> None:
        def add_todo(task: str) -> None:
            self.todos.append({"id": str(len(self.todos) + 1), "task": task})

        self.host.skill(
            "AddTodo", "Create a new todo task", add or add_todo, parameter="taskDescription"
        )
        self.host.skill(
            "GetTodos",
            "Fetch the list of previously created todo tasks",
            get or (lambda ignored: json.dumps(self.todos)),
            parameter="inputIgnored",
        )

    async def create(self, assistant: str = "a1", instructions: str = "Be nice") -> None:
        value = json.dumps({"id": assistant, "instructions": instructions})
        await self.host.write(self.create_binding, value)

    async def post(
        self, message: str, assistant: str = "a1", *, binding: Any = None, **how: Any
    ) -> Any:
        data = {"assistantId": assistant, "Query": {"message": message}}
        return await self.host.read(binding or self.post_binding, data, **how)

    async def query(self, timestamp: str = "2023-01-01T00:00:00Z", assistant: str = "a1") -> Any:
        data = {"assistantId": assistant, "Query": {"timestampUTC": timestamp}}
        return await self.host.read(self.query_binding, data)

    @property
    def store(self) -> ChatStore:
        extension: OpenAIExtension = self.host.extension(OpenAIExtension)
        return extension.open_store(Storage("", "chatstate"))

    async def chat(self, assistant: str = "a1") -> Chat:
        chat = await self.store.load(assistant)
        assert chat is not None
        return chat

    async def rows(self, assistant: str = "a1") -> list[tuple[str, str, str]]:
        """Return row key, role and content of every message."""
        messages = (await self.chat(assistant)).messages
        return [(each.row_key, each.role, each.content) for each in messages]
