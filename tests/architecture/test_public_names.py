"""The doors for others: complete, documented, nothing by accident."""

from __future__ import annotations

import importlib
import inspect
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from emulator.registry import GROUP, BindingRegistry

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["emulator.sdk"])
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__all__ == sorted(
        module.__all__, key=lambda n: (n.upper() != n, n[0].islower(), n)
    )
    silent = [
        public
        for public in module.__all__
        if (inspect.isclass(value := getattr(module, public)) or inspect.isfunction(value))
        and not inspect.getdoc(value)
    ]
    assert silent == []


def test_every_entry_point_of_ours_is_a_sound_binding() -> None:
    registry = BindingRegistry()
    ours = [point for point in entry_points(group=GROUP) if point.value.startswith("bindings.")]
    assert len(ours) >= 6
    for point in ours:
        found = registry.find(point.name)
        assert found is not None
        assert found.kind.summary.endswith(".")


def test_every_binding_type_is_told_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    ours = {
        found.kind.type_name
        for point in entry_points(group=GROUP)
        if point.value.startswith("bindings.")
        and (found := BindingRegistry().find(point.name)) is not None
    }
    assert sorted(name for name in ours if f"`{name}`" not in readme) == []
