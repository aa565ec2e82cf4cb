"""The offline model: which skill it calls, with what, and what it says."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.models.base import ChatReply, ChatRequest
from bindings.openai.models.deterministic import DeterministicBackend
from emulator.clock import ManualClock
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import TodoAssistant

SUCCEEDED = "The function call succeeded. Let the user know that you completed the action."
FAILED = "The function call failed. Let the user know and ask if they'd like you to try again"


def tool(name: str, description: str, required: list[str] | None = None, **properties: Any) -> Any:
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    if required is not None:
        parameters["required"] = required
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}

TODO = [
    tool("AddTodo", "Create a new todo task", taskDescription=TEXT),
    tool("GetTodos", "Fetch the list of previously created todo tasks", inputIgnored=TEXT),
]
TODO_FULL = [
    *TODO,
    tool("DeleteTodo", "Remove a todo task", id=TEXT),
    tool("CompleteTodo", "Mark a todo task as completed", task=TEXT),
]
OFFICE = [
    tool(
        "GetWeather",
        "Get the current weather for a city",
        city=TEXT,
        unit={"type": "string", "enum": ["celsius", "fahrenheit"]},
    ),
    tool("SendEmail", "Sends an email to a recipient", to=TEXT, subject=TEXT, body=TEXT),
    tool("CreateOrder", "Places an order for a product", product=TEXT, quantity=WHOLE),
    tool(
        "BookTable",
        "Reserve a table in a restaurant",
        date={"type": "string", "format": "date"},
        people=WHOLE,
        guest=TEXT,
    ),
    tool("SwitchLight", "Turn a light in a room on or off", room=TEXT, on={"type": "boolean"}),
    tool("Multiply", "Multiplies two numbers", a=NUMBER, b=NUMBER),
    tool("search_documents", "Search the company's documents", query=TEXT),
    tool("GetOrderStatus", "Look up the status of an order by its number", orderNumber=WHOLE),
]


@pytest.fixture
def backend() -> DeterministicBackend:
    return DeterministicBackend(ManualClock(datetime(2026, 11, 22, 8, tzinfo=UTC)))  # a Sunday


async def ask(
    backend: DeterministicBackend, text: str, tools: list[Any], *history: dict[str, Any]
) -> ChatReply:
    messages = [*history, {"role": "user", "content": text}]
    return await backend.chat(ChatRequest("m", messages, tools, assistant="a1"))


def called(reply: ChatReply) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in reply.tool_calls]


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("Remind me to call my dad", "call my dad"),
        ("please remind me to call my dad.", "call my dad"),
        ("Oh, remind me to call my dad, please!", "call my dad"),
        ("Could you please add a task to buy milk?", "buy milk"),
        ("Add buy milk to my list", "buy milk"),
        ("add milk to my todo list", "milk"),
        ("Create a new todo: water the plants", "water the plants"),
        ("todo: clean the kitchen", "clean the kitchen"),
        ("I need to buy milk", "buy milk"),
        ("I have to pick up the kids at 5pm", "pick up the kids at 5pm"),
        ("I need to see a doctor", "see a doctor"),
        ("Don't forget to lock the door", "lock the door"),
        ("Note that the car needs oil", "the car needs oil"),
        ("Make a note: pay rent", "pay rent"),
        ("set a reminder to stretch", "stretch"),
        ('Put "wash the car" on my list', "wash the car"),
        ("remind me about the meeting tomorrow", "the meeting tomorrow"),
        ("Can you remember that Anna's birthday is on May 3?", "Anna's birthday is on May 3"),
        ("Remind me to add the todo list to the report", "add the todo list to the report"),
        ("Remind me to grüßen 👋 日本", "grüßen 👋 日本"),
    ],
)
async def test_something_to_do_is_added_in_the_users_words(
    text: str, task: str, backend: DeterministicBackend
) -> None:
    assert called(await ask(backend, text, TODO)) == [("AddTodo", {"taskDescription": task})]


@pytest.mark.parametrize(
    "text",
    [
        "What do I need to do today?",
        "what do i need to do",
        "What's on my list?",
        "What are my tasks?",
        "Show me my todos",
        "List everything I have to do",
        "Do I have anything to do?",
        "Which tasks are open?",
        "how many todos do I have?",
        "What did I ask you to remember?",
        "My todo list please",
        "get my todos",
        "I need to see my tasks",
    ],
)
async def test_a_question_about_tasks_fetches_them(
    text: str, backend: DeterministicBackend
) -> None:
    assert called(await ask(backend, text, TODO)) == [("GetTodos", {"inputIgnored": ""})]


@pytest.mark.parametrize("order", [TODO, list(reversed(TODO))], ids=["as is", "reversed"])
async def test_the_order_of_skills_does_not_matter(
    order: list[Any], backend: DeterministicBackend
) -> None:
    assert called(await ask(backend, "What do I need to do?", order))[0][0] == "GetTodos"
    assert called(await ask(backend, "Remind me to rest", order))[0][0] == "AddTodo"


@pytest.mark.parametrize(
    "text",
    ["Tell me a joke", "What is the capital of France?", "Delete all my tasks", "xyzzy", "..."],
)
async def test_what_no_skill_fits_is_asked_back(text: str, backend: DeterministicBackend) -> None:
    reply = await ask(backend, text, TODO)
    assert reply.tool_calls == ()
    assert f'"{text}"' in reply.content
    assert reply.content.endswith(
        "I can create a new todo task (AddTodo); or fetch the list of previously created todo "
        "tasks (GetTodos)."
    )


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("Delete the task 3", ("DeleteTodo", {"id": "3"})),
        ("remove todo buy milk", ("DeleteTodo", {"id": "buy milk"})),
        ("mark task 2 as done", ("CompleteTodo", {"task": "2"})),
        ("complete buy milk", ("CompleteTodo", {"task": "buy milk"})),
        ("I finished the laundry task", ("CompleteTodo", {"task": "laundry task"})),
        ("What do I need to do?", ("GetTodos", {"inputIgnored": ""})),
        (
            "Remind me to delete the old photos",
            ("AddTodo", {"taskDescription": "delete the old photos"}),
        ),
    ],
)
async def test_verbs_tell_skills_about_the_same_thing_apart(
    text: str, call: tuple[str, Any], backend: DeterministicBackend
) -> None:
    assert called(await ask(backend, text, TODO_FULL)) == [call]


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("What's the weather in Paris?", ("GetWeather", {"city": "Paris"})),
        ("weather in New York today", ("GetWeather", {"city": "New York"})),
        ("Is it going to rain in London tomorrow?", ("GetWeather", {"city": "London"})),
        (
            "How warm is it in Rome in fahrenheit?",
            ("GetWeather", {"city": "Rome", "unit": "fahrenheit"}),
        ),
        (
            "Send an email to bob@example.com about the meeting saying I will be late",
            (
                "SendEmail",
                {"to": "bob@example.com", "subject": "the meeting", "body": "I will be late"},
            ),
        ),
        (
            "email anna that dinner is ready",
            ("SendEmail", {"to": "anna", "subject": "", "body": "dinner is ready"}),
        ),
        ("Order 3 pizzas", ("CreateOrder", {"product": "pizzas", "quantity": 3})),
        (
            "I'd like to order two red bikes",
            ("CreateOrder", {"product": "red bikes", "quantity": 2}),
        ),
        (
            "Book a table for 4 people tomorrow for Miller",
            ("BookTable", {"date": "2026-11-23", "people": 4, "guest": "Miller"}),
        ),
        (
            "Reserve a table on 2026-12-24",
            ("BookTable", {"date": "2026-12-24", "guest": ""}),
        ),
        ("Reserve a table next friday", ("BookTable", {"date": "2026-11-27", "guest": ""})),
        ("Reserve a table in two weeks", ("BookTable", {"date": "2026-12-06", "guest": ""})),
        (
            "turn on the light in the kitchen",
            ("SwitchLight", {"room": "the kitchen", "on": True}),
        ),
        (
            "Don't leave the light on in the hall",
            ("SwitchLight", {"room": "the hall", "on": False}),
        ),
        ("multiply 3 by 4.5", ("Multiply", {"a": 3, "b": 4.5})),
        ("what is 6 times 7?", ("Multiply", {"a": 6, "b": 7})),
        (
            "find documents about vacation policy",
            ("search_documents", {"query": "vacation policy"}),
        ),
        ("what is the status of order 1234?", ("GetOrderStatus", {"orderNumber": 1234})),
        ("Tell me about order number 77", ("GetOrderStatus", {"orderNumber": 77})),
    ],
)
async def test_arguments_are_found_by_the_schema(
    text: str, call: tuple[str, Any], backend: DeterministicBackend
) -> None:
    assert called(await ask(backend, text, OFFICE)) == [call]


REPORT = tool(
    "CreateReport",
    "Create a report",
    ["topic", "pages", "draft", "kind", "due", "at", "mail", "link", "tags", "scores", "options"],
    topic=TEXT,
    pages={"type": "integer", "minimum": 5},
    draft={"type": "boolean"},
    kind={"type": "string", "enum": ["short", "longForm"]},
    due={"type": "string", "format": "date"},
    at={"type": "string", "format": "date-time"},
    mail={"type": "string", "format": "email"},
    link={"type": "string", "format": "uri"},
    tags={"type": "array", "items": TEXT},
    scores={"type": "array", "items": NUMBER},
    options={"type": "object", "properties": {"level": WHOLE}},
    language={"type": "string", "default": "en"},
)


async def test_what_is_required_but_not_said_gets_a_value_of_its_shape(
    backend: DeterministicBackend,
) -> None:
    [(_, arguments)] = called(await ask(backend, "Create a report about whales", [REPORT]))
    assert arguments == {
        "topic": "whales",
        "pages": 5,
        "draft": False,
        "kind": "short",
        "due": "2026-11-22",
        "at": "2026-11-22T08:00:00Z",
        "mail": "",
        "link": "",
        "tags": [],
        "scores": [],
        "options": {},
    }


async def test_what_is_said_is_used(backend: DeterministicBackend) -> None:
    text = (
        "Create a long form draft report with 12 pages about whales due on 2026-12-01, "
        "mail it to a.b@c.de and see https://x.y/z?q=1"
    )
    [(_, arguments)] = called(await ask(backend, text, [REPORT]))
    wanted = {
        "topic": "whales",
        "pages": 12,
        "draft": True,
        "kind": "longForm",
        "due": "2026-12-01",
        "mail": "a.b@c.de",
        "link": "https://x.y/z?q=1",
    }
    assert {key: arguments[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        (
            {"type": "array", "items": TEXT},
            "Save items: eggs, milk and bread",
            ["eggs", "milk", "bread"],
        ),
        ({"type": "array", "items": NUMBER}, "Save 1, 2.5 and -3", [1, 2.5, -3]),
        (NUMBER, "Save two", 2),
        (NUMBER, "Save -1,5", -1.5),
        (WHOLE, "Save 2.6", 3),
        (
            {"type": "string", "enum": ["HighPriority", "low"]},
            "Save with high priority",
            "HighPriority",
        ),
        ({"type": "boolean"}, "Save it without value", False),
        ({"type": "boolean"}, "Save value on", True),
        (
            {"type": "string", "format": "date-time"},
            "Save 2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05Z",
        ),
        ({"type": "string", "format": "date-time"}, "Save for 2026-01-02", "2026-01-02T00:00:00Z"),
        ({"type": "string", "format": "date"}, "Save for yesterday", "2026-11-21"),
        ({"type": "string", "format": "date"}, "Save in 10 days", "2026-12-02"),
        ({"type": "object", "properties": {"n": WHOLE}}, "Save n 5", {"n": 5}),
    ],
)
async def test_values_of_each_kind(
    schema: Any, text: str, value: Any, backend: DeterministicBackend
) -> None:
    saving = tool("SaveValue", "Save a value", ["value"], value=schema)
    assert called(await ask(backend, text, [saving])) == [("SaveValue", {"value": value})]


async def test_a_skill_without_parameters_is_called_with_none(
    backend: DeterministicBackend,
) -> None:
    bare = {"type": "function", "function": {"name": "ListPlanets"}}
    assert called(await ask(backend, "Show the planets", [bare])) == [("ListPlanets", {})]


def history(*turns: tuple[str, list[tuple[str, str, str]], str]) -> list[dict[str, Any]]:
    """Messages of turns: what the user said, `(skill, arguments, result)`, the answer."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "s"}]
    for number, (text, calls, answer) in enumerate(turns):
        messages.append({"role": "user", "content": text})
        if calls:
            entries = [
                {"id": f"c{number}{n}", "function": {"name": name, "arguments": arguments}}
                for n, (name, arguments, _) in enumerate(calls)
            ]
            messages.append({"role": "assistant", "tool_calls": entries})
            messages += [
                {
                    "role": "tool",
                    "tool_call_id": f"c{number}{n}",
                    "content": f"Function Name: '{name}' and Function Result: '{result}'",
                }
                for n, (name, _, result) in enumerate(calls)
            ]
        if answer:
            messages.append({"role": "assistant", "content": answer})
    return messages


ADDED = ("Remind me to call", [("AddTodo", '{"taskDescription":"call"}', SUCCEEDED)], "Done")


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("Oh, and to take out the trash", "take out the trash"),
        ("And buy milk", "buy milk"),
        ("also mow the lawn, please", "mow the lawn"),
        ("Oh and another one: sweep", "sweep"),
        ("Plus pay the rent", "pay the rent"),
    ],
)
async def test_and_also_goes_on_with_the_skill_of_the_turn_before(
    text: str, task: str, backend: DeterministicBackend
) -> None:
    reply = await ask(backend, text, TODO, *history(ADDED))
    assert called(reply) == [("AddTodo", {"taskDescription": task})]


async def test_and_with_a_request_of_its_own_is_that_request(
    backend: DeterministicBackend,
) -> None:
    reply = await ask(backend, "And what do I need to do?", TODO, *history(ADDED))
    assert called(reply)[0][0] == "GetTodos"


async def test_and_also_after_mere_talk_goes_on_with_nothing(
    backend: DeterministicBackend,
) -> None:
    talk = ("Hello", [], "Hello!")
    assert called(await ask(backend, "and the trash", TODO, *history(ADDED, talk))) == []


@pytest.mark.parametrize(
    "text", ["Yes", "yes, please!", "Try again", "again", "ok please try again"]
)
async def test_yes_after_a_failure_tries_again(text: str, backend: DeterministicBackend) -> None:
    failed = ("Remind me to call", [("AddTodo", '{"taskDescription":"call"}', FAILED)], "Sorry")
    reply = await ask(backend, text, TODO, *history(failed))
    assert called(reply) == [("AddTodo", {"taskDescription": "call"})]
    assert called(await ask(backend, text, TODO, *history(ADDED))) == []


async def test_two_requests_in_one_message_are_both_served_in_order(
    backend: DeterministicBackend,
) -> None:
    text = "Remind me to buy milk. What do I need to do today?"
    assert called(await ask(backend, text, TODO)) == [
        ("AddTodo", {"taskDescription": "buy milk"}),
        ("GetTodos", {"inputIgnored": ""}),
    ]


async def test_asking_for_the_same_twice_in_one_message_fetches_it_once(
    backend: DeterministicBackend,
) -> None:
    reply = await ask(backend, "What do I need to do? Show me my tasks!", TODO)
    assert [name for name, _ in called(reply)] == ["GetTodos"]
    reply = await ask(backend, "Remind me to eat. Remind me to sleep.", TODO)
    assert [each["taskDescription"] for _, each in called(reply)] == ["eat", "sleep"]


async def test_a_request_that_goes_on_in_a_second_sentence_stays_one(
    backend: DeterministicBackend,
) -> None:
    reply = await ask(backend, "Remind me to pay. It is urgent!", TODO)
    assert called(reply) == [("AddTodo", {"taskDescription": "pay. It is urgent"})]


LISTED = json.dumps(json.dumps([{"id": 1, "task": "call my dad"}, {"id": 2, "task": "trash"}]))


async def test_results_without_the_usual_sentence_are_told_too(
    backend: DeterministicBackend,
) -> None:
    messages = history(("x", [("Get", "{}", "1")], ""))
    messages[-1]["content"] = '{"a": "b"}'
    assert (await backend.chat(ChatRequest("m", messages))).content == "Here is what I found: a b."


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Hello", "Hello! I am the offline model of the local host. How can I help you?"),
        ("Thanks!", "You're welcome."),
    ],
)
async def test_courtesies_without_skills(
    text: str, answer: str, backend: DeterministicBackend
) -> None:
    assert (await ask(backend, text, [])).content == answer


async def test_courtesies_with_skills(backend: DeterministicBackend) -> None:
    assert (await ask(backend, "Thank you!", TODO)).content == "You're welcome."
    greeting = (await ask(backend, "Good morning", TODO)).content
    assert greeting.startswith("Hello! I can create a new todo task (AddTodo); or fetch ")
    assert greeting.endswith("What can I do for you?")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Don't add that", "All right, I will not do that."),
        ("Never mind", "All right."),
        ("Bye!", "Goodbye!"),
        ("What can you do?", "I am the offline model of the local host. I can create "),
        ("Why is the sky blue?", 'I cannot answer "Why is the sky blue?". I can create '),
    ],
)
async def test_what_asks_for_nothing_gets_a_fitting_answer(
    text: str, answer: str, backend: DeterministicBackend
) -> None:
    reply = await ask(backend, text, TODO)
    assert reply.tool_calls == ()
    assert reply.content.startswith(answer)


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("Who is Pikachu?", "You asked about Pikachu. "),
        (
            "Tell me about the best wizard of all time",
            "You asked about the best wizard of all time. ",
        ),
        ("Write a poem about the sea", 'You said "Write a poem about the sea". '),
    ],
)
async def test_without_skills_the_answer_repeats_the_subject(
    text: str, beginning: str, backend: DeterministicBackend
) -> None:
    reply = await ask(backend, text, [])
    assert reply.content.startswith(beginning)
    assert "offline model" in reply.content
    assert reply.usage.total > 0


async def test_the_same_conversation_gets_the_same_reply(backend: DeterministicBackend) -> None:
    other = DeterministicBackend(ManualClock(datetime(2030, 1, 1, tzinfo=UTC)))
    for text in ("Remind me to rest", "Hello", "xyzzy"):
        assert await ask(backend, text, TODO) == await ask(other, text, TODO)


async def test_calls_of_one_chat_never_share_an_id(backend: DeterministicBackend) -> None:
    text = "Remind me to rest"
    first = await ask(backend, text, TODO)
    second = await ask(backend, text, TODO, *history(ADDED))
    assert first.tool_calls[0].id != second.tool_calls[0].id


@given(st.text(max_size=300))
async def test_any_text_gets_an_answer(text: str) -> None:
    backend = DeterministicBackend(ManualClock())
    reply = await ask(backend, text, [*TODO, *OFFICE, REPORT])
    assert reply.content or reply.tool_calls
    for _, arguments in called(reply):
        assert isinstance(arguments, dict)


words = st.sampled_from('remind me to what is the and . ? ! , list add in at 5 on \'x "y"'.split())


@given(st.lists(words, max_size=30).map(" ".join))
async def test_any_heap_of_words_gets_an_answer(text: str) -> None:
    backend = DeterministicBackend(ManualClock())
    reply = await ask(backend, text, [*TODO, *OFFICE, REPORT])
    assert reply.content or reply.tool_calls


@pytest.mark.parametrize(
    "text",
    [
        "x" * 32_000,
        " " * 32_000 + "hi",
        "!" * 32_000 + "x",
        "Remind me to " + "to the my " * 3_000,
        "Remind me to " + "a. " * 10_000,
        "\n" * 16_000 + "x",
        ("Remind me to eat. " * 1_800),
    ],
    ids=["x", "blanks", "marks", "to the my", "sentences", "lines", "reminders"],
)
async def test_long_texts_take_no_time_and_lose_nothing(
    text: str, backend: DeterministicBackend
) -> None:
    started = time.process_time()
    reply = await ask(backend, text, [*TODO, *OFFICE])
    assert time.process_time() - started < 3  # measured: 0.09 s at most
    if text.startswith("Remind me to to"):
        assert len(called(reply)[0][1]["taskDescription"]) > 29_000


async def test_a_reply_takes_no_time_however_long_the_chat(backend: DeterministicBackend) -> None:
    long_chat = [{"role": "user", "content": "Some words. " * 5}] * 1000
    await ask(backend, "Remind me to rest", TODO)
    started = time.process_time()
    for _ in range(50):
        await ask(backend, "Remind me to call my dad", [*TODO, *OFFICE], *long_chat)
    assert (time.process_time() - started) / 50 < 0.05  # measured: 0.6 ms; room for slow machines


async def test_the_sample_conversation_works_offline(host: OpenAIHost) -> None:
    todo = TodoAssistant(host)
    todo.add_skills()
    await todo.create()
    state = await todo.post("Remind me to call my dad")
    assert state["recentMessages"][-1]["content"] == (
        'Done – I created the todo task "call my dad".'
    )
    await todo.post("Oh, and to take out the trash")
    assert [item["task"] for item in todo.todos] == ["call my dad", "take out the trash"]
    state = await todo.post("What do I need to do today?")
    assert state["recentMessages"][-1]["content"] == (
        'I found 2 todo tasks: "call my dad" and "take out the trash".'
    )
    assert state["totalMessages"] == 13
    assert state["totalTokens"] > 0
