"""The apps of a test run: which one a test gets, when they begin and end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

from emulator.errors import EmulatorError
from emulator.testing.app import EmulatedApp
from emulator.testing.blocking import BlockingApp
from emulator.testing.reporting import clean_report
from emulator.testing.startup import registry_of_now
from emulator.testing.strict import StrictError

T = TypeVar("T")
SECTION = "functions app"

KNOWN = ("path", "settings", "functions", "channel", "strict", "models", "clock")


@dataclass(frozen=True, slots=True)
class Used:
    """An app a test uses; `run` runs a coroutine on the app's loop from outside of it."""

    app: EmulatedApp
    run: Callable[[Coroutine[Any, Any, Any]], Any]

    @property
    def blocking(self) -> BlockingApp:
        return BlockingApp(self.app, self.run)


class OpenedApps:
    """One per test run."""

    def __init__(self, config: pytest.Config, item: pytest.Item | None) -> None:
        """`item` is the test that runs already, if one does."""
        self._config = config
        self._of_session: Used | None = None
        self._item = item
        self._used: list[Used] = []
        """What the running test uses."""
        self._masks: list[Callable[[str], str]] = []
        """What masks the secrets of its apps."""

    def warm_up(self) -> None:
        """Do what a first start does once per process: the SDK, the entry points."""
        from emulator.workers.pyworker.sdk import SdkError, load_sdk

        registry_of_now()
        try:
            load_sdk()
        except SdkError:
            pass  # told by the first app that needs it

    # One test

    def begin(self, item: pytest.Item) -> None:
        self._item, self._used, self._masks = item, [], []
        fixtures = getattr(item, "fixturenames", ())
        if self._of_session is not None and "functions_app_session" in fixtures:
            self._of_session.app.forget()
            self._use(self._of_session)

    def _use(self, used: Used) -> None:
        assert self._item is not None, "apps are used by tests"
        self._used.append(used)
        self._config.hook.pytest_functions_app_begin(
            item=self._item, app=used.app, shared=used is self._of_session
        )

    def verify(self) -> None:
        for used in self._open():
            try:
                used.run(used.app.verify())
            except StrictError as error:
                raise pytest.fail.Exception(str(error), pytrace=False) from None

    def _open(self) -> list[Used]:
        return [each for each in self._used if each.app.is_open]

    def sections(self) -> list[tuple[str, str]]:
        return [(f"{SECTION} {used.app.path}", used.app.journal()) for used in self._open()]

    def clean(self, report: pytest.TestReport) -> None:
        """Take secrets of the apps' settings out of what is told of a test, in place.

        What was captured during a test is told once more when its apps are closed already.
        """
        self._masks = [used.app.mask() for used in self._open()] or self._masks
        if report.longrepr or report.sections:
            for mask in self._masks:
                clean_report(report, mask)

    def end(self, item: pytest.Item) -> None:
        used, self._used = self._used, []
        for each in used:
            if each is self._of_session:
                self._config.hook.pytest_functions_app_end(item=item, app=each.app)
        self._item = None

    @asynccontextmanager
    async def for_test(self, item: pytest.Item) -> AsyncIterator[Used]:
        """Open the app of one test on the loop that runs, or in a thread when the test has another
        loop than its fixtures."""
        app = EmulatedApp(**self._options(item))
        if _loop_scope(item) == "function":
            loop = asyncio.get_running_loop()
            with _told():
                await app.start()
            used = Used(app, loop.run_until_complete)
            try:
                self._use(used)
                yield used
                self._config.hook.pytest_functions_app_end(item=item, app=app)
            finally:
                await app.aclose()
        else:
            with _in_thread(app) as used:
                self._use(used)
                yield used
                self._config.hook.pytest_functions_app_end(item=item, app=app)

    @contextmanager
    def for_session(self) -> Iterator[EmulatedApp]:
        assert self._item is not None, "the session's app is opened by its first test"
        app = EmulatedApp(**self._options(self._item, of_session=True))
        with _in_thread(app) as used:
            self._of_session = used
            self._use(used)
            yield app
        self._of_session = None

    # Options

    def _options(self, item: pytest.Item, *, of_session: bool = False) -> dict[str, Any]:
        """Gather the arguments: ini file, then markers from far to near, then other plugins."""
        config = self._config
        options: dict[str, Any] = {
            "settings": dict(_pair(line) for line in config.getini("functions_app_settings")),
            "channel": config.getini("functions_app_channel"),
            "strict": config.getini("functions_app_strict"),
            "base": item.path.parent,
        }
        chosen = config.getoption("--functions-channel")
        if chosen:
            options["channel"] = chosen
        markers = [] if of_session else [*item.iter_markers("functions_app")]
        for marker in reversed(markers):
            given = _arguments(marker)
            settings = {**options["settings"], **given.pop("settings", {})}
            if "path" in given:
                given["path"] = _existing(given["path"], item.path.parent, config.rootpath)
            options.update(given, settings=settings)
        if options["channel"] not in {"inprocess", "subprocess"}:
            _refuse(
                f"The channel of a function app is 'inprocess' or 'subprocess', not "
                f"'{options['channel']}'."
            )
        if "path" not in options:
            options["path"] = self._path(item)
        config.hook.pytest_functions_app_options(item=item, options=options, shared=of_session)
        return options

    def _path(self, item: pytest.Item) -> Path:
        config = self._config
        named = config.getini("functions_app_path")
        if named:
            return _existing(named, config.rootpath, config.invocation_params.dir)
        for folder in item.path.parents:
            if (folder / "host.json").is_file():
                return folder
            if folder == config.rootpath:
                break
        _refuse(
            f"No function app was found for {item.nodeid}: neither {item.path.parent} nor a folder "
            f"above it, up to {config.rootpath}, has a host.json. Name the app's folder with "
            "@pytest.mark.functions_app(path=…), or with functions_app_path in the ini file."
        )


def _arguments(marker: pytest.Mark) -> dict[str, Any]:
    given = dict(marker.kwargs)
    if marker.args:
        given["path"], *rest = marker.args
        if rest:
            _refuse("functions_app(…) takes one positional argument: the path.")
    for name in given:
        if name not in KNOWN:
            _refuse(f"functions_app(…) has no argument '{name}'; it has {', '.join(KNOWN)}.")
    if not isinstance(given.get("settings", {}), Mapping):
        _refuse("functions_app(settings=…) takes a dict of names and values.")
    return given


def _existing(path: str | Path, *bases: Path) -> Path:
    """Return a folder named in a test or an ini file: from the test, or from the root."""
    places = [base / path for base in bases]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        told = " nor ".join(dict.fromkeys(map(str, places)))
        _refuse(f"There is no function app in {told}.")
    return found.resolve()


def _pair(line: str) -> tuple[str, str]:
    name, separator, value = line.partition("=")
    if not separator or not name.strip():
        _refuse(f"functions_app_settings has the line {line!r}; write NAME=value.")
    return name.strip(), value.strip()


def _loop_scope(item: pytest.Item) -> str:
    """Return how long the loop lives that runs the test (pytest-asyncio's words)."""
    marker = item.get_closest_marker("asyncio")
    if marker is not None:
        scope = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope")
        if scope:
            return str(scope)
    try:
        return str(item.config.getini("asyncio_default_test_loop_scope") or "function")
    except (KeyError, ValueError):  # older versions have no such option
        return "function"


@contextmanager
def _in_thread(app: EmulatedApp) -> Iterator[Used]:
    """Open an app on a loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="functions-app", daemon=True)
    thread.start()

    def run(work: Awaitable[T]) -> T:
        return asyncio.run_coroutine_threadsafe(_awaited(work), loop).result()

    try:
        with _told():
            run(app.start())
        try:
            yield Used(app, run)
        finally:
            run(app.aclose())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def _told() -> Iterator[None]:
    """Show what is wrong with an app without a traceback of ours."""
    try:
        yield
    except EmulatorError as error:
        text = f"{error}\n{error.hint}" if error.hint else str(error)
        raise pytest.fail.Exception(text, pytrace=False) from None


def _refuse(text: str) -> NoReturn:
    pytest.fail(text, pytrace=False)


async def _awaited(work: Awaitable[T]) -> T:
    return await work
