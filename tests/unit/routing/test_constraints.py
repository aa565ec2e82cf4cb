from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import RouteError
from emulator.routing.constraints import constraint

GUID = "4e2796ae-b865-4071-8a20-2a15cbaf856c"


def holds(name: str, text: str) -> bool:
    word, _, argument = name.partition("(")
    return constraint(word, argument.removesuffix(")") if "(" in name else None)(text)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("int", ["1", "-1", "+1", " 7 ", "2147483647", "-2147483648", "007"],
         ["", "2147483648", "1.0", "1e3", "abc", "٣", "1 2", "-", "9" * 100]),
        ("long", ["9223372036854775807"], ["9223372036854775808", "x"]),
        ("INT", ["1"], ["x"]),
        ("bool", ["true", "FALSE", " True "], ["1", "yes", ""]),
        ("decimal",
         ["1", "1.5", "-1.5", ".5", "5.", "1,000.5", "1-", "79228162514264337593543950335"],
         ["", "1e5", "x", "-1-", "79228162514264337593543950336", "1.2.3", "$1"]),
        ("double", ["1", "1.5", "-1e10", "1E+308", "1e999", ".5", "NaN", "-Infinity", "1,000"],
         ["", "x", "1-", "e5", "1e", "inf"]),
        ("float", ["1.5", "Infinity"], ["x"]),
        ("guid",
         [GUID, GUID.upper(), GUID.replace("-", ""), f"{{{GUID}}}", f"({GUID})", f" {GUID} "],
         ["", "x", GUID[:-1], f"{{{GUID})", f"{{{GUID}", f"{GUID}}}", GUID + "0"]),
        ("alpha", ["", "abc", "ABC"], ["1", "a1", "ä", "a b"]),
        ("required", ["x"], [""]),
        ("minlength(2)", ["ab", "abc", "😀"], ["", "a"]),
        ("maxlength(2)", ["", "ab", "😀"], ["abc", "😀a"]),
        ("length(2)", ["ab", "😀"], ["a", "abc"]),
        ("length(2,3)", ["ab", "abc"], ["a", "abcd"]),
        ("min(3)", ["3", "9223372036854775807"], ["2", "x", "3.5", "9223372036854775808"]),
        ("max(3)", ["3", "-5"], ["4", "x"]),
        ("range(-1, 3)", ["-1", "3"], ["-2", "4", "x"]),
        ("regex(^a\\d+$)", ["a1", "A12"], ["b1", "a"]),
        ("regex(b)", ["abc", "B"], ["a"]),
        ("regex(^(?<year>\\d{4})$)", ["2024"], ["24"]),
        ("regex((?<!a)b)", ["cb"], ["ab"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_holds_for_some_and_not_for_others(name: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not holds(name, text)] == []
    assert [text for text in bad if holds(name, text)] == []


@pytest.mark.parametrize(
    ("name", "argument", "message"),
    [
        ("integer", None, "There is no route constraint 'integer'"),
        ("", None, "There is no route constraint ''"),
        ("int", "5", "The constraint 'int' takes no value, but has '5'"),
        ("min", None, "The constraint 'min' needs a value: min(…)"),
        ("min", "x", "The constraint 'min' needs a whole number, not 'x'"),
        ("range", "1", "The constraint 'range' needs a whole number, not ''"),
        ("range", "3,1", "The constraint 'range(3,1)' can never hold"),
        ("length", "a,b", "The constraint 'length' needs a whole number, not 'a'"),
        ("regex", "(", "The regular expression '(' of a route cannot be used: "
         "missing ), unterminated subpattern at position 0"),
    ],
)  # fmt: skip
def test_says_what_is_wrong_with_a_constraint(
    name: str, argument: str | None, message: str
) -> None:
    with pytest.raises(RouteError) as caught:
        constraint(name, argument)
    assert caught.value.message == message


@given(
    st.sampled_from(["int", "long", "bool", "datetime", "decimal", "double", "guid", "alpha"]),
    st.text() | st.text(alphabet="0123456789-+.,:eE/ TZ{}()"),
)
@settings(max_examples=200, deadline=None)
def test_no_text_makes_a_check_fail(name: str, text: str) -> None:
    assert constraint(name, None)(text) in {True, False}


@given(st.integers(min_value=-(2**31), max_value=2**31 - 1))
@settings(max_examples=50, deadline=None)
def test_every_number_of_32_bits_is_an_int(number: int) -> None:
    assert holds("int", str(number))


@pytest.mark.parametrize("name", ["decimal", "double", "int", "guid", "datetime", "bool", "alpha"])
@pytest.mark.parametrize("text", ["1" * 8000 + "x", " " * 8000 + "x", "1," * 4000 + "x"])
def test_a_long_text_is_decided_at_once(name: str, text: str) -> None:
    began = time.process_time()
    assert not holds(name, text)
    assert time.process_time() - began < 0.05


def test_an_expression_that_takes_for_ever_is_given_up_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("emulator.routing.constraints.MOST_SECONDS", 0.05)
    check = constraint("regex", "^(a+)+$")
    assert check("aaaa")
    with pytest.raises(RouteError, match="given up after 0.05 s, for a text of 41 ") as caught:
        check("a" * 40 + "!")
    assert caught.value.code == "route-regex-slow"
    assert "in one way only" in (caught.value.hint or "")


def test_an_expression_that_python_warns_about_is_fine() -> None:
    assert holds("regex([[a])", "[")
