from __future__ import annotations

import pytest

from bindings.openai.completion import TextCompletion
from bindings.openai.models.base import ChatReply, Usage
from emulator.sdk import BindingError
from tests.support.retrieval import Retrieval


async def test_the_answer_is_delivered_with_its_tokens(retrieval: Retrieval) -> None:
    retrieval.chat.replies.append(ChatReply("Pikachu is yellow.", usage=Usage(123, 100, 23)))
    binding = retrieval.host.bind(TextCompletion, prompt="Who is {name}?", chatModel="gpt-test")
    delivered = await binding.read(retrieval.host.call(binding, {"name": "pikachu"}))
    assert delivered.kind == "json"
    assert delivered.value == '{"content":"Pikachu is yellow.","totalTokens":123}'
    (request,) = retrieval.chat.requests
    assert request.messages == [{"role": "user", "content": "Who is pikachu?"}]
    assert (request.model, request.temperature, request.top_p, request.max_tokens) == (
        "gpt-test",
        0.5,
        None,
        100,
    )
    assert request.tools == ()
