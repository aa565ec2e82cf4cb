"""What the declaration of a post decides: the model, and how it is asked."""

from __future__ import annotations

from typing import Any

import pytest

from bindings.openai.assistants.post import AssistantPost
from emulator.sdk import BindingError
from tests.support.model_service import ModelService
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import TodoAssistant


@pytest.mark.parametrize(
    ("properties", "sent"),
    [
        ({"isReasoningModel": True}, {}),
        ({"isReasoningModel": True, "topP": "0.2"}, {"top_p": 0.2}),
        ({"maxTokens": "", "temperature": "abc", "topP": "0.1"}, {"top_p": 0.1}),
        ({"maxTokens": 7, "temperature": 1}, {"max_tokens": 7, "temperature": 1.0}),
        ({"maxTokens": "7.5", "temperature": "nan"}, {}),
        ({"isReasoningModel": True, "reasoningEffort": "low"}, {"reasoning_effort": "low"}),
        ({"maxTokens": "1_0", "temperature": "1_0"}, {}),
    ],
    ids=str,
)
async def test_options_are_sent_when_they_are_numbers(
    properties: dict[str, Any], sent: dict[str, Any], todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    await todo.post("Hello", binding=todo.bind_post(**properties))
    body = service.requests[0].body
    assert {key: body[key] for key in body if key not in {"model", "messages", "tools"}} == sent


async def test_null_options_are_not_sent(todo: TodoAssistant, service: ModelService) -> None:
    await todo.create()
    binding = todo.host.bind(
        AssistantPost,
        id="a1",
        userMessage="Hello",
        chatModel=None,
        temperature=None,
        maxTokens=None,
    )
    await todo.post("unused", binding=binding)
    [request] = service.requests
    assert "/deployments/gpt-3.5-turbo/" in request.path
    assert {"temperature", "max_tokens"}.isdisjoint(request.body)


@pytest.mark.parametrize(
    ("properties", "deployment"),
    [
        ({"chatModel": "DefaultChatModel"}, "gpt-3.5-turbo"),
        ({"chatModel": None}, "gpt-3.5-turbo"),
        ({"chatModel": "DefaultChatModel", "model": "%CHAT_MODEL_DEPLOYMENT_NAME%"}, "gpt-test"),
        ({"chatModel": None, "model": "m1"}, "m1"),
        ({"chatModel": "new", "model": "old"}, "new"),
    ],
)
async def test_the_model_that_is_meant_is_asked(
    properties: dict[str, Any], deployment: str, todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    await todo.post("Hello", binding=todo.bind_post(**properties))
    assert f"/deployments/{deployment}/" in service.requests[0].path


async def test_two_models_over_one_connection_are_both_asked(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    await todo.post("Hello", binding=todo.bind_post(chatModel="one"))
    await todo.post("Hello", binding=todo.bind_post(chatModel="two"))
    assert ["/one/" in service.requests[0].path, "/two/" in service.requests[1].path] == [True] * 2


def test_a_post_without_user_message_is_in_error_when_loaded(host: OpenAIHost) -> None:
    for properties in ({}, {"userMessage": None}):
        with pytest.raises(BindingError) as caught:
            host.bind(AssistantPost, name="state", id="a1", **properties)
        assert caught.value.message == (
            "Unable to configure binding 'state' of type 'assistantPost'. This may indicate "
            "invalid function.json properties. Can't figure out which ctor to call."
        )
