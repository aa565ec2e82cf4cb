"""An app for code without `await`: unittest, scripts, plain test functions."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from emulator.model import Problem
from emulator.testing.assistants import Assistant
from emulator.testing.records import CallRecord, LogEntry, RequestRecord
from emulator.testing.settings import AppSettings
from emulator.testing.values import BlockingAnswer

if TYPE_CHECKING:
    from emulator.testing.app import EmulatedApp
    from emulator.testing.calls import CallResult

T = TypeVar("T")


class Run(Protocol):
    """Runs a coroutine to its end."""

    def __call__(self, work: Coroutine[Any, Any, T], /) -> T: ...


class BlockingApp:
    """What `EmulatedApp` is with `await`: each method returns when the app is done.

    Between two calls nothing of the app runs, but for what it does in threads.
    """

    def __init__(self, app: EmulatedApp, run: Run) -> None:
        self.app = app
        """The same app, for what is not repeated here."""
        self._run = run

    def request(self, method: str, path: str, **options: Any) -> BlockingAnswer:
        """As `EmulatedApp.request`; the answer's `text()` and `json()` need no `await`."""
        answer = self._run(self.app.request(method, path, **options))
        return BlockingAnswer(
            answer.status, answer.headers.items(), answer.body, reason=answer.reason
        )

    def get(self, path: str, **options: Any) -> BlockingAnswer:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> BlockingAnswer:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> BlockingAnswer:
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> BlockingAnswer:
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> BlockingAnswer:
        return self.request("DELETE", path, **options)

    def head(self, path: str, **options: Any) -> BlockingAnswer:
        return self.request("HEAD", path, **options)

    def options(self, path: str, **options: Any) -> BlockingAnswer:
        return self.request("OPTIONS", path, **options)

    def call(self, name: str, value: Any = None) -> CallResult:
        """As `EmulatedApp.call`."""
        return self._run(self.app.call(name, value))

    def assistant(self, id: str) -> Assistant:
        """As `EmulatedApp.assistant`."""
        return self._run(self.app.assistant(id))

    def seed(self, path: str | Path | Mapping[str, Any]) -> None:
        """As `AppState.seed`."""
        self._run(self.app.state.seed(path))

    def reload(self, settings: Mapping[str, str] | None = None) -> None:
        """As `EmulatedApp.reload`."""
        self._run(self.app.reload(settings))

    def invocations(self, name: str | None = None) -> list[CallRecord]:
        """As `EmulatedApp.invocations`."""
        return self.app.invocations(name)

    def expect_failure(
        self, name: str | None = None, *, match: str | None = None
    ) -> AbstractContextManager[list[CallRecord]]:
        """As `EmulatedApp.expect_failure`."""
        return self.app.expect_failure(name, match=match)

    def module(self, name: str) -> ModuleType:
        """As `EmulatedApp.module`."""
        return self.app.module(name)

    def journal(self) -> str:
        """As `EmulatedApp.journal`."""
        return self.app.journal()

    @property
    def logs(self) -> list[LogEntry]:
        """As `EmulatedApp.logs`."""
        return self.app.logs

    @property
    def requests(self) -> list[RequestRecord]:
        """As `EmulatedApp.requests`."""
        return self.app.requests

    @property
    def settings(self) -> AppSettings:
        """As `EmulatedApp.settings`."""
        return self.app.settings

    @property
    def functions(self) -> list[str]:
        """As `EmulatedApp.functions`."""
        return self.app.functions

    @property
    def problems(self) -> Sequence[Problem]:
        """As `EmulatedApp.problems`."""
        return self.app.problems

    @property
    def clock(self) -> Any:
        """As `EmulatedApp.clock`."""
        return self.app.clock
