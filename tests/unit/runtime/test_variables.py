"""What packages add to the environment of the app's code."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from emulator.config.settings import Settings
from emulator.events import EventBus, LogLine
from emulator.runtime.variables import GROUP, contributed_environment
from emulator.sdk import WorkerEnvironment


def one(*, settings: Any, app_root: Path, url: str, flags: Any) -> WorkerEnvironment:
    return WorkerEnvironment({"ONE": f"{url} {settings.get('a')} {flags['models']}"}, ("a note",))


def other(**_: Any) -> WorkerEnvironment:
    return WorkerEnvironment({"OTHER": "2"}, ("another",))


def broken(**_: Any) -> WorkerEnvironment:
    raise KeyError("gone")


class Point:
    """An entry point whose object is at hand."""

    dist = None

    def __init__(self, made: Any) -> None:
        self._made = made
        self.value = made.__name__

    def load(self) -> Any:
        return self._made


def gathered(*points: Any) -> tuple[WorkerEnvironment, list[str]]:
    events = EventBus()
    told: list[str] = []
    events.on(LogLine, lambda line: told.append(line.message))
    added = contributed_environment(
        settings=Settings.of({"A": "b"}),
        app_root=Path("/app"),
        url="http://127.0.0.1:1",
        flags={"models": "auto"},
        events=events,
        points=points,
    )
    return added, told


def test_packages_are_asked_one_after_the_other() -> None:
    added, told = gathered(Point(one), Point(other))
    assert added.variables == {"ONE": "http://127.0.0.1:1 b auto", "OTHER": "2"}
    assert added.notes == ("a note", "another")
    assert told == []


def test_a_package_that_fails_is_told_and_left_out() -> None:
    added, told = gathered(Point(broken), Point(other))
    assert added.variables == {"OTHER": "2"}
    [line] = told
    assert "broken" in line
    assert "KeyError: 'gone'" in line


def test_a_package_that_cannot_be_loaded_is_told() -> None:
    missing = EntryPoint("x", "nowhere_at_all:environment", GROUP)
    added, told = gathered(missing)
    assert added == WorkerEnvironment()
    assert "nowhere_at_all" in told[0]


def test_our_bindings_contribute() -> None:
    added = contributed_environment(
        settings=Settings.of({}),
        app_root=Path("/app"),
        url="http://127.0.0.1:1",
        flags={"models": "auto"},
        events=EventBus(),
    )
    assert added.variables["OPENAI_BASE_URL"] == "http://127.0.0.1:1/_openai/v1"
