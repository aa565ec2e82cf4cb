"""Hooks for plugins that add to the apps of tests: the testing parts of binding packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulator.testing.app import EmulatedApp


@pytest.hookspec
def pytest_functions_app_options(item: pytest.Item, options: dict[str, Any], shared: bool) -> None:
    """Change the arguments of `EmulatedApp` before the app of a test is made; the marker's and
    the ini file's are in it. `shared` says that it is the app of the session."""


@pytest.hookspec
def pytest_functions_app_begin(item: pytest.Item, app: EmulatedApp, shared: bool) -> None:
    """A test begins to use an app that is open: its own, or the shared one of the session."""


@pytest.hookspec
def pytest_functions_app_end(item: pytest.Item, app: EmulatedApp) -> None:
    """A test is done with an app, which is still open."""
