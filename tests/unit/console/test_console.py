"""What a console writes for what happens."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.clock import ManualClock
from emulator.config.hostjson import HostConfig
from emulator.config.levels import LogLevel
from emulator.config.settings import Settings
from emulator.console.console import Console, JsonConsole
from emulator.events import (
    Event,
    EventBus,
    GenerationFailed,
    InvocationFinished,
    InvocationStarted,
    Level,
    LogLine,
    ProblemFound,
    RequestServed,
)
from emulator.model import FunctionError, Problem, Severity
from emulator.runtime.launch import Configuration
from emulator.sdk import MANUAL_REASON
from tests.support.patience import PATIENCE

STAMP = len("00:00:00 ")
AZURE = Problem("a", "Only there", severity=Severity.INFO, azure="It fails.", hint="Mend it.")


class Shown:
    """A console, and what it wrote."""

    def __init__(
        self,
        kind: type[Console] = Console,
        *,
        levels: Mapping[str, LogLevel] | None = None,
        settings: Mapping[str, str] | None = None,
        stream: Any = None,
        **options: Any,
    ) -> None:
        self.stream = stream or io.StringIO()
        self.clock = ManualClock(datetime(2026, 1, 1, 12, tzinfo=UTC))
        chosen = {"colour": False, "verbose": False, **options}
        self.console = kind(clock=self.clock, stream=self.stream, **chosen)
        self.console.configure(configuration(levels, settings))
        self.events = EventBus()
        self.console.attach(self.events)

    def of(self, *events: Event) -> list[str]:
        """Return the lines written for events, without their times."""
        before = len(self.stream.getvalue())
        for event in events:
            self.events.publish(event)
        self.console.flush()
        lines = self.stream.getvalue()[before:].splitlines()
        return [line[STAMP:] if line[2:3] == ":" else line for line in lines]


def configuration(
    levels: Mapping[str, LogLevel] | None = None, settings: Mapping[str, str] | None = None
) -> Configuration:
    return Configuration(Settings.of(settings or {}), HostConfig(log_levels=levels or {}), ())


def said(level: Level, category: str = "Function.f.User", text: str = "said") -> LogLine:
    return LogLine(level, text, category, "1")


def served(status: int = 200, path: str = "/api/f", function: str = "f") -> RequestServed:
    return RequestServed("GET", path, status, 0.0123, function)


def test_a_request_is_one_line() -> None:
    assert Shown().of(served()) == ["GET /api/f → 200 (12 ms)  f"]
    assert Shown().of(served(404, "/x", "")) == ["GET /x → 404 (12 ms)"]


def test_a_request_without_an_answer_says_why() -> None:
    event = RequestServed("GET", "/x", 404, 0.0123, note="did you mean /api/x?")
    assert Shown().of(event) == ["GET /x → 404 (12 ms)  did you mean /api/x?"]


def test_a_path_cannot_write_to_the_terminal() -> None:
    (line,) = Shown().of(served(path="/api/\x1b[31mred\nGET /fake"))
    assert "\x1b" not in line
    assert r"\x1b[31mred\nGET /fake" in line


def test_a_call_that_went_well_is_told_by_its_request() -> None:
    began = InvocationStarted("1", "f", MANUAL_REASON, detail="GET /api/f")
    assert Shown().of(began, InvocationFinished("1", "f", 0.5)) == []


def test_a_run_nobody_asked_for_is_a_line_of_its_own() -> None:
    began = InvocationStarted("1", "tick", "Timer fired at …", detail="UnscheduledReason: x")
    ended = InvocationFinished("1", "tick", 0.5)
    assert Shown().of(began, ended) == ["tick (500 ms)"]
    failed = InvocationFinished("1", "tick", 0.5, FunctionError("ValueError", "boom"))
    assert Shown().of(began, failed)[0].startswith("Executed 'Functions.tick' (Failed")
    assert "tick (500 ms)" not in Shown().of(began, failed)
    assert Shown(verbose=True).of(began, ended) == [
        "Executing 'Functions.tick' (Reason='Timer fired at …', Id=1)",
        "Trigger Details: UnscheduledReason: x",
        "Executed 'Functions.tick' (Succeeded, Id=1, Duration=500ms)",
    ]


def test_verbose_tells_when_calls_begin_and_end() -> None:
    began = InvocationStarted("1", "f", "why")
    assert Shown(verbose=True).of(began, InvocationFinished("1", "f", 0.5)) == [
        "Executing 'Functions.f' (Reason='why', Id=1)",
        "Executed 'Functions.f' (Succeeded, Id=1, Duration=500ms)",
    ]


def test_a_failure_is_a_block_with_the_exception_on_a_line_of_its_own() -> None:
    error = FunctionError("ValueError", "boom", "Traceback:\n  line 1\nValueError: boom\n")
    assert Shown().of(InvocationFinished("1", "f", 0.5, error)) == [
        "Executed 'Functions.f' (Failed, Id=1, Duration=500ms)",
        "Exception: ValueError: boom",
        "Stack: Traceback:",
        "    line 1",
        "  ValueError: boom",
    ]


async def test_calls_made_by_a_call_are_told_below_its_request() -> None:
    shown = Shown()
    assert shown.of(*turn(skill("2", "AddTodo", '{"a":\n "b"}'), skill("3", "GetTodos"))) == []
    assert shown.of(served(function="PostUserQuery")) == [
        "GET /api/f → 200 (12 ms)  PostUserQuery",
        '           ↳ AddTodo {"a": "b"} (2.0 ms)',
        "           ↳ GetTodos (2.0 ms)",
    ]


async def test_calls_of_calls_stand_further_in() -> None:
    outer, inner = skill("2", "Ask"), skill("3", "AddTodo", parent="2")
    events = [outer[0], *inner, outer[1]]
    assert Shown().of(*turn(events), served())[1:] == [
        "           ↳ Ask (2.0 ms)",
        "             ↳ AddTodo (2.0 ms)",
    ]


async def test_a_failed_skill_says_so_in_its_place_and_in_full_at_once() -> None:
    shown = Shown()
    began, ended = skill("2", "AddTodo")
    failed = InvocationFinished("2", "AddTodo", 0.002, FunctionError("ValueError", "boom"), "1")
    assert shown.of(*turn([began, failed]))[0].startswith("Executed 'Functions.AddTodo' (Failed")
    assert shown.of(served())[1] == "           ↳ AddTodo failed: ValueError: boom (2.0 ms)"


async def test_a_long_turn_tells_its_calls_as_they_end() -> None:
    shown = Shown()
    first, second = skill("2", "AddTodo"), skill("3", "GetTodos")
    shown.of(InvocationStarted("1", "PostUserQuery", "why"), *first)
    shown.clock.advance(1.5)
    assert shown.of(*second) == [
        "PostUserQuery …",
        "           ↳ AddTodo (2.0 ms)",
        "           ↳ GetTodos (2.0 ms)",
    ]
    assert shown.of(*skill("4", "AddTodo")) == ["           ↳ AddTodo (2.0 ms)"]
    assert shown.of(InvocationFinished("1", "PostUserQuery", 2.0), served()) == [
        "GET /api/f → 200 (12 ms)  f"
    ]


async def test_a_turn_without_a_request_is_told_by_itself() -> None:
    shown = Shown()
    assert shown.of(*turn(skill("2", "AddTodo"))) == []
    async with asyncio.timeout(PATIENCE):
        while not shown.stream.getvalue():  # noqa: ASYNC110 - written by a timer of the console
            await asyncio.sleep(0.02)
    assert shown.stream.getvalue().splitlines()[1:] == ["           ↳ AddTodo (2.0 ms)"]
    assert "PostUserQuery (500 ms)" in shown.stream.getvalue()


async def test_a_turn_that_is_tried_again_is_told_twice() -> None:
    shown = Shown()
    shown.of(*turn(skill("2", "AddTodo")))
    assert shown.of(*turn(skill("2", "GetTodos")), served()) == [
        "PostUserQuery (500 ms)",
        "           ↳ AddTodo (2.0 ms)",
        "GET /api/f → 200 (12 ms)  f",
        "           ↳ GetTodos (2.0 ms)",
    ]


def test_without_a_loop_nothing_is_waited_for() -> None:
    assert Shown().of(*turn(skill("2", "AddTodo"))) == [
        "PostUserQuery (500 ms)",
        "           ↳ AddTodo (2.0 ms)",
    ]


async def test_a_long_detail_is_cut() -> None:
    line = Shown().of(*turn(skill("2", "f", "x" * 1_000)), served())[1]
    assert f"{'x' * 200}… (" in line


def skill(call: str, function: str, detail: str = "", *, parent: str = "1") -> list[Event]:
    """Return what happens when a call calls a function."""
    return [
        InvocationStarted(call, function, "asked", parent, detail),
        InvocationFinished(call, function, 0.002, parent=parent, detail=detail),
    ]


def turn(*calls: list[Event]) -> list[Event]:
    """Return what happens when a function that calls others is called."""
    nested = [event for events in calls for event in events]
    began = InvocationStarted("1", "PostUserQuery", "why")
    return [began, *nested, InvocationFinished("1", "PostUserQuery", 0.5)]


@pytest.mark.parametrize(
    ("category", "line"),
    [
        ("Function.f.User", "[f] Warning: said"),
        ("Function.f", "[f] Warning: said"),
        ("Host.Function.Console", "Warning: said"),
        ("Host", "Warning: said"),
        ("Microsoft.Azure.WebJobs.Extensions.OpenAI", "Warning: said"),
    ],
)
def test_a_line_names_its_function(category: str, line: str) -> None:
    assert Shown().of(said("Warning", category)) == [line]


def test_further_lines_of_a_message_follow() -> None:
    assert Shown().of(said("Error", text="one\ntwo\n\nthree")) == [
        "[f] Error: one",
        "         two",
        "",
        "         three",
    ]
    assert Shown().of(said("Information", text="")) == ["[f] "]


FORGED = "12:00:00 GET /api/f → 200 (1 ms)  f"


def test_no_text_with_line_breaks_looks_like_further_lines_of_ours() -> None:
    error = FunctionError("ValueError", f"no\n{FORGED}", f"Traceback:\nValueError: no\n{FORGED}")
    shown = Shown()
    for mark in ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028"):
        shown.of(said("Warning", text=f"Hello{mark}{FORGED}"))
        shown.of(served(path=f"/{mark}{FORGED}"))
    shown.of(InvocationFinished("1", "f", 0.5, error))
    shown.of(LogLine("Error", f"a\n{FORGED}", "Host"))
    assert FORGED not in shown.stream.getvalue().splitlines()
    assert f"  {FORGED}" in shown.stream.getvalue().splitlines()


@pytest.mark.parametrize("kind", [Console, JsonConsole])
def test_nothing_that_is_written_moves_the_cursor_or_turns_text_around(kind: type[Console]) -> None:
    shown = Shown(kind)
    evil = "a\x1b[2Jb\x1b]0;t\x07c\x08\x7f\x9b2Kd\u202egnp.\u2066e\0\rf"
    shown.of(said("Error", text=evil), served(path=f"/{evil}"))
    shown.of(InvocationFinished("1", "f", 0.5, FunctionError(evil, evil, evil)))
    shown.of(ProblemFound(Problem("code", evil, hint=evil, detail=evil)))
    shown.console.write([evil] if kind is Console else [json.dumps(evil, ensure_ascii=False)])
    shown.console.flush()
    written = shown.stream.getvalue()
    assert [each for each in written if not each.isprintable() and each != "\n"] == []
    if kind is JsonConsole:
        assert [json.loads(line) for line in written.splitlines()]


def test_colours_of_the_app_stay_and_end_with_their_line() -> None:
    shown = Shown()
    (line,) = shown.of(said("Information", text="\x1b[31mred\tand\x1b[1;38:5:208m more"))
    assert line == "[f] \x1b[31mred\tand\x1b[1;38:5:208m more\x1b[0m"
    (line,) = shown.of(said("Information", text="\x1b[31mred\x1b[0m"))
    assert line == "[f] \x1b[31mred\x1b[0m"


USER, PRINTED = "Function.f.User", "Host.Function.Console"
HOST, OWN = "Host", "Function.f"


@pytest.mark.parametrize(
    ("options", "levels", "category", "least"),
    [
        # by default: the app's lines from Information, the host's from Warning on
        ({}, {}, USER, "Information"),
        ({}, {}, PRINTED, "Information"),
        ({}, {}, OWN, "Warning"),
        ({}, {}, HOST, "Warning"),
        ({}, {}, "Worker", "Warning"),
        ({}, {}, "Worker.azure.functions", None),
        # verbose
        ({"verbose": True}, {}, HOST, "Information"),
        ({"verbose": True}, {}, OWN, "Information"),
        ({"verbose": True}, {}, USER, "Information"),
        ({"verbose": True}, {"default": "Error"}, HOST, "Information"),
        ({"verbose": True}, {"default": "Trace"}, HOST, "Trace"),
        ({"verbose": True}, {}, "Worker.azure.functions", "Information"),
        # host.json
        ({}, {"default": "Trace"}, USER, "Trace"),
        ({}, {"default": "Trace"}, HOST, "Trace"),
        ({}, {"default": "None"}, USER, None),
        ({}, {"default": "None"}, HOST, None),
        ({}, {"default": "Trace"}, "Worker.azure.functions", None),
        ({}, {"Function": "Error"}, USER, "Error"),
        ({}, {"Function": "Error"}, PRINTED, "Information"),
        ({}, {"function.F": "Debug", "Function": "Error"}, USER, "Debug"),
        ({}, {"Function.f.User": "Critical", "Function.f": "Trace"}, USER, "Critical"),
        ({}, {"Function.g": "Critical"}, USER, "Information"),
        ({}, {"Host": "Error"}, PRINTED, "Error"),
        ({}, {"Host.Function": "Debug", "Host": "Error"}, PRINTED, "Debug"),
        ({}, {"Microsoft.Azure": "Information"}, "Microsoft.Azure.WebJobs", "Information"),
        # the level asked for is that of the app's lines, and a category refines it
        ({"user_level": "Error"}, {}, USER, "Error"),
        ({"user_level": "Error"}, {}, PRINTED, "Error"),
        ({"user_level": "Debug"}, {"default": "Error"}, USER, "Debug"),
        ({"user_level": "Debug"}, {"default": "Error"}, HOST, "Error"),
        ({"user_level": "Error"}, {"Function.f": "Debug"}, USER, "Debug"),
        ({"user_level": "None"}, {}, USER, None),
    ],
)
@pytest.mark.parametrize("kind", [Console, JsonConsole])
def test_the_level_of_a_category(
    kind: type[Console],
    options: Mapping[str, Any],
    levels: Mapping[str, LogLevel],
    category: str,
    least: str | None,
) -> None:
    shown = Shown(kind, levels=levels, **options)
    names: list[Level] = ["Trace", "Debug", "Information", "Warning", "Error", "Critical"]
    told = [name for name in names if shown.of(said(name, category))]
    assert told == ([] if least is None else names[names.index(least) :])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("levels", "verbose", "least"),
    [
        ({}, False, "Warning"),
        ({"Ours": "Information"}, False, "Information"),
        ({"Ours.Open": "Debug", "Ours": "Error"}, False, "Debug"),
        ({"Ours": "Error", "Function.f": "Information"}, False, "Error"),
        ({"Function.f": "Information"}, False, "Information"),
        ({"Ours": "Error"}, True, "Information"),
    ],
)
def test_a_package_s_lines_of_a_call_have_the_level_of_its_category(
    levels: Mapping[str, LogLevel], verbose: bool, least: str
) -> None:
    shown = Shown(levels=levels, verbose=verbose)
    names: list[Level] = ["Trace", "Debug", "Information", "Warning", "Error", "Critical"]
    lines = (LogLine(name, "said", OWN, "1", "Ours.OpenAI") for name in names)
    told = [line.level for line in lines if shown.of(line)]
    assert told == names[names.index(least) :]  # type: ignore[arg-type]


def test_levels_change_with_what_serves() -> None:
    shown = Shown(levels={"default": "Error"})
    assert shown.of(said("Warning")) == []
    shown.console.show_levels_of(HostConfig(log_levels={"default": "Debug"}))
    assert len(shown.of(said("Warning"), said("Debug"))) == 2


def test_many_categories_are_not_kept_for_ever() -> None:
    shown = Shown()
    for number in range(3_000):
        assert shown.of(said("Warning", f"Some.{number}"))
    assert len(shown.console._least) < 1_500


def test_a_problem_says_what_where_and_what_to_do() -> None:
    problem = Problem("bad", "It is so", hint="Do this.", detail="more\nlines\n")
    assert (
        Shown().of(ProblemFound(problem), GenerationFailed(2, (problem,)))
        == [
            "error: It is so [bad]",
            "  more",
            "  lines",
            "  → Do this.",
        ]
        * 2
    )


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({}, []),
        ({"verbose": True}, ["info: Only there [a]", "  → Mend it."]),
        ({"strict": True}, ["info: Only there [a]", "  On Azure: It fails.", "  → Mend it."]),
    ],
)
def test_what_matters_on_azure_only_is_shown_when_asked_for(
    options: Mapping[str, Any], lines: list[str]
) -> None:
    assert Shown(**options).of(ProblemFound(AZURE)) == lines


def test_the_time_is_shown_as_it_passes() -> None:
    shown = Shown()
    first = shown.clock.now().astimezone().strftime("%H:%M:%S")
    shown.of(said("Warning"))
    shown.clock.advance(61)
    second = shown.clock.now().astimezone().strftime("%H:%M:%S")
    shown.of(said("Warning"))
    assert [line[:8] for line in shown.stream.getvalue().splitlines()] == [first, second]


async def test_lines_of_one_turn_of_the_loop_are_written_at_once() -> None:
    class Counting(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            return super().write(text)

    shown = Shown(stream=Counting())
    for _ in range(5):
        shown.events.publish(served())
    assert shown.stream.writes == 0
    await asyncio.sleep(0)
    assert shown.stream.writes == 1
    assert len(shown.stream.getvalue().splitlines()) == 5


def test_colours_are_for_terminals() -> None:
    assert "\x1b[" not in "".join(Shown().of(served(500), said("Error")))
    lines = Shown(colour=True).of(served(500), said("Error"))
    assert all("\x1b[31m" in line for line in lines)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_what_the_terminal_cannot_show_is_escaped(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(clock=ManualClock(), colour=False, verbose=False, stream=stream)
    console.write(["before", "→ \ud800", "after"])
    lines = raw.getvalue().decode(encoding).splitlines()
    assert (lines[0], lines[2]) == ("before", "after")
    assert lines[1].endswith(r"\ud800")


def test_a_reader_that_went_away_harms_nobody() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    console = Console(clock=ManualClock(), colour=False, verbose=False, stream=Gone())
    console.write(["x"])
    closed = io.StringIO()
    closed.close()
    Console(clock=ManualClock(), colour=False, verbose=False, stream=closed).write(["x"])


SECRETS = {
    "API_KEY": "planted-1",
    "DB_PASSWORD": 'planted"2\\',
    "Section__Token": "planted ü 3",
    "CITY": "Berlin",
}


@pytest.mark.parametrize("kind", [Console, JsonConsole])
@pytest.mark.parametrize("verbose", [False, True])
def test_values_of_secret_settings_are_not_shown(kind: type[Console], verbose: bool) -> None:
    shown = Shown(kind, settings=SECRETS, verbose=verbose, strict=True)
    text = " ".join([*SECRETS.values(), "end"])
    error = FunctionError("ValueError", text, text)
    lines = shown.of(
        served(path=f"/{SECRETS['API_KEY']}"),
        said("Error", text=text),
        InvocationStarted("1", "f", "why", detail=text),
        InvocationFinished("1", "f", 0.1, error),
        InvocationFinished("2", "f", 0.1, parent="1", detail=text),
        ProblemFound(Problem("bad", text, hint=text, detail=text, azure=text)),
    )
    printed = "\n".join(lines)
    assert "planted" not in printed
    assert "Berlin" in printed
    assert "*****" in printed
    for line in lines if kind is JsonConsole else ():
        json.loads(line)


def test_a_secret_stays_one_after_it_was_replaced() -> None:
    shown = Shown(settings={"API_KEY": "planted-1"})
    shown.console.learn(configuration(settings={"API_KEY": "planted-2"}))
    assert shown.of(said("Error", text="planted-1 planted-2")) == ["[f] Error: ***** *****"]


def test_machines_get_one_object_per_event() -> None:
    shown = Shown(JsonConsole)
    lines = shown.of(served(), InvocationStarted("1", "f", "why"), ProblemFound(AZURE))
    records = [json.loads(line) for line in lines]
    assert [each["event"] for each in records] == [
        "request-served",
        "invocation-started",
        "problem-found",
    ]
    assert records[0]["status"] == 200
    assert records[2]["problem"]["azure"] == "It fails."
    assert records[0]["time"] == "2026-01-01T12:00:00+00:00"
