"""The models served as OpenAI does, without a socket: what is passed on, recorded and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.extension import OpenAIExtension
from bindings.openai.models.faults import Fault
from bindings.openai.serving.wire import pieces
from emulator.clock import SystemClock
from emulator.sdk import HttpRequestData, HttpResponseData, StreamedResponse
from tests.support.model_service import ModelService, chat, failure
from tests.support.openai_host import OpenAIHost

CHAT = "v1/chat/completions"
HELLO = {"model": "gpt-test", "messages": [{"role": "user", "content": "Hello"}]}
MakeHost = Callable[..., OpenAIHost]


class NapClock(SystemClock):
    def __init__(self) -> None:
        self.naps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)


async def send(
    host: OpenAIHost, path: str, body: Any, **headers: str
) -> HttpResponseData | StreamedResponse:
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = HttpRequestData(
        "POST", f"http://x/_openai/{path}", headers=given, body=json.dumps(body).encode()
    )
    return await extension.serve(path, request)


async def whole(
    host: OpenAIHost, path: str = CHAT, body: Any = HELLO, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    answer = await send(host, path, body, **headers)
    assert isinstance(answer, HttpResponseData)
    return answer.status, json.loads(answer.body), dict(answer.headers)


async def streamed(host: OpenAIHost, body: Any = HELLO) -> list[Any]:
    answer = await send(host, CHAT, {**body, "stream": True})
    assert isinstance(answer, StreamedResponse)
    lines = [part.decode() async for part in answer.chunks]
    assert lines.pop() == "data: [DONE]\n\n"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def text_of(parts: list[Any]) -> str:
    return "".join(part["choices"][0]["delta"].get("content") or "" for part in parts)


@pytest.fixture
def app(tmp_path: Path, make_host: MakeHost, service: ModelService) -> Callable[..., OpenAIHost]:
    def make(mode: str = "auto", *, connected: bool = False, **more: Any) -> OpenAIHost:
        host = make_host(app_root=tmp_path, flags={"models": mode}, **more)
        host.settings.values["FUNCEMU_MODEL_RETRY_DELAY"] = "0"
        if connected:
            host.settings.values |= {
                "AZURE_OPENAI_ENDPOINT": service.url,
                "AZURE_OPENAI_KEY": "k",
            }
        return host

    return make


async def test_one_recording_serves_plain_and_streamed(app: Callable[..., OpenAIHost]) -> None:
    _, plain, _ = await whole(app("record", connected=True))
    said = plain["choices"][0]["message"]["content"]
    assert said == "Hi"
    assert text_of(await streamed(app("replay"))) == said


async def test_a_recorded_stream_can_be_had_plain(app: Callable[..., OpenAIHost]) -> None:
    said = text_of(await streamed(app("record", connected=True)))
    status, plain, headers = await whole(app("replay"))
    assert (status, plain["choices"][0]["message"]["content"]) == (200, said)
    assert headers["x-funcemu-backend"] == "recordings"
    assert plain["usage"]["total_tokens"] == 42


async def test_drift_is_told_in_a_header(app: Callable[..., OpenAIHost]) -> None:
    body = {**HELLO, "messages": [{"role": "system", "content": "Be nice"}, *HELLO["messages"]]}
    await whole(app("record", connected=True), body=body)
    edited = {**body, "messages": [{"role": "system", "content": "Be brief"}, *HELLO["messages"]]}
    host = app("replay")
    _, _, headers = await whole(host, body=edited)
    assert headers["x-funcemu-drift"] == "instructions"
    assert "The instructions are not as recorded" in host.messages("Warning")[0]


async def test_a_miss_is_final(app: Callable[..., OpenAIHost]) -> None:
    status, body, headers = await whole(app("replay"))
    assert (status, body["error"]["code"]) == (400, "recording_not_found")
    assert headers["x-should-retry"] == "false"


async def test_further_parameters_reach_the_service_and_are_a_facet(
    app: Callable[..., OpenAIHost], service: ModelService
) -> None:
    more = {"response_format": {"type": "text"}, "seed": 7, "max_completion_tokens": 5}
    await whole(app("record", connected=True), body={**HELLO, **more, "user": "u", "stream": False})
    sent = service.requests[0].body
    assert sent["response_format"] == {"type": "text"}
    assert sent["seed"] == 7
    assert sent["max_tokens"] == 5  # Azure's name
    assert not {"user", "stream"} & set(sent)


async def test_a_header_names_the_recording(app: Callable[..., OpenAIHost], tmp_path: Path) -> None:
    await whole(app("record", connected=True), x_recording="greeting")
    assert (tmp_path / "recordings" / "requests.greeting.json").is_file()


async def test_a_refusal_of_the_service_is_passed_on_and_not_tried_again(
    app: Callable[..., OpenAIHost], service: ModelService
) -> None:
    service.fallback = lambda request: failure(429, "slow down", code="429", retry_after="0")
    status, body, headers = await whole(app("live", connected=True))
    assert status == 429
    assert "slow down" in body["error"]["message"]
    assert (headers["retry-after"], headers["x-should-retry"]) == ("0", "false")
    assert len(service.requests) == 4


async def test_a_service_that_is_gone_is_a_bad_gateway(app: Callable[..., OpenAIHost]) -> None:
    host = app("live")
    host.settings.values |= {"OPENAI_API_KEY": "k-123456", "OPENAI_BASE_URL": "http://127.0.0.1:9"}
    status, body, _ = await whole(host)
    assert (status, body["error"]["code"]) == (502, "model_service_unreachable")


async def test_live_without_a_connection_says_what_to_set(app: Callable[..., OpenAIHost]) -> None:
    status, body, _ = await whole(app("live"))
    assert (status, body["error"]["code"]) == (400, "model-unconnected")
    assert "AZURE_OPENAI_ENDPOINT" in body["error"]["message"]


async def test_a_stream_keeps_the_pace_it_is_given(app: Callable[..., OpenAIHost]) -> None:
    clock = NapClock()
    host = app(clock=clock)
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    with extension.models.faults.during(Fault(latency=0.5, tokens_per_second=10)):
        parts = await streamed(host)
    assert clock.naps == [0.5] + [0.1] * (len(parts) - 1)


async def test_calls_without_ids_get_some(
    app: Callable[..., OpenAIHost], service: ModelService
) -> None:
    service.reply(chat(calls=[("", "Add", {}), ("", "Add", {})]))
    tool = {"type": "function", "function": {"name": "Add", "parameters": {}}}
    _, body, _ = await whole(app("live", connected=True), body={**HELLO, "tools": [tool]})
    ids = [call["id"] for call in body["choices"][0]["message"]["tool_calls"]]
    assert len(set(ids)) == 2
    assert all(ids)


async def test_each_call_leaves_a_record_and_counts(app: Callable[..., OpenAIHost]) -> None:
    host = app()
    await whole(host)
    await whole(host, "v1/embeddings", {"model": "m", "input": ["a", "b"]})
    names = [(name, data["backend"]) for _, name, data in host.records]
    assert names == [("model-call", "deterministic"), ("embeddings", "lexical")]
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    [line] = extension.summary()
    assert line.startswith("Models: 1 call (deterministic 1); 2 texts embedded (lexical 2); ")


async def test_faults_are_listed_as_they_were_given(app: Callable[..., OpenAIHost]) -> None:
    host = app()
    await send(host, "faults", [{"every": 2, "status": 429, "match": {"contains": "x"}}])
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    answer = await extension.serve("faults", HttpRequestData("GET", "http://x/"))
    assert isinstance(answer, HttpResponseData)
    [shown] = json.loads(answer.body)["faults"]
    assert shown == {"where": "a test:1", "match": {"contains": "x"}, "every": 2, "status": 429}


@pytest.mark.parametrize("text", ["", " ", "one", "one two  three\n\nfour ", "\n x", "grüße 👋 !"])
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text
