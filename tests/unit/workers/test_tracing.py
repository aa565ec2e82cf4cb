"""Apps that want traces where OpenTelemetry is not installed."""

from __future__ import annotations

import sys

import pytest

from emulator.workers.pyworker.tracing import Tracing


def test_without_its_packages_there_is_a_word_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)
    told: list[str] = []
    tracing = Tracing({"PYTHON_ENABLE_OPENTELEMETRY": "1"}, told.append)
    assert not tracing.enabled
    assert told[0].startswith(
        "PYTHON_ENABLE_OPENTELEMETRY has no effect: Cannot import OpenTelemetry libraries ("
    )
    assert told[0].endswith("; install opentelemetry-api into the app's environment")


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_nothing_is_imported_and_said_unless_asked_for(value: str) -> None:
    told: list[str] = []
    assert not Tracing({"PYTHON_ENABLE_OPENTELEMETRY": value}, told.append).enabled
    assert told == []
