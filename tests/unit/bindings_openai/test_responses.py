"""The Responses API: what is read as a chat, what goes on from what, what is answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.extension import OpenAIExtension
from bindings.openai.models.faults import Fault
from bindings.openai.serving.responses import read_response
from bindings.openai.serving.wire import Refused
from emulator.sdk import HttpRequestData, HttpResponseData, StreamedResponse
from tests.support.model_service import ModelService, chat
from tests.support.openai_host import OpenAIHost

PATH = "v1/responses"
TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CALL = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "sunny"}


def read(**body: Any) -> Any:
    told: list[str] = []
    kept = {"resp_1": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]}
    asked = read_response(
        {"model": "m", **body}, HttpRequestData("POST", "http://x"), kept.get, told.append
    )
    return asked, told


@pytest.fixture
def host(make_host: Callable[..., OpenAIHost], tmp_path: Path) -> OpenAIHost:
    return make_host(app_root=tmp_path)


async def send(
    host: OpenAIHost, body: Any = None, *, path: str = PATH, method: str = "POST"
) -> Any:
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    request = HttpRequestData(method, f"http://x/_openai/{path}", body=json.dumps(body).encode())
    return await extension.serve(path, request)


async def whole(host: OpenAIHost, **body: Any) -> tuple[int, Any]:
    answer = await send(host, {"model": "m", **body})
    assert isinstance(answer, HttpResponseData)
    return answer.status, json.loads(answer.body)


def test_a_request_is_read_as_a_chat() -> None:
    asked, told = read(
        instructions="Be brief",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
            {"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"text": "b"}, {"text": "c"}]},
            CALL,
            RESULT,
        ],
        tools=[TOOL, {"type": "web_search"}],
        tool_choice={"type": "function", "name": "get_weather"},
        max_output_tokens=7,
        reasoning={"effort": "low"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
        temperature=0.5,
        store=False,
    )
    assert asked.request.messages == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": "b\n\nc",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": "{}"},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    (tool,) = asked.request.tools
    assert tool == {"type": "function", "function": {k: TOOL[k] for k in TOOL if k != "type"}}
    assert asked.request.extra == {
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}},
        },
    }
    assert (asked.request.max_tokens, asked.request.reasoning_effort) == (7, "low")
    assert (asked.request.temperature, asked.keep) == (0.5, False)
    assert told == ["The tools web_search are left out: there are only functions here."]


def test_a_request_goes_on_from_a_response_without_its_instructions() -> None:
    asked, _ = read(previous_response_id="resp_1", input="And?")
    assert [message["content"] for message in asked.request.messages] == ["Hi", "Yo", "And?"]


def test_a_picture_stays_one() -> None:
    asked, _ = read(
        input=[
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "a"},
                    {"type": "input_image", "image_url": "data:,"},
                ],
            }
        ]
    )
    assert asked.request.messages[0]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "data:,"}},
    ]


@pytest.mark.parametrize(
    ("body", "said", "param"),
    [
        ({}, "Missing required parameter: 'input'.", "input"),
        ({"input": 5}, "expected a string, or an array", "input"),
        ({"input": [5]}, "expected an object", "input[0]"),
        ({"input": [{"content": "x"}]}, "an object with a 'role'", "input[0]"),
        ({"input": [{"role": "tool"}]}, "Invalid value: 'tool'.", "input[0].role"),
        ({"input": [{"role": "user", "content": [5]}]}, "an array of objects", "input[0].content"),
        ({"input": [{"type": "item_reference"}]}, "Invalid value: 'item_r", "input[0].type"),
        ({"input": [{**CALL, "name": None}, RESULT]}, "expected a string", "input[0].name"),
        ({"input": [RESULT]}, "No tool call found for function call output with call_id c1", "inp"),
        ({"input": [CALL]}, "No tool output found for function call c1.", "input"),
        ({"input": [CALL, {"role": "user", "content": "x"}]}, "No tool output found", "input"),
        ({"input": "x", "previous_response_id": "resp_2"}, "'resp_2' not found", "previous_resp"),
        ({"input": "x", "text": 5}, "expected an object", "text"),
        ({"input": "x", "tools": [5]}, "expected an array of objects", "tools"),
        ({"input": "x", "instructions": []}, "expected a string", "instructions"),
        ({"input": "x", "tools": [{"type": "function"}]}, "expected an array of func", "tools"),
    ],
)
def test_mistakes_are_told_as_the_service_does(body: dict[str, Any], said: str, param: str) -> None:
    with pytest.raises(Refused) as caught:
        read(**body)
    error = caught.value.body["error"]
    assert caught.value.status == 400
    assert said in str(error["message"])
    assert str(error["param"]).startswith(param)


async def test_a_response_is_answered_kept_and_gone_on_from(host: OpenAIHost) -> None:
    status, first = await whole(host, input="Hello", instructions="Be brief", metadata={"a": "b"})
    assert (status, first["object"], first["status"]) == (200, "response", "completed")
    assert (first["instructions"], first["metadata"]) == ("Be brief", {"a": "b"})
    (message,) = first["output"]
    assert message["content"][0]["text"].startswith("Hello!")
    usage = first["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    _, second = await whole(
        host, input="What's the weather in Rome?", tools=[TOOL], previous_response_id=first["id"]
    )
    (call,) = second["output"]
    assert (call["type"], call["name"]) == ("function_call", "get_weather")
    result = {**RESULT, "call_id": call["call_id"]}
    _, third = await whole(host, input=[result], tools=[TOOL], previous_response_id=second["id"])
    assert "sunny" in third["output"][0]["content"][0]["text"]
    shown = await send(host, path=f"{PATH}/{first['id']}", method="GET")
    assert json.loads(shown.body) == first
    assert (await send(host, path=f"{PATH}/{first['id']}", method="DELETE")).status == 200
    assert (await send(host, path=f"{PATH}/{first['id']}", method="GET")).status == 404


async def test_what_shall_not_be_stored_is_not(host: OpenAIHost) -> None:
    _, answer = await whole(host, input="Hello", store=False)
    assert (await send(host, path=f"{PATH}/{answer['id']}", method="GET")).status == 404


async def test_old_responses_make_room(host: OpenAIHost) -> None:
    ids = [(await whole(host, input="Hello"))[1]["id"] for _ in range(201)]
    for identity, status in ((ids[0], 404), (ids[1], 200), (ids[-1], 200)):
        answer = await send(host, path=f"{PATH}/{identity}", method="GET")
        assert answer.status == status


@pytest.mark.parametrize(
    ("body", "item", "delta"),
    [
        ({"input": "Hello"}, "message", "response.output_text.delta"),
        (
            {"input": "What's the weather in Rome?", "tools": [TOOL]},
            "function_call",
            "response.function_call_arguments.delta",
        ),
    ],
)
async def test_a_response_can_be_streamed(
    host: OpenAIHost, body: dict[str, Any], item: str, delta: str
) -> None:
    answer = await send(host, {"model": "m", "stream": True, **body})
    assert isinstance(answer, StreamedResponse)
    events = []
    async for part in answer.chunks:
        name, data = part.decode().rstrip("\n").split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[0]["type"] == "response.created"
    assert events[-1]["type"] == "response.completed"
    (made,) = events[-1]["response"]["output"]
    assert made["type"] == item
    text = made["content"][0]["text"] if item == "message" else made["arguments"]
    assert "".join(event["delta"] for event in events if event["type"] == delta) == text
    (done,) = (event for event in events if event["type"] == "response.output_item.done")
    assert done["item"] == made


async def test_a_reply_that_was_cut_is_incomplete(host: OpenAIHost, service: ModelService) -> None:
    host.settings.values |= {"AZURE_OPENAI_ENDPOINT": service.url, "AZURE_OPENAI_KEY": "k"}
    service.reply(chat("Once upon", finish_reason="length"))
    _, answer = await whole(host, input="Tell", max_output_tokens=2)
    assert answer["status"] == "incomplete"
    assert answer["incomplete_details"] == {"reason": "max_output_tokens"}
    assert service.requests[0].body["max_tokens"] == 2


async def test_faults_reach_it_as_well(host: OpenAIHost) -> None:
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    extension.models.faults.add(Fault(status=429, times=1))
    status, answer = await whole(host, input="Hello")
    assert (status, answer["error"]["type"]) == (429, "rate_limit_error")
