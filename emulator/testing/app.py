"""An app a test can call: in this process or in one of its own, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Literal, Self, TypeVar, cast

from emulator.clock import Clock
from emulator.errors import EmulatorError
from emulator.model import Problem
from emulator.sdk import Extension
from emulator.testing.assistants import Assistant
from emulator.testing.blocking import BlockingApp
from emulator.testing.calls import CallResult, called, check_known
from emulator.testing.client import Client
from emulator.testing.clock import AppClock
from emulator.testing.decorating import opened_around
from emulator.testing.loops import on_loop, own_loop, running_loop
from emulator.testing.records import CallRecord, LogEntry, Recorder, RequestRecord
from emulator.testing.report import journal
from emulator.testing.settings import AppSettings
from emulator.testing.startup import AppBroken, Running, launch
from emulator.testing.state import AppState
from emulator.testing.strict import Complaint, Expectations, StrictError
from emulator.testing.values import Answer

T = TypeVar("T")
X = TypeVar("X", bound=Extension)
Channel = Literal["inprocess", "subprocess"]


class EmulatedApp:
    """A function app under test.

        async with EmulatedApp("path/of/the/app") as app:
            answer = await app.get("/api/hello", params={"name": "you"})
            assert await answer.text() == "Hello you"

    With plain `with` the same verbs need no `await`. As a decorator of a function it passes the
    opened app as one more argument. The fixture `functions_app` is one that is opened already.

    Nothing is kept between two openings: state is in memory, and the app's modules are imported
    anew. In the channel `inprocess` the app runs in this process, so that breakpoints, coverage
    and patches reach it; `subprocess` runs it as `funcemu start` does, and so does each of them
    with an app that is not in Python.
    """

    def __init__(
        self,
        path: str | Path = ".",
        *,
        settings: Mapping[str, str] | None = None,
        functions: Iterable[str] = (),
        channel: Channel = "inprocess",
        strict: bool = True,
        models: str = "offline",
        clock: Clock | None = None,
        base: str | Path | None = None,
    ) -> None:
        """`path` is the folder with host.json. `settings` win over those of the app's files;
        `functions` loads only these. `strict` makes the end of the context raise `StrictError`
        for what nobody expected. `models` is how models are served (`offline`, `live`, …), and
        `clock` another source of time than an `AppClock`. A relative seed starts from `base`, by
        default the current folder.
        """
        self.path = Path(path)
        self.strict = strict
        self.clock: Any = clock or AppClock()
        """Time as the host has it; an `AppClock` unless another was given."""
        self._wanted: dict[str, Any] = {
            "settings": dict(settings or {}),
            "functions": tuple(functions),
            "channel": channel,
            "strict": strict,
            "models": models,
            "clock": clock,
            "base": base,
        }
        self._base = Path(base) if base is not None else Path.cwd()
        self._running: Running | None = None
        self._expected = Expectations()
        self._checks: list[Callable[[], Iterable[Complaint]]] = []

    # Opening and closing

    async def start(self) -> Self:
        """Load the app; raises `AppBroken` when it cannot be, with everything that is wrong."""
        if self._running is None:
            self._running = await launch(self.path, clock=self.clock, **self._launch_options())
            self._client = Client(self._running.site)
            self._state = AppState(self._running.context, self._base, self._home)
        return self

    def _launch_options(self) -> dict[str, Any]:
        names = ("settings", "functions", "channel", "models")
        return {**{name: self._wanted[name] for name in names}, "tolerant": not self.strict}

    async def aclose(self) -> None:
        """End the app and forget everything. Idempotent; checks nothing."""
        if self._running is not None:
            await self._home(self._close())

    async def _close(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await self._client.aclose()
            await running.aclose()
            self._state.close()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                await self.verify()
        finally:
            await self.aclose()

    def __enter__(self) -> BlockingApp:
        self._runner = own_loop()
        try:
            self._runner.run(self.start())
        except BaseException:
            self._runner.close()
            raise
        return BlockingApp(self, self._runner.run)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._runner.run(self.__aexit__(kind, error, traceback))
        finally:
            self._runner.close()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Open the app anew around each run of `function`, which gets it as its first argument
        (after `self`): an `EmulatedApp` if it is a coroutine function, else a `BlockingApp`."""
        return opened_around(function, lambda: EmulatedApp(self.path, **self._wanted))

    @property
    def is_open(self) -> bool:
        """Whether the app is loaded and can be asked."""
        return self._running is not None

    # Requests

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        """Send a request and read the answer to its end.

        `path` begins with the route prefix (`/api/hello`); `options` are those of aiohttp's
        client: `params`, `json`, `data`, `headers`, `cookies`, `allow_redirects`. A function that
        fails answers 500.
        """
        return await self._home(self._client_of().request(method, path, options))

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Answer:
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> Answer:
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> Answer:
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        return await self.request("DELETE", path, **options)

    async def head(self, path: str, **options: Any) -> Answer:
        return await self.request("HEAD", path, **options)

    async def options(self, path: str, **options: Any) -> Answer:
        return await self.request("OPTIONS", path, **options)

    def _client_of(self) -> Client:
        self._open()
        return self._client

    # Calls

    async def call(self, name: str, value: Any = None) -> CallResult:
        """Run one function, whatever its trigger, as the admin API does.

        `value` is what the trigger delivers: text, bytes, or anything JSON can say, which is sent
        as JSON. For an HTTP function it is the body of a POST, or the whole request when it is an
        `HttpRequestData`; the result is then an `Answer`. Raises `FunctionFailed` with the user's
        exception as `error` (its title is the message: `ValueError: …`), `FunctionTimeout`, or
        `FunctionNotFound`.
        """
        work = called(self._open(), name, value, noticed=self._expected.noticed)
        return await self._home(work)

    # What happened

    def invocations(self, name: str | None = None) -> list[CallRecord]:
        """Return the calls so far, those of one function or all, in the order they began.

        Raises `FunctionNotFound` for a name no function has.
        """
        check_known(self._open(), name)
        return [
            each
            for each in self._recorder.calls
            if name is None or each.function.lower() == name.lower()
        ]

    @property
    def logs(self) -> list[LogEntry]:
        """Every log line so far: of user code, of bindings, of the host."""
        return list(self._recorder.logs)

    @property
    def requests(self) -> list[RequestRecord]:
        """Every HTTP request that was answered."""
        return list(self._recorder.requests)

    def forget(self) -> None:
        """Drop what is recorded so far: invocations, logs, requests. State stays."""
        self._recorder.forget()
        self._expected.forget()

    def journal(self) -> str:
        """Return what happened as text, for people; secrets among the settings are masked."""
        running = self._open()
        return journal(self._recorder, running.secret_filter())

    def mask(self) -> Callable[[str], str]:
        """Return what takes the secrets out of texts that the app has from its files and the
        environment; what the test itself gave as settings stays."""
        return self._open().secret_filter(but=self._wanted["settings"]).without_values

    async def assistant(self, id: str) -> Assistant:
        """Return what is stored of an assistant: its messages and calls of skills."""
        view = await self._home(self._view("assistant", id))
        return Assistant(id) if view is None else Assistant.of(view)

    async def _view(self, kind: str, name: str) -> Any:
        for extension in self._open().context.extensions:
            show = extension.views().get(kind)
            if show is not None:
                return await show(name)
        raise EmulatorError(
            f"No binding of this app has anything called '{kind}'.",
            hint="It is there once a function uses such a binding.",
        )

    # The app itself

    @property
    def state(self) -> AppState:
        """What the app remembers; `await app.state.seed(path)` puts content in."""
        self._open()
        return self._state

    @property
    def settings(self) -> AppSettings:
        """The app settings in force, by name without case."""
        return AppSettings(self._open().context.settings)

    @property
    def functions(self) -> list[str]:
        """The names of the functions that can be called, sorted."""
        known = self._open().generation().functions.values()
        return sorted(function.model.name for function in known)

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with the app, or worth knowing, as `funcemu start` would say."""
        return self._open().host.problems

    async def reload(self, settings: Mapping[str, str] | None = None) -> None:
        """Load the app anew, as saving a file does; state stays. `settings` are added to those
        given before. Raises `AppBroken` when it cannot be loaded; then the old one still serves.
        """
        await self._home(self._open().reload(settings or {}))

    def module(self, name: str) -> ModuleType:
        """Return one of the app's own modules, to look into it or to patch it.

        Only in the channel `inprocess`. While one app is open, a plain `import` gives the same.
        """
        return self._open().module(name)

    def extension(self, kind: type[X], *, make: bool = False) -> X | None:
        """Return what the bindings of one package share; `None` when the app uses none of them,
        unless it shall be made all the same.

        For the testing part of binding packages.
        """
        context = self._open().context
        if make:
            return cast(X, context.extension(kind))
        return next((each for each in context.extensions if isinstance(each, kind)), None)

    @property
    def models(self) -> str:
        """How models are served, as `--models` of `funcemu start`; it may be changed any time."""
        return self._open().models

    @models.setter
    def models(self, mode: str) -> None:
        self._open().models = mode

    # Strictness

    def expect_failure(
        self, name: str | None = None, *, match: str | None = None
    ) -> AbstractContextManager[list[CallRecord]]:
        """Say that in this block a function fails: `name`, or any; `match` is searched for in
        `Type: message`. Yields a list that holds the failed calls afterwards; raises
        `AssertionError` when there is none.
        """
        check_known(self._open(), name)
        clean = self._open().secret_filter
        return self._expected.failure(
            self._recorder.calls, name, match, lambda text: clean().without_values(text)
        )

    def add_check(self, check: Callable[[], Iterable[Complaint]]) -> Callable[[], None]:
        """Let `verify` ask for more complaints; return what ends that. For binding packages."""
        self._checks.append(check)
        return lambda: self._checks.remove(check)

    async def verify(self) -> None:
        """Raise `StrictError` for what nobody expected; do nothing when the app is not strict."""
        complaints = await self.complaints() if self.strict else []
        if complaints:
            raise StrictError(complaints)

    async def complaints(self) -> list[Complaint]:
        """Return what went wrong unnoticed: failed functions, forgotten tasks, and what binding
        packages add."""
        forgotten = await self._home(self._open().forgotten_tasks())
        found = [
            *self._expected.complaints(self._recorder.calls),
            *(
                Complaint(
                    f"A task was still running at the end: {task}",
                    "Await it in the function, or cancel it.",
                )
                for task in forgotten
            ),
            *(complaint for check in list(self._checks) for complaint in check()),
        ]
        if not found:
            return found  # most tests: the filter takes 2 ms
        clean = self._open().secret_filter().without_values
        return [Complaint(clean(each.text), clean(each.remedy)) for each in found]

    # Underneath

    @property
    def _recorder(self) -> Recorder:
        return self._open().recorder

    @property
    def blocking(self) -> BlockingApp:
        """The app without `await`, for a test that is no coroutine.

        Only while its event loop runs in another thread, as that of `functions_app_session`; raises
        `RuntimeError` otherwise.
        """
        loop = self._open().loop
        if not loop.is_running() or running_loop() is loop:
            raise RuntimeError(
                "This app runs on the loop of the test itself: await its methods, or open it "
                "with plain `with`."
            )
        return BlockingApp(self, lambda work: asyncio.run_coroutine_threadsafe(work, loop).result())

    def _open(self) -> Running:
        if self._running is None:
            raise RuntimeError(
                "The app is not open: use `async with EmulatedApp(…) as app:`, `with`, or the "
                "fixture functions_app."
            )
        return self._running

    async def _home(self, work: Coroutine[Any, Any, T]) -> T:
        """Await something on the loop the app lives on, which may be that of another thread."""
        try:
            loop = self._open().loop
        except RuntimeError:
            work.close()
            raise
        return await on_loop(loop, work)


__all__ = ["AppBroken", "CallResult", "EmulatedApp"]
