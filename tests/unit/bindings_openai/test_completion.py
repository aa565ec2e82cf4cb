"""Asking a model one thing: what is sent, what is delivered."""

from __future__ import annotations

from typing import Any

import pytest

from bindings.openai.completion import TextCompletion
from emulator.sdk import BindingError
from tests.support.model_service import ModelService, chat, failure
from tests.support.openai_host import OpenAIHost
from tests.support.retrieval import (
    bind_embeddings,
    bind_search,
    bind_store,
    connect,
    delivered,
    golden,
)


def _bind(host: OpenAIHost, **properties: Any) -> Any:
    values = {"prompt": "Who is {name}?", **properties}
    return host.bind(TextCompletion, function="whois", name="response", **values)


async def test_the_answer_is_delivered_with_its_tokens(
    host: OpenAIHost, service: ModelService
) -> None:
    connect(host, service)
    service.reply(chat('Pikachu is an "Electric-type" Pokémon.', total=123))
    text = await delivered(host, _bind(host), name="pikachu")
    assert text == golden("text_completion.json")
    [request] = service.requests
    assert request.path == "/openai/deployments/gpt-3.5-turbo/chat/completions"
    assert request.body == {
        "model": "gpt-3.5-turbo",
        "messages": [{"role": "user", "content": "Who is pikachu?"}],
        "temperature": 0.5,
        "max_tokens": 100,
    }


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"chatModel": "%MODEL%"}, {"model": "gpt-test"}, id="setting"),
        pytest.param({"chatModel": "DefaultChatModel"}, {"model": "gpt-3.5-turbo"}, id="library"),
        pytest.param({"model": "old"}, {"model": "old"}, id="name before 0.19"),
        pytest.param(
            {"chatModel": "DefaultChatModel", "model": "old"}, {"model": "old"}, id="both names"
        ),
        pytest.param({"maxTokens": 7, "temperature": ""}, {"max_tokens": 7}, id="numbers"),
        pytest.param({"topP": "0.1", "maxTokens": ""}, {"top_p": 0.1}, id="top_p"),
        pytest.param({"isReasoningModel": True}, {}, id="reasoning"),
    ],
)
async def test_options_are_sent_as_azure_does(
    host: OpenAIHost, service: ModelService, properties: dict[str, Any], expected: dict[str, Any]
) -> None:
    connect(host, service)
    host.settings.values["MODEL"] = "gpt-test"
    await delivered(host, _bind(host, **properties), name="x")
    body = service.requests[0].body
    limits = {"temperature", "top_p", "max_tokens"}
    assert {key: body[key] for key in expected} == expected
    if properties.get("isReasoningModel"):
        assert not limits & set(body)
    if properties.get("maxTokens") == "":
        assert limits & set(body) == {"temperature", "top_p"}


async def test_braces_in_what_was_said_stay_as_they_are(
    host: OpenAIHost, service: ModelService
) -> None:
    connect(host, service)
    await delivered(host, _bind(host), name="{x} %y%")
    assert service.requests[0].messages[0]["content"] == "Who is {x} %y%?"


async def test_an_empty_prompt_is_refused(host: OpenAIHost) -> None:
    with pytest.raises(BindingError, match=r"^The prompt must not be empty\.$"):
        await delivered(host, _bind(host, prompt="{name}"), name="")


async def test_an_answer_without_text_is_delivered_empty_with_a_warning(
    host: OpenAIHost, service: ModelService
) -> None:
    connect(host, service)
    service.reply(chat(None, finish_reason="content_filter"))
    text = await delivered(host, _bind(host), name="x")
    assert text == '{"content":"","totalTokens":42}'
    assert host.messages("Warning") == [
        "The model answered nothing (finish_reason 'content_filter')."
    ]


async def test_a_cut_answer_is_told(host: OpenAIHost, service: ModelService) -> None:
    connect(host, service)
    service.reply(chat("Pika", finish_reason="length"))
    await delivered(host, _bind(host), name="x")
    assert host.messages("Warning") == [
        "The reply was cut at 100 tokens; set 'maxTokens' of the binding for longer ones."
    ]


async def test_calls_of_the_model_are_recorded(host: OpenAIHost, service: ModelService) -> None:
    connect(host, service)
    await delivered(host, _bind(host), name="x")
    service.reply(failure(400, "bad"))
    with pytest.raises(BindingError, match="The model service answered 400: bad"):
        await delivered(host, _bind(host), name="x")
    [(source, kind, good), (_, _, bad)] = host.records
    assert (source, kind) == ("openai", "model-call")
    assert good["backend"] == "azure-openai"
    assert (good["function"], good["model"], good["tokens"]) == ("whois", "gpt-3.5-turbo", 42)
    assert bad["error"] == "The model service answered 400: bad"
    assert bad["duration"] >= 0


async def test_without_a_connection_the_offline_model_answers(host: OpenAIHost) -> None:
    value = await host.read(_bind(host), {"name": "pikachu"})
    assert value.keys() == {"content", "totalTokens"}
    assert "pikachu" in value["content"]
    assert value["totalTokens"] > 0


def test_a_missing_service_is_told_at_the_start_when_only_one_may_answer(
    host: OpenAIHost,
) -> None:
    for bind in (_bind, bind_embeddings, bind_store, bind_search):
        assert bind(host).missing_names() == []
    host.flags["models"] = "live"
    for bind in (_bind, bind_embeddings, bind_store, bind_search):
        assert bind(host).missing_names() == ["AZURE_OPENAI_ENDPOINT"]
