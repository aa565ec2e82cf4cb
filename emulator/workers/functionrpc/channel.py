"""An official worker in a process of its own, spoken with over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from emulator.errors import WorkerLost, WorkerProtocolError, WorkerStartError
from emulator.model import FunctionError, Invocation, InvocationResult
from emulator.workers.calls import Calls
from emulator.workers.channel import (
    AppSpec,
    ExitInfo,
    FunctionLoad,
    Index,
    LogSink,
    ResponseStream,
    RpcWorker,
    WorkerInfo,
)
from emulator.workers.ending import EOF_WAIT, HANGS, HUNG_UP, Ending, describe_exit
from emulator.workers.functionrpc.answers import Answers
from emulator.workers.functionrpc.app import RpcApp
from emulator.workers.functionrpc.failures import failure_of
from emulator.workers.functionrpc.launch import RpcProcess
from emulator.workers.functionrpc.link import Link
from emulator.workers.functionrpc.logs import log_of
from emulator.workers.functionrpc.messages import Messages
from emulator.workers.functionrpc.places import Places
from emulator.workers.functionrpc.protocol import Protocol
from emulator.workers.functionrpc.proxy import (
    Begun,
    HttpProxy,
    WholeResponse,
    http_request,
    outcome,
    taken_apart,
)
from emulator.workers.functionrpc.scriptstacks import last_words
from emulator.workers.languages import runtime_title
from emulator.workers.loops import in_loop, through_loop
from emulator.workers.output import told_to

_DEBUGGED = ("--wait-for-client", "--inspect-brk", "--inspect-wait", "suspend=y")


class RpcChannel:
    """Speaks with one official worker. `spawn` it early, `start` it once there is a loop."""

    def __init__(
        self, process: RpcProcess, worker: RpcWorker, sink: LogSink, *, fetches: bool = False
    ) -> None:
        self._process = process
        self._worker = worker
        self._sink = sink
        self._places = Places(worker.directory, process.folder)
        self._messages: Messages | None = None
        self._link: Link | None = None
        self._proxy: HttpProxy | None = None
        self._ending = Ending()
        self._answers = Answers(self._ending)
        self._calls = Calls()
        self._accepts: dict[str, str] = {}
        self._app = RpcApp(
            worker,
            printed=process.child.tail,
            ending=self._ending,
            answers=self._answers,
            places=self._places,
            spoken=self._spoken,
            fetches=fetches,
        )

    @classmethod
    def spawn(cls, spec: AppSpec, worker: RpcWorker, sink: LogSink) -> RpcChannel:
        """Start the process; it connects to a socket that is there, and served by `start`."""
        return cls(RpcProcess(spec, worker), worker, sink, fetches=spec.managed_dependencies)

    @property
    def closed(self) -> asyncio.Future[ExitInfo]:
        return self._ending.closed

    @property
    def running(self) -> int:
        return len(self._calls)

    @property
    def pids(self) -> tuple[int, ...]:
        return (self._process.child.pid,) if self._ending.info is None else ()

    # Start

    async def start(self) -> WorkerInfo:
        loop = asyncio.get_running_loop()
        worker = self._worker
        _ = self.closed
        arguments = " ".join((*worker.arguments, *worker.worker_arguments))
        debugged = any(each in arguments for each in _DEBUGGED)
        protocol = Protocol()
        self._messages = messages = Messages(protocol, self._places)
        connected = self._answers.expect("start_stream")
        initialized = self._answers.expect("worker_init_response")
        self._listen(loop)
        self._link = link = Link(
            self._process.listening,
            self._process.worker_id,
            protocol,
            on_message=self._receive,
            on_lost=self._disconnected,
            on_broken=self._broken,
        )
        try:
            await link.serve()
            await self._in_time(
                connected, None if debugged else worker.startup_timeout, "did not connect"
            )
            link.send(messages.init(self._process.request_id))
            # Most load the app now, so a process that ends has been ended by the app's own code.
            response = await self._in_time(
                initialized, None if debugged else worker.initialization_timeout, "did not answer"
            )
        except WorkerLost as error:
            if self._ending.asked:
                await self.aclose(0)
                raise
            self._app.began(FunctionError("WorkerLost", error.message))
            return self._info(protocol.message("WorkerInitResponse")())
        except BaseException:
            await self.aclose(0)
            raise
        # One with an empty value is none.
        messages.capabilities = {name: said for name, said in response.capabilities.items() if said}
        self._app.began(failure_of(response.result, self._places))
        uri = messages.capabilities.get("HttpUri")
        if uri:
            self._proxy = HttpProxy(uri)
        return self._info(response)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        self._process.listen(through_loop(loop, told_to(self._sink)), in_loop(loop, self._exited))

    def _info(self, response: Any) -> WorkerInfo:
        metadata = response.worker_metadata
        return WorkerInfo(
            language=self._worker.language,
            version=metadata.runtime_version or self._worker.runtime_version,
            executable=self._worker.executable,
            sdk_version=None,
            pid=self._process.child.pid,
            worker_version=metadata.worker_version or response.worker_version,
            worker_directory=str(self._worker.directory),
        )

    async def _in_time(self, answer: asyncio.Future[Any], seconds: float | None, what: str) -> Any:
        try:
            return await self._answers.within(answer, seconds)
        except TimeoutError:
            tail = "\n".join(self._process.child.tail)
            raise WorkerStartError(
                f"the worker for {runtime_title(self._worker.language)}"
                f" ({self._worker.directory}) {what} within {seconds:.0f} s"
                + (f"; it said:\n{tail}" if tail else ""),
                hint="see whether it is made for this version of its language",
            ) from None
        except WorkerLost:
            if self._ending.asked or self._ending.info is None:
                raise
            if "start_stream" not in self._answers and not self._ending.info.reason:
                raise
            raise self._not_started(self._ending.info) from None

    # The app

    async def index(self) -> Index:
        return await self._app.index(streams=self._proxy is not None)

    async def load(self, loads: Sequence[FunctionLoad]) -> Mapping[str, FunctionError]:
        return await self._app.load(loads)

    # Calls

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        request = http_request(invocation)
        if self._proxy is not None and request is not None:
            # Streams that nobody can take: the body comes whole, and so does the response.
            whole = WholeResponse()
            return whole.given_with(await self.stream(*taken_apart(invocation), whole))
        messages, link = self._spoken()
        function = self._app.callable(invocation.function)
        if isinstance(function, FunctionError):
            return InvocationResult(error=function)
        message = messages.invoke(invocation, function)
        answer = self._calls.begin(invocation.id, self.closed.get_loop())
        if request is not None and "accept" in request.headers:
            self._accepts[invocation.id] = request.headers["accept"]
        sent = False
        try:
            await link.send_when_ready(message)
            sent = True
            return await answer
        finally:
            self._accepts.pop(invocation.id, None)
            if self._calls.give_up(invocation.id, sent=sent):
                self._cancel(invocation.id)

    async def stream(
        self, invocation: Invocation, body: AsyncIterator[bytes], respond: ResponseStream
    ) -> InvocationResult:
        messages, link = self._spoken()
        request = http_request(invocation)
        if self._proxy is None or request is None:
            raise WorkerProtocolError("the worker has not said where it serves HTTP")
        function = self._app.callable(invocation.function)
        if isinstance(function, FunctionError):
            return InvocationResult(error=function)
        message = messages.invoke(invocation, function, proxied=True)
        answer = self._calls.begin(invocation.id, self.closed.get_loop())
        forwarding: asyncio.Task[None] | None = None
        sent = False
        try:
            await link.send_when_ready(message)
            sent = True
            begun = Begun(respond)
            forwarding = asyncio.create_task(
                self._proxy.forward(invocation.id, request, body=body, respond=begun)
            )
            result = await outcome(answer, forwarding, begun=begun.told)
            if result.error is None and not begun.told.done():
                forwarding.cancel()  # a response that comes now comes too late
                await begun.start(204, ())
                begun.complete()
            return result
        finally:
            if forwarding is not None:
                forwarding.cancel()
                await asyncio.gather(forwarding, return_exceptions=True)
            if self._calls.give_up(invocation.id, sent=sent):
                self._cancel(invocation.id)

    async def cancel(self, invocation_id: str) -> None:
        if invocation_id in self._calls:
            self._cancel(invocation_id)

    def _cancel(self, call_id: str) -> None:
        """Others than .NET's worker do not know the message, and some die of what they do not."""
        if self._ending.info is None and self._messages is not None and self._link is not None:
            if "HandlesInvocationCancelMessage" in self._messages.capabilities:
                self._link.send(self._messages.cancel(call_id))

    async def let_go(self, invocation_id: str, grace: float) -> bool:
        return await self._calls.let_go(invocation_id, grace, self.cancel)

    async def abandon(self, invocation_id: str, grace: float) -> None:
        if not await self.let_go(invocation_id, grace):
            await self._ending.abandon(self._process.child)

    # End

    async def drain(self, seconds: float) -> bool:
        return await self._calls.drain(seconds)

    async def aclose(self, grace: float = 2.0) -> None:
        closed = self.closed
        if not self._ending.ask():
            await asyncio.wait([closed])
            return
        child = self._process.child
        if self._link is None:  # spawned, but never started
            self._listen(closed.get_loop())
        elif grace > 0 and self._says_when_to_end() and not closed.done():
            self._link.send(self._spoken()[0].terminate(grace))
            await asyncio.wait([closed], timeout=min(grace, self._worker.shutdown_timeout))
        await self._ending.enforce(child)
        self._ended(ExitInfo(None, tuple(child.tail), expected=True))
        if self._link is not None:
            await self._link.close()
        else:
            self._process.listening.close()
        if self._proxy is not None:
            await self._proxy.close()
        child.close_stdin()

    def _says_when_to_end(self) -> bool:
        return (
            self._messages is not None
            and "HandlesWorkerTerminateMessage" in self._messages.capabilities
        )

    def _kill(self, reason: str) -> None:
        self._ending.kill(self._process.child, reason)

    # What comes from the worker

    def _receive(self, message: Any) -> None:
        kind = message.WhichOneof("content")
        try:
            match kind:
                case "invocation_response":
                    self._answered(message.invocation_response)
                case "rpc_log":
                    self._logged(message.rpc_log)
                case "function_load_response":
                    self._app.loaded(message.function_load_response)
                case "function_load_response_collection":
                    for each in message.function_load_response_collection.function_load_responses:
                        self._app.loaded(each)
                case "start_stream" | "worker_init_response" | "function_metadata_response":
                    self._answers.came(kind, getattr(message, kind))
                case _:
                    pass  # what newer workers say asks nothing of a host that does not know it
        except WorkerProtocolError as error:
            self._kill(error.message)

    def _answered(self, response: Any) -> None:
        assert self._messages is not None
        call_id = response.invocation_id
        try:
            result = self._messages.result_of(response, self._accepts.get(call_id, ""))
        except (WorkerProtocolError, ValueError) as error:
            result = InvocationResult(error=FunctionError(type(error).__name__, str(error)))
        self._calls.answered(call_id, result, still_running=False)

    def _logged(self, log: Any) -> None:
        line = log_of(log)
        told = None if line is None else self._app.heard(line)
        if told is not None:
            self._sink(told)

    def _disconnected(self) -> None:
        if self._ending.exit is not None:
            self._ended(self._ending.exit)
        elif not self._ending.asked:
            self.closed.get_loop().call_later(HANGS, self._kill, HUNG_UP)

    def _broken(self, error: Exception) -> None:
        self._kill(f"nothing more could be sent to it ({type(error).__name__}: {error})")

    def _exited(self, code: int) -> None:
        """Its last answers may still be in the connection: they count."""
        info = self._ending.exited(code, last_words(self._process.child.tail, self._places))
        if self._link is None or self._link.lost:
            self._ended(info)
        else:
            self.closed.get_loop().call_later(EOF_WAIT, self._ended, info)

    def _ended(self, info: ExitInfo) -> None:
        if self._ending.info is not None:
            return
        self._ending.info = info
        self._calls.fail(self._ending.error)
        if self._link is not None:
            self._link.shut()  # nobody need close a channel whose worker has ended by itself
        if self._proxy is not None:
            self._proxy.shut()
        if not self.closed.done():
            self.closed.set_result(info)

    def _spoken(self) -> tuple[Messages, Link]:
        if self._ending.info is not None or self._messages is None or self._link is None:
            raise self._ending.error()
        return self._messages, self._link

    def _not_started(self, info: ExitInfo) -> WorkerStartError:
        tail = "\n".join(info.tail)
        return WorkerStartError(
            f"the worker for {runtime_title(self._worker.language)} ({self._worker.directory},"
            f" {self._worker.reason}) {describe_exit(info)} before it was ready"
            + (f":\n{tail}" if tail else ""),
            hint=f"see whether {self._worker.executable} is of a version it works with",
        )
