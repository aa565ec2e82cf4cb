"""Skills: what the model is offered, what the function gets, what the model reads."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bindings.openai.assistants.skills import (
    FAILED,
    SUCCEEDED,
    AssistantSkillTrigger,
    result_text,
    skills_by_name,
)
from emulator.model import BindingModel, Direction
from emulator.sdk import NONE, BindingError, Datum
from tests.support.model_service import ModelService, chat
from tests.support.openai_host import OpenAIHost, as_datum
from tests.support.todo_assistant import TodoAssistant


def skill(host: OpenAIHost, name: str = "AddTodo", **properties: Any) -> AssistantSkillTrigger:
    bound = host.skill(name, "Create a new todo task", parameter="taskDescription", **properties)
    assert isinstance(bound, AssistantSkillTrigger)
    return bound


def schema(properties: Any, **more: Any) -> str:
    return json.dumps({"type": "object", "properties": properties, **more})


def test_a_skill_is_offered_with_one_text_parameter(host: OpenAIHost) -> None:
    assert skill(host).tool == {
        "type": "function",
        "function": {
            "description": "Create a new todo task",
            "name": "AddTodo",
            "parameters": {
                "type": "object",
                "properties": {"taskDescription": {"type": "string"}},
            },
        },
    }


@pytest.mark.parametrize(
    ("given", "offered"),
    [({}, "AddTodo"), ({"functionName": ""}, "AddTodo"), ({"functionName": "add-1"}, "add-1")],
)
def test_the_name_is_the_functions_unless_given(
    host: OpenAIHost, given: dict[str, str], offered: str
) -> None:
    assert skill(host, **given).tool_name == offered


def test_the_name_may_come_from_a_setting(host: OpenAIHost) -> None:
    host.settings.values["SKILL"] = "remember"
    assert skill(host, functionName="%SKILL%").tool_name == "remember"


@pytest.mark.parametrize("name", ["add todo", "ü", "x" * 65, "a.b"])
def test_a_name_no_service_takes_is_an_error_of_that_function(host: OpenAIHost, name: str) -> None:
    with pytest.raises(BindingError) as caught:
        skill(host, functionName=name)
    assert caught.value.message == f"'{name}' cannot be the name of a skill."


def test_a_second_skill_of_the_same_name_is_an_error_of_that_function(host: OpenAIHost) -> None:
    first = skill(host, "AddTodo")
    with pytest.raises(BindingError) as caught:
        skill(host, "Other", functionName="addTODO")
    assert caught.value.message.startswith(
        "An item with the same key has already been added. Key: addTODO"
    )
    assert "'AddTodo'" in caught.value.message
    assert list(skills_by_name(host).values()) == [first]


def test_a_disabled_function_is_no_skill_and_leaves_its_name_to_others(host: OpenAIHost) -> None:
    skill(host, "AddTodo", disabled=True)
    second = skill(host, "Other", functionName="addTODO")
    skill(host, "Third", functionName="AddTodo", disabled=True)
    assert skills_by_name(host) == {"addtodo": second}


def test_a_trigger_of_many_makes_a_list_parameter(host: OpenAIHost) -> None:
    declared = skill(host, Cardinality="Many").parameters["properties"]
    assert declared == {"taskDescription": {"type": "array"}}


def test_binary_makes_a_list_parameter(host: OpenAIHost) -> None:
    declared = BindingModel("items", "assistantSkillTrigger", Direction.IN, "binary", {})
    text = skill(host)
    bound = AssistantSkillTrigger(
        function=text.function,
        declared=declared,
        options=text.options,
        services=OpenAIHost(),
        extension=text.shared,
    )
    assert bound.parameters["properties"] == {"items": {"type": "array"}}


VERBATIM = {"properties": {"b": {"type": "number"}, "a": {}}, "required": ["a"], "type": "object"}


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (json.dumps(VERBATIM), VERBATIM),
        ("", {"type": "object", "properties": {"taskDescription": {"type": "string"}}}),
        ('{"a": {"type": "string"}}', {"type": "object", "properties": {"a": {"type": "string"}}}),
        (
            '{"properties": {"a": {}}, "required": ["a"]}',
            {"type": "object", "properties": {"a": {}}, "required": ["a"]},
        ),
        (
            '{"type": "string", "description": "what"}',
            {
                "type": "object",
                "properties": {"taskDescription": {"type": "string", "description": "what"}},
            },
        ),
        ("{}", {"type": "object", "properties": {}}),
    ],
    ids=["schema", "empty", "property map", "no type", "one property", "nothing"],
)
def test_described_parameters_are_offered_as_they_are_or_as_they_are_meant(
    host: OpenAIHost, text: str, parameters: Any
) -> None:
    bound = skill(host, parameterDescriptionJson=text)
    assert bound.parameters == parameters
    assert list(bound.parameters) == list(parameters)


@pytest.mark.parametrize("text", ['{"a": ', "[]", '"x"', "5"])
def test_broken_descriptions_are_an_error_of_that_function_only(
    host: OpenAIHost, text: str
) -> None:
    with pytest.raises(BindingError) as caught:
        skill(host, parameterDescriptionJson=text)
    assert "'parameterDescriptionJson' of skill 'AddTodo'" in caught.value.message
    assert caught.value.code == "skill-parameters-invalid"
    assert skills_by_name(host) == {}


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ('{"taskDescription":"text"}', "text"),
        ('{"taskDescription":""}', ""),
        ('{"taskDescription":"2026-05-01T10:00:00Z"}', "2026-05-01T10:00:00Z"),
        ('{"taskDescription":42}', "42"),
        ('{"taskDescription":3.50}', "3.5"),
        ('{"taskDescription":1e3}', "1000"),
        ('{"taskDescription":1e20}', "1E+20"),
        ('{"taskDescription":123456789012345678901}', "123456789012345678901"),
        ('{"taskDescription":true}', "True"),
        ('{"taskDescription":false}', "False"),
        ('{"taskDescription":null}', None),
        ('{"other":"x"}', None),
        ('{"TASKdescription":"x"}', "x"),
        ('{"TASKdescription":"x","taskdescription":"y"}', None),
        ('{"taskDescription":"x","taskdescription":"y"}', "x"),
        ('{"taskDescription":{"a": [1, "ü"]}}', '{"a":[1,"ü"]}'),
        ('{"taskDescription":[1, 2]}', "[1,2]"),
        ("", None),
        ("  ", None),
        ("{}", None),
    ],
)
def test_arguments_become_the_functions_parameter(
    host: OpenAIHost, arguments: str, given: str | None
) -> None:
    value = skill(host).argument(arguments)
    assert value == (NONE if given is None else Datum("text", given))


def test_a_skill_of_several_parameters_gets_them_all_as_json(host: OpenAIHost) -> None:
    bound = skill(host, parameterDescriptionJson=schema({"city": {}, "days": {}}))
    assert bound.argument('{"city": "Rome", "days": 3}').value == '{"city":"Rome","days":3}'
    assert bound.argument("") == NONE


def test_a_skill_whose_parameter_is_among_the_described_gets_only_that(host: OpenAIHost) -> None:
    bound = skill(host, parameterDescriptionJson=schema({"taskDescription": {}, "days": {}}))
    assert bound.argument('{"taskDescription": "x", "days": 3}').value == "x"
    assert bound.argument('{"days": 3}') == NONE


@pytest.mark.parametrize("arguments", ["{", "[]", '"text"', "5", "null", "nonsense"])
def test_arguments_that_are_no_object_are_refused(host: OpenAIHost, arguments: str) -> None:
    with pytest.raises(ValueError, match="."):
        skill(host).argument(arguments)


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (None, ""),
        ("ok", '"ok"'),
        ("", '""'),
        ("ü'<👋", '"ü\'<👋"'),
        (json.dumps([{"id": "1", "task": "x"}]), '"[{\\"id\\": \\"1\\", \\"task\\": \\"x\\"}]"'),
        ([{"id": "1", "task": "x"}], '[{"id":"1","task":"x"}]'),
        ({}, "{}"),
        (5, "5"),
        (1.5, "1.5"),
        (True, "1"),
        (b"\x00\xff", '"AP8="'),
        (Datum("json", "null"), ""),
        (Datum("json", "  "), ""),
        (Datum("json", '"x"'), '"x"'),
        (Datum("list", (Datum("text", "a"), NONE, Datum("int", 2))), '["a",null,2]'),
    ],
)
def test_what_a_skill_returns_is_told_as_json(returned: Any, text: str) -> None:
    assert result_text(as_datum(returned)) == text


@pytest.mark.parametrize("value", [Datum("http", None), Datum("json", "{broken")])
def test_what_has_no_json_form_is_refused(value: Datum) -> None:
    with pytest.raises(ValueError, match="."):
        result_text(value)


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ("ok", '"ok"'),
        (None, SUCCEEDED),
        (Datum("json", "null"), SUCCEEDED),
        (Datum("http", None), FAILED),
    ],
)
async def test_the_model_reads_the_result_in_azures_sentence(
    returned: Any, told: str, todo: TodoAssistant, service: ModelService
) -> None:
    todo.host.functions["GetTodos"] = lambda ignored: returned
    await todo.create()
    service.reply(chat(calls=[("c", "GetTodos", "{}")]), chat("Done"))
    await todo.post("x")
    assert service.requests[1].messages[-1]["content"] == (
        f"Function Name: 'GetTodos' and Function Result: '{told}'"
    )


async def test_a_skill_is_an_ordinary_nested_call_with_its_parameter_as_data(
    todo: TodoAssistant, service: ModelService
) -> None:
    await todo.create()
    service.reply(chat(calls=[("c", "AddTodo", {"taskDescription": "milk"})]), chat("Done"))
    await todo.post("x")
    assert todo.host.invocations == [
        ("AddTodo", Datum("text", "milk"), {"taskDescription": "milk"}, "(null)")
    ]


async def test_cancelling_a_turn_cancels_it_and_lets_others_go_on(
    todo: TodoAssistant, service: ModelService
) -> None:
    started = asyncio.Event()

    async def hangs(task: str) -> None:
        started.set()
        await asyncio.Event().wait()

    todo.host.functions["AddTodo"] = hangs
    await todo.create()
    service.reply(chat(calls=[("c", "AddTodo", {"taskDescription": "x"})]))
    turn = asyncio.create_task(todo.post("hang"))
    await started.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert (await todo.post("Hello"))["totalMessages"] == 3


def test_a_manual_call_hands_over_the_text_and_exposes_it(host: OpenAIHost) -> None:
    fired = skill(host).manual("Buy milk")
    assert fired.value == Datum("text", "Buy milk")
    assert fired.data() == {"taskDescription": "Buy milk"}
    assert fired.reason == "This function was programmatically called via the host APIs."
