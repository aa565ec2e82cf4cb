"""The real SDK against a real server that plays OpenAI and Azure OpenAI."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from bindings.openai.connections import ModelConnection
from bindings.openai.models.base import ChatRequest, ToolCall, Usage
from bindings.openai.models.live import LiveBackend
from bindings.openai.models.replies import read_reply
from bindings.openai.models.retrying import RetryPolicy, ServiceError
from emulator.clock import SystemClock
from emulator.sdk import BindingError
from tests.support.model_service import ModelService, Reply, chat, failure
from tests.support.sign_in import StubCredential
from tests.support.tcp_service import HEAD, OK, TcpService

TOOL = {
    "type": "function",
    "function": {
        "description": "Adds",
        "name": "Add",
        "parameters": {"type": "object", "properties": {"x": {"type": "string"}}},
    },
}
ASKED = ChatRequest(
    "gpt-test",
    [{"role": "system", "content": "s"}, {"role": "user", "content": "grüße 👋"}],
    [TOOL],
    temperature=0.5,
    max_tokens=100,
)


class NapClock(SystemClock):
    """Remembers how long it was asked to sleep, and does not."""

    def __init__(self) -> None:
        self.naps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)


@pytest.fixture
def clock() -> NapClock:
    return NapClock()


@pytest.fixture
async def backend(
    service: ModelService, clock: NapClock
) -> AsyncIterator[Callable[..., LiveBackend]]:
    made: list[LiveBackend] = []

    def make(
        kind: Any = "azure-openai",
        path: str = "",
        key: str | None = "k",
        credential: Any = None,
        *,
        at: str = "",
        policy: RetryPolicy | None = None,
    ) -> LiveBackend:
        connection = ModelConnection(
            kind,
            (at or service.url) + path,
            "AZURE_OPENAI_ENDPOINT, environment",
            key,
            "KEY, environment",
            identity_source="managed identity by Own__credential",
        )
        made.append(
            LiveBackend(
                connection, policy=policy or RetryPolicy(), clock=clock, sign_in=lambda: credential
            )
        )
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


async def test_azure_gets_deployment_version_key_and_max_tokens(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    reply = await backend().chat(ASKED)
    [request] = service.requests
    assert request.method == "POST"
    assert request.path == "/openai/deployments/gpt-test/chat/completions"
    assert request.query == {"api-version": "2024-10-21"}
    assert request.headers["api-key"] == "k"
    assert "authorization" not in request.headers
    assert request.body == {
        "model": "gpt-test",
        "messages": ASKED.messages,
        "temperature": 0.5,
        "max_tokens": 100,
        "tools": [TOOL],
    }
    assert (reply.content, reply.finish_reason, reply.usage) == ("Hi", "stop", Usage(42, 40, 2))
    assert reply.raw["id"] == "chatcmpl-1"


async def test_openai_gets_bearer_key_and_max_completion_tokens(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    await backend("openai", "/v1", "sk").chat(ASKED)
    [request] = service.requests
    assert (request.path, request.query) == ("/v1/chat/completions", {})
    assert request.headers["authorization"] == "Bearer sk"
    assert request.body["max_completion_tokens"] == 100
    assert "max_tokens" not in request.body


async def test_what_is_not_set_is_not_sent(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    await backend().chat(ChatRequest("m", [{"role": "user", "content": "x"}]))
    assert set(service.requests[0].body) == {"model", "messages"}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_passing_failure_is_tried_four_times(
    status: int,
    service: ModelService,
    backend: Callable[..., LiveBackend],
    clock: NapClock,
) -> None:
    service.fallback = lambda request: failure(status, "busy")
    with pytest.raises(ServiceError, match=f"answered {status}: busy"):
        await backend().chat(ASKED)
    assert len(service.requests) == 4
    assert clock.naps == [0.0, 0.8, 1.6]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
async def test_other_refusals_are_final(
    status: int, service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    service.fallback = lambda request: failure(status)
    with pytest.raises(ServiceError, match=str(status)):
        await backend().chat(ASKED)
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"x_ms_retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "soon"}, 0.0),
        ({"retry_after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0),
        ({"retry_after": "nan"}, 0.0),
        ({"retry_after": "-3"}, 0.0),
    ],
)
async def test_the_wait_the_service_asks_for_wins(
    headers: dict[str, str],
    wait: float,
    service: ModelService,
    backend: Callable[..., LiveBackend],
    clock: NapClock,
) -> None:
    service.reply(failure(429, **headers))
    told: list[str] = []
    request = ChatRequest("m", ASKED.messages, tell=told.append)
    assert (await backend().chat(request)).content == "Hi"
    assert clock.naps == [wait]
    assert told == [
        f"The model service answered 429: no. Trying again in {wait:g} s (attempt 2 of 4)."
    ]


async def test_a_service_that_asks_for_too_long_a_wait_is_not_waited_for(
    service: ModelService, backend: Callable[..., LiveBackend], clock: NapClock
) -> None:
    service.fallback = lambda request: failure(429, "quota", retry_after="3600")
    with pytest.raises(ServiceError, match="quota") as caught:
        await backend().chat(ASKED)
    assert (len(service.requests), clock.naps) == (1, [])
    assert "asked again in 3,600 s; a call waits 120 s at most" in str(caught.value.hint)


async def test_a_broken_connection_is_tried_again(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    service.reply(Reply(breaks=True), Reply(breaks=True))
    assert (await backend().chat(ASKED)).content == "Hi"
    assert len(service.requests) == 3


async def test_an_unreachable_service_is_told_with_its_address_and_setting(
    clock: NapClock, unused_tcp_port: int
) -> None:
    address = f"http://127.0.0.1:{unused_tcp_port}"
    connection = ModelConnection("azure-openai", address, "AzureOpenAI__Endpoint, .env", "k", "")
    backend = LiveBackend(connection, policy=RetryPolicy(), clock=clock)
    with pytest.raises(ServiceError) as caught:
        await backend.chat(ASKED)
    await backend.aclose()
    assert f"The model service at {address} cannot be reached" in caught.value.message
    assert caught.value.hint is not None
    assert "Check AzureOpenAI__Endpoint and the network" in caught.value.hint
    assert len(clock.naps) == 3


async def test_a_refused_key_is_told_by_the_name_of_its_setting_only(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    service.fallback = lambda request: failure(401, "Access denied")
    with pytest.raises(ServiceError) as caught:
        await backend(key="very-secret").chat(ASKED)
    assert caught.value.hint == f"Check KEY; it was refused by {service.url}."
    assert "very-secret" not in f"{caught.value.message} {caught.value.hint}"


async def test_an_unknown_deployment_is_told(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    service.fallback = lambda request: failure(404, "nope", code="DeploymentNotFound")
    with pytest.raises(ServiceError) as caught:
        await backend().chat(ASKED)
    assert "deployment named by 'chatModel'" in str(caught.value.hint)


async def test_a_chat_too_long_for_the_model_names_the_setting_that_shortens_it(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    service.fallback = lambda request: failure(400, "too long", code="context_length_exceeded")
    with pytest.raises(ServiceError) as caught:
        await backend().chat(ASKED)
    assert "FUNCEMU_ASSISTANT_MAX_HISTORY" in str(caught.value.hint)


def picky(*refused: str) -> Callable[[Any], Reply]:
    """A model that takes none of these parameters."""

    def answer(request: Any) -> Reply:
        for name in refused:
            if name in request.body:
                return failure(
                    400,
                    f"Unsupported parameter: '{name}' is not supported with this model.",
                    code="unsupported_parameter",
                    param=name,
                )
        return chat("Hi")

    return answer


@pytest.mark.parametrize(
    ("refused", "sent"),
    [
        (["max_tokens"], {"temperature": 0.5, "max_completion_tokens": 100}),
        (["temperature"], {"max_tokens": 100}),
        (["max_tokens", "temperature"], {"max_completion_tokens": 100}),
        (["max_tokens", "max_completion_tokens"], {"temperature": 0.5}),
    ],
    ids=lambda value: ",".join(value),
)
async def test_parameters_a_model_refuses_are_adapted_and_remembered(
    refused: list[str],
    sent: dict[str, Any],
    service: ModelService,
    backend: Callable[..., LiveBackend],
) -> None:
    service.fallback = picky(*refused)
    live = backend()
    assert (await live.chat(ASKED)).content == "Hi"
    body = service.requests[-1].body
    assert {key: body[key] for key in body if key not in {"model", "messages", "tools"}} == sent
    count = len(service.requests)
    await live.chat(ASKED)
    assert len(service.requests) == count + 1
    assert service.requests[-1].body == body


async def test_adaptation_is_per_model(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    live = backend()
    service.fallback = picky("max_tokens")
    await live.chat(ASKED)
    service.fallback = lambda request: chat("Hi")
    await live.chat(ChatRequest("other", ASKED.messages, max_tokens=5))
    assert service.requests[-1].body["max_tokens"] == 5


async def test_a_refused_temperature_value_is_left_out(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    def answer(request: Any) -> Reply:
        if "temperature" in request.body:
            return failure(
                400,
                "Unsupported value: 'temperature' does not support 0.5 with this model.",
                code="unsupported_value",
            )
        return chat("ok")

    service.fallback = answer
    assert (await backend().chat(ASKED)).content == "ok"


async def test_another_bad_request_is_not_mistaken_for_an_unsupported_parameter(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    service.fallback = lambda request: failure(400, "'temperature' is above 2", param="temperature")
    with pytest.raises(ServiceError, match="above 2"):
        await backend().chat(ASKED)
    assert len(service.requests) == 1


async def test_an_answer_that_is_no_chat_completion_is_told(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    service.reply(Reply("<html>Sign in</html>", headers={"content-type": "text/html"}))
    with pytest.raises(BindingError, match="is not a chat completion"):
        await backend().chat(ASKED)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply('{"choices": [{"mess', headers={"content-type": "application/json"}), "is no JSON"),
        (Reply(b'{"choices": "\xff"}', headers={"content-type": "application/json"}), "is no JSON"),
        (Reply({}), "which is not a chat completion"),
        (Reply("<html>Sign in</html>", headers={"content-type": "text/html"}), "Sign in"),
        (Reply("", 302, headers={"location": "http://127.0.0.1:9/"}), "answered 302"),
        (Reply("<html>not here</html>", 404), "answered 404: <html>not here</html>"),
        (Reply("<html>busy</html>", 503), "answered 503: <html>busy</html>"),
        (failure(429, "quota"), "answered 429: quota"),
    ],
    ids=["half", "no text", "empty", "page", "redirect", "404 page", "503 page", "429"],
)
async def test_what_is_no_answer_is_told_with_the_address_or_its_setting(
    reply: Reply, message: str, service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    service.fallback = lambda request: reply
    with pytest.raises(ServiceError) as caught:
        await backend().chat(ASKED)
    assert message in caught.value.message
    told = f"{caught.value.message} {caught.value.hint}"
    assert service.url in told or "AZURE_OPENAI_ENDPOINT" in told
    assert ".." not in told
    assert {each.path for each in service.requests} == {
        "/openai/deployments/gpt-test/chat/completions"
    }


async def test_json_that_is_called_something_else_is_read(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    text = json.dumps(chat("there").body)
    service.reply(Reply(text, headers={"content-type": "text/plain; charset=utf-8"}))
    assert (await backend().chat(ASKED)).content == "there"


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "in drops"])
async def test_a_service_that_does_not_come_to_an_end_is_given_up(
    drips: bool, backend: Callable[..., LiveBackend]
) -> None:
    parts = [b" "] * 1000 if drips else []
    async with TcpService(HEAD, *parts, pause=0.01, ending="hang").running() as service:
        live = backend(at=service.url, policy=RetryPolicy(attempts=2, timeout=0.1))
        started = time.monotonic()
        with pytest.raises(ServiceError, match=r"did not answer in 0\.1 s\.") as caught:
            await live.chat(ASKED)
        assert time.monotonic() - started >= 0.2
    assert "FUNCEMU_MODEL_TIMEOUT" in str(caught.value.hint)


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 200000000\r\n\r\n", b"Connection: close\r\n\r\n"],
    ids=["told", "untold"],
)
async def test_more_than_anybody_wants_in_memory_is_not_read(
    head: bytes, backend: Callable[..., LiveBackend]
) -> None:
    parts = [b'{"choices": [], "x": "', *[b"x" * 1_000_000] * 200]
    async with TcpService(OK + head, *parts).running() as service:
        with pytest.raises(ServiceError, match="sent more than 100 MB") as caught:
            await backend(at=service.url).chat(ASKED)
        assert service.connections == 1
        assert service.sent < 130_000_000
    assert "AZURE_OPENAI_ENDPOINT" in str(caught.value.hint)


async def test_a_few_bytes_that_unfold_to_more_are_not_unfolded(
    backend: Callable[..., LiveBackend],
) -> None:
    # Ten million zero bytes take ten thousand; of 400 such pieces the limit lets a quarter out.
    packing = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    body = b"".join(packing.compress(bytes(1_000_000)) for _ in range(400)) + packing.flush()
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with TcpService(head, body).running() as service:
        tracemalloc.start()
        with pytest.raises(ServiceError, match="sent more than 100 MB"):
            await backend(at=service.url).chat(ASKED)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 250_000_000


async def test_a_packed_answer_is_unpacked(backend: Callable[..., LiveBackend]) -> None:
    body = gzip.compress(json.dumps(chat("Grüße").body).encode())
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with TcpService(head, body).running() as service:
        assert (await backend(at=service.url).chat(ASKED)).content == "Grüße"


@pytest.mark.parametrize(
    ("encoding", "body", "message"),
    [
        (b"br", b"x", "it is encoded as 'br', which was not asked for"),
        (b"gzip", b"no gzip", "it is damaged"),
    ],
)
async def test_an_answer_that_cannot_be_unpacked_is_told(
    encoding: bytes, body: bytes, message: str, backend: Callable[..., LiveBackend]
) -> None:
    head = OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))
    async with TcpService(head, body).running() as service:
        with pytest.raises(ServiceError, match=message):
            await backend(at=service.url).chat(ASKED)


@pytest.mark.parametrize(
    ("parts", "ending", "message"),
    [
        ([], "reset", "did not answer properly: the connection broke"),
        ([HEAD, b"{"], "reset", "did not answer properly: "),
        ([HEAD, b"{"], "close", "did not answer properly: peer closed connection"),
        ([bytes(range(256))], "close", "did not answer properly: "),
    ],
    ids=["reset", "reset within", "closed within", "bytes"],
)
async def test_a_connection_that_breaks_is_told_apart_from_one_that_is_not_made(
    parts: list[bytes], ending: Any, message: str, backend: Callable[..., LiveBackend]
) -> None:
    async with TcpService(*parts, ending=ending).running() as service:
        with pytest.raises(ServiceError) as caught:
            await backend(at=service.url).chat(ASKED)
        assert service.connections == 4
    assert f"{service.url} {message}" in caught.value.message
    assert ".." not in caught.value.message
    assert "Check AZURE_OPENAI_ENDPOINT and the network" in str(caught.value.hint)


async def test_a_plain_port_asked_for_tls_is_told_with_the_mend(
    backend: Callable[..., LiveBackend],
) -> None:
    async with TcpService(
        b"HTTP/1.1 400 Bad Request\r\n\r\n", any_request=True
    ).running() as service:
        with pytest.raises(ServiceError) as caught:
            await backend(at=service.url.replace("http:", "https:")).chat(ASKED)
    assert "It does not speak TLS: begin AZURE_OPENAI_ENDPOINT with http://." == caught.value.hint


async def test_many_requests_at_once_share_one_client(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    live = backend()
    replies = await asyncio.gather(*(live.chat(ASKED) for _ in range(20)))
    assert [reply.content for reply in replies] == ["Hi"] * 20


async def test_without_a_key_a_sign_in_that_fails_is_told_with_the_way_out(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    failed = ClientAuthenticationError("DefaultAzureCredential failed.\n\tAzureCliCredential: no\n")
    live = backend(key=None, credential=StubCredential(error=failed))
    with pytest.raises(BindingError) as caught:
        await live.chat(ASKED)
    assert caught.value.message == (
        f"No sign-in to Azure for {service.url}: none of these worked: AzureCliCredential."
    )
    assert "tried with managed identity by Own__credential" in str(caught.value.hint)
    assert "az login" in str(caught.value.hint)
    assert service.requests == []


async def test_with_an_identity_one_token_serves_until_it_ends(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    credential = StubCredential()
    live = backend(key=None, credential=credential)
    for _ in range(2):
        await live.chat(ASKED)
    assert [each.headers["authorization"] for each in service.requests] == ["Bearer token-1"] * 2
    assert "api-key" not in service.requests[0].headers
    assert credential.scopes == [("https://cognitiveservices.azure.com/.default",)]


async def test_a_token_near_its_end_is_renewed(
    service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    live = backend(key=None, credential=StubCredential(lifetime=200))
    for _ in range(2):
        await live.chat(ASKED)
    sent = [each.headers["authorization"] for each in service.requests]
    assert sent == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("status", [401, 403])
async def test_an_identity_that_may_not_is_told_which_role_it_needs(
    status: int, service: ModelService, backend: Callable[..., LiveBackend]
) -> None:
    service.reply(failure(status, "no"))
    live = backend(key=None, credential=StubCredential())
    with pytest.raises(BindingError) as caught:
        await live.chat(ASKED)
    assert "managed identity by Own__credential" in str(caught.value.hint)
    assert "Cognitive Services OpenAI User" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("answer", "content", "calls", "usage"),
    [
        ({"choices": []}, "", (), Usage()),
        ({"choices": [{"message": {"content": None}}]}, "", (), Usage()),
        (
            {"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]},
            "a\n\nb",
            (),
            Usage(),
        ),
        (
            {
                "choices": [
                    {
                        "message": {
                            "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]
                        }
                    }
                ],
                "usage": {"prompt_tokens": 3, "completion_tokens": 4},
            },
            "",
            (ToolCall("", "f", '{"x": 1}'),),
            Usage(7, 3, 4),
        ),
        (
            {"choices": [{"message": {"tool_calls": [{"id": "c", "function": {"name": "f"}}]}}]},
            "",
            (ToolCall("c", "f", ""),),
            Usage(),
        ),
        ({"choices": [{"message": None}, {"message": {"content": "second"}}]}, "", (), Usage()),
    ],
    ids=["no choices", "null", "parts", "object arguments", "no arguments", "first choice only"],
)
def test_replies_of_servers_that_only_look_like_openai_are_read(
    answer: Any, content: str, calls: tuple[ToolCall, ...], usage: Usage
) -> None:
    reply = read_reply(answer)
    assert (reply.content, reply.tool_calls, reply.usage) == (content, calls, usage)
