from __future__ import annotations

from typing import Any

import pytest

from emulator.console.render import (
    Palette,
    duration,
    failure_lines,
    one_line,
    problem_lines,
    together,
    verdict,
)
from emulator.model import FunctionError, Problem, Severity, SourceSpan

PLAIN = Palette(colour=False)


def test_a_problem_in_full() -> None:
    problem = Problem(
        "some-code",
        "The thing is wrong",
        severity=Severity.WARNING,
        where=SourceSpan("a.py", 3, 4),
        hint="Mend it.",
        azure="It fails.",
        detail="first\n  second\n",
    )
    assert list(problem_lines(problem, PLAIN, azure=True)) == [
        "warning: The thing is wrong [some-code]",
        "  at a.py:3:4",
        "  first",
        "    second",
        "  On Azure: It fails.",
        "  → Mend it.",
    ]
    assert "  On Azure: It fails." not in list(problem_lines(problem, PLAIN))


def test_a_problem_that_is_nothing_but_a_message() -> None:
    assert list(problem_lines(Problem("c", "m"), PLAIN, azure=True)) == ["error: m [c]"]


@pytest.mark.parametrize(
    ("problems", "text"),
    [
        ([Problem("a", "m")], "1 error."),
        ([Problem("a", "m", azure="x"), Problem("b", "m")], "2 errors."),
        (
            [
                Problem("a", "m"),
                Problem("b", "m", severity=Severity.INFO, azure="x"),
                Problem("c", "m", severity=Severity.WARNING, azure="x"),
                Problem("d", "m", severity=Severity.WARNING),
            ],
            "1 error, 2 differences from Azure, 1 warning.",
        ),
        ([Problem("b", "m", severity=Severity.INFO, azure="x")], "1 difference from Azure."),
    ],
)
def test_what_was_found_is_counted(problems: list[Problem], text: str) -> None:
    assert verdict(problems) == text


def test_a_failure_without_a_stack() -> None:
    assert list(failure_lines(FunctionError("E", "m"))) == ["Exception: E: m"]
    assert list(failure_lines(FunctionError("E", "m", "some.E: m\n"))) == ["Exception: E: m"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00004, "0.0 ms"),
        (0.0012, "1.2 ms"),
        (0.00999, "10 ms"),
        (0.0123, "12 ms"),
        (0.5, "500 ms"),
        (9.9, "9900 ms"),
        (12.34, "12.3 s"),
    ],
)
def test_a_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_colours() -> None:
    paint = Palette(colour=True)
    assert paint("x", "red", "bold") == "\x1b[31;1mx\x1b[0m"
    assert paint("x") == "x"
    assert paint("", "red") == ""
    assert PLAIN("x", "red") == "x"


def test_a_text_as_one_line() -> None:
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 201) == "x" * 200 + "…"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("dict", "json.dumps(value)"),
        ("NoneType", "look for a path without return"),
        ("coroutine", "write await"),
        ("bytes", "func.HttpResponse(data)"),
        ("generator", "yield"),
        ("object", "An HTTP function returns a text or a func.HttpResponse."),
    ],
)
def test_an_answer_that_cannot_be_sent_says_what_can(given: str, told: str) -> None:
    text = (
        "unable to encode outgoing TypedData: unsupported type "
        f'"<class \'azure.functions.http.HttpResponseConverter\'>" for Python type "{given}"'
    )
    error, line = failure_lines(FunctionError("TypeError", text))
    assert error == f"Exception: TypeError: {text}"
    assert line.startswith("→ ")
    assert told in line


def test_what_several_functions_have_in_the_same_words_is_told_once() -> None:
    def alias(function: str, line: int) -> Problem:
        return Problem(
            "binding-type-alias",
            "The binding 'state' has the type 'postUserQuery'.",
            severity=Severity.WARNING,
            where=SourceSpan("function_app.py", line),
            function=function,
        )

    other = Problem("x", "Something else.", where=SourceSpan("host.json"))
    merged = together([alias("a", 3), other, alias("b", 9), alias("c", 9)])
    assert [str(each.where) for each in merged] == [
        "function_app.py:3, function_app.py:9",
        "host.json",
    ]


def test_a_function_that_is_lost_is_named() -> None:
    def first(**fields: Any) -> str:
        return next(iter(problem_lines(Problem("c", **fields), PLAIN)))

    assert first(message="No.", function="f") == "error: The 'f' function is in error: No. [c]"
    assert first(message="'f' is bad.", function="f") == "error: 'f' is bad. [c]"
    warning = Severity.WARNING
    assert first(message="No.", function="f", severity=warning) == "warning: No. [c]"
    both = [Problem("c", "No.", where=SourceSpan(name), function=name) for name in ("f", "g")]
    assert list(problem_lines(*together(both), PLAIN)) == ["error: No. [c]", "  at f, g"]
