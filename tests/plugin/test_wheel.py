"""The sample app's own tests, as a project of a user: with the wheel, in a fresh environment."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.installed import ROOT, python, run, wheel

__all__ = ["python", "wheel"]  # fixtures


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(
        ROOT / "fixtures/assistant",
        tmp_path / "assistant",
        ignore=shutil.ignore_patterns("__pycache__", ".*"),
    )
    return tmp_path / "assistant"


def test_the_environment_has_the_wheel(python: Path, project: Path) -> None:
    code = "import bindings, emulator; print(emulator.__file__); print(bindings.__file__)"
    for place in run(python, project, "-c", code).split():
        assert str(ROOT) not in place
        assert str(python.parents[1]) in place


@pytest.mark.parametrize("channel", ["inprocess", "subprocess"])
def test_the_sample_apps_own_tests_pass(python: Path, project: Path, channel: str) -> None:
    before = _entries(project)
    told = run(
        python, project, "-m", "pytest", "-p", "no:cacheprovider", f"--functions-channel={channel}"
    )
    assert "13 passed" in told
    assert "skipped" not in told
    assert _entries(project) == before


def _entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"__pycache__"}
