"""A binding's entry to its options: names, types, defaults, expressions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.errors import BindingError, ExpressionError
from emulator.invocation.options import BoundOptions, Evaluation, bind_options
from emulator.model import BindingModel, Direction
from emulator.sdk import Options, Resolved, SettingText


class Example(Options, frozen=True):
    needed: Resolved
    by_setting: SettingText = "plain"
    plain_text: str = "default"
    count: int = 1
    ratio: float = 0.5
    flag: bool = False
    many: list[str] | None = None
    maybe: Resolved | None = "absent"


def bind(
    properties: Mapping[str, Any],
    settings: Mapping[str, str] | None = None,
    aliases: Mapping[str, str] | None = None,
) -> BoundOptions:
    declared = BindingModel("box", "example", Direction.IN, None, properties)
    known = settings or {}
    return bind_options(Example, declared, aliases=aliases or {}, setting=known.get)


def resolved(properties: Mapping[str, Any], **data: Any) -> Example:
    bound = bind(properties, {"Name": "from settings", "Braces": "{a}"})
    made = bound.resolve(Evaluation(data, lambda: datetime(2026, 1, 1, tzinfo=UTC), str, "fn"))
    assert isinstance(made, Example)
    return made


def test_names_are_compared_without_case_and_others_ignored() -> None:
    bound = bind({"NEEDED": "x", "plainTEXT": "y", "unknown": 1})
    assert bound.constant == Example(needed="x", plain_text="y")
    assert not bound.open


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("count", 5, 5),
        ("count", "7", 7),
        ("ratio", "1.5", 1.5),
        ("ratio", 2, 2.0),
        ("flag", True, True),
        ("flag", "true", True),
        ("flag", " FALSE ", False),
        ("many", ["a", "b"], ["a", "b"]),
        ("many", None, None),
        ("plain_text", 5, "5"),
        ("plain_text", 1.5, "1.5"),
        ("plain_text", True, "true"),
        ("plain_text", "", ""),
        ("maybe", None, None),
        ("needed", 3, "3"),
    ],
)
def test_values_are_taken_as_people_write_them(name: str, given: Any, value: Any) -> None:
    parts = name.split("_")
    key = parts[0] + "".join(part.title() for part in parts[1:])
    assert getattr(bind({"needed": "x", key: given}).constant, name) == value


@pytest.mark.parametrize("given", [{}, {"needed": None}, {"other": "x"}])
def test_a_required_property_that_is_missing_is_named(given: Mapping[str, Any]) -> None:
    with pytest.raises(BindingError, match="Unable to configure binding 'box' of type") as raised:
        bind(given)
    assert raised.value.hint == "Its property 'needed' is required."
    assert raised.value.code == "binding-options-invalid"


@pytest.mark.parametrize(
    ("name", "given"),
    [("count", "many"), ("count", 1.5), ("flag", "maybe"), ("many", "text"), ("many", [1]),
     ("ratio", []), ("needed", {"a": 1}), ("plainText", ["x"])],
)  # fmt: skip
def test_a_value_of_the_wrong_shape_is_told_with_its_property(name: str, given: Any) -> None:
    with pytest.raises(BindingError) as raised:
        bind({"needed": "x", name: given})
    assert f"Its property '{name}' has the value {given!r}" in (raised.value.hint or "")


def test_null_leaves_the_default() -> None:
    assert bind({"needed": "x", "count": None, "plainText": None}).constant == Example(needed="x")


def test_expressions_are_kept_until_the_call() -> None:
    bound = bind({"needed": "{a}-%Name%", "plainText": "{a} %Name%"}, {"Name": "n"})
    assert bound.open.keys() == {"needed"}
    assert bound.constant.plain_text == "{a} %Name%"  # type: ignore[attr-defined]  # an Example
    assert resolved({"needed": "{a}-%Name%"}, a=1).needed == "1-from settings"


def test_what_only_settings_fill_is_resolved_at_once() -> None:
    bound = bind({"needed": "%Name%!", "bySetting": "%Name%{a}"}, {"Name": "n"})
    assert bound.constant == Example(needed="n!", by_setting="n{a}")
    assert not bound.open


def test_the_value_of_a_setting_is_parsed_like_the_text_it_stands_in() -> None:
    assert resolved({"needed": "%Braces%"}, a="x").needed in {"x", "{a}"}
    assert resolved({"needed": "n", "bySetting": "%Braces%"}).by_setting == "{a}"


def test_doubled_braces_are_literal() -> None:
    assert resolved({"needed": "{{a}}"}, a="x").needed == "{a}"


@pytest.mark.parametrize("text", ["%Missing%", "{a", "{}", "100%", "%"])
def test_an_expression_that_cannot_work_fails_the_call_not_the_load(text: str) -> None:
    bound = bind({"needed": text})
    assert len(bound.errors) == 1
    evaluation = Evaluation({}, lambda: datetime.now(UTC), str, "fn")
    with pytest.raises(ExpressionError):
        bound.resolve(evaluation)


def test_an_old_name_counts_unless_the_new_one_is_there() -> None:
    aliases = {"oldNeeded": "needed"}
    bound = bind({"OLDneeded": "x"}, aliases=aliases)
    assert bound.constant == Example(needed="x")
    assert bound.aliases == (("oldNeeded", "needed"),)
    both = bind({"oldNeeded": "x", "needed": "y"}, aliases=aliases)
    assert both.constant == Example(needed="y")
    assert both.aliases == ()
