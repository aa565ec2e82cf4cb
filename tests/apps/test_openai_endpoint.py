"""Code of an app that calls OpenAI itself: the real client inside a function, without a service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosted import hosted
from tests.support.model_service import ModelService, chat
from tests.support.serving import FIXTURES, Served, served

APP = FIXTURES / "apps" / "openai_client"
pytestmark = pytest.mark.asyncio(loop_scope="module")

host = hosted(APP)


async def ask(host: Served, path: str, q: str = "Hello", **params: str) -> Any:
    answer = await host.get(f"/api/{path}", params={"q": q, **params})
    assert answer.status == 200, host.printed
    return answer.json


async def faults(host: Served, *added: dict[str, Any]) -> None:
    await host.request("DELETE", "/_openai/faults")
    if added:
        answer = await host.post("/_openai/faults", data=json.dumps(list(added)))
        assert answer.status == 201, answer.text


async def test_a_plain_call_is_answered_offline(host: Served) -> None:
    said = await ask(host, "ask")
    assert said["text"].startswith("Hello! I am the offline model")
    assert (said["finish"], said["model"]) == ("stop", "gpt-4o")
    prompt, completion, total = said["tokens"]
    assert prompt > 0 < completion
    assert total == prompt + completion


@pytest.mark.parametrize("version", ["2024-10-21", "2099-01-01-preview"])
async def test_azure_s_client_is_answered_under_any_version(host: Served, version: str) -> None:
    said = await ask(host, "ask_azure", version=version)
    assert said["text"].startswith("Hello! I am the offline model")
    assert said["model"] == "my-deployment"


@pytest.mark.parametrize("azure", ["", "1"])
async def test_an_answer_can_be_streamed(host: Served, azure: str) -> None:
    whole = (await ask(host, "ask"))["text"]
    said = await ask(host, "stream", azure=azure)
    assert "".join(said["parts"]) == whole
    assert len(said["parts"]) > 5
    assert said["finish"] == "stop"
    assert said["tokens"] > 0


async def test_a_tool_is_called_and_its_result_told(host: Served) -> None:
    said = await ask(host, "weather", "What is the weather in Paris?")
    assert said["finish"] == "tool_calls"
    assert [[name, json.loads(text)] for name, text in said["calls"]] == [
        ["get_weather", {"city": "Paris"}]
    ]
    assert "blue" in said["text"]


async def test_a_call_can_be_streamed(host: Served) -> None:
    said = await ask(host, "weather_stream", "What is the weather in Paris?")
    assert (said["name"], said["arguments"]) == ("get_weather", {"city": "Paris"})
    assert said["pieces"] > 2


@pytest.mark.parametrize("encoding", [{}, {"as": "float"}], ids=["the client's own", "numbers"])
async def test_embeddings_have_meaning(host: Served, encoding: dict[str, str]) -> None:
    said = await ask(host, "nearest", "When can I return my parcel?", **encoding)
    assert said["nearest"] == "Return the parcel within two weeks"
    assert said["length"] == 256
    assert said["tokens"] > 0


async def test_an_answer_has_the_wanted_form(host: Served) -> None:
    said = await ask(host, "event", "Alice and Bob meet at the fair")
    assert set(said) == {"title", "guests", "public"}
    assert isinstance(said["public"], bool)


async def test_older_completions_and_models_are_served(host: Served) -> None:
    said = await ask(host, "others")
    assert said["texts"][0].startswith("Hello!")
    assert said["texts"][1] == "You're welcome."
    assert said["one"] == "gpt-4o"
    assert "gpt-3.5-turbo" in said["names"]


async def test_the_environment_points_to_this_host(host: Served) -> None:
    said = await ask(host, "environment")
    port = host.url.rpartition(":")[2]
    own = f"http://127.0.0.1:{port}/_openai"
    assert said["OPENAI_BASE_URL"] == f"{own}/v1"
    assert said["AZURE_OPENAI_ENDPOINT"] == own
    assert said["OPENAI_API_KEY"] == said["AZURE_OPENAI_KEY"] == "offline"
    assert said["AZURE_OPENAI_API_KEY"] == "offline"
    await host.until_printed(f"OpenAI clients in the app: {own} (offline models)")


async def test_a_rate_limit_says_when_to_come_back(host: Served) -> None:
    await faults(host, {"limit": {"requests": 1, "per": "1m"}})
    assert (await ask(host, "refused"))["error"] is None
    said = await ask(host, "refused")
    await faults(host)
    assert (said["error"], said["status"], said["limit"]) == ("RateLimitError", 429, "1")
    assert 1 <= int(said["retry_after"]) <= 60


async def test_the_client_tries_again_after_a_passing_refusal(host: Served) -> None:
    await faults(host, {"times": 1, "status": 429, "retry_after": "10ms"})
    said = await ask(host, "refused", retries="1")
    await faults(host)
    assert said["error"] is None


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 500}, "InternalServerError"),
        ({"status": 401}, "AuthenticationError"),
        ({"content_filter": "prompt"}, "BadRequestError"),
        ({"cut_stream_after": 0}, "APIConnectionError"),
    ],
)
async def test_bad_days_reach_the_app(host: Served, fault: dict[str, Any], error: str) -> None:
    await faults(host, fault)
    said = await ask(host, "refused")
    await faults(host)
    assert said["error"] == error


async def test_a_stream_breaks_off(host: Served) -> None:
    await faults(host, {"cut_stream_after": 4})
    said = await ask(host, "stream")
    await faults(host)
    assert len(said["parts"]) <= 4
    assert "".join(said["parts"]) == "Hello! I am"[: len("".join(said["parts"]))]
    assert said["error"]


async def test_a_fault_that_cannot_be_read_is_refused(host: Served) -> None:
    answer = await host.post("/_openai/faults", data='{"sattus": 500}')
    assert answer.status == 400
    assert "a fault has no 'sattus'" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "param"),
    [
        ("POST", "v1/chat/completions", "{", 400, None),
        ("POST", "v1/chat/completions", "[]", 400, None),
        ("POST", "v1/chat/completions", '{"model": "m"}', 400, "messages"),
        ("POST", "v1/chat/completions", '{"model": "m", "messages": []}', 400, "messages"),
        ("POST", "v1/chat/completions", '{"model": "m", "messages": [1]}', 400, "messages[0]"),
        ("POST", "v1/chat/completions", '{"messages": [{"role": "user"}]}', 400, "model"),
        ("POST", "v1/embeddings", '{"model": "m", "input": []}', 400, "input"),
        ("POST", "v1/embeddings", '{"model": "m", "input": [true]}', 400, "input"),
        ("POST", "v1/responses", "{}", 400, "input"),
        ("GET", "v1/chat/completions", "", 405, None),
        ("POST", "openai/deployments/d/images", "{}", 404, None),
    ],
)
async def test_mistakes_are_told_as_services_do(
    host: Served, method: str, path: str, body: str, status: int, param: str | None
) -> None:
    answer = await host.request(method, f"/_openai/{path}", data=body)
    assert answer.status == status
    error = answer.json["error"]
    assert error["message"]
    assert error["param"] == param
    assert answer.headers["x-request-id"]


async def test_azure_s_paths_and_newer_ones_are_served_alike(host: Served) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "model": "m", "n": 2})
    for path in (
        "v1/chat/completions",
        "openai/v1/chat/completions",
        "openai/deployments/d/chat/completions?api-version=x",
    ):
        answer = await host.post(f"/_openai/{path}", data=body)
        assert answer.status == 200
        assert len(answer.json["choices"]) == 2
        azure = "openai" in path
        assert ("prompt_filter_results" in answer.json) == azure
        assert answer.headers["x-funcemu-backend"] == "deterministic"
        assert answer.headers["x-request-id"]


async def test_token_ids_can_be_embedded(host: Served) -> None:
    for given, count in (([1, 2, 3], 1), ([[1, 2], [3]], 2)):
        body = json.dumps({"model": "m", "input": given})
        answer = await host.post("/_openai/v1/embeddings", data=body)
        assert len(answer.json["data"]) == count


async def test_other_sites_and_names_are_refused(host: Served) -> None:
    for headers in ({"Host": "evil.test"}, {"Origin": "https://evil.test"}):
        answer = await host.get("/_openai/v1/models", headers=headers)
        assert answer.status == 403


async def test_an_app_may_have_routes_beside_it(host: Served) -> None:
    assert (await host.get("/_other/v1/models")).status == 404


CHANNELS = ("subprocess", "inprocess")


@pytest.mark.parametrize("channel", CHANNELS)
async def test_what_the_app_says_to_a_service_is_recorded_and_replayed(
    channel: str, tmp_path: Path
) -> None:
    settings = {"FUNCEMU_RECORDINGS": str(tmp_path)}
    service = ModelService()
    service.fallback = lambda request: chat(f"Answer {len(service.requests)}")
    async with service.running():
        live = {**settings, "AZURE_OPENAI_ENDPOINT": service.url, "AZURE_OPENAI_KEY": "k"}
        async with served(APP, "--models", "record", channel=channel, settings=live) as host:
            assert (await ask(host, "ask"))["text"] == "Answer 1"
            assert (await ask(host, "ask"))["text"] == "Answer 1"
            assert (await ask(host, "ask", "Other"))["text"] == "Answer 2"
            await ask(host, "nearest")
    assert {each.name for each in tmp_path.iterdir()} == {"requests.json", "embeddings.json"}
    asked = len(service.requests)
    async with served(APP, "--models", "replay", channel=channel, settings=settings) as host:
        assert (await ask(host, "ask"))["text"] == "Answer 1"
        streamed = await ask(host, "stream")
        assert "".join(streamed["parts"]) == "Answer 1"
        await ask(host, "nearest")
        said = await ask(host, "refused", "Never recorded", retries="2")
        assert (said["status"], said["code"]) == (400, "recording_not_found")
        assert '"Never recorded"' in said["message"]
        refused = "POST /_openai/v1/chat/completions → 400"
        await host.until_printed(refused)
        assert host.printed.count(refused) == 1  # and not tried again
    assert len(service.requests) == asked


@pytest.mark.parametrize("channel", CHANNELS)
async def test_an_app_with_a_service_of_its_own_is_left_alone(channel: str) -> None:
    settings = {"OPENAI_API_KEY": "sk-own", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    async with served(APP, channel=channel, settings=settings) as host:
        said = await ask(host, "environment")
    assert {name: said[name] for name in settings} == settings
    assert "AZURE_OPENAI_ENDPOINT" not in said


async def test_the_run_ends_with_a_summary() -> None:
    async with served(APP) as host:
        await ask(host, "ask")
        await ask(host, "nearest")
    await host.until_printed("Models: 1 call (deterministic 1); 3 texts embedded (lexical 3);")


async def test_the_client_s_responses_are_served(host: Served) -> None:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=f"{host.url}/_openai/v1", api_key="x") as client:
        first = await client.responses.create(model="gpt-5", input="Hello")
        assert first.output_text.startswith("Hello!")
        async with client.responses.stream(
            model="gpt-5", input="Hello", previous_response_id=first.id
        ) as stream:
            said = [event.delta async for event in stream if event.type.endswith("text.delta")]
            assert "".join(said) == (await stream.get_final_response()).output_text
