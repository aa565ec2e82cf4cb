"""A worker inside this very process: for tests, where a start costs milliseconds.

Differences from a process of its own: the app runs on this interpreter with our packages; the
working directory is not the app's; standard output is not captured (pytest does that); a call that
blocks blocks everything.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import platform
import sys
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from emulator.errors import WorkerStartError
from emulator.model import FunctionError, Invocation, InvocationResult
from emulator.workers.calls import Calls
from emulator.workers.channel import (
    AppSpec,
    ExitInfo,
    FunctionLoad,
    Index,
    LogSink,
    ResponseStream,
    WorkerInfo,
)
from emulator.workers.ending import Ending
from emulator.workers.environment import check_folder, worker_environment
from emulator.workers.messages import (
    failure_of,
    index_of,
    invoke_message,
    load_message,
    log_of,
    result_of,
)
from emulator.workers.modules import OURS, AppModules
from emulator.workers.pyworker.app import App, wants_debug_logs
from emulator.workers.pyworker.logs import Capture
from emulator.workers.pyworker.sdk import SdkError, load_sdk
from emulator.workers.pyworker.wire import Header, Message
from emulator.workers.streams import Exchange
from emulator.workers.variables import Variables


class InProcessChannel:
    """Runs the same worker code as a process would, without a wire between."""

    def __init__(self, spec: AppSpec, sink: LogSink) -> None:
        self._spec = spec
        self._sink = sink
        self._environment = worker_environment(spec.root, spec.environment)
        python = ".".join(platform.python_version_tuple()[:2])
        self._environment.setdefault("FUNCTIONS_WORKER_RUNTIME_VERSION", python)
        self._modules = AppModules(spec.root, _python_path(spec.root, self._environment))
        self._settings = Variables(self._environment, lambda: self._capture.call_id()[0])
        self._ending = Ending()
        self._app: App | None = None
        self._calls = Calls()
        self._exchanges: dict[str, Exchange] = {}
        self._thread = 0

    @property
    def closed(self) -> asyncio.Future[ExitInfo]:
        return self._ending.closed

    @property
    def running(self) -> int:
        return len(self._calls)

    @property
    def pids(self) -> tuple[int, ...]:
        return ()

    async def start(self) -> WorkerInfo:
        _refuse_our_names(self._spec.root)
        check_folder(self._spec.root)
        try:
            sdk = load_sdk()
        except SdkError as error:
            raise WorkerStartError(str(error), hint=error.hint) from error
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._capture = Capture(self._log, exclusive=False)
        self._modules.open()
        self._settings.apply()
        _RootLogger.add(self._capture.handler, debug=wants_debug_logs(self._environment))
        self._app = App(
            str(self._spec.root),
            self._spec.script_file,
            self._environment,
            sdk=sdk,
            capture=self._capture,
            threads=self._spec.threads,
            importing=self._modules.importing,
            send=self._receive,
        )
        return WorkerInfo("python", platform.python_version(), sys.executable, sdk.version, pid=0)

    def _log(self, header: Header) -> None:
        if threading.get_ident() == self._thread:
            self._sink(log_of(header))
        elif self._app is not None:  # on the same way as the result behind it
            self._app.runner.loopwards.call(self._sink, log_of(header))

    async def index(self) -> Index:
        return index_of(self._running_app().index())

    async def load(self, loads: Sequence[FunctionLoad]) -> Mapping[str, FunctionError]:
        loaded = self._running_app().load(load_message(loads))
        return {name: failure_of(each) for name, each in loaded["errors"].items()}

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        app = self._running_app()
        call_id = invocation.id
        answer = self._calls.begin(call_id, self._loop)
        app.begin(*invoke_message(invocation), self._answered)
        try:
            return await answer
        except asyncio.CancelledError:
            if self._calls.give_up(call_id):
                app.runner.cancel(call_id)
            raise

    async def stream(
        self, invocation: Invocation, body: AsyncIterator[bytes], respond: ResponseStream
    ) -> InvocationResult:
        app = self._running_app()
        call_id = invocation.id
        answer = self._calls.begin(call_id, self._loop)
        exchange = Exchange(call_id, app.runner.receive, body=body, respond=respond)
        self._exchanges[call_id] = exchange
        header, blobs = invoke_message(invocation)
        app.begin({**header, "stream": True}, blobs, self._answered)
        try:
            return await exchange.run(answer)
        finally:
            del self._exchanges[call_id]
            if self._calls.give_up(call_id):
                app.runner.cancel(call_id)

    def _receive(self, header: Header, blobs: Sequence[bytes]) -> None:
        if header["kind"] == "ended":
            self._calls.ended(header["id"])
        elif header["id"] in self._exchanges:
            self._exchanges[header["id"]].take(header, blobs)

    def _answered(self, message: Message) -> None:
        header, blobs = message
        self._calls.answered(
            header["id"], result_of(header, blobs), still_running="still" in header
        )

    async def cancel(self, invocation_id: str) -> None:
        if self._app is not None:
            self._app.runner.cancel(invocation_id)

    async def abandon(self, invocation_id: str, grace: float) -> None:
        """As far as one process goes: a call that does not stop runs on."""
        await self._calls.let_go(invocation_id, grace, self.cancel)

    async def drain(self, seconds: float) -> bool:
        return await self._calls.drain(seconds)

    async def aclose(self, grace: float = 2.0) -> None:
        closed = self.closed
        if not self._ending.ask():
            await asyncio.wait([closed])
            return
        if self._app is not None:
            await self.drain(grace)
            await self._app.close(grace / 2)
            await asyncio.sleep(0)
            _RootLogger.remove(self._capture.handler)
        self._settings.restore()
        self._modules.close()
        self._calls.fail(self._ending.error)
        if not closed.done():
            closed.set_result(ExitInfo(0, expected=True))

    def module(self, name: str) -> ModuleType:
        """Return a module as the app's own code would import it."""
        self._running_app()
        with self._modules.importing():
            return importlib.import_module(name)

    def _running_app(self) -> App:
        if self._app is None or self._ending.asked:
            raise self._ending.error()
        return self._app


def _python_path(root: Path, environment: Mapping[str, str]) -> list[str]:
    """Return the folders of PYTHONPATH, which a process of its own would look into by itself."""
    given = environment.get("PYTHONPATH", "").split(os.pathsep)
    return [os.path.normpath(root / each) for each in given if each]


def _refuse_our_names(root: Path) -> None:
    for name in sorted(OURS):
        for place in (root / f"{name}.py", root / name):
            if place.is_file() or any(place.glob("*.py")):
                raise WorkerStartError(
                    f"the app has a module called {name!r} ({place}), and so has funcemu:"
                    " they cannot share a process",
                    hint="run this app with the subprocess channel",
                )


class _RootLogger:
    """Our handlers on the root logger; its level is lowered while there are any."""

    _handlers: list[logging.Handler] = []
    _level = logging.WARNING

    @classmethod
    def add(cls, handler: logging.Handler, *, debug: bool) -> None:
        root = logging.getLogger()
        if not cls._handlers:
            cls._level = root.level
        cls._handlers.append(handler)
        root.addHandler(handler)
        root.setLevel(min(root.level or logging.INFO, logging.DEBUG if debug else logging.INFO))

    @classmethod
    def remove(cls, handler: logging.Handler) -> None:
        if handler not in cls._handlers:
            return
        cls._handlers.remove(handler)
        root = logging.getLogger()
        root.removeHandler(handler)
        if not cls._handlers:
            root.setLevel(cls._level)
