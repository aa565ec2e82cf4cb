"""Apps under test: `EmulatedApp`, and the fixtures of the pytest plugin built on it.

The names below are imported when they are asked for: pytest imports this package in every run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.errors import (
        EmulatorError,
        FunctionFailed,
        FunctionNotFound,
        FunctionTimeout,
        StateError,
    )
    from emulator.model import FunctionError, HttpRequestData, Problem
    from emulator.testing.app import EmulatedApp
    from emulator.testing.assistants import Assistant, AssistantMessage, SkillCall
    from emulator.testing.blocking import BlockingApp
    from emulator.testing.calls import CallResult
    from emulator.testing.clock import AppClock
    from emulator.testing.records import CallRecord, LogEntry, RequestRecord
    from emulator.testing.settings import AppSettings
    from emulator.testing.startup import AppBroken
    from emulator.testing.state import AppState
    from emulator.testing.strict import Complaint, StrictError
    from emulator.testing.values import Answer, BindingOptions, BlockingAnswer, Response

_MODULES = {
    "emulator.errors": (
        "EmulatorError",
        "FunctionFailed",
        "FunctionNotFound",
        "FunctionTimeout",
        "StateError",
    ),
    "emulator.model": ("FunctionError", "HttpRequestData", "Problem"),
    "emulator.testing.app": ("EmulatedApp",),
    "emulator.testing.assistants": ("Assistant", "AssistantMessage", "SkillCall"),
    "emulator.testing.blocking": ("BlockingApp",),
    "emulator.testing.calls": ("CallResult",),
    "emulator.testing.clock": ("AppClock",),
    "emulator.testing.records": ("CallRecord", "LogEntry", "RequestRecord"),
    "emulator.testing.settings": ("AppSettings",),
    "emulator.testing.startup": ("AppBroken",),
    "emulator.testing.state": ("AppState",),
    "emulator.testing.strict": ("Complaint", "StrictError"),
    "emulator.testing.values": ("Answer", "BindingOptions", "BlockingAnswer", "Response"),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Answer",
    "AppBroken",
    "AppClock",
    "AppSettings",
    "AppState",
    "Assistant",
    "AssistantMessage",
    "BindingOptions",
    "BlockingAnswer",
    "BlockingApp",
    "CallRecord",
    "CallResult",
    "Complaint",
    "EmulatedApp",
    "EmulatorError",
    "FunctionError",
    "FunctionFailed",
    "FunctionNotFound",
    "FunctionTimeout",
    "HttpRequestData",
    "LogEntry",
    "Problem",
    "RequestRecord",
    "Response",
    "SkillCall",
    "StateError",
    "StrictError",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
