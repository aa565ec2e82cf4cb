"""Setting one value leaves the rest of a JSON file as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.config.jsonc import parse
from emulator.config.jsonedit import remove_value, set_value
from emulator.errors import ConfigError

KEYS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6)
OBJECTS = st.recursive(
    st.dictionaries(KEYS, st.integers() | st.text() | st.none() | st.lists(st.integers())),
    lambda inner: st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)

SETTINGS = """{
  // who runs this
  "IsEncrypted": false,
  "Values": {
    "A": "1", /* first */
    "B": "2" // last
    // "C": "off"
  }
}
"""


def test_a_value_is_replaced_in_place() -> None:
    changed = set_value(SETTINGS, ("Values", "A"), "x", file="f")
    assert changed == SETTINGS.replace('"A": "1"', '"A": "x"')


def test_names_are_found_without_case() -> None:
    changed = set_value(SETTINGS, ("values", "b"), "x", file="f")
    assert changed == SETTINGS.replace('"B": "2"', '"B": "x"')


def test_a_new_value_comes_last_behind_the_comments() -> None:
    changed = set_value(SETTINGS, ("Values", "NEW"), 'a "b"', file="f")
    assert changed == SETTINGS.replace('"B": "2" //', '"B": "2", //').replace(
        '"off"\n', '"off"\n    "NEW": "a \\"b\\""\n'
    )


@pytest.mark.parametrize(
    ("text", "path", "result"),
    [
        pytest.param('{"a":1}', ("b",), '{"a":1, "b": "x"}', id="one line"),
        pytest.param('{ "a": 1 }', ("b",), '{ "a": 1, "b": "x" }', id="one line with blanks"),
        pytest.param('{"a":1,}', ("b",), '{"a":1, "b": "x"}', id="a comma at the end"),
        pytest.param("{}", ("b",), '{\n  "b": "x"\n}', id="empty"),
        pytest.param("{ // no\n}", ("b",), '{ // no\n  "b": "x"\n}', id="only a comment"),
        pytest.param("", ("b",), '{\n  "b": "x"\n}\n', id="no text"),
        pytest.param("[1]", ("b",), '{\n  "b": "x"\n}\n', id="no object"),
        pytest.param('{"a": [1]}', ("a", "b"), '{"a": {\n    "b": "x"\n  }}', id="in the way"),
        pytest.param('{\n\t"a": 1\n}', ("b",), '{\n\t"a": 1,\n\t"b": "x"\n}', id="tabs"),
        pytest.param('{\r\n "a": 1\r\n}', ("b",), '{\r\n "a": 1,\r\n "b": "x"\r\n}', id="crlf"),
        pytest.param('{"a":1,"A":2}', ("a",), '{"a":1,"A":"x"}', id="the last one counts"),
        pytest.param('\ufeff{"a":1}', ("a",), '\ufeff{"a":"x"}', id="byte order mark"),
    ],
)
def test_layout_is_kept(text: str, path: tuple[str, ...], result: str) -> None:
    assert set_value(text, path, "x", file="f") == result


def test_missing_objects_are_added_on_the_way() -> None:
    text = '{\n    "version": "2.0", // v\n    "extensions": {\n        "http": {}\n    }\n}\n'
    changed = set_value(text, ("extensions", "openai", "searchProvider"), {"type": "x"}, file="f")
    assert "// v" in changed
    assert parse(changed, "f").value == {
        "version": "2.0",
        "extensions": {"http": {}, "openai": {"searchProvider": {"type": "x"}}},
    }


def test_text_that_is_no_json_is_refused_with_its_place() -> None:
    with pytest.raises(ConfigError, match="f is not valid JSON"):
        set_value('{"a": }', ("b",), "x", file="f")


@given(value=OBJECTS, name=KEYS, given=st.text() | st.integers() | st.booleans())
def test_only_the_one_value_changes(value: dict[str, Any], name: str, given: Any) -> None:
    import json

    for indent in (None, 2):
        text = json.dumps(value, indent=indent, ensure_ascii=False)
        changed = parse(set_value(text, (name,), given, file="f"), "f").value
        key = next((each for each in reversed(value) if each.lower() == name.lower()), name)
        assert changed == {**value, key: given}


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("A", '    "A": "1", /* first */\n'),
        ("a", '    "A": "1", /* first */\n'),
    ],
)
def test_a_member_goes_with_its_line(name: str, left: str) -> None:
    changed = remove_value(SETTINGS, ("values", name), file="f")
    assert changed == SETTINGS.replace(left, "     /* first */\n")


def test_the_last_member_takes_the_comma_before_it_along() -> None:
    changed = remove_value(SETTINGS, ("Values", "B"), file="f")
    assert changed == SETTINGS.replace('"1",', '"1"').replace('    "B": "2" //', "     //")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('{"a": 1}', "{}"),
        ('{"a": 1, "b": 2}', '{ "b": 2}'),
        ('{"b": 2, "a": 1}', '{"b": 2 }'),
        ('{"b": 2, "a": 1,}', '{"b": 2, }'),
        ('{\n  "a": 1,\n  "b": 2\n}', '{\n  "b": 2\n}'),
        ('{\n  "b": 2,\n  "a": {"x": [1, 2]}\n}\n', '{\n  "b": 2\n}\n'),
        ('{"a": 1, "b": 2, "A": 3}', '{ "b": 2 }'),
        ('\ufeff{"a": "x, \\"a\\": 1"}', "\ufeff{}"),
        ('{"b": 2}', None),
        ("[]", None),
    ],
)
def test_what_is_left_without_a_member(text: str, result: str | None) -> None:
    assert remove_value(text, ("a",), file="f") == result


@given(OBJECTS, st.data())
def test_the_other_members_stay(given_object: dict[str, Any], data: Any) -> None:
    text = json.dumps(given_object, indent=data.draw(st.sampled_from([None, 2])))
    name = data.draw(st.sampled_from([*given_object, "none of them"]))
    expected = {key: value for key, value in given_object.items() if key.lower() != name.lower()}
    changed = remove_value(text, (name,), file="f")
    assert (given_object if changed is None else parse(changed, "f").value) == expected
