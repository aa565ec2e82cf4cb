"""Local servers that speak almost OpenAI's protocol, each shape over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from bindings.openai.connections import ModelConnection
from bindings.openai.models.base import ChatRequest
from bindings.openai.models.live import LiveBackend
from bindings.openai.models.replies import calls_in_text
from bindings.openai.models.retrying import RetryPolicy, ServiceError
from emulator.clock import SystemClock
from tests.support.model_service import ModelService, Received, Reply, chat, failure
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import TodoAssistant

TOOL = {
    "type": "function",
    "function": {"name": "AddTodo", "description": "Adds", "parameters": {"type": "object"}},
}
ASKED = ChatRequest("m", [{"role": "user", "content": "Remind me"}], [TOOL])


def answer(message: Any, *, finish: Any = None, usage: Any = None, **choice: Any) -> Reply:
    body: dict[str, Any] = {"choices": [{"message": message, "finish_reason": finish, **choice}]}
    if usage is not None:
        body["usage"] = usage
    return Reply(body)


def call(**entry: Any) -> dict[str, Any]:
    return {"function": {"name": "AddTodo", "arguments": '{"x": 1}'}, **entry}


Ask = Callable[..., Any]


@pytest.fixture
async def ask(service: ModelService) -> AsyncIterator[Ask]:
    made: list[LiveBackend] = []

    async def send(reply: Reply | None = None, *, path: str = "/v1", **how: Any) -> Any:
        if reply is not None:
            service.reply(reply)
        request = how.pop("request", ASKED)
        connection = ModelConnection("openai", service.url + path, "OPENAI_BASE_URL", "k", "KEY")
        made.append(
            LiveBackend(connection, policy=RetryPolicy(delay=0), clock=SystemClock(), **how)
        )
        return await made[-1].chat(request)

    yield send
    for each in made:
        await each.aclose()


SHAPES: list[tuple[str, Reply, str, list[tuple[str, str]], str]] = [
    ("no usage, no index", answer({"content": "Hi"}, finish="stop"), "Hi", [], "stop"),
    ("content is null", answer({"content": None}, finish="stop"), "", [], "stop"),
    ("content is missing", answer({"role": "assistant"}, finish="stop"), "", [], "stop"),
    (
        "content in parts",
        answer({"content": [{"type": "text", "text": "a"}, "b"]}, finish="stop"),
        "a\n\nb",
        [],
        "stop",
    ),
    (
        "Ollama: every parallel call has the index 0, the reason is stop",
        answer(
            {"content": "", "tool_calls": [call(index=0, id="a"), call(index=0, id="b")]},
            finish="stop",
        ),
        "",
        [("a", '{"x": 1}'), ("b", '{"x": 1}')],
        "tool_calls",
    ),
    (
        "an empty reason",
        answer({"tool_calls": [call(id="a")]}, finish=""),
        "",
        [("a", '{"x": 1}')],
        "tool_calls",
    ),
    (
        "no reason",
        answer({"tool_calls": [call(id="a")]}),
        "",
        [("a", '{"x": 1}')],
        "tool_calls",
    ),
    (
        "empty ids",
        answer({"tool_calls": [call(id=""), call()]}, finish="tool_calls"),
        "",
        [("", '{"x": 1}'), ("", '{"x": 1}')],
        "tool_calls",
    ),
    (
        "arguments as an object",
        answer({"tool_calls": [{"function": {"name": "AddTodo", "arguments": {"x": 1}}}]}),
        "",
        [("", '{"x": 1}')],
        "tool_calls",
    ),
    (
        "no level function",
        answer({"tool_calls": [{"name": "AddTodo", "arguments": {"x": 1}}]}),
        "",
        [("", '{"x": 1}')],
        "tool_calls",
    ),
    (
        "one call instead of a list",
        answer({"tool_calls": call(id="a")}),
        "",
        [("a", '{"x": 1}')],
        "tool_calls",
    ),
    (
        "the older form function_call",
        answer({"function_call": {"name": "AddTodo", "arguments": "{}"}}, finish="function_call"),
        "",
        [("", "{}")],
        "tool_calls",
    ),
    (
        "a call cut at the limit keeps its reason",
        answer({"tool_calls": [call(id="a")]}, finish="length"),
        "",
        [("a", '{"x": 1}')],
        "length",
    ),
    ("eos", answer({"content": "Hi"}, finish="eos"), "Hi", [], "stop"),
    ("max_tokens", answer({"content": "Hi"}, finish="max_tokens"), "Hi", [], "length"),
    (
        "tool_calls is null",
        answer({"content": "Hi", "tool_calls": None}, finish="stop"),
        "Hi",
        [],
        "stop",
    ),
    (
        "the choice with the index 0 counts",
        Reply(
            {
                "choices": [
                    {"index": 1, "message": {"content": "second"}},
                    {"index": 0, "message": {"content": "first"}, "finish_reason": "stop"},
                ]
            }
        ),
        "first",
        [],
        "stop",
    ),
    (
        "a completion's text instead of a message",
        Reply({"choices": [{"text": "Hi", "finish_reason": "stop"}]}),
        "Hi",
        [],
        "stop",
    ),
]


@pytest.mark.parametrize(
    ("reply", "content", "calls", "reason"),
    [case[1:] for case in SHAPES],
    ids=[case[0] for case in SHAPES],
)
async def test_it_is_read(
    ask: Ask, reply: Reply, content: str, calls: list[tuple[str, str]], reason: str
) -> None:
    said = await ask(reply)
    assert said.content == content
    assert [(each.id, each.arguments) for each in said.tool_calls] == calls
    assert {each.name for each in said.tool_calls} <= {"AddTodo"}
    assert said.finish_reason == reason
    assert said.usage.total > 0


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        ({"total_tokens": 9}, (9, 0, 0)),
        ({"prompt_tokens": 4, "completion_tokens": "3"}, (7, 4, 3)),
        ({"prompt_tokens": None, "completion_tokens": 3}, (3, 0, 3)),
    ],
)
async def test_usage_is_read_as_far_as_it_is_there(
    ask: Ask, usage: Mapping[str, Any], wanted: tuple[int, int, int]
) -> None:
    said = (await ask(answer({"content": "Hi"}, usage=usage))).usage
    assert (said.total, said.prompt, said.completion) == wanted


TEXTS = [
    '{"name": "AddTodo", "arguments": {"x": 1}}',
    '{"name": "AddTodo", "parameters": {"x": 1}}',
    '{"type": "function", "function": {"name": "AddTodo", "arguments": {"x": 1}}}',
    '{"function": "AddTodo", "parameters": {"x": 1}}',
    '[{"name": "AddTodo", "arguments": {"x": 1}}]',
    '```json\n{"name": "AddTodo", "arguments": {"x": 1}}\n```',
    '<tool_call>\n{"name": "AddTodo", "arguments": {"x": 1}}\n</tool_call>',
    'Sure.\n<tool_call>{"name": "AddTodo", "arguments": {"x": 1}}',
    '[TOOL_CALLS][{"name": "AddTodo", "arguments": {"x": 1}}]',
    'functools[{"name": "AddTodo", "arguments": {"x": 1}}]',
]


@pytest.mark.parametrize("text", TEXTS)
async def test_a_call_written_as_text_is_read_when_asked_for(ask: Ask, text: str) -> None:
    said = await ask(answer({"content": text}, finish="stop"), text_calls=True)
    assert [(each.name, each.arguments) for each in said.tool_calls] == [("AddTodo", '{"x": 1}')]
    assert (said.content, said.finish_reason) == ("", "tool_calls")


async def test_otherwise_it_stays_a_text_and_the_setting_is_named_once(ask: Ask) -> None:
    told: list[str] = []
    request = ChatRequest("m", ASKED.messages, [TOOL], tell=told.append)
    said = await ask(answer({"content": TEXTS[0]}, finish="stop"), request=request)
    assert (said.content, said.tool_calls) == (TEXTS[0], ())
    [warning] = told
    assert "FUNCEMU_MODEL_TEXT_TOOL_CALLS=true" in warning


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        '{"name": "Unknown", "arguments": {}}',
        '{"answer": 42}',
        '[1, {"name": "AddTodo"}]',
        'Use {"name": "AddTodo"} like this',
        "",
    ],
)
def test_other_texts_are_no_calls(text: str) -> None:
    assert calls_in_text(text, {"AddTodo"}) == ()


async def test_the_setting_makes_a_skill_run(host: OpenAIHost, service: ModelService) -> None:
    todo = TodoAssistant(host, service)
    todo.add_skills()
    host.settings.values["FUNCEMU_MODEL_TEXT_TOOL_CALLS"] = "true"
    text = '<tool_call>{"name": "AddTodo", "arguments": {"taskDescription": "milk"}}</tool_call>'
    service.reply(answer({"content": text}), chat("Done"))
    await todo.create()
    state = await todo.post("Remind me of milk")
    assert state["recentMessages"][-1]["content"] == "Done"
    assert [each["task"] for each in todo.todos] == ["milk"]


async def test_parallel_calls_without_ids_get_one_each(
    host: OpenAIHost, service: ModelService
) -> None:
    todo = TodoAssistant(host, service)
    todo.add_skills()
    calls = [
        {"function": {"name": "AddTodo", "arguments": {"taskDescription": text}}, "index": 0}
        for text in ("a", "b")
    ]
    service.reply(answer({"tool_calls": calls}), chat("Done"))
    await todo.create()
    await todo.post("Two things")
    assert [each["task"] for each in todo.todos] == ["a", "b"]
    sent = service.requests[-1].messages
    asked = [each["id"] for each in sent[-3]["tool_calls"]]
    assert [each["tool_call_id"] for each in sent[-2:]] == asked
    assert len(set(asked)) == 2


async def test_an_address_without_version_is_completed_once(
    ask: Ask, service: ModelService
) -> None:
    def serve(request: Received) -> Reply:
        if request.path.startswith("/v1/"):
            return chat("Hi")
        return Reply("404 page not found", 404)

    service.fallback = serve
    assert (await ask(path="")).content == "Hi"
    assert [request.path for request in service.requests] == [
        "/chat/completions",
        "/v1/chat/completions",
    ]


async def test_an_unknown_model_is_no_wrong_address(ask: Ask, service: ModelService) -> None:
    service.fallback = lambda request: failure(404, "no such model", code="model_not_found")
    with pytest.raises(ServiceError, match="no such model"):
        await ask(path="")
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser'),
        (500, "tools param requires --jinja flag"),
    ],
)
async def test_a_server_started_without_tools_is_told_how_to_start(
    ask: Ask, service: ModelService, status: int, said: str
) -> None:
    service.fallback = lambda request: failure(status, said)
    request = ASKED
    with pytest.raises(ServiceError) as caught:
        await ask(request=request)
    assert "--jinja" in (caught.value.hint or "")
