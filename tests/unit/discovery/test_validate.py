from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.discovery.validate import Declared, name_problem, read_bindings
from emulator.model import BindingModel, Direction, Problem, SourceSpan

TRIGGER = {"name": "req", "type": "httpTrigger", "direction": "in"}


def read(*entries: Any) -> tuple[tuple[BindingModel, ...], list[Problem]]:
    return read_bindings(
        Declared("f", entries, lambda path: SourceSpan(".".join(map(str, path)) or "whole"))
    )


@pytest.mark.parametrize("name", ["a", "Hello", "a1", "my-function", "my_function", "x" * 128])
def test_is_a_function_name(name: str) -> None:
    assert name_problem(name, None) is None


@pytest.mark.parametrize(
    "name", ["1bad", "", "_x", "-x", "a.b", "a b", "host", "HOST", "ä", "x" * 129, "a\n"]
)
def test_is_no_function_name(name: str) -> None:
    problem = name_problem(name, SourceSpan("f"))
    assert problem is not None
    assert problem.message == f"'{name}' is not a valid function name."
    assert (problem.code, problem.function) == ("function-name-invalid", name)


@pytest.mark.parametrize("name", ["req", "my_req", "R2", "_x", "x" * 128, "$return"])
def test_is_a_binding_name(name: str) -> None:
    bindings, problems = read(
        TRIGGER | {"name": "t"}, {"name": name, "type": "x", "direction": "out"}
    )
    assert problems == []
    assert bindings[1].name == name


@pytest.mark.parametrize(
    "name", ["my__req", "1x", "", "a-b", "$Return", "$x", "x" * 129, "ä", "a\n"]
)
def test_is_no_binding_name(name: str) -> None:
    _, (problem,) = read(TRIGGER | {"name": name})
    assert problem.code == "binding-name-invalid"
    assert problem.message == (
        f"The binding name {name} is invalid. Please assign a valid name to the binding."
    )
    assert str(problem.where) == "bindings.0.name"


@pytest.mark.parametrize(
    ("entries", "code", "message", "where"),
    [
        pytest.param(
            [], "bindings-missing", "At least one binding must be declared.", "whole", id="none"
        ),
        pytest.param(
            [{"name": "a", "Type": ""}],
            "binding-type-missing",
            "Binding 'a' is invalid. Bindings must specify a Type.",
            "bindings.0.Type",
            id="type",
        ),
        pytest.param(
            [TRIGGER | {"direction": "sideways"}],
            "binding-direction-invalid",
            "'sideways' is not a valid binding direction.",
            "bindings.0.direction",
            id="direction",
        ),
        pytest.param(
            [TRIGGER, {"name": "b", "type": "blob", "direction": "InOut"}],
            "binding-direction-inout",
            '"inout" bindings are not supported',
            "bindings.1.direction",
            id="inout",
        ),
        pytest.param(
            [TRIGGER, {"name": "$return", "type": "http"}],
            "binding-return-direction",
            "$return bindings must specify a direction of 'out'.",
            "bindings.1.direction",
            id="$return in",
        ),
        pytest.param(
            [TRIGGER, {"name": "REQ", "type": "blob"}],
            "binding-name-duplicate",
            "Multiple bindings with name 'REQ' discovered. Binding names must be unique.",
            "bindings.1.name",
            id="duplicate",
        ),
        pytest.param(
            [TRIGGER, {"name": "t", "type": "timerTrigger"}],
            "trigger-multiple",
            "Multiple trigger bindings defined. A function can only have a single trigger binding.",
            "bindings.1",
            id="two triggers",
        ),
        pytest.param(
            [{"name": "b", "type": "blob"}],
            "trigger-missing",
            "No trigger binding specified. A function must have a trigger input binding.",
            "bindings",
            id="no trigger",
        ),
        pytest.param(
            [TRIGGER | {"direction": "out"}],
            "trigger-missing",
            "No trigger binding specified. A function must have a trigger input binding.",
            "bindings",
            id="a trigger that goes out is none",
        ),
        pytest.param(
            [TRIGGER | {"dataType": "text"}],
            "binding-data-type-invalid",
            "Error parsing function.json: Invalid value specified for binding property 'dataType' "
            "of enum type DataType.",
            "bindings.0.dataType",
            id="data type",
        ),
        pytest.param(
            [TRIGGER | {"cardinality": "few"}],
            "binding-cardinality-invalid",
            "Error parsing function.json: Invalid value specified for binding property "
            "'cardinality' of enum type Cardinality.",
            "bindings.0.cardinality",
            id="cardinality",
        ),
        pytest.param(
            ["text"], "binding-invalid", "A binding is not an object.", "bindings.0", id="no object"
        ),
    ],
)
def test_says_what_is_wrong(entries: list[Any], code: str, message: str, where: str) -> None:
    _, (problem,) = read(*entries)
    assert (problem.code, problem.message, str(problem.where)) == (code, message, where)
    assert problem.function == "f"


def test_says_everything_that_is_wrong_at_once() -> None:
    _, problems = read({"name": "a__b", "direction": "x"}, {"name": "c-d", "type": "y"})
    assert [problem.code for problem in problems] == [
        "binding-name-invalid",
        "binding-type-missing",
        "binding-direction-invalid",
        "binding-name-invalid",
    ]


def test_reads_a_binding_whatever_the_case_of_its_keys_and_words() -> None:
    entry = {"NAME": "msg", "Type": "queueTrigger", "Direction": "IN", "DataType": "STRING",
             "Cardinality": "MANY", "queueName": "q"}  # fmt: skip
    bindings, problems = read(entry)
    assert problems == []
    assert bindings == (BindingModel("msg", "queueTrigger", Direction.IN, "string", entry),)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("UNDEFINED", None), (None, None), ("Binary", "binary"), ("stream", "stream")],
)
def test_reads_the_data_type(given: str | None, expected: str | None) -> None:
    bindings, _ = read(TRIGGER | {"dataType": given})
    assert bindings[0].data_type == expected


def test_the_direction_is_in_when_absent() -> None:
    bindings, _ = read({"name": "req", "type": "httpTrigger"})
    assert bindings[0].direction is Direction.IN


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
ENTRY = ANY | st.dictionaries(
    st.sampled_from(["name", "type", "direction", "dataType", "cardinality"]), ANY
)


@given(st.lists(ENTRY, max_size=3))
@settings(max_examples=100, deadline=None)
def test_no_declaration_makes_it_fail_and_a_sound_one_has_one_trigger(entries: list[Any]) -> None:
    bindings, problems = read(*entries)
    if not problems:
        assert sum(binding.is_trigger for binding in bindings) == 1
