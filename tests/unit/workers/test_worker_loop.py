"""Which event loop the worker runs on."""

from __future__ import annotations

import asyncio
import sys
from importlib import invalidate_caches
from pathlib import Path
from types import ModuleType

import pytest

from emulator.workers.pyworker.imports import is_any_installed
from emulator.workers.pyworker.main import _LOOP_PATCHERS, _new_loop


class Theirs(asyncio.SelectorEventLoop):
    """Stands for a loop of uvloop."""


@pytest.mark.parametrize(
    ("version", "taken"), [("0.22.1", False), ("0.23.0", True), ("1.0", True), ("odd", False)]
)
def test_an_old_uvloop_of_the_app_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, version: str, taken: bool
) -> None:
    module = ModuleType("uvloop")
    vars(module).update(__version__=version, new_event_loop=Theirs)
    monkeypatch.setitem(sys.modules, "uvloop", module)
    loop = _new_loop(plain=False)
    try:
        assert isinstance(loop, Theirs) is taken
    finally:
        loop.close()


def test_an_app_with_a_patch_for_loops_gets_pythons_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packages = tmp_path / ".python_packages/lib/site-packages"
    packages.mkdir(parents=True)
    assert not is_any_installed(_LOOP_PATCHERS, str(tmp_path))
    (packages / "nest_asyncio.py").touch()
    invalidate_caches()
    assert is_any_installed(_LOOP_PATCHERS, str(tmp_path))
    module = ModuleType("uvloop")
    vars(module).update(__version__="1.0", new_event_loop=Theirs)
    monkeypatch.setitem(sys.modules, "uvloop", module)
    loop = _new_loop(plain=True)
    try:
        assert not isinstance(loop, Theirs)
    finally:
        loop.close()
