from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.config.dotenv import EnvLine, parse_env
from emulator.model import Severity, SourceSpan


def values(text: str, **known: str) -> dict[str, str]:
    lines, problems = parse_env(text, ".env", known.get)
    assert problems == []
    return {each.name: each.value for each in lines}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("A=1", "1", id="plain"),
        pytest.param("  export A = 1 ", "1", id="export and blanks"),
        pytest.param("A=", "", id="empty"),
        pytest.param("A=a b", "a b", id="blanks inside"),
        pytest.param("A=1 # why", "1", id="comment behind"),
        pytest.param("A=# why", "", id="only a comment"),
        pytest.param("A=a#b", "a#b", id="hash inside"),
        pytest.param("A='a # b'", "a # b", id="single quotes"),
        pytest.param("A='a\\nb${X}'", "a\\nb${X}", id="single quotes are literal"),
        pytest.param('A="a # b" # why', "a # b", id="double quotes"),
        pytest.param(r'A="a\nb\t\"c\" \\ \q"', 'a\nb\t"c" \\ \\q', id="escapes"),
        pytest.param('A="a\nb"', "a\nb", id="two lines in quotes"),
        pytest.param("A=x=y;z=1", "x=y;z=1", id="equals inside"),
        pytest.param("A=[${X}]", "[known]", id="reference"),
        pytest.param('A="[${X}]"', "[known]", id="reference in quotes"),
        pytest.param("A=${NO:-else}", "else", id="reference with default"),
        pytest.param("A=${NO}", "", id="reference to nothing"),
        pytest.param("A=$X", "$X", id="no braces no reference"),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=["no end", "lf", "crlf"])
def test_reads_a_value(text: str, expected: str, end: str) -> None:
    assert values(text + end, X="known") == {"A": expected}


def test_reads_every_line_with_its_number() -> None:
    text = "# settings\n\nA=1\nB='x\ny'\n\nC=3\n"
    lines, problems = parse_env(text, ".env", {}.get)
    assert problems == []
    assert lines == [EnvLine("A", "1", 3), EnvLine("B", "x\ny", 4), EnvLine("C", "3", 7)]


def test_a_reference_finds_an_earlier_line_but_the_environment_first() -> None:
    assert values("A=1\nB=${A}2\nX=mine\nC=${X}", X="given")["B"] == "12"
    assert values("X=mine\nC=${X}", X="given")["C"] == "given"


@pytest.mark.parametrize(
    "line",
    ["nonsense", "A='open", 'A="open', "A='a' b", "=1", "two words=1"],
)
def test_a_line_that_cannot_be_read_is_told_and_the_rest_is_kept(line: str) -> None:
    lines, (problem,) = parse_env(f"A=1\n{line}\nB=2", ".env", {}.get)
    assert [each.name for each in lines] == ["A", "B"]
    assert problem.code == "env-line-invalid"
    assert problem.severity is Severity.WARNING
    assert problem.where == SourceSpan(".env", 2)


def test_a_line_that_cannot_be_read_does_not_show_its_value() -> None:
    _, (problem,) = parse_env("KEY='sk-secret", ".env", {}.get)
    assert "KEY" in problem.message
    assert "sk-secret" not in problem.message


@given(st.text() | st.text(alphabet="A=#'\"\\${}:- \n\r\texport"))
@settings(max_examples=150, deadline=None)
def test_never_fails_and_never_loops(text: str) -> None:
    parse_env(text, ".env", {"A": "1"}.get)


@given(st.text(st.characters(exclude_characters="'", exclude_categories=["Cs"])))
@settings(max_examples=80, deadline=None)
def test_single_quotes_keep_any_text(text: str) -> None:
    assert values(f"A='{text}'") == {"A": text}


@pytest.mark.parametrize("line", ["planted-line", "'planted' x", "export KEY='planted", "=planted"])
def test_a_line_without_a_plain_name_shows_nothing(line: str) -> None:
    _, (problem,) = parse_env(line, ".env", {}.get)
    assert problem.message == "A line in .env cannot be read and is left out"
    assert problem.where == SourceSpan(".env", 1)
