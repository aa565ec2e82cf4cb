from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from emulator.console.records import plain, record
from emulator.events import GenerationFailed, GenerationReady, LogLine
from emulator.model import (
    AppModel,
    BindingModel,
    Direction,
    FunctionModel,
    Problem,
    Severity,
    SourceSpan,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_event_is_flat_and_leaves_out_what_is_not_there() -> None:
    assert record(LogLine("Warning", "text", "Host"), AT) == {
        "time": "2026-01-01T00:00:00+00:00",
        "event": "log-line",
        "level": "Warning",
        "message": "text",
        "category": "Host",
    }


def test_a_problem_has_its_place_as_text() -> None:
    problem = Problem(
        "c", "m", severity=Severity.INFO, where=SourceSpan("a.py", 3), azure="It fails."
    )
    assert record(GenerationFailed(2, (problem,)), AT)["problems"] == [
        {
            "code": "c",
            "message": "m",
            "severity": "info",
            "where": "a.py:3",
            "azure": "It fails.",
            "to_fill_in": False,
        }
    ]


def test_a_load_names_its_functions() -> None:
    trigger = BindingModel("req", "httpTrigger", Direction.IN)
    function = FunctionModel("f", (trigger,), Path("/app"), "function_app.py", "f", "v2")
    ready = GenerationReady(1, AppModel(Path("/app"), (function,)), (), 0.5)
    shown = record(ready, AT)
    assert shown["functions"] == ["f"]
    assert "app" not in shown


def test_values_of_the_house_become_plain() -> None:
    binding = BindingModel("req", "http", Direction.OUT, properties={"a": 1})
    assert plain([binding, Path("/x"), None, 5]) == [
        {"name": "req", "type": "http", "direction": "out", "properties": {"a": 1}},
        "/x",
        None,
        5,
    ]
