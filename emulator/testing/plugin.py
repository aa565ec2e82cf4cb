"""The pytest plugin: fixtures, markers, options. Nothing of the host is imported until it is used.

pytest loads this module in every run of an environment funcemu is installed in.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from emulator.testing import hooks

if TYPE_CHECKING:
    from emulator.testing.app import EmulatedApp
    from emulator.testing.blocking import BlockingApp
    from emulator.testing.opened import OpenedApps

FIXTURES = frozenset({"functions_app", "functions_app_session"})
MARKER = (
    "functions_app(path=…, settings={…}, functions=[…], channel='inprocess'|'subprocess', "
    "strict=True, models='offline'): the app of the fixture functions_app"
)
CHANNELS = ("inprocess", "subprocess")

_OPENED = pytest.StashKey["OpenedApps"]()
_CURRENT = pytest.StashKey[pytest.Item]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("functions-app", "Azure Functions apps")
    group.addoption(
        "--functions-channel",
        choices=CHANNELS,
        help="How function apps are run: in this process (the default), or in one of their own as "
        "`funcemu start` does it. A test whose marker names a channel keeps it.",
    )
    parser.addini(
        "functions_app_path",
        "The folder of the app under test, from the root of the tests. Without it the nearest "
        "folder above a test that has a host.json counts.",
        default="",
    )
    parser.addini(
        "functions_app_settings",
        "App settings of every test, one NAME=value per line.",
        type="linelist",
        default=[],
    )
    parser.addini(
        "functions_app_channel",
        "How function apps are run when --functions-channel is not given.",
        default="inprocess",
    )
    parser.addini(
        "functions_app_strict",
        "Whether a passing test fails when its app did what nobody expected.",
        type="bool",
        default=True,
    )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Import what is expensive once it is known that a test needs it, before the first one."""
    used = any(not FIXTURES.isdisjoint(getattr(item, "fixturenames", ())) for item in session.items)
    if used and not session.config.option.collectonly:
        _opened(session.config).warm_up()


def _opened(config: pytest.Config) -> OpenedApps:
    if _OPENED not in config.stash:
        # The host is imported here, and only when a test asks for an app.
        from emulator.testing.opened import OpenedApps

        config.stash[_OPENED] = OpenedApps(config, config.stash.get(_CURRENT, None))
    return config.stash[_OPENED]


@pytest_asyncio.fixture(loop_scope="function")
async def functions_app(request: pytest.FixtureRequest) -> AsyncIterator[EmulatedApp | BlockingApp]:
    """The function app of this test, opened anew: an `EmulatedApp`, or in a test that is no
    coroutine a `BlockingApp`, whose methods need no `await`.

    `@pytest.mark.functions_app(path=…, settings={…}, functions=[…], channel=…, strict=…)` says
    which app and how; without it the nearest folder above the test that has a host.json counts.
    """
    item = request.node
    function = getattr(item, "function", None)
    async with _opened(request.config).for_test(item) as used:
        yield used.app if inspect.iscoroutinefunction(function) else used.blocking


@pytest.fixture(scope="session")
def functions_app_session(request: pytest.FixtureRequest) -> Iterator[EmulatedApp]:
    """One app for all tests that use it, opened once, on a loop in a thread of its own.

    Its state stays from test to test; what is recorded (`invocations`, `logs`) is of the test that
    runs. A test that is no coroutine takes `functions_app_session.blocking`.
    """
    with _opened(request.config).for_session() as app:
        yield app


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    item.config.stash[_CURRENT] = item
    opened = item.config.stash.get(_OPENED, None)
    if opened is not None:
        opened.begin(item)
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that passed although its app did what nobody expected."""
    outcome = yield
    opened = item.config.stash.get(_OPENED, None)
    if opened is not None:
        opened.verify()
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    try:
        yield
    finally:
        opened = item.config.stash.get(_OPENED, None)
        if opened is not None:
            opened.end(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    opened = item.config.stash.get(_OPENED, None)
    if opened is not None:
        if report.failed and call.when == "call":
            report.sections += opened.sections()
        opened.clean(report)
    return report
