"""What every kind of test may use."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from tests.support.azurite import Azurite, running

pytest_plugins = ["pytester"]

# How long an example takes says more about what else the machine does.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


_GRACE = 60.0
"""Seconds for a test that has run into its timeout to give everything back."""

_terminal = -1


def pytest_configure(config: pytest.Config) -> None:
    global _terminal
    if _terminal < 0:
        _terminal = os.dup(2)  # while a test runs its own is captured


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End the process when a timeout was not enough, as where a `finally` waits for ever, too.

    All stacks are told. pytest-xdist fails this test then and goes on in another process.
    """
    marker, asked = item.get_closest_marker("timeout"), item.config.getoption("timeout")
    seconds = marker.args[0] if marker else asked
    seconds = float(item.config.getini("timeout") if seconds is None else seconds)
    if seconds and not item.config.getoption("usepdb"):
        faulthandler.dump_traceback_later(seconds + _GRACE, exit=True, file=_terminal)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """Bound what a test that failed gives back: pytest has just ended the watch over it."""
    if isinstance(node, pytest.Item) and not node.config.getoption("usepdb"):
        faulthandler.dump_traceback_later(_GRACE, exit=True, file=_terminal)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A table service for all tests of a process; each uses tables of its own."""
    with running() as service:
        yield service
