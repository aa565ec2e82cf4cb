from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.config.jsonc import MAX_DEPTH, parse, read
from emulator.errors import ConfigError
from emulator.model import SourceSpan

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('{"a": 1} // end', {"a": 1}, id="line comment"),
        pytest.param('{/* a */"a"/* b */:/* c */1/* d */}', {"a": 1}, id="block comments"),
        pytest.param('// first\n{"a": 1}', {"a": 1}, id="comment before"),
        pytest.param('{"a": [1, 2,], }', {"a": [1, 2]}, id="trailing commas"),
        pytest.param('\ufeff{"a": 1}', {"a": 1}, id="byte order mark"),
        pytest.param('{"a": "// no comment"}//', {"a": "// no comment"}, id="slashes in a text"),
        pytest.param('{"a": "x\ty"}', {"a": "x\ty"}, id="tab in a text"),
        pytest.param(
            '[1,-2.5e3,true,false,null,"\\u00e9",]',
            [1, -2500.0, True, False, None, "é"],
            id="every scalar",
        ),
        pytest.param("// c\n 7 ", 7, id="scalar alone"),
        pytest.param("{}/**/", {}, id="empty object"),
        pytest.param("[/**/]", [], id="empty list"),
    ],
)
def test_accepts(text: str, value: Any) -> None:
    assert parse(text, "f.json").value == value


@pytest.mark.parametrize(
    ("text", "what", "line", "column"),
    [
        pytest.param("", "the file is empty", 1, 1, id="nothing"),
        pytest.param("// only\n", "the file is empty", 2, 1, id="only a comment"),
        pytest.param('{"a" 1}', "expected ':' after the key \"a\", found '1'", 1, 6, id="colon"),
        pytest.param('{"a":1\n"b":2}', "expected ',' or '}', found '\"b\"'", 2, 1, id="comma"),
        pytest.param('{"a":1', "the '{' of line 1 is not closed", 1, 7, id="brace left open"),
        pytest.param('{"a":\n[1,', "the '[' of line 2 is not closed", 2, 4, id="bracket left open"),
        pytest.param("{'a':1}", "expected a key in double quotes, found ''a''", 1, 2, id="quotes"),
        pytest.param("{a:1}", "expected a key in double quotes, found 'a'", 1, 2, id="bare key"),
        pytest.param("{\"a\":'b'}", "expected a value, found ''b''", 1, 6, id="single quotes"),
        pytest.param('{"a":yes}', "expected a value, found 'yes'", 1, 6, id="unknown word"),
        pytest.param('{"a":NaN}', "expected a value, found 'NaN'", 1, 6, id="NaN is no JSON"),
        pytest.param('{"a":01}', "expected a value, found '01'", 1, 6, id="leading zero"),
        pytest.param('{"a":}', "expected a value, found '}'", 1, 6, id="value left out"),
        pytest.param('{"a":,}', "expected a value, found ','", 1, 6, id="only a comma"),
        pytest.param('{"a":', "expected a value, found the end of the file", 1, 6, id="end"),
        pytest.param('{"a":1} x', "expected the end of the file, found 'x'", 1, 9, id="rest"),
        pytest.param('{"a":"b', "a text is not closed with a double quote", 1, 6, id="open text"),
        pytest.param('{"a":"b\n"}', "a text is not closed before the end of the line", 1, 6,
                     id="line break in a text"),
        pytest.param('{"a":"\\q"}', "a backslash in a text is not followed by a known escape", 1,
                     7, id="escape"),
        pytest.param('{"a":1 /* }', "a comment is not closed with */", 1, 8, id="open comment"),
        pytest.param("[1 / 2]", "expected ',' or ']', found '/'", 1, 4, id="lone slash"),
        pytest.param("[" * 200 + "]" * 200, f"nested more than {MAX_DEPTH} levels deep", 1, 102,
                     id="deep nesting"),
        pytest.param("[" * 100_000, f"nested more than {MAX_DEPTH} levels deep", 1, 102,
                     id="very deep nesting"),
        pytest.param("9" * 10_000, "expected a value, found '" + "9" * 40 + "'", 1, 1,
                     id="a number too long to read"),
    ],
)  # fmt: skip
def test_refuses_with_the_place(text: str, what: str, line: int, column: int) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f.json")
    assert caught.value.message == (
        f"f.json is not valid JSON: {what} (line {line}, column {column})"
    )
    assert caught.value.where == SourceSpan("f.json", line, column)


def test_says_what_to_do_about_single_quotes() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("{\"a\": 'b'}", "f.json")
    assert caught.value.hint == "JSON wants double quotes."


TEXT = """{ // comment
  "bindings": [
    {"name": "req"},
    {
      "name": "out"
    }
  ],
  "x": {"y": null}
}"""


@pytest.mark.parametrize("comment", ["// comment", ""], ids=["own parser", "library parser"])
@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("bindings",), 2),
        (("bindings", 0), 3),
        (("bindings", 0, "name"), 3),
        (("bindings", 1), 4),
        (("bindings", 1, "name"), 5),
        (("x", "y"), 8),
        (("nowhere",), None),
        (("bindings", 2), None),
    ],
    ids=str,
)
def test_knows_the_line_of_every_key(path: tuple[Any, ...], line: int | None, comment: str) -> None:
    assert parse(TEXT.replace("// comment", comment), "f.json").line_of(path) == line


def test_a_place_that_does_not_exist_is_that_of_its_parent() -> None:
    document = parse(TEXT, "f.json")
    assert document.span(("bindings", 1, "direction")) == SourceSpan("f.json", 4)


def test_finds_keys_given_twice_and_the_last_one_counts() -> None:
    document = parse('{"a": 1, "b": {"c": 1,\n"c": 2, "c": 3}, "a": {"x": 0}}', "f.json")
    assert document.value == {"a": {"x": 0}, "b": {"c": 3}}
    assert document.duplicates() == (("b", "c"), ("a",))
    assert document.line_of(("a",)) == 2


def test_reads_a_file_in_utf_16_as_powershell_writes_it(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_bytes('{"a": "é"}'.encode("utf-16"))
    document = read(tmp_path / "f.json", "f.json")
    assert document is not None
    assert document.value == {"a": "é"}


def test_a_file_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "f.json", "f.json") is None


def test_names_the_line_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_bytes(b'{\n"a": "\xe9"}')
    with pytest.raises(ConfigError, match="not UTF-8 text") as caught:
        read(tmp_path / "f.json", "f.json")
    assert caught.value.where == SourceSpan("f.json", 2)


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "f.json").mkdir()
    with pytest.raises(ConfigError, match=r"f\.json cannot be read: Is a directory"):
        read(tmp_path / "f.json", "f.json")


@given(st.text() | st.text(alphabet="{}[]\",:/*\\ \n\t1eE+-.truefalsn\ufeff'"))
@settings(max_examples=150, deadline=None)
def test_never_raises_anything_but_a_config_error(text: str) -> None:
    error = _error_of(text)
    assert error is None or (error.where is not None and error.where.line is not None)


def _error_of(text: str) -> ConfigError | None:
    try:
        parse(text, "f.json").line_of(())
    except ConfigError as error:
        return error
    return None


@given(JSON)
@settings(max_examples=80, deadline=None)
def test_comments_and_trailing_commas_change_nothing(value: Any) -> None:
    text = json.dumps(value)
    decorated = "/* { */ " + text + " // }"
    assert parse(decorated, "f.json").value == parse(text, "f.json").value == value


@given(JSON)
@settings(max_examples=60, deadline=None)
def test_both_parsers_place_every_key(value: Any) -> None:
    document = parse(json.dumps(value, indent=1), "f.json")
    for path in _paths((), value):
        assert document.line_of(path) is not None
    assert document.duplicates() == ()


def _paths(path: tuple[Any, ...], value: Any) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict | list):
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(below for key, each in items for below in _paths((*path, key), each))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"planted" "planted"}', "expected ':' after a key, found a text"),
        ("{'planted': 1}", "expected a key in double quotes, found a text in single quotes"),
        ('{"a": planted}', "expected a value, found a word"),
        ('{"a": "b" "planted"}', "expected ',' or '}', found a text"),
        ('{"a": 1]', "expected ',' or '}', found ']'"),
    ],
)
def test_an_error_in_a_secret_file_shows_nothing_of_it(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "x.json", secret=True)
    assert message in caught.value.message
    assert "planted" not in caught.value.message
