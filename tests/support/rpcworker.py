"""A worker that speaks gRPC, run as a script: our own way to run Python behind Azure's protocol.

What is in `RPC_WORKER` (JSON) makes it behave like one official worker or another:
`capabilities` it advertises, and `does`, a list of what it does otherwise than well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

_ROOT = str(Path(__file__).resolve().parents[2])
if __name__ == "__main__":
    sys.path[0] = _ROOT  # not this folder, whose names are not the app's to find

from aiohttp import web  # noqa: E402
from grpclib.client import Channel, StreamStreamMethod  # noqa: E402
from grpclib.config import Configuration  # noqa: E402

from emulator.model import (  # noqa: E402
    BindingModel,
    Datum,
    Direction,
    FunctionError,
    FunctionModel,
    Invocation,
    InvocationResult,
    RetryContext,
    TraceContext,
)
from emulator.workers.channel import AppSpec, FunctionLoad, WorkerLog  # noqa: E402
from emulator.workers.functionrpc.protocol import Protocol  # noqa: E402
from emulator.workers.functionrpc.schema import STREAM_METHOD  # noqa: E402
from emulator.workers.inprocess import InProcessChannel  # noqa: E402
from tests.support.rpcvalues import give, take  # noqa: E402

_LEVELS = ("Trace", "Debug", "Information", "Warning", "Error", "Critical")
_FAILURE, _SUCCESS = 0, 1


def says_it_is_old(log: Any) -> None:
    log.message, log.level, log.log_category = "Python reached EOL.", 4, 1


class Worker:
    """One connection and the app behind it."""

    def __init__(self, arguments: Any) -> None:
        wanted = json.loads(os.environ.get("RPC_WORKER", "{}"))
        self.does = set(wanted.get("does", ()))
        self.capabilities = wanted.get("capabilities", {})
        self.arguments = arguments
        self.protocol = Protocol()
        self.app = InProcessChannel(
            AppSpec(Path.cwd(), dict(os.environ), wanted.get("script", "function_app.py")),
            self.logged,
        )
        self.functions: dict[str, str] = {}
        self.failed_functions: set[str] = set()
        self.loaded: dict[str, Any] = {}
        self.fetches = False
        self.outbox: asyncio.Queue[Any] = asyncio.Queue()
        self.tasks: set[asyncio.Task[None]] = set()
        self.served: dict[str, asyncio.Future[InvocationResult]] = {}

    def say(self, **content: Any) -> Any:
        message = self.protocol.StreamingMessage(request_id=self.arguments.request)
        for name, fill in content.items():
            getattr(message, name).SetInParent()
            fill(getattr(message, name))
        self.outbox.put_nowait(message)
        return message

    async def run(self) -> None:
        kind = self.protocol.StreamingMessage
        window = Configuration(http2_connection_window_size=8 << 20)
        self.channel = Channel("127.0.0.1", self.arguments.port, config=window)
        method: Any = StreamStreamMethod(self.channel, STREAM_METHOD, kind, kind)
        async with method.open() as stream:
            await stream.send_request()
            if "silence" in self.does:
                await asyncio.Event().wait()
            worker_id = "somebody else" if "wrong id" in self.does else self.arguments.worker
            self.say(start_stream=lambda it: setattr(it, "worker_id", worker_id))
            self.sending = asyncio.create_task(self.send(stream))
            try:
                async for message in stream:
                    self.received(message)
            finally:
                self.sending.cancel()
                if "hangs up" in self.does:
                    await asyncio.Event().wait()
        self.channel.close()

    async def send(self, stream: Any) -> None:
        while True:
            await stream.send_message(await self.outbox.get())

    def received(self, message: Any) -> None:
        kind = message.WhichOneof("content")
        handler = getattr(self, f"on_{kind}", None)
        if handler is None or f"dies of {kind}" in self.does:
            print(f"unknown message {kind}", file=sys.stderr, flush=True)
            os._exit(3)  # as Java's worker does
        task = asyncio.get_running_loop().create_task(self.handle(handler, getattr(message, kind)))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def handle(self, handler: Any, content: Any) -> None:
        try:
            await handler(content)
        except Exception:
            traceback.print_exc()
            os._exit(4)

    # What the host asks

    async def on_worker_init_request(self, request: Any) -> None:
        if "no init" in self.does:
            return
        if "hangs up" in self.does:
            self.sending.cancel()
            self.channel.close()
            return
        await self.app.start()
        if "is too old" in self.does:
            self.say(rpc_log=says_it_is_old)
        if "http" in self.does:
            self.capabilities = {**self.capabilities, "HttpUri": await self.serve_http()}
        index = await self.app.index()

        def fill(it: Any) -> None:
            it.capabilities.update(self.capabilities)
            it.worker_metadata.runtime_name = "python"
            it.worker_metadata.runtime_version = "{}.{}.{}".format(*sys.version_info[:3])
            it.worker_metadata.worker_version = "1.2.3"
            it.result.status = _SUCCESS
            if "fails at init" in self.does and index.error is not None:
                self.failed(it.result, index.error)

        self.say(worker_init_response=fill)

    async def on_functions_metadata_request(self, request: Any) -> None:
        index = await self.app.index()

        def fill(it: Any) -> None:
            it.result.status = _SUCCESS
            if index.error is not None:
                if "swallows errors" in self.does:
                    print(index.error.stack, file=sys.stderr, flush=True)
                    it.use_default_metadata_indexing = True
                else:
                    self.failed(it.result, index.error)
                return
            it.use_default_metadata_indexing = not index.functions
            for each in index.functions or ():
                listed = it.function_metadata_results.add(
                    name=each.name,
                    directory=each.directory,
                    script_file=each.script_file,
                    entry_point=each.entry_point,
                    raw_bindings=[json.dumps(dict(raw)) for raw in each.bindings],
                    function_id=f"id-of-{each.name}",
                    language="python",
                )
                if "cannot read" in self.does and each.name == "bad":
                    self.failed(listed.status, FunctionError("ValueError", "no such trigger"))
                if "only names" in self.does and each.name == "bad":
                    del listed.raw_bindings[:]
                if each.retry is not None:
                    listed.retry_options.max_retry_count = int(each.retry["max_retry_count"])
                    listed.retry_options.retry_strategy = 1
                    listed.retry_options.delay_interval.FromSeconds(1)

        self.say(function_metadata_response=fill)

    async def on_function_load_request(self, request: Any) -> None:
        error = await self.load(request)
        self.say(function_load_response=lambda it: self.answer_load(it, request, error))

    async def on_function_load_request_collection(self, requests: Any) -> None:
        loaded = [
            (each, await self.load(each)) for each in reversed(requests.function_load_requests)
        ]

        def fill(it: Any) -> None:
            for request, error in loaded:
                self.answer_load(it.function_load_responses.add(), request, error)

        self.say(function_load_response_collection=fill)

    async def on_invocation_request(self, request: Any) -> None:
        if (
            request.function_id not in self.functions
            or request.function_id in self.failed_functions
        ):
            print(f"unknown function {request.function_id}", file=sys.stderr, flush=True)
            os._exit(5)  # Azure's host calls no function that could not be loaded
        call = self.invocation(request)
        result = await self.call(request, call)

        def fill(it: Any) -> None:
            it.invocation_id = request.invocation_id
            it.result.status = _SUCCESS
            if result.error is not None:
                self.failed(it.result, result.error)
                return
            if not result.return_value.is_none:
                give(it.return_value, result.return_value)
            for name, value in result.outputs.items():
                give(it.output_data.add(name=name).data, value)

        self.logged(WorkerLog("Debug", "called", call.id, "worker", "azure_functions_worker"))
        self.say(invocation_response=fill)

    async def on_invocation_cancel(self, request: Any) -> None:
        await self.app.cancel(request.invocation_id)

    async def on_worker_terminate(self, request: Any) -> None:
        print(f"asked to end within {request.grace_period.ToMilliseconds()} ms", flush=True)
        await self.app.aclose(0.5)
        os._exit(0)

    # The app

    async def load(self, request: Any) -> FunctionError | None:
        metadata = request.metadata
        self.functions[request.function_id] = metadata.name
        if "echo" in self.does:
            self.loaded[metadata.name] = metadata
            self.fetches = request.managed_dependency_enabled
            return None
        index = await self.app.index()
        decorated = metadata.name in {each.name for each in index.functions or ()}
        raw = [json.loads(each) for each in metadata.raw_bindings]
        script = metadata.script_file
        if not decorated:
            script = os.path.relpath(script, metadata.directory)
        bindings = tuple(
            BindingModel(
                each["name"],
                each["type"],
                Direction(str(each["direction"]).lower()),
                str(each["dataType"]).lower() if "dataType" in each else None,  # type: ignore[arg-type]
                each,
            )
            for each in raw
        )
        model = FunctionModel(
            metadata.name,
            bindings,
            Path(metadata.directory),
            script,
            metadata.entry_point,
            "v2" if decorated else "v1",
        )
        errors = await self.app.load([FunctionLoad(model)])
        return errors.get(metadata.name)

    def answer_load(self, response: Any, request: Any, error: FunctionError | None) -> None:
        response.function_id = request.function_id
        response.result.status = _SUCCESS
        if "empty load answers" in self.does:
            response.result.Clear()
        elif error is not None:
            self.failed_functions.add(request.function_id)
            self.failed(response.result, error)

    async def call(self, request: Any, call: Invocation) -> InvocationResult:
        if "echo" in self.does:
            return InvocationResult(Datum("text", json.dumps(self.echo(request, call))))
        if "http" not in self.does:
            return await self.app.invoke(call)
        return await self.over_http(call.id)

    def echo(self, request: Any, call: Invocation) -> dict[str, Any]:
        """Tell how the function was loaded and called, whatever language it is in."""
        metadata = self.loaded[call.function]
        return {
            "script": metadata.script_file,
            "entry": metadata.entry_point,
            "directory": metadata.directory,
            "language": metadata.language,
            "fetches": self.fetches,
            "inputs": {each.name: each.data.WhichOneof("data") for each in request.input_data},
            "metadata": {
                name: getattr(each, each.WhichOneof("data"))
                for name, each in sorted(request.trigger_metadata.items())
                if each.WhichOneof("data") != "http" and name not in ("Headers",)
            },
            "runtime": os.environ.get("FUNCTIONS_WORKER_RUNTIME"),
            "folders": [os.environ["FUNCTIONS_APPLICATION_DIRECTORY"], os.getcwd()],
        }

    def invocation(self, request: Any) -> Invocation:
        retry = None
        if request.HasField("retry_context"):
            said = request.retry_context
            error = None
            if said.HasField("exception"):
                kind, _, message = said.exception.message.partition(": ")
                error = FunctionError(kind, message, said.exception.stack_trace)
            retry = RetryContext(said.retry_count, said.max_retry_count, error)
        trace = request.trace_context
        return Invocation(
            request.invocation_id,
            self.functions[request.function_id],
            {each.name: take(each.data) for each in request.input_data},
            {name: take(each) for name, each in request.trigger_metadata.items()},
            TraceContext(trace.trace_parent, trace.trace_state),
            retry,
        )

    # What it says

    def failed(self, result: Any, error: FunctionError) -> None:
        result.Clear()
        result.status = _FAILURE
        result.exception.message = error.title
        result.exception.stack_trace = error.stack
        if "report text" in self.does:
            text = f"Result: Failure\nException: {error.title}\nStack: {error.stack}"
            result.exception.Clear()
            result.result = text

    def logged(self, log: WorkerLog) -> None:
        if log.source in ("stdout", "stderr"):
            print(log.message, file=getattr(sys, log.source), flush=True)
            return

        def fill(it: Any) -> None:
            it.level = _LEVELS.index(log.level)
            it.message = log.message
            it.category = log.logger
            it.invocation_id = log.invocation_id or ""
            it.log_category = int(log.source == "worker")

        self.say(rpc_log=fill)

    # HTTP of its own

    async def serve_http(self) -> str:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await self.answer_http(request)

        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def answer_http(self, request: web.BaseRequest) -> web.StreamResponse:
        """Tell what came, and take a body of any length without keeping it."""
        call_id = request.headers["x-ms-invocation-id"]
        length = 0
        async for chunk in request.content.iter_any():
            length += len(chunk)
        if "nothing" in request.path:
            self.over_http(call_id).set_result(InvocationResult())
            await asyncio.Event().wait()
        response = web.StreamResponse(status=201, headers={"x-length": str(length)})
        response.headers["x-host"] = request.headers["x-forwarded-host"]
        response.headers["x-proto"] = request.headers["x-forwarded-proto"]
        await response.prepare(request)
        for at in range(3):
            await response.write(f"{request.path_qs} {at};".encode())
        await response.write_eof()
        error = FunctionError("ValueError", "after all") if "fail" in request.path else None
        self.over_http(call_id).set_result(InvocationResult(error=error))
        return response

    def over_http(self, call_id: str) -> asyncio.Future[InvocationResult]:
        """Return what tells how a call went; the call and its request come in any order."""
        if call_id not in self.served:
            self.served[call_id] = asyncio.get_running_loop().create_future()
        return self.served[call_id]


def started_with() -> Any:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--workerId", dest="worker")
    parser.add_argument("--requestId", dest="request")
    return parser.parse_known_args()[0]


if __name__ == "__main__":
    asyncio.run(Worker(started_with()).run())
