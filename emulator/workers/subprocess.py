"""A worker in a process of its own: the app's interpreter, the app's packages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from emulator.errors import WorkerLost, WorkerProtocolError, WorkerStartError
from emulator.model import FunctionError, Invocation, InvocationResult
from emulator.workers.calls import Calls
from emulator.workers.channel import (
    AppSpec,
    ExitInfo,
    FunctionLoad,
    Index,
    Interpreter,
    LogSink,
    ResponseStream,
    WorkerInfo,
)
from emulator.workers.connection import Connection
from emulator.workers.ending import EOF_WAIT, HANGS, HUNG_UP, Ending, describe_exit
from emulator.workers.loading import Loading
from emulator.workers.loops import in_loop, through_loop
from emulator.workers.messages import (
    failure_of,
    index_of,
    invoke_message,
    load_message,
    log_of,
    result_of,
)
from emulator.workers.output import told_to
from emulator.workers.process import WorkerProcess
from emulator.workers.programs import program_of
from emulator.workers.pyworker.wire import PROTOCOL, Header, WireError
from emulator.workers.streams import Exchange

_START_TIMEOUT = 60.0
_TOO_OLD = "funcemu-worker: "


class SubprocessChannel:
    """Speaks with one worker process. `spawn` it early, `start` it once there is a loop."""

    def __init__(self, process: WorkerProcess, interpreter: Interpreter, sink: LogSink) -> None:
        self._process = process
        self._interpreter = interpreter
        self._sink = sink
        self._ending = Ending()
        self._connection: Connection | None = None
        self._hello: asyncio.Future[Header] | None = None
        self._index: asyncio.Future[Header] | None = None
        self._modules: asyncio.Future[Header] | None = None
        self._loads: dict[int, asyncio.Future[Header]] = {}
        self._calls = Calls()
        self._loading = Loading(sink)
        self._exchanges: dict[str, Exchange] = {}
        self._loads_sent = 0

    @classmethod
    def spawn(
        cls,
        spec: AppSpec,
        interpreter: Interpreter,
        sink: LogSink,
        *,
        loopback: bool = False,
        warm: Sequence[str] | None = None,
    ) -> SubprocessChannel:
        """Start the process; it imports and indexes the app while the caller goes on.

        With `warm` it only imports those modules and waits for `begin`.
        """
        process = WorkerProcess(spec, interpreter, loopback=loopback, warm=warm)
        return cls(process, interpreter, sink)

    def begin(self) -> None:
        """Let a spare import and index the app."""
        self._process.begin()

    def discard(self) -> None:
        """End a spare that will not be needed, without waiting for it."""
        self._process.kill()
        self._process.release()
        self._process.listen(lambda source, lines: None, lambda code: None)  # until it is gone

    @property
    def ended(self) -> bool:
        """Whether the process is known to have ended, also before `start`."""
        return self._process.ended

    async def modules(self) -> list[str]:
        """Ask which modules it has imported that are not the app's."""
        self._modules = asyncio.get_running_loop().create_future()
        self._send({"kind": "modules"})
        return list((await self._ending.unless(self._modules))["names"])

    @property
    def closed(self) -> asyncio.Future[ExitInfo]:
        return self._ending.closed

    @property
    def running(self) -> int:
        return len(self._calls)

    @property
    def pids(self) -> tuple[int, ...]:
        return (self._process.pid,) if self._ending.info is None else ()

    async def start(self) -> WorkerInfo:
        loop = asyncio.get_running_loop()
        self._hello = loop.create_future()
        self._index = loop.create_future()
        _ = self.closed
        self._listen(loop)
        try:
            # Known from now on: when the worker has ended, what it said before is still to be read.
            self._connection = connection = Connection(self._receive, self._disconnected)
            # Left in the arguments when the debugger calls the editor instead of listening.
            waits_for_debugger = "--wait-for-client" in self._interpreter.arguments
            async with asyncio.timeout(None if waits_for_debugger else _START_TIMEOUT):
                await connection.open(self._process)
                hello = await self._hello
            return self._info(hello)
        except TimeoutError:
            await self.aclose(0)
            raise WorkerStartError(
                f"the worker ({self._interpreter.executable}) did not answer within"
                f" {_START_TIMEOUT:.0f} s",
                hint=f"see whether that {program_of(self._interpreter).title} starts on its own",
            ) from None
        except BaseException:
            await self.aclose(0)
            raise

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        self._process.listen(through_loop(loop, told_to(self._sink)), in_loop(loop, self._exited))

    def _info(self, hello: Header) -> WorkerInfo:
        if hello.get("protocol") != PROTOCOL:
            raise WorkerStartError(
                f"the worker speaks protocol {hello.get('protocol')}, this host {PROTOCOL}",
                hint="reinstall funcemu: its files are of different versions",
            )
        error = hello.get("error")
        if error:
            raise WorkerStartError(error["message"], hint=error["hint"] or None)
        return WorkerInfo(
            language=self._interpreter.language,
            version=hello["version"],
            executable=hello["executable"],
            sdk_version=hello["sdk"],
            pid=hello["pid"],
            debug_port=hello.get("debug"),
        )

    async def index(self) -> Index:
        assert self._index is not None, "start() comes first"
        try:
            return index_of(await self._ending.unless(self._index))
        except WorkerLost as error:
            if self._ending.asked:
                raise
            # The app's own code ended the process, so this is a mistake of the app.
            return Index(error=FunctionError("WorkerLost", error.message))

    async def load(self, loads: Sequence[FunctionLoad]) -> Mapping[str, FunctionError]:
        answer: asyncio.Future[Header] = asyncio.get_running_loop().create_future()
        self._loads_sent += 1
        self._loads[self._loads_sent] = answer
        message = load_message(loads)
        message["seq"] = self._loads_sent
        self._send(message)
        try:
            loaded = await self._ending.unless(answer)
        finally:
            self._loads.pop(message["seq"], None)
        return {name: failure_of(each) for name, each in loaded["errors"].items()}

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        connection = self._connection
        if self._ending.info is not None or connection is None:
            raise self._ending.error()
        call_id = invocation.id
        answer = self._calls.begin(call_id, connection.loop)
        sent = False
        try:
            if connection.full is not None:
                await connection.drained()
            connection.send(*invoke_message(invocation))
            sent = True
            return await answer
        except WireError as error:
            return InvocationResult(error=_too_large(error))
        finally:
            if self._calls.give_up(call_id, sent=sent):
                self._send({"kind": "cancel", "id": call_id})

    async def stream(
        self, invocation: Invocation, body: AsyncIterator[bytes], respond: ResponseStream
    ) -> InvocationResult:
        connection = self._connection
        if self._ending.info is not None or connection is None:
            raise self._ending.error()
        call_id = invocation.id
        answer = self._calls.begin(call_id, connection.loop)
        exchange = Exchange(call_id, connection.send, body=body, respond=respond)
        self._exchanges[call_id] = exchange
        sent = False
        try:
            header, blobs = invoke_message(invocation)
            connection.send({**header, "stream": True}, blobs)
            sent = True
            return await exchange.run(answer)
        except WireError as error:
            return InvocationResult(error=_too_large(error))
        finally:
            del self._exchanges[call_id]
            if self._calls.give_up(call_id, sent=sent):
                self._send({"kind": "cancel", "id": call_id})

    async def cancel(self, invocation_id: str) -> None:
        if invocation_id in self._calls:
            self._send({"kind": "cancel", "id": invocation_id})

    async def let_go(self, invocation_id: str, grace: float) -> bool:
        return await self._calls.let_go(invocation_id, grace, self.cancel)

    async def abandon(self, invocation_id: str, grace: float) -> None:
        if not await self.let_go(invocation_id, grace):
            await self._ending.abandon(self._process)

    async def drain(self, seconds: float) -> bool:
        return await self._calls.drain(seconds)

    async def aclose(self, grace: float = 2.0) -> None:
        closed = self.closed
        if not self._ending.ask():
            await asyncio.wait([closed])
            return
        if self._hello is None:  # spawned, but never started
            self._listen(closed.get_loop())
        elif not closed.done() and grace > 0:
            self._send({"kind": "stop", "grace": grace})
            await asyncio.wait([closed], timeout=grace)
        await self._ending.enforce(self._process)
        self._process.release()
        self._ended(ExitInfo(None, tuple(self._process.tail), expected=True))

    def _kill(self, reason: str) -> None:
        self._ending.kill(self._process, reason)

    def _send(self, header: Header) -> None:
        if self._connection is not None and self._ending.info is None:
            self._connection.send(header)

    def _receive(self, header: Header, blobs: Sequence[bytes]) -> None:
        kind = header["kind"]
        if kind == "result":
            self._calls.answered(
                header["id"], result_of(header, blobs), still_running="still" in header
            )
        elif kind == "log":
            self._sink(log_of(header))
        elif kind == "hello" and self._hello is not None:
            _resolve(self._hello, header)
        elif kind == "indexed" and self._index is not None:
            _resolve(self._index, header)
        elif kind == "loaded":
            _resolve(self._loads.get(header["seq"]), header)
        elif kind == "modules":
            _resolve(self._modules, header)
        elif kind == "loading":
            self._loading.at(header["place"])
        elif kind in ("head", "chunk", "more"):
            if header["id"] in self._exchanges:
                self._exchanges[header["id"]].take(header, blobs)
        elif kind == "ended":
            self._calls.ended(header["id"])
        elif kind == "error":
            raise WorkerProtocolError(f"the worker did not understand: {header.get('message')}")
        else:
            raise WorkerProtocolError(
                f"the worker sent a message of kind {kind!r}, which protocol {PROTOCOL} does not"
                " know"
            )

    def _disconnected(self, error: Exception | None) -> None:
        """The worker closed its end, or broke the protocol: it is of no use any more."""
        if self._ending.exit is not None:
            self._ended(self._ending.exit)
        elif error is not None:
            self._kill(str(error))
        elif not self._ending.asked:
            self.closed.get_loop().call_later(HANGS, self._kill, HUNG_UP)

    def _exited(self, code: int) -> None:
        """Its last answers may still be in the connection: they count."""
        info = self._ending.exited(code, self._process.tail)
        if self._connection is None or self._connection.lost:
            self._ended(info)
        else:
            self.closed.get_loop().call_later(EOF_WAIT, self._ended, info)

    def _ended(self, info: ExitInfo) -> None:
        if self._ending.info is not None:
            return
        self._ending.info = info
        self._loading.at(None)
        self._calls.fail(self._ending.error)
        if self._hello is not None and not self._hello.done():
            self._hello.set_exception(self._not_started(info))
            self._hello.exception()  # start() may not be waiting for it any more
        if self._connection is not None:
            self._connection.close()  # what the app has started may hold the other end
        if not self.closed.done():
            self.closed.set_result(info)

    def _not_started(self, info: ExitInfo) -> WorkerStartError:
        program = program_of(self._interpreter)
        for line in info.tail:
            if line.startswith(_TOO_OLD):
                return WorkerStartError(
                    line[len(_TOO_OLD) :],
                    hint=f"choose a newer {program.title} {program.chosen}",
                )
        tail = "\n".join(info.tail)
        return WorkerStartError(
            f"the worker ({self._interpreter.executable}, {self._interpreter.reason})"
            f" {describe_exit(info)} before it was ready" + (f":\n{tail}" if tail else ""),
            hint=f"see whether that is a working {program.title} {program.oldest} or newer",
        )


def _too_large(error: WireError) -> FunctionError:
    told = f"what the function is given is too large: {error}; data in bytes may be larger"
    return FunctionError("ValueError", told)


def _resolve(future: asyncio.Future[Header] | None, header: Header) -> None:
    if future is not None and not future.done():
        future.set_result(header)
