"""The only way to run user code, and what may be said through it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emulator.events import Level
from emulator.model import FunctionError, FunctionModel, Invocation, InvocationResult

if TYPE_CHECKING:
    import asyncio  # the worker is spawned before the host can afford this import


@dataclass(frozen=True, slots=True)
class Debugging:
    """How a worker lets a debugger attach. `package` is the folder of a debugpy that is not among
    the app's packages; `settings` are for `debugpy.configure`."""

    wait: bool = False
    """Whether the app is imported only when a debugger has attached."""
    package: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    log_folder: str | None = None


@dataclass(frozen=True, slots=True)
class AppSpec:
    """What a worker is started for. `environment` is complete: nothing is added to it but what
    the worker itself needs."""

    root: Path
    environment: Mapping[str, str]
    script_file: str = "function_app.py"
    threads: int | None = None
    """Size of the thread pool for sync functions; `None` leaves it to the settings rule."""
    debugging: Debugging | None = None
    managed_dependencies: bool = False
    """Whether the worker is to fetch the packages that the app lists; PowerShell's does."""


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """One function the app's code declares (decorator model); `bindings` are raw entries."""

    name: str
    bindings: tuple[Mapping[str, object], ...]
    directory: str
    script_file: str
    entry_point: str
    retry: Mapping[str, str] | None = None
    file: str | None = None
    line: int | None = None
    error: FunctionError | None = None
    """Why it can be nothing more than named."""


@dataclass(frozen=True, slots=True)
class Index:
    """What the worker found. `functions` is `None` when the app has no decorator-model script:
    then the folders with `function.json` count. `error` is why indexing failed as a whole."""

    functions: tuple[IndexedFunction, ...] | None = None
    error: FunctionError | None = None
    streams: bool = False
    """Whether HTTP functions take and give their bodies as streams (see `StreamingChannel`)."""


@dataclass(frozen=True, slots=True)
class FunctionLoad:
    """A function to load. `injected` names `out` bindings that also deliver a value."""

    function: FunctionModel
    injected: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """Who answered: interpreter version and path, SDK version, process id (0 in process)."""

    language: str
    version: str
    executable: str
    sdk_version: str | None
    pid: int
    debug_port: int | None = None
    """Where its debugger listens, on this machine only."""
    worker_version: str = ""
    worker_directory: str = ""
    """Of an official worker; empty for ours."""

    @property
    def takes_binding_data(self) -> bool:
        """Whether functions are shown what `{…}` can refer to, such as `context.triggerMetadata`
        in JavaScript. In Python nobody can see it."""
        return self.language != "python" or bool(self.worker_directory)


@dataclass(frozen=True, slots=True)
class WorkerLog:
    """A line from user code. `source` says how it was said; `logger` is the logger's name."""

    level: Level
    message: str
    invocation_id: str | None
    source: str
    """`logging`, `stdout`, `stderr` or `worker` (the worker's own words)."""
    logger: str = ""
    once: bool = False
    """Whether each worker says it that starts, so that it need be told once only."""


@dataclass(frozen=True, slots=True)
class ExitInfo:
    """How a worker ended: its exit code (negative: a signal) and the last lines it wrote."""

    code: int | None
    tail: tuple[str, ...] = ()
    expected: bool = False
    reason: str = ""


LogSink = Callable[[WorkerLog], None]


class WorkerChannel(Protocol):
    """One worker. Logs go to the sink given at construction, in the order they were written and
    before the result of the call they belong to."""

    @property
    def closed(self) -> asyncio.Future[ExitInfo]:
        """Done once the worker is gone, for whatever reason."""
        ...

    @property
    def running(self) -> int:
        """How many calls are under way."""
        ...

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that run the app now; none when it runs in this one."""
        ...

    async def start(self) -> WorkerInfo:
        """Bring it up. Raises `WorkerStartError` with what to do about it."""
        ...

    async def index(self) -> Index:
        """Import the app and list its functions. Never raises for a mistake of the app."""
        ...

    async def load(self, loads: Sequence[FunctionLoad]) -> Mapping[str, FunctionError]:
        """Make functions callable; return the error of each one that is not."""
        ...

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Run one call. A failure of the user's code is in the result; raises `WorkerLost` when
        the worker goes away."""
        ...

    async def cancel(self, invocation_id: str) -> None:
        """Ask for one call to stop; async functions are cancelled, others run on unheard."""
        ...

    async def abandon(self, invocation_id: str, grace: float) -> None:
        """Give up a call that ran too long: cancel it, and when the worker still runs it after
        `grace` seconds, end that worker. Returns once the call no longer holds anything."""
        ...

    async def drain(self, seconds: float) -> bool:
        """Wait until no call is under way; say whether that came true in time."""
        ...

    async def aclose(self, grace: float = 2.0) -> None:
        """End it: politely, then not. Idempotent."""
        ...


class ResponseStream(Protocol):
    """Where a streamed response goes; what these raise ends the call."""

    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None: ...

    async def write(self, chunk: bytes) -> None: ...

    def complete(self) -> None:
        """Be told that nothing is missing, whatever becomes of the call: a framework answers for
        a function that failed, too."""


class StreamingChannel(WorkerChannel, Protocol):
    """A channel that can carry HTTP bodies in pieces. `invoke` still works, with whole bodies."""

    async def stream(
        self, invocation: Invocation, body: AsyncIterator[bytes], respond: ResponseStream
    ) -> InvocationResult:
        """Run one call of an HTTP function of an app whose index says `streams`.

        The request among the inputs has no body: `body` is read as the function asks for it.
        Returns when the response is complete; after a failure a response may have begun."""
        ...


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that runs the app by our own worker of its language, and why it was chosen."""

    executable: Path
    reason: str
    arguments: tuple[str, ...] = field(default=())
    language: str = "python"
    """`python` or `node`."""


@dataclass(frozen=True, slots=True)
class RpcWorker:
    """An official worker that speaks gRPC: its folder, how it is started, why it was chosen."""

    language: str
    """As `FUNCTIONS_WORKER_RUNTIME` has it."""
    directory: Path
    executable: str
    worker_path: str
    reason: str
    arguments: tuple[str, ...] = ()
    """Between the executable and the worker."""
    worker_arguments: tuple[str, ...] = ()
    """Behind the worker."""
    indexes: bool = False
    """Whether it lists the functions; else the folders with function.json count."""
    runtime_version: str = ""
    """The version of its language it was chosen for, where its folder holds several."""
    folder: Path | None = None
    """The folder it runs in; `None` is the app's."""
    processes: int = 1
    """How many of it run an app whose settings do not say."""
    startup_timeout: float = 60.0
    initialization_timeout: float = 10.0
    shutdown_timeout: float = 10.0
    """Seconds."""
