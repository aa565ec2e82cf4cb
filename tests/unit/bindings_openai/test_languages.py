"""What apps in other languages than Python declare, set and return."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bindings.openai.assistants.create import AssistantCreate
from bindings.openai.assistants.post import AssistantPost
from bindings.openai.assistants.query import AssistantQuery
from bindings.openai.assistants.skills import SUCCEEDED, AssistantSkillTrigger
from bindings.openai.completion import TextCompletion
from bindings.openai.deviations import BUNDLE
from bindings.openai.embeddings.generate import Embeddings
from bindings.openai.embeddings.store import EmbeddingsStore
from bindings.openai.search import SemanticSearch
from bindings.openai.vectors.documents import given_documents
from emulator.discovery.validate import Declared, read_bindings
from emulator.invocation.options import bind_options
from emulator.model import BindingModel, SourceSpan
from emulator.sdk import NONE, Datum
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import TodoAssistant

GENERATED = "assistantSkillTrigger6f1c2a9d04"
"""How the Node.js library calls a trigger that has no name of its own."""

# Each as the tools of its language write it: the v4 library for Node.js, function.json by hand for
# PowerShell, the Maven plugin for Java, the build of a worker project for .NET.
POSTS: dict[str, dict[str, Any]] = {
    "node": {
        "type": "assistantPost",
        "id": "{assistantId}",
        "userMessage": "{Query.message}",
        "aiConnectionName": "AzureOpenAI",
        "chatModel": "%MODEL%",
        "name": "assistantPostInput1f0e",
        "direction": "in",
    },
    "powershell": {
        "name": "State",
        "type": "assistantPost",
        "dataType": "string",
        "direction": "in",
        "id": "{assistantId}",
        "userMessage": "{Query.message}",
        "aiConnectionName": "AzureOpenAI",
        "chatModel": "%MODEL%",
    },
    "java": {
        "type": "assistantPost",
        "direction": "in",
        "name": "state",
        "aiConnectionName": "AzureOpenAI",
        "userMessage": "{Query.message}",
        "id": "{assistantId}",
        "chatModel": "%MODEL%",
    },
    "dotnet": {
        "name": "state",
        "direction": "In",
        "type": "assistantPost",
        "id": "{assistantId}",
        "userMessage": "{Query.message}",
        "aIConnectionName": "AzureOpenAI",
        "chatModel": "%MODEL%",
        "properties": {},
    },
    "dotnet, names as in the attribute": {
        "Name": "state",
        "Direction": "In",
        "Type": "AssistantPost",
        "Id": "{assistantId}",
        "UserMessage": "{Query.message}",
        "AIConnectionName": "AzureOpenAI",
        "ChatModel": "%MODEL%",
        "Properties": {"supportsDeferredBinding": "True"},
    },
}


def declared(entry: dict[str, Any]) -> BindingModel:
    """Read an entry as discovery does, beside a trigger where it is none."""
    trigger = {"type": "manualTrigger", "direction": "in", "name": "run"}
    entries = [entry] if "Trigger" in str(entry.get("type") or entry["Type"]) else [entry, trigger]
    bindings, problems = read_bindings(Declared("Fn", entries, lambda path: SourceSpan("x")))
    assert problems == []
    return bindings[0]


def options_of(kind: Any, entry: dict[str, Any]) -> Any:
    """Return the options of an entry, settings replaced."""
    bound = bind_options(
        kind.options_type,
        declared(entry),
        aliases=kind.option_aliases,
        setting={"MODEL": "gpt-mine"}.get,
    )
    return bound.constant


@pytest.mark.parametrize("language", POSTS)
def test_a_post_says_the_same_in_every_language(language: str) -> None:
    options = options_of(AssistantPost, POSTS[language])
    assert options.ai_connection_name == "AzureOpenAI"
    assert (options.temperature, options.max_tokens, options.top_p) == ("0.5", "100", None)
    assert options.collection_name == "ChatState"
    assert options.effective_model() == "gpt-mine"


@pytest.mark.parametrize("entry", POSTS.values(), ids=POSTS)
def test_without_a_model_the_default_of_the_extension_counts(entry: dict[str, Any]) -> None:
    without = {key: value for key, value in entry.items() if key.lower() != "chatmodel"}
    assert options_of(AssistantPost, without).effective_model() == "gpt-3.5-turbo"


def test_what_java_had_before_the_names_changed() -> None:
    entry = {**POSTS["java"], "model": "%MODEL%"}
    del entry["chatModel"]
    assert options_of(AssistantPost, entry).effective_model() == "gpt-mine"


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "assistantQuery", "direction": "in", "name": "s", "timestampUtc": "2023-01-01"},
        {"Type": "AssistantQuery", "Direction": "In", "Name": "s", "TimestampUtc": "2023-01-01"},
        {"type": "assistantQuery", "name": "s", "timeStampUtc": "2023-01-01", "dataType": "String"},
    ],
    ids=["java", "dotnet", "powershell"],
)
def test_a_query_says_the_same_in_every_language(entry: dict[str, Any]) -> None:
    assert options_of(AssistantQuery, {**entry, "id": "a1"}).timestamp_utc == "2023-01-01"


@pytest.mark.parametrize("input_type", ["rawText", "RawText", "RAW_TEXT", "rawtext", 0, "0"])
def test_kinds_of_inputs_as_languages_name_them(input_type: Any) -> None:
    common = {"direction": "in", "name": "e", "input": "{text}", "inputType": input_type}
    options = options_of(Embeddings, {**common, "type": "embeddings"})
    assert options.max_chunk_length == 8192
    store = {**common, "direction": "Out", "type": "embeddingsStore"}
    names = {"storeConnectionName": "S", "collection": "c", "maxOverlap": 0}
    assert options_of(EmbeddingsStore, {**store, **names}).max_overlap == 0


def test_java_counts_knowledge_in_other_words() -> None:
    entry = {
        "type": "semanticSearch",
        "direction": "in",
        "name": "s",
        "searchConnectionName": "S",
        "collection": "c",
        "maxKnowledgeLength": 3,
    }
    options = options_of(SemanticSearch, entry)
    assert (options.max_knowledge_count, options.max_tokens) == (3, "100")


def test_a_completion_of_dotnet() -> None:
    entry = {"Type": "TextCompletion", "Direction": "In", "Name": "c", "Prompt": "Who is {name}?"}
    assert options_of(TextCompletion, {**entry, "MaxTokens": 200}).max_tokens == "200"


SKILLS: dict[str, tuple[dict[str, Any], str]] = {
    "node, without a name": ({"type": "assistantSkillTrigger", "name": GENERATED}, GENERATED),
    "powershell": (
        {"name": "TaskDescription", "type": "assistantSkillTrigger", "dataType": "string"},
        "TaskDescription",
    ),
    "java": (
        {
            "type": "assistantSkillTrigger",
            "direction": "in",
            "name": "assistantSkillCreateTodo",
            "functionName": "",
            "parameterDescriptionJson": "",
            "chatModel": "gpt-3.5-turbo",
        },
        "assistantSkillCreateTodo",
    ),
    "dotnet": (
        {
            "Name": "taskDescription",
            "Type": "AssistantSkillTrigger",
            "Direction": "In",
            "Model": "gpt-3.5-turbo",
            "properties": {},
        },
        "taskDescription",
    ),
}


@pytest.mark.parametrize("language", SKILLS)
async def test_models_see_the_name_of_the_trigger(host: OpenAIHost, language: str) -> None:
    entry, parameter = SKILLS[language]
    read = declared({**entry, "functionDescription": "Create a new todo task"})
    own = {"name", "type", "direction", "datatype"}
    properties = {key: value for key, value in read.properties.items() if key.lower() not in own}
    skill = host.bind(AssistantSkillTrigger, function="AddTodo", name=read.name, **properties)
    assert isinstance(skill, AssistantSkillTrigger)
    assert skill.tool["function"] == {
        "description": "Create a new todo task",
        "name": "AddTodo",
        "parameters": {"type": "object", "properties": {parameter: {"type": "string"}}},
    }
    assert skill.argument(json.dumps({parameter: "Call my dad"})) == Datum("text", "Call my dad")
    assert skill.argument("{}") == NONE


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        (GENERATED, "Give the trigger the name of its one property (name: 'taskDescription'), a"),
        ("task", "Name its one property 'task', a"),
    ],
)
def test_parameters_that_do_not_name_the_trigger_come_with_what_to_write(
    host: OpenAIHost, name: str, advice: str
) -> None:
    host.host_json["extensionBundle"] = {"id": BUNDLE, "version": "[4.*, 5.0.0)"}
    skill = host.skill(
        "AddTodo",
        "Create a new todo task",
        parameter=name,
        parameterDescriptionJson=(
            '{"type":"object","properties":{"taskDescription":{"type":"string"}}}'
        ),
    )
    assert isinstance(skill, AssistantSkillTrigger)
    assert skill.argument('{"taskDescription":"milk"}').value == '{"taskDescription":"milk"}'
    [told] = skill.deviations()
    assert told.code == "skill-parameters-whole"
    assert told.hint.startswith(advice)


async def test_the_offline_model_fills_a_parameter_whose_name_says_nothing(
    host: OpenAIHost,
) -> None:
    todo = TodoAssistant(host)
    host.skill("AddTodo", "Create a new todo task", todo.todos.append, parameter=GENERATED)
    host.skill(
        "GetTodos",
        "Fetch the list of previously created todo tasks",
        lambda ignored: Datum("json", json.dumps(todo.todos)),
        parameter="assistantSkillTriggerd41d8cd98f",
    )
    await todo.create()
    await todo.post("Remind me to call my dad")
    await todo.post("Oh, and to take out the trash")
    state = await todo.post("What do I need to do today?")
    assert todo.todos == ["call my dad", "take out the trash"]
    assert "call my dad" in state["recentMessages"][-1]["content"]


# What workers make of a skill's value: a text is text, unless PowerShell sees JSON in it; objects
# are JSON, and so are Node's booleans; Java's void, .NET's Task and Node's undefined are nothing.
RETURNED = {
    "node, text": (Datum("text", "done"), '"done"'),
    "node, object": (Datum("json", '{"id":"1"}'), '{"id":"1"}'),
    "node, array": (Datum("json", '[{"id":"1"}]'), '[{"id":"1"}]'),
    "node, text that is JSON": (Datum("text", '[{"id":"1"}]'), '"[{\\"id\\":\\"1\\"}]"'),
    "node, boolean": (Datum("json", "true"), "true"),
    "node, null": (Datum("json", "null"), SUCCEEDED),
    "node, undefined": (NONE, SUCCEEDED),
    "powershell, text that is JSON": (Datum("json", '{ "id": "1" }'), '{"id":"1"}'),
    "powershell, nothing in the pipeline": (NONE, SUCCEEDED),
    "java, void": (NONE, SUCCEEDED),
    "java, list of objects": (Datum("json", '[{"id":"1","task":"x"}]'), '[{"id":"1","task":"x"}]'),
    "dotnet, record": (Datum("json", '{"Id":"1"}'), '{"Id":"1"}'),
    "dotnet, number": (Datum("int", 5), "5"),
    "dotnet, list of texts": (Datum("list", (Datum("text", "a"),)), '["a"]'),
}


@pytest.mark.parametrize("returned", RETURNED)
async def test_what_the_model_reads_of_a_skill(todo_of: Any, returned: str) -> None:
    value, text = RETURNED[returned]
    assert await todo_of(value) == f"Function Name: 'AddTodo' and Function Result: '{text}'"


@pytest.fixture
def todo_of(host: OpenAIHost) -> Any:
    async def run(value: Datum) -> str:
        todo = TodoAssistant(host)
        todo.add_skills(add=lambda task: value)
        await todo.create()
        await todo.post("Remind me to call my dad")
        chat = await todo.chat()
        return next(each.content for each in chat.messages if each.role == "Tool")

    return run


CREATED = {
    "node, object": Datum("json", '{"id":"a1","instructions":"Be kind."}'),
    "node, text": Datum("text", '{"id":"a1","instructions":"Be kind."}'),
    "powershell": Datum("json", '{"instructions": "Be kind.", "Id": "a1"}'),
    "java": Datum(
        "json",
        '{"id":"a1","instructions":"Be kind.","chatStorageConnectionSetting":'
        '"AzureWebJobsStorage","collectionName":"ChatState"}',
    ),
    "dotnet": Datum(
        "json",
        '{"Id":"a1","Instructions":"Be kind.","ChatStorageConnectionSetting":null,'
        '"CollectionName":"ChatState"}',
    ),
    "bytes": Datum("bytes", b'{"id":"a1","instructions":"Be kind."}'),
    "node, several": Datum("json", '[{"id":"a0"},{"id":"a1","instructions":"Be kind."}]'),
}


@pytest.mark.parametrize("language", CREATED)
async def test_an_assistant_is_created_from_what_each_language_sets(
    host: OpenAIHost, language: str
) -> None:
    todo = TodoAssistant(host)
    await host.write(todo.create_binding, CREATED[language])
    [first] = (await todo.chat()).messages
    assert first.content == "Be kind."


@pytest.mark.parametrize(
    "value",
    [
        '{"title":"hours.md"}',
        '{"Title":"hours.md","EmbeddingsContext":null,"ConnectionInfo":null}',
        '{"searchableDocument":{"title":"hours.md"}}',
        '{"SearchableDocument":{"Title":"hours.md"}}',
    ],
    ids=["node", "dotnet", "java", "dotnet, wrapped"],
)
def test_a_document_is_stored_from_what_each_language_sets(value: str) -> None:
    assert [each.title for each in given_documents(Datum("json", value))] == ["hours"]


@pytest.mark.parametrize(
    "value", ['{"userMessage":"Hi"}', '{"UserMessage":"Hi"}', '{"usermessage":"Hi","id":"a1"}']
)
async def test_a_message_is_posted_from_what_each_language_sets(
    host: OpenAIHost, value: str
) -> None:
    todo = TodoAssistant(host)
    await todo.create()
    binding = todo.bind_post(direction="out", userMessage=None)
    await host.write(binding, Datum("json", value), {"assistantId": "a1"})
    assert [each.content for each in (await todo.chat()).messages][1] == "Hi"


def test_create_has_nothing_but_its_name() -> None:
    for entry in (
        {"type": "assistantCreate", "direction": "out", "name": "assistantCreateOutput77aa"},
        {"Type": "AssistantCreate", "Direction": "Out", "Name": "Assistant", "properties": {}},
    ):
        assert options_of(AssistantCreate, entry).id == ""
