"""Which event loop the worker runs on."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType

import pytest

from emulator.workers.pyworker.main import _new_loop


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
    loop = _new_loop()
    try:
        assert isinstance(loop, Theirs) is taken
    finally:
        loop.close()
