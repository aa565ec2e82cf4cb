"""The assistant bindings against a model service over HTTP, through a whole host.

The app is a to-do assistant without a connection section, so the environment's is used.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.support.model_service import ModelService, Received, Reply, chat, failure
from tests.support.serving import Served, served, write_app

SINCE = "2023-01-01T00:00:00Z"
SUCCESS = "The function call succeeded. Let the user know that you completed the action."
FAILED = "The function call failed. Let the user know and ask if they'd like you to try again"
UNKNOWN = {
    "id": "zzz",
    "exists": False,
    "createdAt": "0001-01-01T00:00:00",
    "lastUpdatedAt": "0001-01-01T00:00:00",
    "totalMessages": 0,
    "totalTokens": 0,
    "recentMessages": [],
}
APP = """
import json
import logging
import azure.functions as func

app = func.FunctionApp(http_auth_level="ANONYMOUS")
ROUTE = "assistants/{assistantId}"
POST = dict(id="{assistantId}", user_message="{Query.message}")


@app.route(route=ROUTE, methods=["PUT"])
@app.assistant_create_output(arg_name="requests")
def CreateAssistant(req: func.HttpRequest, requests: func.Out[str]) -> func.HttpResponse:
    name = req.route_params["assistantId"]
    requests.set(json.dumps({"id": name, "instructions": "Be brief."}))
    return func.HttpResponse(json.dumps({"assistantId": name}), status_code=202)


@app.route(route=ROUTE, methods=["POST"])
@app.assistant_post_input(arg_name="state", chat_model="%CHAT_MODEL_DEPLOYMENT_NAME%", **POST)
def PostUserQuery(req: func.HttpRequest, state: str) -> func.HttpResponse:
    messages = json.loads(state)["recentMessages"]
    return func.HttpResponse(messages[-1]["content"] if messages else state)


@app.route(route="state/{assistantId}", methods=["POST"])
@app.assistant_post_input(arg_name="state", chat_model="gpt-test", **POST)
def PostForState(req: func.HttpRequest, state: str) -> func.HttpResponse:
    return func.HttpResponse(state, mimetype="application/json")


@app.route(route=ROUTE, methods=["GET"])
@app.assistant_query_input(
    arg_name="state", id="{assistantId}", timestamp_utc="{Query.timestampUTC}"
)
def GetChatState(req: func.HttpRequest, state: str) -> func.HttpResponse:
    return func.HttpResponse(state, mimetype="application/json")


@app.route(route="section/{assistantId}", methods=["POST"])
@app.assistant_post_input(
    arg_name="state", ai_connection_name="AzureOpenAI", chat_model="gpt-test", **POST
)
def PostWithSection(req: func.HttpRequest, state: str) -> func.HttpResponse:
    return func.HttpResponse(json.loads(state)["recentMessages"][-1]["content"])


@app.route(route="reasoning/{assistantId}", methods=["POST"])
@app.assistant_post_input(arg_name="state", is_reasoning_model=True, chat_model="o", **POST)
def PostToReasoning(req: func.HttpRequest, state: str) -> str:
    return "ok"


@app.route(route="odd/{assistantId}", methods=["POST"])
@app.assistant_post_input(
    arg_name="state", max_tokens="", temperature="abc", top_p="0.1", **POST
)
def PostWithOddOptions(req: func.HttpRequest, state: str) -> str:
    return "ok"


@app.route(route="documented/{assistantId}", methods=["POST"])
@app.generic_output_binding(
    arg_name="state", type="postUserQuery", id="{assistantId}",
    user_message="{Query.message}", chat_model="gpt-test",
)
def PostDocumented(req: func.HttpRequest, state: func.Out[str]) -> func.HttpResponse:
    seen = json.loads(state.get())["recentMessages"][-1]["content"]
    again = req.params.get("again")
    state.set(json.dumps({"userMessage": again}) if again else "{}")
    return func.HttpResponse(seen, status_code=202)


@app.route(route="injected/{assistantId}", methods=["POST"])
@app.generic_output_binding(
    arg_name="state", type="postUserQuery", id="{assistantId}",
    user_message="{Query.message}", chat_model="gpt-test",
)
def PostInjected(req: func.HttpRequest, state: str) -> str:
    return json.loads(state)["recentMessages"][-1]["content"]


@app.route(route="generic/{assistantId}", methods=["POST"])
@app.generic_input_binding(arg_name="state", type="chatBotPost", chat_model="gpt-test", **POST)
def PostGenericIn(req: func.HttpRequest, state: str) -> str:
    return json.loads(state)["recentMessages"][-1]["content"]


@app.route(route="old/{assistantId}", methods=["POST"])
@app.generic_output_binding(
    arg_name="requests", type="assistantPost", id="{assistantId}", model="m1"
)
def PostOld(req: func.HttpRequest, requests: func.Out[str]) -> func.HttpResponse:
    requests.set(req.get_body().decode())
    return func.HttpResponse(status_code=202)


@app.assistant_skill_trigger(
    arg_name="taskDescription", function_description="Create a new todo task"
)
def AddTodo(taskDescription: str) -> None:
    if taskDescription == "explode":
        raise ValueError("the list is full")
    logging.info("ADDED %r", taskDescription)


@app.assistant_skill_trigger(
    arg_name="inputIgnored", function_description="Fetch the list of todo tasks"
)
def GetTodos(inputIgnored: str) -> object:
    todos = [{"id": "1", "task": "x"}]
    return json.dumps(todos) if inputIgnored == "as text" else todos
"""


class Todo:
    """The app being served, the service behind it, and its chats on disk."""

    def __init__(self, host: Served, service: ModelService, state: Path) -> None:
        self.host = host
        self.service = service
        self._state = state

    async def create(self, name: str = "a1") -> None:
        answer = await self.host.put(f"/api/assistants/{name}")
        assert (answer.status, answer.json) == (202, {"assistantId": name})

    async def post(self, message: str, name: str = "a1", *, route: str = "assistants") -> Any:
        return await self.host.post(f"/api/{route}/{name}", params={"message": message})

    async def chat(self, name: str = "a1", since: str = SINCE) -> Any:
        answer = await self.host.get(f"/api/assistants/{name}", params={"timestampUTC": since})
        assert answer.status == 200, self.host.printed
        return answer.json

    async def roles(self, name: str = "a1") -> list[str]:
        return [message["role"] for message in (await self.chat(name))["recentMessages"]]

    def rows(self, name: str = "a1") -> list[dict[str, Any]]:
        (file,) = self._state.glob("*chats*.db")
        connection = sqlite3.connect(file)
        connection.row_factory = sqlite3.Row
        try:
            found = connection.execute(
                "select * from chat_message where assistant = ? order by number", (name,)
            )
            return [dict(row) for row in found]
        finally:
            connection.close()


@pytest.fixture
async def service() -> AsyncIterator[ModelService]:
    async with ModelService().running() as service:
        yield service


def serving(
    tmp_path: Path, channel: str, settings: dict[str, str]
) -> AbstractAsyncContextManager[Served]:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    settings = {
        "CHAT_MODEL_DEPLOYMENT_NAME": "gpt-test",
        "FUNCEMU_MODEL_RETRY_DELAY": "0.001",
        **settings,
    }
    return served(app, "--verbose", channel=channel, settings=settings, state=tmp_path / "state")


@pytest.fixture
async def todo(channel: str, service: ModelService, tmp_path: Path) -> AsyncIterator[Todo]:
    settings = {"AZURE_OPENAI_ENDPOINT": service.url, "AZURE_OPENAI_KEY": "k"}
    async with serving(tmp_path, channel, settings) as host:
        yield Todo(host, service, tmp_path / "state")


async def test_creating_stores_the_instructions_and_asks_no_model(todo: Todo) -> None:
    await todo.create()
    state = await todo.chat()
    assert list(state) == [
        "id",
        "exists",
        "createdAt",
        "lastUpdatedAt",
        "totalMessages",
        "totalTokens",
        "recentMessages",
    ]
    assert state["recentMessages"] == [{"content": "Be brief.", "role": "System", "toolCalls": ""}]
    assert (state["totalMessages"], state["totalTokens"]) == (1, 0)
    assert state["createdAt"].endswith("Z")
    assert todo.service.requests == []


async def test_a_plain_turn(todo: Todo) -> None:
    await todo.create()
    answer = await todo.post("Hello")
    assert (answer.status, answer.text) == (200, "Hi")
    state = await todo.chat()
    assert [(m["role"], m["content"]) for m in state["recentMessages"]] == [
        ("System", "Be brief."),
        ("User", "Hello"),
        ("Assistant", "Hi"),
    ]
    assert (state["totalMessages"], state["totalTokens"]) == (3, 42)


async def test_what_the_service_is_sent(todo: Todo) -> None:
    await todo.create()
    await todo.post("Hello")
    (request,) = todo.service.requests
    assert request.method == "POST"
    assert request.path == "/openai/deployments/gpt-test/chat/completions"
    assert request.query == {"api-version": "2024-10-21"}
    assert request.headers["api-key"] == "k"
    tools = request.body.pop("tools")
    assert request.body == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
        ],
        "model": "gpt-test",
        "temperature": 0.5,
        "max_tokens": 100,
    }
    assert tools == [
        _tool("AddTodo", "Create a new todo task", "taskDescription"),
        _tool("GetTodos", "Fetch the list of todo tasks", "inputIgnored"),
    ]


async def test_a_skill_is_called_and_its_result_told(todo: Todo) -> None:
    await todo.create()
    arguments = {"taskDescription": "Call my dad"}
    todo.service.reply(chat(calls=[("call_1", "AddTodo", arguments)]), chat("Done", total=77))
    state = (await todo.post("Remind me", route="state")).json
    await todo.host.until_printed("ADDED 'Call my dad'")
    *_, told, result = todo.service.requests[1].messages
    assert told["role"] == "assistant"
    assert "content" not in told
    assert told["tool_calls"][0]["id"] == "call_1"
    assert result == {
        "role": "tool",
        "tool_call_id": "call_1",
        "content": f"Function Name: 'AddTodo' and Function Result: '{SUCCESS}'",
    }
    assert await todo.roles() == ["System", "User", "Assistant", "Tool", "Assistant"]
    assert (state["totalMessages"], state["totalTokens"]) == (5, 77)
    first, last = state["recentMessages"]
    assert (first["content"], first["role"]) == ("", "Assistant")
    (call,) = json.loads(first["toolCalls"])
    assert (call["functionName"], call["kind"]) == ("AddTodo", "Function")
    assert json.loads(call["functionArguments"]) == arguments
    assert last == {"content": "Done", "role": "Assistant", "toolCalls": ""}


async def test_the_rows_are_those_of_the_extension(todo: Todo) -> None:
    await todo.create()
    arguments = {"taskDescription": "Call my dad"}
    todo.service.reply(chat(calls=[("call_1", "AddTodo", arguments)]), chat("Done"))
    await todo.post("Remind me")
    rows = todo.rows()
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["role"] for row in rows] == ["System", "User", "Assistant", "Tool", "Assistant"]
    assert [row["name"] for row in rows] == [None, None, None, "call_1", None]


async def test_a_failing_skill_does_not_fail_the_turn(todo: Todo) -> None:
    await todo.create()
    todo.service.reply(
        chat(calls=[("call_1", "AddTodo", {"taskDescription": "explode"})]), chat("Sorry")
    )
    answer = await todo.post("Remind me")
    assert (answer.status, answer.text) == (200, "Sorry")
    content = todo.service.requests[1].messages[-1]["content"]
    assert content == f"Function Name: 'AddTodo' and Function Result: '{FAILED}'"
    await todo.host.until_printed("Exception: ValueError: the list is full")


@pytest.mark.parametrize(
    ("argument", "result"),
    [
        ("as text", '"[{\\"id\\": \\"1\\", \\"task\\": \\"x\\"}]"'),
        ("as list", '[{"id":"1","task":"x"}]'),
    ],
)
async def test_what_a_skill_returns_reaches_the_model(
    todo: Todo, argument: str, result: str
) -> None:
    await todo.create()
    todo.service.reply(
        chat(calls=[("call_1", "GetTodos", {"inputIgnored": argument})]), chat("One.")
    )
    await todo.post("What is there?")
    content = todo.service.requests[1].messages[-1]["content"]
    assert content == f"Function Name: 'GetTodos' and Function Result: '{result}'"


async def test_an_assistant_nobody_created(todo: Todo) -> None:
    assert (await todo.post("Hello", "zzz", route="state")).json == UNKNOWN
    assert await todo.chat("zzz") == UNKNOWN
    assert todo.service.requests == []
    await todo.create()
    assert await todo.chat("zzz") == UNKNOWN


async def test_polling_with_the_last_date_gives_what_is_newer(todo: Todo) -> None:
    await todo.create()
    await todo.post("one")
    seen = (await todo.chat())["lastUpdatedAt"]
    assert (await todo.chat(since=seen))["recentMessages"] == []
    await todo.post("two")
    newer = await todo.chat(since=seen)
    assert [message["content"] for message in newer["recentMessages"]] == ["two", "Hi"]
    assert newer["totalMessages"] == 5


async def test_creating_again_starts_anew(todo: Todo) -> None:
    await todo.create()
    before = await todo.chat()
    await todo.post("one")
    await todo.create()
    after = await todo.chat()
    assert (after["totalMessages"], after["totalTokens"]) == (1, 0)
    assert after["createdAt"] > before["createdAt"]


async def test_an_openai_key_wins_over_everything(
    channel: str, service: ModelService, tmp_path: Path
) -> None:
    settings = {
        "OPENAI_API_KEY": "sk",
        "OPENAI_BASE_URL": f"{service.url}/v1",
        "AzureOpenAI__Endpoint": "http://127.0.0.1:9",
        "AzureOpenAI__Key": "s1",
    }
    async with serving(tmp_path, channel, settings) as host:
        todo = Todo(host, service, tmp_path / "state")
        await todo.create()
        assert (await todo.post("Hello", route="section")).text == "Hi"
        (request,) = service.requests
        assert request.path == "/v1/chat/completions"
        assert request.headers["authorization"] == "Bearer sk"
        assert request.body["max_completion_tokens"] == 100
        assert "max_tokens" not in request.body
        await host.until_printed("OPENAI_API_KEY")
        assert "sk" not in host.printed.split()


async def test_the_key_of_the_section_is_used(
    channel: str, service: ModelService, tmp_path: Path
) -> None:
    settings = {
        "AzureOpenAI__Endpoint": f"{service.url}/",
        "AzureOpenAI__Key": "s1",
        "AZURE_OPENAI_KEY": "k",
    }
    async with serving(tmp_path, channel, settings) as host:
        todo = Todo(host, service, tmp_path / "state")
        await todo.create()
        assert (await todo.post("Hello", route="section")).text == "Hi"
        assert service.requests[0].headers["api-key"] == "s1"


async def test_without_any_endpoint_a_live_host_fails_with_the_reason(
    channel: str, tmp_path: Path
) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    async with served(
        app,
        "--models",
        "live",
        channel=channel,
        settings={"CHAT_MODEL_DEPLOYMENT_NAME": "gpt-test"},
    ) as host:
        await host.put("/api/assistants/a1")
        answer = await host.post("/api/section/a1", params={"message": "Hello"})
        assert (answer.status, answer.body) == (500, b"")
        await host.until_printed(
            "Configuration section 'AzureOpenAI' is missing required 'Endpoint'"
        )
        chat = await host.get("/api/assistants/a1", params={"timestampUTC": SINCE})
        assert chat.json["totalMessages"] == 1


async def test_options_of_the_request(todo: Todo) -> None:
    await todo.create()
    await todo.post("Hello", route="reasoning")
    await todo.post("Hello", route="odd")
    reasoning, odd = (request.body for request in todo.service.requests)
    assert not {"temperature", "max_tokens", "max_completion_tokens"} & set(reasoning)
    assert odd["top_p"] == 0.1
    assert not {"temperature", "max_tokens"} & set(odd)


@pytest.mark.parametrize(
    "bad",
    [failure(500), failure(429), failure(503), Reply(breaks=True)],
    ids=["500", "429", "503", "reset"],
)
async def test_a_service_that_fails_is_asked_four_times_and_nothing_is_stored(
    todo: Todo, bad: Reply
) -> None:
    await todo.create()
    todo.service.fallback = lambda request: bad
    before = todo.rows()
    answer = await todo.post("Hello")
    assert (answer.status, answer.body) == (500, b"")
    assert len(todo.service.requests) == 4
    assert todo.rows() == before


async def test_a_service_that_recovers_is_enough(todo: Todo) -> None:
    await todo.create()
    todo.service.reply(failure(429, retry_after="0"), failure(500), chat("There you are"))
    assert (await todo.post("Hello")).text == "There you are"
    assert len(todo.service.requests) == 3


async def test_a_refusal_is_not_repeated(todo: Todo) -> None:
    await todo.create()
    todo.service.fallback = lambda request: failure(401, "wrong key")
    assert (await todo.post("Hello")).status == 500
    assert len(todo.service.requests) == 1
    await todo.host.until_printed("wrong key")


async def test_the_documented_form_posts_before_and_once_more_after(todo: Todo) -> None:
    await todo.create()
    todo.service.fallback = lambda request: chat(f"You said {request.messages[-1]['content']}")
    answer = await todo.post("Hello", route="documented")
    assert (answer.status, answer.text) == (202, "You said Hello")
    assert (await todo.chat())["totalMessages"] == 3
    answer = await todo.host.post(
        "/api/documented/a1", params={"message": "first", "again": "second"}
    )
    assert (answer.status, answer.text) == (202, "You said first")
    contents = [message["content"] for message in (await todo.chat())["recentMessages"]]
    assert contents[3:] == ["first", "You said first", "second", "You said second"]
    await todo.host.until_printed("treated as 'assistantPost'")


async def test_a_plain_parameter_receives_what_the_documented_form_delivers(todo: Todo) -> None:
    await todo.create()
    assert (await todo.post("Hello", route="injected")).text == "Hi"


async def test_an_input_of_any_alias_delivers_the_state(todo: Todo) -> None:
    await todo.create()
    assert (await todo.post("Hello", route="generic")).text == "Hi"


@pytest.mark.parametrize(
    ("body", "assistant", "messages"),
    [
        ('{"id": "other", "userMessage": "x", "model": "m2"}', "other", ["x"]),
        ("just text", "a1", ["just text"]),
        ('[{"userMessage": "x"}, {"userMessage": "y"}]', "a1", ["x", "y"]),
    ],
)
async def test_the_old_form_posts_what_the_function_sets(
    todo: Todo, body: str, assistant: str, messages: list[str]
) -> None:
    await todo.create()
    await todo.create("other")
    answer = await todo.host.post("/api/old/a1", data=body)
    assert answer.status == 202
    assert {request.path for request in todo.service.requests} == {
        "/openai/deployments/m1/chat/completions"
    }
    stored = (await todo.chat(assistant))["recentMessages"]
    assert [each["content"] for each in stored if each["role"] == "User"] == messages


async def test_the_old_form_only_warns_about_an_unknown_assistant(todo: Todo) -> None:
    assert (await todo.host.post("/api/old/nobody", data="hello")).status == 202
    assert todo.service.requests == []


async def test_an_unset_model_of_the_decorator_is_the_default(todo: Todo) -> None:
    await todo.create()
    await todo.post("Hello", route="odd")
    assert todo.service.requests[0].path == "/openai/deployments/gpt-3.5-turbo/chat/completions"


async def test_posts_at_once_are_all_kept(todo: Todo) -> None:
    await todo.create()
    answers = await asyncio.gather(*(todo.post(f"message {n}") for n in range(10)))
    assert [answer.status for answer in answers] == [200] * 10
    state = await todo.chat()
    assert state["totalMessages"] == 21
    users = [m["content"] for m in state["recentMessages"] if m["role"] == "User"]
    assert sorted(users) == sorted(f"message {n}" for n in range(10))
    assert [row["number"] for row in todo.rows()] == list(range(1, 22))


async def test_two_hundred_posts_over_twenty_assistants(todo: Todo) -> None:
    names = [f"a{number}" for number in range(20)]
    await asyncio.gather(*(todo.create(name) for name in names))
    answers = await asyncio.gather(
        *(todo.post(f"turn {turn}", name) for name in names for turn in range(10))
    )
    assert {answer.status for answer in answers} == {200}
    for name in names:
        state = await todo.chat(name)
        users = [m["content"] for m in state["recentMessages"] if m["role"] == "User"]
        assert sorted(users) == sorted(f"turn {turn}" for turn in range(10))


async def test_a_model_that_only_calls_is_stopped_and_the_chat_goes_on(todo: Todo) -> None:
    await todo.create()

    def calling(request: Received) -> Reply:
        if "tools" in request.body:
            number = len(todo.service.requests)
            return chat(calls=[(f"call_{number}", "AddTodo", {"taskDescription": str(number)})])
        return chat("Enough.")

    todo.service.fallback = calling
    answer = await todo.post("Go")
    assert (answer.status, answer.text) == (200, "Enough.")
    await todo.host.until_printed("limit of 50")
    assert todo.host.printed.count("ADDED") == 25
    stored = (await todo.chat())["recentMessages"]
    calls = sum(len(json.loads(m["toolCalls"])) for m in stored if m["toolCalls"])
    assert calls == sum(m["role"] == "Tool" for m in stored)
    todo.service.fallback = lambda request: chat("Hello again")
    assert (await todo.post("And now?")).text == "Hello again"


@pytest.mark.parametrize(
    ("levels", "shown"), [({}, False), ({"Microsoft.Azure.WebJobs.Extensions": "Debug"}, True)]
)
async def test_host_json_shows_how_a_conversation_goes(
    levels: dict[str, str], shown: bool, tmp_path: Path
) -> None:
    host_json = json.dumps({"version": "2.0", "logging": {"logLevel": levels}})
    app = write_app(tmp_path / "app", {"function_app.py": APP, "host.json": host_json})
    async with served(app, channel="inprocess") as host:
        await host.put("/api/assistants/a1")
        await host.post("/api/state/a1", params={"message": "Hello there"})
        await host.until_printed("POST /api/state/a1")
    said = "[PostForState] [a1] Received message: Hello there"
    assert (said in host.printed) == shown


def _tool(name: str, description: str, parameter: str) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {"type": "object", "properties": {parameter: {"type": "string"}}},
        },
    }
